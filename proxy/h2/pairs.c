#include "proxy/h2/pairs.h"

#include <string.h>

#include "proxy/lex.h"

#define BIT(id) (1u << FIELD_##id)

/* Written from facts, or of one connection only. */
#define FRAMING                                                                            \
    (BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(CONNECTION) | BIT(KEEP_ALIVE) |    \
     BIT(PROXY_CONNECTION) | BIT(TE) | BIT(UPGRADE) | BIT(HTTP2_SETTINGS) | BIT(HOST))

/* A short secret may be guessed through the table it is kept in (RFC 7541, 7.1.3). */
#define SHORT_SECRET 20

static void add(struct pairs *p, const char *name, size_t name_len, const char *value,
                size_t len)
{
    p->nv[p->n++] = (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                                 .value = (uint8_t *)(uintptr_t)value,
                                 .namelen = name_len,
                                 .valuelen = len};
}

#define ADD(p, name, value, len) add((p), (name), sizeof(name) - 1, (value), (len))

/* What differs with each message, or must not be guessed, stays out of the table. */
static bool unindexed(const struct msg *m, const struct field *f)
{
    const char *name = m->text + f->name;

    if (f->id == FIELD_X_REQUEST_ID)
        return true;
    if (f->id == FIELD_COOKIE)
        return f->value_len < SHORT_SECRET;
    return f->id == FIELD_OTHER && LEX_IS(name, f->name_len, "authorization");
}

/* Between the two ends of an HTTP/1.1 connection only. */
static bool is_handshake(const struct msg *m, const struct field *f)
{
    const char *name = m->text + f->name;

    return LEX_IS(name, f->name_len, "sec-websocket-key") ||
           LEX_IS(name, f->name_len, "sec-websocket-accept");
}

static bool add_fields(struct pairs *p, const struct msg *m, bool upgrade)
{
    if (m->n_fields + PAIRS_EXTRA > PAIRS_MAX)
        return false;
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        if (f->drop || (FRAMING >> f->id & 1) != 0 || (upgrade && is_handshake(m, f)))
            continue;
        add(p, m->text + f->name, f->name_len, msg_value(m, f), f->value_len);
        if (unindexed(m, f))
            p->nv[p->n - 1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    }
    return true;
}

static void add_length(struct pairs *p, const struct msg *m)
{
    ADD(p, "content-length", p->length, lex_decimal(m->content_length, p->length));
}

static bool expects_content(uint8_t method_id)
{
    return method_id == METHOD_POST || method_id == METHOD_PUT || method_id == METHOD_PATCH;
}

bool pairs_request(struct pairs *p, const struct msg *m, const char *scheme,
                   const char *own)
{
    bool upgrade = (m->flags & MSG_UPGRADE) != 0;

    p->n = 0;
    if (upgrade) {
        ADD(p, ":method", "CONNECT", 7);
        ADD(p, ":protocol", msg_at(m, m->upgrade), m->upgrade.len);
    } else {
        ADD(p, ":method", msg_at(m, m->method), m->method.len);
    }
    ADD(p, ":scheme", scheme, strlen(scheme));
    if (m->authority.len > 0)
        ADD(p, ":authority", msg_at(m, m->authority), m->authority.len);
    else
        ADD(p, ":authority", own, strlen(own));
    ADD(p, ":path", msg_at(m, m->target), m->target.len);
    if (!add_fields(p, m, upgrade))
        return false;
    if (m->body == BODY_LENGTH ||
        ((m->flags & MSG_HAS_LENGTH) != 0 && m->body == BODY_NONE && !upgrade &&
         expects_content(m->method_id)))
        add_length(p, m);
    if ((m->flags & MSG_TE_TRAILERS) != 0)
        ADD(p, "te", "trailers", 8);
    return true;
}

/* 1xx and 204 have none (RFC 9110, 8.6), nor has a tunnel. */
static bool tells_length(const struct msg *m)
{
    if (m->status < 200 || m->status == 204 || m->body == BODY_TUNNEL)
        return false;
    return m->body == BODY_LENGTH ||
           (m->body == BODY_NONE && (m->flags & MSG_HAS_LENGTH) != 0);
}

bool pairs_response(struct pairs *p, const struct msg *m, const char *date)
{
    unsigned status = m->status == 101 ? 200 : m->status;

    p->n = 0;
    p->status[0] = (char)('0' + status / 100);
    p->status[1] = (char)('0' + status / 10 % 10);
    p->status[2] = (char)('0' + status % 10);
    ADD(p, ":status", p->status, 3);
    if (!add_fields(p, m, m->status == 101))
        return false;
    if (tells_length(m))
        add_length(p, m);
    if (status >= 200 && msg_find(m, FIELD_DATE) == NULL) /* RFC 9110, 6.6.1 */
        ADD(p, "date", date, 29);
    return true;
}

bool pairs_trailers(struct pairs *p, const struct msg *m)
{
    p->n = 0;
    return add_fields(p, m, false);
}

size_t pairs_bytes(const struct pairs *p)
{
    size_t bytes = 0;

    for (size_t i = 0; i < p->n; i++)
        bytes += p->nv[i].namelen + p->nv[i].valuelen;
    return bytes;
}
