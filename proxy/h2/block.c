#include "proxy/h2/block.h"

#include <string.h>

#include "proxy/lex.h"
#include "proxy/uri.h"

#define METHOD_MAX     32
#define FIELD_OVERHEAD 32 /* RFC 9113, 6.5.2 */

enum pseudo {
    PSEUDO_METHOD = 1 << 0,
    PSEUDO_SCHEME = 1 << 1,
    PSEUDO_AUTHORITY = 1 << 2,
    PSEUDO_PATH = 1 << 3,
    PSEUDO_PROTOCOL = 1 << 4,
    PSEUDO_STATUS = 1 << 5,
    PSEUDO_UNKNOWN = 1 << 6,
};

void block_begin(struct block *b, const struct block_limits *limits, struct msg storage)
{
    *b = (struct block){.limits = *limits, .m = storage};
    msg_reset(&b->m);
    b->m.version = HTTP_2;
}

static bool fail(struct block *b, uint16_t status, const char *reason)
{
    if (b->fault.reason == NULL)
        b->fault = (struct block_fault){.status = status, .reason = reason};
    return false;
}

static bool malformed(struct block *b, const char *reason)
{
    return fail(b, 0, reason);
}

/* ---- pseudo-fields --------------------------------------------------------------------
 */

static enum pseudo pseudo_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        size_t len;
        enum pseudo id;
    } known[] = {
        {":method", 7, PSEUDO_METHOD},        {":path", 5, PSEUDO_PATH},
        {":scheme", 7, PSEUDO_SCHEME},        {":status", 7, PSEUDO_STATUS},
        {":authority", 10, PSEUDO_AUTHORITY}, {":protocol", 9, PSEUDO_PROTOCOL},
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (len == known[i].len && memcmp(name, known[i].name, len) == 0)
            return known[i].id;
    return PSEUDO_UNKNOWN;
}

static bool take_status(struct block *b, const char *s, size_t len)
{
    if (len != 3 || s[0] < '1' || s[0] > '5' || !lex_is(s[1], LEX_DIGIT) ||
        !lex_is(s[2], LEX_DIGIT))
        return malformed(b, "bad_status");
    b->m.status = (uint16_t)((s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0'));
    return true;
}

static bool take_method(struct block *b, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!lex_is(s[i], LEX_TCHAR))
            return malformed(b, "bad_method");
    if (len == 0)
        return malformed(b, "bad_method");
    if (len > METHOD_MAX)
        return fail(b, 501, "method_too_long");
    b->m.method_id = (uint8_t)msg_method_id(s, len);
    return msg_append(&b->m, s, len, &b->m.method);
}

static bool take_path(struct block *b, const char *s, size_t len)
{
    if (len == 0)
        return malformed(b, "empty_path");
    if (len > b->limits.max_target_bytes)
        return fail(b, 414, "target_too_long");
    if (lex_visible_end(s, s + len) != s + len || memchr(s, '#', len) != NULL)
        return malformed(b, "bad_target");
    return msg_append(&b->m, s, len, &b->m.target);
}

static void add_pseudo(struct block *b, const char *name, size_t name_len,
                       const char *value, size_t len)
{
    enum pseudo id = pseudo_of(name, name_len);
    bool fits = true;

    if (b->fields_began || id == PSEUDO_UNKNOWN || (b->seen & id) != 0) {
        malformed(b, "bad_pseudo_field");
        return;
    }
    b->seen |= id;
    switch (id) {
    case PSEUDO_METHOD:
        fits = take_method(b, value, len);
        break;
    case PSEUDO_PATH:
        fits = take_path(b, value, len);
        break;
    case PSEUDO_STATUS:
        fits = take_status(b, value, len);
        break;
    case PSEUDO_SCHEME:
        fits = msg_append(&b->m, value, len, &b->scheme);
        break;
    case PSEUDO_AUTHORITY:
        fits = msg_append(&b->m, value, len, &b->m.authority);
        break;
    case PSEUDO_PROTOCOL:
        fits = msg_append(&b->m, value, len, &b->protocol);
        break;
    case PSEUDO_UNKNOWN:
        break;
    }
    if (!fits)
        fail(b, 431, "head_too_large");
}

/* ---- fields ---------------------------------------------------------------------------
 */

/* RFC 9113, 8.2.1, and a token as everywhere else. */
static bool valid_name(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!lex_is(s[i], LEX_TCHAR) || (s[i] >= 'A' && s[i] <= 'Z'))
            return false;
    return len > 0 && len <= UINT16_MAX;
}

static bool valid_value(const char *s, size_t len)
{
    if (len == 0)
        return true;
    return lex_value_end(s, s + len) == s + len && !lex_is(s[0], LEX_OWS) &&
           !lex_is(s[len - 1], LEX_OWS);
}

static void take_length(struct block *b, const char *s, size_t len)
{
    if (b->has_length || !lex_number(s, len, &b->length))
        malformed(b, "bad_length");
    b->has_length = true;
}

