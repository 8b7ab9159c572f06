/*
 * peer_fuzz.c - what we accept, another parser reads the same: the C library http-parser
 * (Debian: libhttp-parser-dev; the Makefile leaves this out where it is not installed).
 *
 * Input: kind of message, method of the request that a response answers; then the bytes.
 * Of a message that we accept it must find the same method, target, version, status,
 * fields, body and trailers, the same wish to keep the connection, and the end at the same
 * byte; one that we find unfinished it may not find complete.  What we refuse it may read
 * as it likes.
 *
 * BY DESIGN marks where it is known to differ, with the rule that we follow.  Where it
 * refuses, it has to refuse for just that reason; where it reads another message, that one
 * is left alone.
 */
#define http_method peer_method /* msg.h has an enum of that name too */
#include <http_parser.h>
#undef http_method
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/body.h"
#include "proxy/h1/head.h"
#include "proxy/lex.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define INPUT_MAX  8192
#define FIELDS_MAX 100

static const struct head_limits limits = {
    .max_head_bytes = INPUT_MAX, .max_target_bytes = INPUT_MAX, .max_fields = FIELDS_MAX};

struct text {
    size_t len;
    char s[2 * INPUT_MAX];
};

/* A message as one of the two has read it; lines are "name:value\n". */
struct message {
    struct text target, fields, trailers, body;
    char method[40];
    int major, minor, status;
    bool keep_alive, complete;
    bool in_body, any_keep_alive;
};

static struct message ours, theirs;
static char input[INPUT_MAX + 1];

static void add(struct text *t, const char *s, size_t len)
{
    MUST(len <= sizeof(t->s) - t->len);
    memcpy(t->s + t->len, s, len);
    t->len += len;
}

static bool same(const struct text *a, const struct text *b)
{
    return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

static void reset(struct message *m)
{
    memset(m, 0, offsetof(struct message, target.s));
    m->fields.len = m->trailers.len = m->body.len = 0;
    memset(m->method, 0, sizeof(*m) - offsetof(struct message, method));
}

/* ---- ours ---------------------------------------------------------------------------- */

enum outcome { REFUSED, UNFINISHED, ACCEPTED, UNTIL_CLOSE, LEFT_ALONE };

static void add_fields(struct text *to, const struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        add(to, m->text + f->name, f->name_len);
        add(to, ":", 1);
        add(to, msg_value(m, f), f->value_len);
        add(to, "\n", 1);
    }
}

static size_t count(const struct msg *m, enum field_id id)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_fields; i++)
        n += m->fields[i].id == id;
    return n;
}

/*
 * From *end on.  BY DESIGN: framing fields mean nothing in trailers, and are left out when
 * they are passed on (RFC 9110, 6.5.1); the other takes them for a second length or coding.
 */
static enum outcome read_trailers(char *in, size_t len, size_t *end)
{
    struct field fields[FIELDS_MAX];
    struct msg m = {.fields = fields, .fields_room = FIELDS_MAX};
    struct head_fault fault;
    size_t seen = 0;

    switch (head_trailers(in + *end, len - *end, &seen, &limits, &m, &fault)) {
    case HEAD_MORE:
        return UNFINISHED;
    case HEAD_BAD:
        return REFUSED;
    case HEAD_DONE:
        break;
    }
    if (count(&m, FIELD_CONTENT_LENGTH) + count(&m, FIELD_TRANSFER_ENCODING) > 0)
        return LEFT_ALONE;
    add_fields(&ours.trailers, &m);
    *end += m.text_len;
    return ACCEPTED;
}

/* *end moves from the end of the head to that of the message. */
static enum outcome read_body(const struct msg *head, char *in, size_t len, size_t *end)
{
    enum body_verdict v = BODY_V_DATA;
    const uint8_t *p;
    size_t used, n;
    struct body b;

