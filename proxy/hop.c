#include "proxy/hop.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "proxy/lex.h"

#define LISTED_MAX 32 /* names in Connection; each costs a look at every field */

#define BIT(id) (1u << FIELD_##id)

/* For one connection only (RFC 9110, 7.6.1); framing is written anew from the facts. */
#define HOP_BY_HOP                                                                         \
    (BIT(CONNECTION) | BIT(KEEP_ALIVE) | BIT(PROXY_CONNECTION) | BIT(TE) | BIT(UPGRADE) |  \
     BIT(TRANSFER_ENCODING) | BIT(CONTENT_LENGTH) | BIT(HTTP2_SETTINGS))

/* What a Connection field has no power over: we have read and acted upon them. */
#define NOT_LISTABLE (HOP_BY_HOP | BIT(HOST) | BIT(EXPECT) | BIT(MAX_FORWARDS))

/* Believed from a trusted peer only. */
#define CLAIMS                                                                             \
    (BIT(FORWARDED) | BIT(X_FORWARDED_FOR) | BIT(X_FORWARDED_PROTO) |                      \
     BIT(X_FORWARDED_HOST) | BIT(X_FORWARDED_PORT) | BIT(X_REQUEST_ID))

/* ---- dropping ------------------------------------------------------------------------ */

static void drop_set(struct msg *m, uint32_t set)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if ((set >> m->fields[i].id & 1) != 0)
            m->fields[i].drop = true;
}

static void drop_named(struct msg *m, const char *name, size_t len)
{
    enum field_id id = msg_field_id(name, len);

    if (id != FIELD_OTHER) {
        drop_set(m, 1u << id & ~NOT_LISTABLE);
        return;
    }
    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        if (f->name_len == len && strncasecmp(m->text + f->name, name, len) == 0)
            f->drop = true;
    }
}

static bool drop_listed(struct msg *m)
{
    unsigned listed = 0;

    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        struct lex_list l = {.at = msg_value(m, f), .end = msg_value(m, f) + f->value_len};

        if (f->id != FIELD_CONNECTION)
            continue;
        while (lex_next(&l)) {
            if (++listed > LISTED_MAX)
                return false;
            drop_named(m, l.item, l.len);
        }
    }
    return true;
}

/* ---- who the client is --------------------------------------------------------------- */

bool hop_is_trusted(const struct addr_block *trusted, size_t n, const struct sockaddr *sa)
{
    for (size_t i = 0; i < n; i++)
        if (addr_block_has(&trusted[i], sa))
            return true;
    return false;
}

static bool is_trusted(const struct hop_request *h, const struct sockaddr *sa)
{
    return hop_is_trusted(h->trusted, h->n_trusted, sa);
}

static size_t sockaddr_len(const struct sockaddr *sa)
{
    return sa->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
           : sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                       : sizeof(sa->sa_family);
}

/* An address without its port. */
static bool parse_ip(const char *s, size_t len, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (void *)out;
    struct sockaddr_in6 *v6 = (void *)out;
    char text[INET6_ADDRSTRLEN];

    *out = (struct sockaddr_storage){0};
    if (len >= sizeof(text))
        return false;
    memcpy(text, s, len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1)
        out->ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1)
        out->ss_family = AF_INET6;
    return out->ss_family != 0;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80". */
static bool parse_node(const char *s, size_t len, struct sockaddr_storage *out)
{
    const char *colon = memchr(s, ':', len);
    const char *bracket = memchr(s, ']', len);

    if (len > 0 && s[0] == '[')
        return bracket != NULL && parse_ip(s + 1, (size_t)(bracket - s - 1), out);
    if (colon != NULL && memchr(colon + 1, ':', (size_t)(s + len - colon - 1)) == NULL)
        len = (size_t)(colon - s);
    return parse_ip(s, len, out);
}

/*
 * The last element of [start, *end), white space trimmed; *end moves to before it and
 * is NULL after the first.  Reading from the right, text that an untrusted client put
 * in front cannot change how the rest is split.
 */