/* What a field of ours says; the connection's own may not be here (RFC 9113, 8.2.2). */
static void take_notice(struct block *b, const struct field *f)
{
    const char *value = msg_value(&b->m, f);

    switch (f->id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
    case FIELD_HTTP2_SETTINGS:
        malformed(b, "connection_field");
        return;
    case FIELD_TE:
        if (!LEX_IS(value, f->value_len, "trailers"))
            malformed(b, "bad_te");
        b->m.flags |= MSG_TE_TRAILERS;
        return;
    case FIELD_CONTENT_LENGTH:
        take_length(b, value, f->value_len);
        return;
    case FIELD_HOST:
        if (b->has_host)
            malformed(b, "repeated_host");
        b->has_host = true;
        b->host = (struct span){f->value, f->value_len};
        return;
    case FIELD_COOKIE:
        b->cookies++;
        return;
    case FIELD_EXPECT:
        if (LEX_IS(value, f->value_len, "100-continue"))
            b->m.flags |= MSG_EXPECT;
        else
            b->expect_other = true;
        return;
    default:
        return;
    }
}

/* "name: value\r\n" at the end of the text. */
static bool put_line(struct msg *m, const char *name, size_t name_len, const char *value,
                     size_t len)
{
    size_t need = name_len + len + 4;
    char *at = m->text + m->text_len;

    if (need > m->text_room - m->text_len || m->n_fields == m->fields_room)
        return false;
    memcpy(at, name, name_len);
    memcpy(at + name_len, ": ", 2);
    memcpy(at + name_len + 2, value, len);
    memcpy(at + name_len + 2 + len, "\r\n", 2);
    m->fields[m->n_fields++] = (struct field){.name = m->text_len,
                                              .value = m->text_len + (uint32_t)name_len + 2,
                                              .value_len = (uint32_t)len,
                                              .name_len = (uint16_t)name_len,
                                              .id = (uint8_t)msg_field_id(name, name_len)};
    m->text_len += (uint32_t)need;
    return true;
}

static void add_field(struct block *b, const char *name, size_t name_len, const char *value,
                      size_t len)
{
    b->fields_began = true;
    if (!valid_name(name, name_len))
        malformed(b, "bad_name");
    else if (!valid_value(value, len))
        malformed(b, "bad_value");
    else if (b->m.n_fields == b->limits.max_fields)
        fail(b, 431, "too_many_fields");
    else if (!put_line(&b->m, name, name_len, value, len))
        fail(b, 431, "head_too_large");
    else if (b->m.fields[b->m.n_fields - 1].id != FIELD_OTHER)
        take_notice(b, &b->m.fields[b->m.n_fields - 1]);
}

void block_add(struct block *b, const char *name, size_t name_len, const char *value,
               size_t value_len)
{
    b->size += name_len + value_len + FIELD_OVERHEAD;
    if (b->size > b->limits.max_head_bytes)
        fail(b, 431, "head_too_large");
    if (b->fault.reason != NULL)
        return;
    if (name_len > 0 && name[0] == ':')
        add_pseudo(b, name, name_len, value, value_len);
    else
        add_field(b, name, name_len, value, value_len);
}

/* ---- requests -------------------------------------------------------------------------
 */

static bool same_host(const struct msg *m, struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (lex_lower(m->text[a.off + i]) != lex_lower(m->text[b.off + i]))
            return false;
    return true;
}

/* RFC 9113, 8.3.1: the authority is the host, and they may not differ. */
static bool check_authority(struct block *b)
{
    struct msg *m = &b->m;
    char host[256];

    if ((b->seen & PSEUDO_AUTHORITY) == 0) {
        if (!b->has_host)
            return malformed(b, "no_authority");
        m->authority = b->host;
    } else if (b->has_host && !same_host(m, m->authority, b->host)) {
        return malformed(b, "two_hosts");
    }
    if (uri_host(msg_at(m, m->authority), m->authority.len, host, sizeof(host)) == 0)
        return malformed(b, "bad_authority");
    return true;
}

static bool check_target(struct block *b)
{
    const struct msg *m = &b->m;
    const char *s = msg_at(m, m->target);

    if (s[0] == '/')
        return true;
    if (m->target.len == 1 && s[0] == '*' && m->method_id == METHOD_OPTIONS)
        return true;
    return malformed(b, "bad_target");
}

static bool check_scheme(struct block *b)
{
    const char *s = msg_at(&b->m, b->scheme);

    if (LEX_IS(s, b->scheme.len, "http") || LEX_IS(s, b->scheme.len, "https"))
        return true;
    return fail(b, 400, "unknown_scheme");
}

/* RFC 9113, 8.5: the authority is all the target there is. */
static bool check_connect(struct block *b)
{
    if (b->seen != (PSEUDO_METHOD | PSEUDO_AUTHORITY))
        return malformed(b, "bad_connect");
    b->m.target = b->m.authority;
    return check_authority(b);
}

