#include "proxy/note.h"

#include <string.h>

#include "base/check.h"
#include "proxy/access/access.h"
#include "proxy/lex.h"
#include "proxy/tls/tls_io.h"

#define FIRST_LINE_MAX 256 /* of what could not be read */
#define USER_ROOM      65  /* a name and its colon */

/* The texts of a record, gathered before it is known whether there is room for them. */
struct texts {
    const char *p[N_ACCESS_TEXTS];
    uint16_t len[N_ACCESS_TEXTS];
    uint32_t wanted; /* bits of those that some line shows */
    char user[USER_ROOM];
    uint8_t fields[ACCESS_FIELDS_BYTES];
};

static const uint16_t text_max[N_ACCESS_TEXTS] = {
#define X(sym, max) max,
    ACCESS_TEXTS(X)
#undef X
};

/* Not zeroed: it is large, and what has no length is not looked at. */
static void texts_init(struct texts *t, const struct access_list *list)
{
    memset(t->len, 0, sizeof(t->len));
    t->wanted = list->texts;
}

static void set_text(struct texts *t, enum access_text_id id, const char *p, size_t n)
{
    if ((t->wanted >> id & 1) == 0)
        return;
    t->p[id] = p;
    t->len[id] = (uint16_t)(n < text_max[id] ? n : text_max[id]);
}

static void set_string(struct texts *t, enum access_text_id id, const char *s)
{
    set_text(t, id, s, strlen(s));
}

/* Record and texts, in one piece. */
static void lay(struct worker *w, const struct access_record *r, const struct texts *t)
{
    size_t bytes = sizeof(*r);
    struct access_record *to;
    char *at;

    for (int i = 0; i < N_ACCESS_TEXTS; i++)
        bytes += t->len[i];
    to = bytering_reserve(w->log, bytes);
    if (to == NULL)
        return;
    *to = *r;
    memcpy(to->len, t->len, sizeof(to->len));
    at = (char *)(to + 1);
    for (int i = 0; i < N_ACCESS_TEXTS; i++) {
        if (t->len[i] > 0)
            memcpy(at, t->p[i], t->len[i]);
        at += t->len[i];
    }
    bytering_commit(w->log);
    access_noted_mt(w->shared->access, w->log);
}

/* ---- who it is ---- */

static void set_client(struct exchange *x, const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        memcpy(&x->from, sa, sizeof(x->from.ip4));
    else if (sa->sa_family == AF_INET6)
        memcpy(&x->from, sa, sizeof(x->from.ip6));
    else
        x->from.any.sa_family = sa->sa_family;
}

void note_begin(struct exchange *x, const struct stream_info *info)
{
    x->log = access_set_of_listener(x->pin->topology->access, info->listener);
    x->began = info->began != 0 ? info->began : x->start;
    x->tls = info->tls;
    set_client(x, info->peer);
}

static bool same_address(const struct exchange *x, const struct sockaddr *sa)
{
    const struct sockaddr_in *v4 = (const void *)sa;
    const struct sockaddr_in6 *v6 = (const void *)sa;

    if (x->from.any.sa_family != sa->sa_family)
        return false;
    if (sa->sa_family == AF_INET)
        return x->from.ip4.sin_addr.s_addr == v4->sin_addr.s_addr;
    return sa->sa_family != AF_INET6 ||
           memcmp(&x->from.ip6.sin6_addr, &v6->sin6_addr, sizeof(v6->sin6_addr)) == 0;
}

void note_routed(struct exchange *x, const struct sockaddr *client)
{
    x->log = access_set_of_service(x->pin->topology->access, x->route->service, x->log);
    if (!same_address(x, client))
        set_client(x, client); /* its port is not known, and 0 */
}

/* ---- fields ---- */