static const char *last_item(const char *start, const char **end, char separator,
                             size_t *len)
{
    const char *stop = *end, *p = stop;
    bool quoted = false;

    while (p > start && (quoted || p[-1] != separator)) {
        p--;
        if (*p == '"')
            quoted = !quoted;
    }
    *end = p > start ? p - 1 : NULL;
    while (p < stop && lex_is(*p, LEX_OWS))
        p++;
    while (stop > p && lex_is(stop[-1], LEX_OWS))
        stop--;
    *len = (size_t)(stop - p);
    return p;
}

/* The node of for= in one element of Forwarded (RFC 7239, 4). */
static bool parse_forwarded(const char *s, size_t len, struct sockaddr_storage *out)
{
    const char *end = s + len, *pair;
    size_t n;

    while (end != NULL) {
        pair = last_item(s, &end, ';', &n);
        if (n <= 4 || !lex_same(pair, "for=", 4))
            continue;
        pair += 4;
        n -= 4;
        if (n >= 2 && pair[0] == '"' && pair[n - 1] == '"')
            return parse_node(pair + 1, n - 2, out);
        return parse_node(pair, n, out);
    }
    return false;
}

/*
 * Goes through the nodes of one field from the right.  True: the client is found, or
 * a node cannot be read, and what *client was before is all that is certain.
 */
static bool walk_nodes(const struct msg *m, const struct field *f,
                       const struct hop_request *h, struct sockaddr_storage *client)
{
    const char *start = msg_value(m, f), *end = start + f->value_len, *item;
    struct sockaddr_storage node;
    size_t len;

    while (end != NULL) {
        item = last_item(start, &end, ',', &len);
        if (f->id == FIELD_FORWARDED ? !parse_forwarded(item, len, &node)
                                     : !parse_node(item, len, &node))
            return true;
        *client = node;
        if (!is_trusted(h, (const struct sockaddr *)&node))
            return true;
    }
    return false;
}

/* What the trusted peer says; *client is the peer at first. */
static void told_client(const struct msg *m, const struct hop_request *h,
                        struct sockaddr_storage *client)
{
    enum field_id id = msg_find(m, FIELD_X_FORWARDED_FOR) != NULL ? FIELD_X_FORWARDED_FOR
                                                                  : FIELD_FORWARDED;

    for (size_t i = m->n_fields; i-- > 0;)
        if (m->fields[i].id == id && !m->fields[i].drop &&
            walk_nodes(m, &m->fields[i], h, client))
            return;
}

void hop_client(const struct msg *m, const struct hop_request *h,
                struct sockaddr_storage *client)
{
    *client = (struct sockaddr_storage){0};
    memcpy(client, h->peer, sockaddr_len(h->peer));
    if (is_trusted(h, h->peer))
        told_client(m, h, client);
}

/* ---- adding -------------------------------------------------------------------------- */

struct text {
    char s[INET6_ADDRSTRLEN];
    size_t len;
    bool ip6;
};

static void ip4_text(const uint8_t ip[4], struct text *t)
{
    char *p = t->s;

    for (int i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *p++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *p++ = (char)('0' + ip[i] / 10 % 10);
        *p++ = (char)('0' + ip[i] % 10);
        *p++ = '.';
    }
    t->len = (size_t)(p - t->s) - 1;
}

/* A peer on a unix socket has no address: "unknown" (RFC 7239, 6.2). */
static struct text address_text(const struct sockaddr *sa)
{
    struct text t;

    t.ip6 = false;
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)sa;

        ip4_text((const uint8_t *)&v4->sin_addr, &t);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)sa;

        t.ip6 = !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr);
        if (!t.ip6) {
            ip4_text(v6->sin6_addr.s6_addr + 12, &t);
        } else {
            inet_ntop(AF_INET6, &v6->sin6_addr, t.s, sizeof(t.s));
            t.len = strlen(t.s);
        }
    } else {
        t.len = sizeof("unknown") - 1;
        memcpy(t.s, "unknown", t.len);
    }
    return t;
}

#define PUT(v, literal) msg_put((v), (literal), sizeof(literal) - 1)

/* Takes the fields of the same name that still stand into the value, in their order. */
static void put_earlier(struct msg_value *v)
{
    struct msg *m = v->m;

    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        if (f->id != v->id || f->drop)
            continue;
        msg_put(v, msg_value(m, f), f->value_len);
        PUT(v, ", ");
        f->drop = true;
    }
}