    body_init(&b, head);
    while (v == BODY_V_DATA) {
        v = body_next(&b, (uint8_t *)in + *end, len - *end, &used, &p, &n);
        *end += used;
        if (v == BODY_V_DATA)
            add(&ours.body, (const char *)p, n);
    }
    if (v == BODY_V_TRAILERS) {
        ours.in_body = false;
        return read_trailers(in, len, end);
    }
    if (v == BODY_V_MORE)
        return head->body == BODY_CLOSE ? UNTIL_CLOSE : UNFINISHED;
    return v == BODY_V_END ? ACCEPTED : REFUSED;
}

/* The target as it was sent: reading an absolute one changes the text. */
static void add_target(const struct msg *m, const char *in)
{
    const char *from = in + m->method.off + m->method.len + 1;
    const char *to = strchr(from, ' ');

    add(&ours.target, from, (size_t)(to - from));
    memcpy(ours.method, msg_at(m, m->method), m->method.len);
}

static bool has_space_before_colon(const struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (m->text[m->fields[i].name + m->fields[i].name_len] != ':')
            return true;
    return false;
}

/* Are there several lengths?  We have taken them for one, so all are that one. */
static bool repeats_length(const struct msg *m)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        struct lex_list l = {.at = msg_value(m, f), .end = msg_value(m, f) + f->value_len};
        char *end;

        while (f->id == FIELD_CONTENT_LENGTH && lex_next(&l)) {
            MUST(l.len > 0 && lex_is(l.item[0], LEX_DIGIT));
            MUST(strtoull(l.item, &end, 10) == m->content_length);
            MUST(end == l.item + l.len);
            n++;
        }
    }
    return n > 1;
}

/* Around the value of a field that frames. */
static bool has_tab(const struct msg *m, enum field_id id)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        const char *from = m->text + f->name;
        const char *to = memchr(from, '\n', m->text_len - f->name);

        if (f->id == id && memchr(from, '\t', (size_t)(to - from)) != NULL)
            return true;
    }
    return false;
}

/* "Transfer-Encoding-X" is another field. */
static bool has_longer_name(const struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (m->fields[i].name_len > 17 &&
            lex_same(m->text + m->fields[i].name, "transfer-encoding", 17))
            return true;
    return false;
}

/*
 * BY DESIGN: a head of which the other makes another message.
 * - White space before the colon of an answer's field is for us to take away (RFC 9112,
 *   5.1); for it, a space is part of the name.
 * - A tab around a coding is white space (RFC 9110, 5.6.3); for it, part of the coding.
 * - It takes every field whose name begins with Transfer-Encoding for that one.
 */
static bool is_read_otherwise(const struct msg *m, bool response)
{
    return (response && has_space_before_colon(m)) || has_longer_name(m) ||
           has_tab(m, FIELD_TRANSFER_ENCODING);
}

static bool knows_method(void)
{
    for (int i = 0; i < 64; i++)
        if (strcmp(ours.method, http_method_str((enum peer_method)i)) == 0)
            return true;
    return false;
}

#define REFUSAL(error) (UINT64_C(1) << (error))

/*
 * BY DESIGN: for what the other may refuse a head that we accept, a bit for each error.
 * - Equal lengths, repeated or listed, are one (RFC 9112, 6.3).
 * - Any token is a method (RFC 9110, 9.1); it has a list.
 * - A tab around a length is white space (RFC 9110, 5.6.3).
 */
static uint64_t refusals(const struct msg *m, bool response)
{
    uint64_t set = 0;

    if (repeats_length(m))
        set |= REFUSAL(HPE_UNEXPECTED_CONTENT_LENGTH) | REFUSAL(HPE_INVALID_CONTENT_LENGTH);
    if (!response && !knows_method())
        set |= REFUSAL(HPE_INVALID_METHOD);
    if (has_tab(m, FIELD_CONTENT_LENGTH))
        set |= REFUSAL(HPE_INVALID_CONTENT_LENGTH);
    return set;
}

static bool is_token(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!lex_is(s[i], LEX_TCHAR))
            return false;
    return len > 0;
}

/*
 * BY DESIGN: whether the connection stays is compared for one token in Connection.  In a
 * list the other overlooks "close" behind "clos" or a non-token, and in HTTP/1.0 has
 * "keep-alive" before it (RFC 9112, 9.3, has it behind); and it reads Proxy-Connection,
 * which no RFC does.
 */