/* 32 hexadecimal digits of a traceparent (W3C Trace Context, 3.2). */
static void set_trace_id(struct texts *t, const char *p, size_t n)
{
    size_t zeros = 0;

    if (n < 55 || p[2] != '-' || p[35] != '-')
        return;
    for (size_t i = 3; i < 35; i++) {
        if (lex_hex(p[i]) < 0 || lex_lower(p[i]) != p[i])
            return;
        zeros += p[i] == '0';
    }
    if (zeros < 32)
        set_text(t, ACCESS_TRACE_ID, p + 3, 32);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Bytes of `out` up to a colon; 0: there is none, or no base64. */
static size_t decode_user(const char *p, size_t n, char *out, size_t room)
{
    uint32_t bits = 0;
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        int v = base64_value(p[i]);

        if (v < 0)
            return 0;
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 == 0)
            continue;
        out[len] = (char)(bits >> (6 - 2 * (i % 4)));
        if (out[len++] == ':')
            return len - 1;
        if (len == room)
            return 0;
    }
    return 0;
}

/* The name of basic authentication (RFC 7617), checked by whoever checks it. */
static void set_remote_user(struct texts *t, const char *p, size_t n)
{
    size_t len;

    if (n < 6 || !lex_same(p, "basic ", 6))
        return;
    len = decode_user(p + 6, n - 6, t->user, sizeof(t->user));
    if (len > 0)
        set_text(t, ACCESS_REMOTE_USER, t->user, len);
}

/* One look at each field for all that are known by name. */
static void set_known_fields(struct texts *t, const struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        const char *name = m->text + f->name, *value = msg_value(m, f);

        if (f->drop)
            continue;
        if (f->id == FIELD_USER_AGENT)
            set_text(t, ACCESS_USER_AGENT, value, f->value_len);
        else if (f->id == FIELD_X_REQUEST_ID)
            set_text(t, ACCESS_REQUEST_ID, value, f->value_len);
        else if (f->id != FIELD_OTHER)
            continue;
        else if (LEX_IS(name, f->name_len, "referer"))
            set_text(t, ACCESS_REFERER, value, f->value_len);
        else if (LEX_IS(name, f->name_len, "traceparent"))
            set_trace_id(t, value, f->value_len);
        else if (LEX_IS(name, f->name_len, "authorization"))
            set_remote_user(t, value, f->value_len);
    }
}

/* Values of configured fields, each behind its length; bytes used. */
static size_t put_fields(uint8_t *to, const struct msg *m,
                         const struct access_fields *names)
{
    uint8_t *at = to;

    for (size_t i = 0; i < names->n; i++) {
        const struct field *f = msg_find_name(m, names->names[i], strlen(names->names[i]));
        size_t n = f != NULL ? f->value_len : 0;

        if (n > ACCESS_FIELD_MAX)
            n = ACCESS_FIELD_MAX;
        *at++ = (uint8_t)(n >> 8);
        *at++ = (uint8_t)n;
        if (n > 0)
            memcpy(at, msg_value(m, f), n);
        at += n;
    }
    return (size_t)(at - to);
}

void note_answer(struct exchange *x, const struct msg *head)
{
    struct buf_block *b = x->answer_fields;

    if (x->log->response_fields.n == 0)
        return;
    if (b == NULL)
        b = x->answer_fields = buf_get(&x->w->bufs);
    _Static_assert(ACCESS_FIELDS_BYTES <= BUF_BLOCK_BYTES, "a block holds all values");
    b->to = (uint32_t)put_fields(b->data, head, &x->log->response_fields);
}

static void set_fields(struct texts *t, const struct exchange *x)
{
    const struct access_fields *names = &x->log->request_fields;

    if (names->n > 0)
        set_text(t, ACCESS_REQUEST_FIELDS, (const char *)t->fields,
                 put_fields(t->fields, &x->head, names));
    if (x->answer_fields != NULL)
        set_text(t, ACCESS_RESPONSE_FIELDS, (const char *)x->answer_fields->data,
                 x->answer_fields->to);
}

static void set_tls(struct texts *t, const struct tls_io *tls)
{
    const uint32_t mine = 1u << ACCESS_TLS_VERSION | 1u << ACCESS_TLS_CIPHER |
                          1u << ACCESS_TLS_NAME | 1u << ACCESS_TLS_SUBJECT;

    if ((t->wanted & mine) == 0)
        return;
    set_string(t, ACCESS_TLS_NAME, tls_io_name(tls));
    if (!tls_io_established(tls))
        return;
    set_string(t, ACCESS_TLS_VERSION, tls_io_version(tls));
    set_string(t, ACCESS_TLS_CIPHER, tls_io_cipher(tls));
    set_string(t, ACCESS_TLS_SUBJECT, tls_io_subject(tls));
}