static bool check_pseudo(struct block *b)
{
    const uint32_t needed = PSEUDO_METHOD | PSEUDO_SCHEME | PSEUDO_PATH;

    if ((b->seen & PSEUDO_STATUS) != 0 || (b->seen & PSEUDO_METHOD) == 0)
        return malformed(b, "bad_pseudo_field");
    if (b->m.method_id == METHOD_CONNECT && (b->seen & PSEUDO_PROTOCOL) == 0)
        return check_connect(b);
    if ((b->seen & needed) != needed)
        return malformed(b, "missing_pseudo_field");
    if ((b->seen & PSEUDO_PROTOCOL) != 0 && b->m.method_id != METHOD_CONNECT)
        return malformed(b, "bad_protocol");
    return check_scheme(b) && check_target(b) && check_authority(b);
}

/* Crumbs become one field (RFC 9113, 8.2.3). */
static bool join_cookies(struct block *b)
{
    struct msg *m = &b->m;
    struct msg_value v;
    bool first = true;

    if (b->cookies < 2)
        return true;
    v = msg_begin(m, FIELD_COOKIE);
    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        if (f->id != FIELD_COOKIE)
            continue;
        if (!first)
            msg_put(&v, "; ", 2);
        first = false;
        msg_put(&v, msg_value(m, f), f->value_len);
        f->drop = true;
    }
    return msg_end(&v) || fail(b, 431, "head_too_large");
}

/* A tunnel as HTTP/1.1 asks for it. */
static bool become_upgrade(struct block *b, bool end, const char *key)
{
    struct msg *m = &b->m;

    if (!LEX_IS(msg_at(m, b->protocol), b->protocol.len, "websocket"))
        return fail(b, 501, "unknown_protocol");
    if (end || b->has_length)
        return malformed(b, "bad_connect");
    m->upgrade = b->protocol;
    m->flags |= MSG_UPGRADE;
    m->method_id = METHOD_GET;
    if (!msg_append(m, "GET", 3, &m->method))
        return fail(b, 431, "head_too_large");
    for (size_t i = 0; i < m->n_fields; i++)
        if (m->fields[i].name_len == 17 &&
            memcmp(m->text + m->fields[i].name, "sec-websocket-key", 17) == 0)
            m->fields[i].drop = true;
    return msg_add(m, FIELD_OTHER, "sec-websocket-key", key, 24) ||
           fail(b, 431, "head_too_large");
}

static bool request_body(struct block *b, bool end)
{
    struct msg *m = &b->m;

    m->content_length = b->length;
    if (b->has_length)
        m->flags |= MSG_HAS_LENGTH;
    if (end && b->length != 0)
        return malformed(b, "length_without_body");
    if (m->method_id == METHOD_CONNECT && b->has_length)
        return malformed(b, "bad_connect");
    if (!end)
        m->body = b->has_length ? BODY_LENGTH : BODY_CHUNKED;
    return true;
}

bool block_request(struct block *b, bool end, const char *key)
{
    /* A field is malformed or not, however long the whole is. */
    if (b->fault.reason != NULL)
        return false;
    if (!check_pseudo(b) || !join_cookies(b))
        return false;
    if (b->expect_other)
        return fail(b, 417, "unknown_expectation");
    if ((b->seen & PSEUDO_PROTOCOL) != 0)
        return become_upgrade(b, end, key);
    return request_body(b, end);
}

/* ---- answers and trailers -------------------------------------------------------------
 */

bool block_response(struct block *b, uint8_t method_id, bool end)
{
    struct msg *m = &b->m;

    if (b->fault.reason != NULL)
        return false;
    if (b->seen != PSEUDO_STATUS)
        return malformed(b, "bad_pseudo_field");
    if (m->status == 101)
        return malformed(b, "switching_protocols");
    if (m->status < 200)
        return !end || malformed(b, "informational_end");
    m->method_id = method_id;
    m->content_length = b->length;
    if (b->has_length)
        m->flags |= MSG_HAS_LENGTH;
    if (end || method_id == METHOD_HEAD || m->status == 204 || m->status == 304)
        m->body = BODY_NONE;
    else
        m->body = b->has_length ? BODY_LENGTH : BODY_CHUNKED;
    if (end && b->length != 0 && method_id != METHOD_HEAD && m->status != 304)
        return malformed(b, "length_without_body");
    return true;
}

bool block_switched(struct block *b, const char *accept)
{
    struct msg *m = &b->m;

    m->status = 101;
    m->body = BODY_TUNNEL;
    m->flags |= MSG_UPGRADE;
    return (msg_append(m, "websocket", 9, &m->upgrade) &&
            msg_add(m, FIELD_OTHER, "sec-websocket-accept", accept, 28)) ||
           fail(b, 502, "head_too_large");
}

bool block_trailers(struct block *b)
{
    if (b->fault.reason == NULL && b->seen != 0)
        malformed(b, "pseudo_field_in_trailers");
    return b->fault.reason == NULL;
}