static bool stays_by_design(const struct msg *m)
{
    const struct field *f = msg_find(m, FIELD_CONNECTION);

    if (count(m, FIELD_PROXY_CONNECTION) > 0 || count(m, FIELD_CONNECTION) > 1)
        return true;
    return f != NULL && !is_token(msg_value(m, f), f->value_len);
}

static enum outcome read_ours(bool response, uint8_t method_id, size_t len, struct msg *m,
                              size_t *end)
{
    static char in[INPUT_MAX];
    static struct field fields[FIELDS_MAX];
    struct head_fault fault;
    size_t seen = 0;
    enum head_verdict v;

    reset(&ours);
    memcpy(in, input, len);
    *m = (struct msg){.fields = fields, .fields_room = FIELDS_MAX, .method_id = method_id};
    v = response ? head_response(in, len, &seen, &limits, m, &fault)
                 : head_request(in, len, &seen, &limits, m, &fault);
    if (v != HEAD_DONE)
        return v == HEAD_MORE ? UNFINISHED : REFUSED;
    if (!response)
        add_target(m, input);
    if (is_read_otherwise(m, response))
        return LEFT_ALONE;
    add_fields(&ours.fields, m);
    ours.status = m->status;
    ours.minor = m->version == HTTP_10 ? 0 : 1;
    ours.keep_alive = (m->flags & MSG_KEEP_ALIVE) != 0;
    ours.any_keep_alive = stays_by_design(m);
    ours.in_body = true;
    *end = m->text_len;
    if (m->body == BODY_TUNNEL || (!response && m->method_id == METHOD_CONNECT))
        return ACCEPTED; /* what follows is no message */
    return read_body(m, in, len, end);
}

/* ---- theirs -------------------------------------------------------------------------- */

struct peer {
    http_parser p; /* first */
    struct text *lines;
    struct text value;
    bool in_value, response;
    uint8_t method_id;
};

static struct peer peer;

/* Without the white space around it, which is not part of it (RFC 9110, 5.5). */
static void end_line(void)
{
    size_t from = 0, to = peer.value.len;

    if (!peer.in_value)
        return;
    while (from < to && lex_is(peer.value.s[from], LEX_OWS))
        from++;
    while (to > from && lex_is(peer.value.s[to - 1], LEX_OWS))
        to--;
    add(peer.lines, ":", 1);
    add(peer.lines, peer.value.s + from, to - from);
    add(peer.lines, "\n", 1);
    peer.value.len = 0;
    peer.in_value = false;
}

static int on_url(http_parser *p, const char *s, size_t len)
{
    (void)p;
    add(&theirs.target, s, len);
    return 0;
}

static int on_name(http_parser *p, const char *s, size_t len)
{
    (void)p;
    end_line();
    add(peer.lines, s, len);
    return 0;
}

static int on_value(http_parser *p, const char *s, size_t len)
{
    (void)p;
    peer.in_value = true;
    add(&peer.value, s, len);
    return 0;
}

static bool has_no_body(const http_parser *p)
{
    return peer.method_id == METHOD_HEAD || p->status_code < 200 || p->status_code == 204 ||
           p->status_code == 304;
}

/* It leaves to its user what a response has no body for (RFC 9112, 6.3): 1 for none, 2 for
 * none and no further message. */
static int on_head(http_parser *p)
{
    end_line();
    peer.lines = &theirs.trailers;
    theirs.major = p->http_major;
    theirs.minor = p->http_minor;
    theirs.status = peer.response ? (int)p->status_code : 0;
    theirs.keep_alive = http_should_keep_alive(p) != 0;
    if (!peer.response)
        strncpy(theirs.method, http_method_str((enum peer_method)p->method),
                sizeof(theirs.method) - 1);
    else if (p->status_code == 101 || (peer.method_id == METHOD_CONNECT &&
                                       p->status_code >= 200 && p->status_code < 300))
        return 2;
    else if (has_no_body(p))
        return 1;
    return 0;
}