/* ---- an exchange ---- */

/* A CONNECT for a WebSocket (RFC 8441), which went on as a GET with Upgrade: nothing else
 * over HTTP/2 asks for one. */
static bool is_extended_connect(const struct msg *m)
{
    return m->version == HTTP_2 && (m->flags & MSG_UPGRADE) != 0;
}

/* As the client saw it. */
static uint16_t status_of(const struct exchange *x)
{
    return x->status == 101 && x->head.version == HTTP_2 ? 200 : x->status;
}

/* "http://host/path", not "/path": what was cut off stands before the target. */
static bool is_absolute(const struct exchange *x)
{
    const struct msg *m = &x->head;

    return m->version != HTTP_2 && m->method_id != METHOD_CONNECT &&
           x->asked.off != m->method.off + m->method.len + 1;
}

static void set_texts(struct texts *t, const struct exchange *x, bool absolute)
{
    const struct msg *m = &x->head;

    set_string(t, ACCESS_LISTENER, x->listener->name);
    if (is_extended_connect(m))
        set_string(t, ACCESS_METHOD, "CONNECT");
    else
        set_text(t, ACCESS_METHOD, msg_at(m, m->method), m->method.len);
    set_text(t, ACCESS_TARGET, msg_at(m, x->asked), x->asked.len);
    if (absolute)
        t->wanted |= 1u << ACCESS_HOST;
    set_text(t, ACCESS_HOST, msg_at(m, m->authority), m->authority.len);
    if (x->service != NULL)
        set_string(t, ACCESS_SERVICE, x->service->cfg->name);
    if (x->last != NULL)
        set_string(t, ACCESS_BACKEND, x->last->addr.text);
    if (x->tls != NULL)
        set_tls(t, x->tls);
    set_known_fields(t, m);
    set_fields(t, x);
}

/* -1 where one of the two did not happen. */
static mono_us between(mono_us from, mono_us to)
{
    return from != 0 && to != 0 ? to - from : -1;
}

static void set_times(struct access_record *r, const struct exchange *x, mono_us now)
{
    bool tried = x->last != NULL || x->queue_position > 0;
    mono_us connected = between(x->routed_at, x->connected_at);

    r->began = x->began;
    r->head_us = x->start - x->began;
    r->queue_us = tried ? x->queued_us : -1;
    r->hold_us = tried && !x->cold ? 0 : r->queue_us;
    r->connect_us = connected > x->queued_us ? connected - x->queued_us
                    : connected < 0          ? -1
                                             : 0;
    r->answer_us = between(x->connected_at, x->answered_at);
    r->first_byte_us = between(x->began, x->answered_at);
    r->total_us = now - x->began;
}

/* What the client will never see was at the end of it. */
static void set_sizes(struct access_record *r, const struct exchange *x)
{
    uint64_t body = x->bytes_down + x->framing_sent, all = body + x->heads_sent;

    r->bytes_in = x->bytes_up;
    r->bytes_out = body - (x->unsent < body ? x->unsent : body);
    r->bytes_sent = all - (x->unsent < all ? x->unsent : all);
}

static void set_way(struct access_record *r, const struct exchange *x)
{
    r->tier = x->last != NULL ? x->tier : N_TIERS;
    r->attempts = (uint8_t)exchange_attempts(x);
    r->elsewhere = x->elsewhere;
    r->reached = x->connected_at != 0;
    r->h2_up = x->h2_up;
    r->queue_position = x->queue_position;
    if (x->last != NULL)
        r->backend_inflight =
            atomic_load_explicit(&x->last->shared->inflight, memory_order_relaxed);
}

void note_exchange(struct exchange *x)
{
    mono_us now = loop_now(x->w->loop);
    const struct access_case c = {.status = status_of(x),
                                  .ending = x->ending,
                                  .attempts = (uint8_t)exchange_attempts(x),
                                  .total_us = now - x->began};
    struct access_record r = {.list = x->log,
                              .want = access_set_want(x->log, &c, &x->w->rng),
                              .user = x->user,
                              .status = c.status,
                              .version = x->head.version,
                              .ending = x->ending,
                              .phase = x->phase};
    struct texts t;

    if (r.want == 0)
        return;
    texts_init(&t, x->log);
    r.tls = x->tls != NULL;
    r.absolute = is_absolute(x);
    r.https_target = (x->head.flags & MSG_HTTPS_TARGET) != 0;
    memcpy(&r.client, &x->from, sizeof(x->from));
    set_times(&r, x, now);
    set_sizes(&r, x);
    set_way(&r, x);
    set_texts(&t, x, r.absolute);
    lay(x->w, &r, &t);
}