static bool add_forwarded_for(struct msg *m, const struct text *peer)
{
    struct msg_value v = msg_begin(m, FIELD_X_FORWARDED_FOR);

    put_earlier(&v);
    msg_put(&v, peer->s, peer->len);
    return msg_end(&v);
}

static bool is_token(const char *s, size_t len)
{
    while (len > 0 && lex_is(s[len - 1], LEX_TCHAR))
        len--;
    return len == 0;
}

/* RFC 7239, 4.  The authority was checked when it was read: nothing to escape in it. */
static bool add_forwarded(struct msg *m, const struct text *peer, const char *scheme)
{
    struct msg_value v = msg_begin(m, FIELD_FORWARDED);
    const char *host = msg_at(m, m->authority);

    put_earlier(&v);
    if (peer->ip6)
        PUT(&v, "for=\"[");
    else
        PUT(&v, "for=");
    msg_put(&v, peer->s, peer->len);
    if (peer->ip6)
        PUT(&v, "]\"");
    if (m->authority.len > 0) {
        size_t quote = !is_token(host, m->authority.len);

        PUT(&v, ";host=");
        msg_put(&v, "\"", quote);
        msg_put(&v, host, m->authority.len);
        msg_put(&v, "\"", quote);
    }
    PUT(&v, ";proto=");
    msg_put(&v, scheme, strlen(scheme));
    return msg_end(&v);
}

/* What a trusted peer has said stands. */
static bool add_claim(struct msg *m, bool trusted, enum field_id id, const char *value,
                      size_t len)
{
    return (trusted && msg_find(m, id) != NULL) || msg_add(m, id, NULL, value, len);
}

static bool add_claims(struct msg *m, const struct hop_request *h, bool trusted)
{
    char port[20];
    size_t port_len = lex_decimal(h->port, port);
    struct span host = m->authority;

    return add_claim(m, trusted, FIELD_X_FORWARDED_PROTO, h->scheme, strlen(h->scheme)) &&
           (host.len == 0 ||
            add_claim(m, trusted, FIELD_X_FORWARDED_HOST, msg_at(m, host), host.len)) &&
           (h->port == 0 ||
            add_claim(m, trusted, FIELD_X_FORWARDED_PORT, port, port_len)) &&
           add_claim(m, trusted, FIELD_X_REQUEST_ID, h->request_id, strlen(h->request_id));
}

/* A line of its own, after those of earlier hops (RFC 9110, 7.6.3). */
static bool add_via(struct msg *m, const char *via)
{
    static const char received[][5] = {"1.0 ", "1.1 ", "2 "};
    struct msg_value v = msg_begin(m, FIELD_VIA);

    _Static_assert(HTTP_10 == 0 && HTTP_11 == 1 && HTTP_2 == 2, "the order of received[]");
    msg_put(&v, received[m->version], strlen(received[m->version]));
    msg_put(&v, via, strlen(via));
    return msg_end(&v);
}

/* ---- Max-Forwards (RFC 9110, 7.6.2) -------------------------------------------------- */

/* The field when it counts for this method and is a number. */
static const struct field *max_forwards(const struct msg *m, uint64_t *left)
{
    const struct field *f;

    if (m->method_id != METHOD_TRACE && m->method_id != METHOD_OPTIONS)
        return NULL;
    f = msg_find(m, FIELD_MAX_FORWARDS);
    return f != NULL && lex_number(msg_value(m, f), f->value_len, left) ? f : NULL;
}

bool hop_is_last(const struct msg *m)
{
    uint64_t left;

    return max_forwards(m, &left) != NULL && left == 0;
}

static bool count_down(struct msg *m)
{
    char digits[20];
    uint64_t left;

    if (max_forwards(m, &left) == NULL || left == 0)
        return true;
    drop_set(m, BIT(MAX_FORWARDS));
    return msg_add(m, FIELD_MAX_FORWARDS, NULL, digits, lex_decimal(left - 1, digits));
}

/* ---- whole heads --------------------------------------------------------------------- */

/* "X_Forwarded_For" reaches an application behind CGI under the name of ours. */
static void drop_lookalikes(struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        if (f->id == FIELD_OTHER &&
            msg_field_taken_for(m->text + f->name, f->name_len) != FIELD_OTHER)
            f->drop = true;
    }
}