static int on_data(http_parser *p, const char *s, size_t len)
{
    (void)p;
    add(&theirs.body, s, len);
    return 0;
}

/* One message is enough. */
static int on_complete(http_parser *p)
{
    end_line();
    theirs.complete = true;
    if (theirs.trailers.len == 0) /* it would take a Connection among them at its word */
        theirs.keep_alive = http_should_keep_alive(p) != 0;
    http_parser_pause(p, 1);
    return 0;
}

/* Bytes used; *error is HPE_OK also for a message that is complete. */
static size_t read_theirs(bool response, uint8_t method_id, size_t len,
                          enum http_errno *error)
{
    static http_parser_settings calls;
    size_t used;

    http_parser_settings_init(&calls);
    calls.on_url = on_url;
    calls.on_header_field = on_name;
    calls.on_header_value = on_value;
    calls.on_headers_complete = on_head;
    calls.on_body = on_data;
    calls.on_message_complete = on_complete;
    reset(&theirs);
    peer.lines = &theirs.fields;
    peer.value.len = 0;
    peer.in_value = false;
    peer.response = response;
    peer.method_id = method_id;
    http_parser_init(&peer.p, response ? HTTP_RESPONSE : HTTP_REQUEST);
    used = http_parser_execute(&peer.p, &calls, input, len);
    *error = HTTP_PARSER_ERRNO(&peer.p);
    if (*error == HPE_PAUSED && theirs.complete)
        *error = HPE_OK;
    return used;
}

/* ---- the comparison ------------------------------------------------------------------ */

static void compare(bool response)
{
    MUST(theirs.major == 1 && (theirs.minor > 0) == (ours.minor > 0));
    MUST(theirs.status == ours.status);
    MUST(ours.any_keep_alive || theirs.keep_alive == ours.keep_alive);
    MUST(same(&theirs.fields, &ours.fields) && same(&theirs.trailers, &ours.trailers));
    MUST(same(&theirs.body, &ours.body));
    if (!response)
        MUST(strcmp(theirs.method, ours.method) == 0 && same(&theirs.target, &ours.target));
}

/*
 * BY DESIGN: the other refuses white space behind a chunk's size when it is a tab: before
 * the ";" of an extension (RFC 9112, 7.1.1), or as a server's padding (chunk.h).
 */
static bool stumbles_over_tab(enum http_errno error, size_t used)
{
    return error == HPE_INVALID_CHUNK_SIZE && input[used] == '\t';
}

/*
 * BY DESIGN: for the other a CR and any byte end a line, also the last of a head or of
 * trailers.  We wait for the end that RFC 9112, 2.2, has, and refuse what came instead.
 */
static bool took_cr_for_an_end(size_t used)
{
    for (size_t i = 0; !ours.in_body && i + 1 < used; i++)
        if (input[i] == '\r' && input[i + 1] != '\n')
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum http_errno error;
    enum outcome o;
    struct msg m;
    size_t end, used;
    uint64_t may_refuse;
    bool response;
    uint8_t method_id;

    if (size < 3 || size > INPUT_MAX)
        return 0;
    response = (data[0] & 1) != 0;
    method_id = response ? data[1] % (METHOD_PATCH + 1) : METHOD_OTHER;
    size -= 2;
    memcpy(input, data + 2, size);
    input[size] = '\0';
    o = read_ours(response, method_id, size, &m, &end);
    if (o == REFUSED || o == LEFT_ALONE)
        return 0;
    may_refuse = o == UNFINISHED ? 0 : refusals(&m, response);
    used = read_theirs(response, method_id, size, &error);
    if (o == UNFINISHED) {
        MUST(!theirs.complete || took_cr_for_an_end(used));
        return 0;
    }
    if (stumbles_over_tab(error, used) || (REFUSAL(error) & may_refuse) != 0)
        return 0;
    MUST(error == HPE_OK);
    compare(response);
    MUST(theirs.complete == (o == ACCEPTED));
    if (o == ACCEPTED) {
        MUST(used == end);
        read_theirs(response, method_id, end - 1, &error);
        MUST(!theirs.complete);
    }
    return 0;
}