/* ---- what never was one ---- */

/* Up to the end of the first line that is not empty. */
static void set_first_line(struct texts *t, const uint8_t *p, size_t n)
{
    const char *line = (const char *)p, *end = line + n, *stop;

    while (line < end && (*line == '\r' || *line == '\n'))
        line++;
    stop = end - line > FIRST_LINE_MAX ? line + FIRST_LINE_MAX : end;
    for (const char *at = line; at < stop; at++)
        if (*at == '\r' || *at == '\n')
            stop = at;
    set_text(t, ACCESS_TARGET, line, (size_t)(stop - line));
}

/* Enough of a head of HTTP/2 for a request line. */
static bool has_line(const struct msg *m)
{
    return m != NULL && m->method.len > 0 && m->target.len > 0;
}

static void set_line(struct texts *t, const struct msg *m)
{
    set_text(t, ACCESS_METHOD, msg_at(m, m->method), m->method.len);
    set_text(t, ACCESS_TARGET, msg_at(m, m->target), m->target.len);
    set_text(t, ACCESS_HOST, msg_at(m, m->authority), m->authority.len);
}

static void set_from(struct access_record *r, const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET)
        memcpy(&r->client, sa, sizeof(r->client.ip4));
    else if (sa->sa_family == AF_INET6)
        memcpy(&r->client, sa, sizeof(r->client.ip6));
}

void note_unread(struct worker *w, const struct note_unread *u)
{
    const struct access_set *set = w->topology->topology->access;
    mono_us total = loop_now(w->loop) - u->began;
    struct access_case c = {.status = u->status,
                            .ending = (uint8_t)u->ending,
                            .empty = u->empty,
                            .total_us = total};
    struct access_record r = {.status = u->status,
                              .ending = (uint8_t)u->ending,
                              .phase = ENDING_IN_REQUEST,
                              .version = HTTP_2,
                              .unread = !has_line(u->head),
                              .tls = u->tls != NULL,
                              .tier = N_TIERS,
                              .began = u->began,
                              .head_us = -1,
                              .queue_us = -1,
                              .hold_us = -1,
                              .connect_us = -1,
                              .answer_us = -1,
                              .first_byte_us = -1,
                              .total_us = total,
                              .bytes_out = u->body,
                              .bytes_sent = u->sent};
    struct texts t;

    r.list = set != NULL ? access_set_of_listener(set, u->listener) : NULL;
    r.want = r.list != NULL ? access_set_want(r.list, &c, &w->rng) : 0;
    if (r.want == 0)
        return;
    texts_init(&t, r.list);
    set_from(&r, u->peer);
    set_string(&t, ACCESS_LISTENER, u->listener->name);
    set_string(&t, ACCESS_FAULT, u->fault);
    if (u->tls != NULL)
        set_tls(&t, u->tls);
    if (u->head == NULL)
        set_first_line(&t, u->bytes, u->len);
    else if (has_line(u->head))
        set_line(&t, u->head);
    lay(w, &r, &t);
}

void note_no_request(struct worker *w, struct note_unread *u, enum stream_fault why)
{
    bool late = why == FAULT_TIMEOUT;

    if (u->tls != NULL && !tls_io_established(u->tls)) {
        u->ending = ENDING_NO_TLS;
        u->fault = tls_io_broken(u->tls) ? tls_io_fault_name[tls_io_fault(u->tls)]
                                         : tls_io_fault_name[TLS_IO_F_TIMEOUT];
        u->empty = !tls_io_heard(u->tls);
    } else {
        u->status = late ? 408 : 400;
        u->ending = late ? ENDING_HEAD_TIMEOUT : ENDING_HEAD_ABORT;
        u->fault = late ? "head_timeout" : "closed";
        u->empty = u->len == 0;
    }
    note_unread(w, u);
}