/* The name, however an application may spell it. */
static bool taken_for(const struct msg *m, const struct field *f, const char *name)
{
    const char *p = m->text + f->name;

    if (strlen(name) != f->name_len)
        return false;
    for (size_t i = 0; i < f->name_len; i++) {
        char c = p[i] == '_' ? '-' : lex_lower(p[i]);

        if (c != (name[i] == '_' ? '-' : name[i]))
            return false;
    }
    return true;
}

/* Who the client is by its certificate is ours to say, or a trusted peer's when there is
 * no certificate here. */
static bool add_subject(struct msg *m, const struct hop_request *h, bool trusted)
{
    bool known = h->subject != NULL && h->subject[0] != 0;

    if (h->subject_field == NULL || h->subject_field[0] == 0)
        return true;
    for (size_t i = 0; (known || !trusted) && i < m->n_fields; i++)
        if (taken_for(m, &m->fields[i], h->subject_field))
            m->fields[i].drop = true;
    return !known ||
           msg_add(m, FIELD_OTHER, h->subject_field, h->subject, strlen(h->subject));
}

static void drop_for_request(struct msg *m, bool trusted)
{
    uint32_t set = HOP_BY_HOP | BIT(X_REAL_IP);

    if (!trusted)
        set |= CLAIMS;
    if (m->version == HTTP_10) /* must not take effect (RFC 9110, 10.1.1) */
        set |= BIT(EXPECT);
    drop_set(m, set);
    drop_lookalikes(m);
    if ((m->flags & MSG_UPGRADE) != 0 &&
        lex_has(msg_at(m, m->upgrade), m->upgrade.len, "h2c"))
        m->flags &= (uint8_t)~MSG_UPGRADE;
}

bool hop_request(struct msg *m, const struct hop_request *h)
{
    struct text peer = address_text(h->peer), client = peer;
    bool trusted = is_trusted(h, h->peer);
    struct sockaddr_storage told;

    if (!drop_listed(m))
        return false;
    if (trusted) {
        memcpy(&told, h->peer, sockaddr_len(h->peer));
        told_client(m, h, &told);
        client = address_text((const struct sockaddr *)&told);
    }
    drop_for_request(m, trusted);
    return count_down(m) && add_forwarded_for(m, &peer) &&
           add_forwarded(m, &peer, h->scheme) && add_claims(m, h, trusted) &&
           add_subject(m, h, trusted) &&
           msg_add(m, FIELD_X_REAL_IP, NULL, client.s, client.len) && add_via(m, h->via);
}

bool hop_response(struct msg *m)
{
    if (!drop_listed(m))
        return false;
    drop_set(m, HOP_BY_HOP);
    return true;
}

static bool lists(const char *value, size_t len, const char *item, size_t item_len)
{
    struct lex_list l = {.at = value, .end = value + len};

    while (lex_next(&l))
        if (l.len == item_len && strncasecmp(l.item, item, item_len) == 0)
            return true;
    return false;
}

bool hop_upgrade_asked(const struct msg *request, const struct msg *answer)
{
    const char *asked = msg_at(request, request->upgrade);
    struct lex_list l = {.at = msg_at(answer, answer->upgrade)};

    if ((request->flags & answer->flags & MSG_UPGRADE) == 0)
        return false;
    l.end = l.at + answer->upgrade.len;
    while (lex_next(&l))
        if (l.len == 0 || !lists(asked, request->upgrade.len, l.item, l.len))
            return false;
    return true;
}

/* ---- trailers ------------------------------------------------------------------------ */

/* They frame, route, authenticate or describe the content, or steer a cache. */
static bool trailer_forbidden(const char *name, size_t len)
{
    static const char *const names[] = {
        "age",
        "authorization",
        "cache-control",
        "content-encoding",
        "content-location",
        "content-range",
        "content-type",
        "expires",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "if-range",
        "if-unmodified-since",
        "location",
        "pragma",
        "proxy-authenticate",
        "proxy-authorization",
        "range",
        "set-cookie",
        "vary",
        "www-authenticate",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == len && lex_same(name, names[i], len))
            return true;
    return false;
}

void hop_trailers(struct msg *m)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        /* Every field we know by an id is of that kind. */
        if (f->id != FIELD_OTHER || trailer_forbidden(m->text + f->name, f->name_len))
            f->drop = true;
    }
}
