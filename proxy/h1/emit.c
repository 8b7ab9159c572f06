#include "proxy/h1/emit.h"

#include <string.h>

#include "proxy/lex.h"

/* Once something did not fit, `at` is NULL and stays so. */
struct out {
    char *at, *end;
};

static inline void put(struct out *o, const char *s, size_t len)
{
    if (o->at == NULL || len > (size_t)(o->end - o->at)) {
        o->at = NULL;
        return;
    }
    memcpy(o->at, s, len);
    o->at += len;
}

#define PUT(o, literal) put((o), (literal), sizeof(literal) - 1)

static void put_span(struct out *o, const struct msg *m, struct span s)
{
    put(o, msg_at(m, s), s.len);
}

static size_t written(const struct out *o, const char *start)
{
    return o->at != NULL ? (size_t)(o->at - start) : 0;
}

/* ---- fields -------------------------------------------------------------------------- */

#define BIT(id) (1u << FIELD_##id)

/* Written from facts, or of this connection only. */
#define FRAMING                                                                            \
    (BIT(CONTENT_LENGTH) | BIT(TRANSFER_ENCODING) | BIT(CONNECTION) | BIT(KEEP_ALIVE) |    \
     BIT(PROXY_CONNECTION) | BIT(TE) | BIT(UPGRADE) | BIT(HTTP2_SETTINGS))

/*
 * Where the line of a field ends, when it stands in the text just as it is to be
 * written; 0 otherwise.
 */
static uint32_t line_end(const struct msg *m, const struct field *f)
{
    const char *colon = m->text + f->name + f->name_len;
    uint32_t end = f->value + f->value_len;

    if (f->value != f->name + f->name_len + 2 || end + 2 > m->text_len)
        return 0;
    if (memcmp(colon, ": ", 2) != 0 || memcmp(m->text + end, "\r\n", 2) != 0)
        return 0;
    return end + 2;
}

static void put_field(struct out *o, const struct msg *m, const struct field *f)
{
    put(o, m->text + f->name, f->name_len);
    PUT(o, ": ");
    put(o, m->text + f->value, f->value_len);
    PUT(o, "\r\n");
}

/*
 * Neighbours in the text are written in one piece: of a request that is passed
 * on, most fields are.
 */
static void put_fields(struct out *o, const struct msg *m, uint32_t skip)
{
    uint32_t from = 0, to = 0; /* the piece not yet written */

    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        uint32_t end;

        if (f->drop || (skip >> f->id & 1) != 0)
            continue;
        end = line_end(m, f);
        if (end != 0 && f->name == to) {
            to = end;
            continue;
        }
        if (to > from)
            put(o, m->text + from, to - from);
        from = f->name;
        to = end != 0 ? end : from;
        if (end == 0)
            put_field(o, m, f);
    }
    if (to > from)
        put(o, m->text + from, to - from);
}

static void put_length(struct out *o, uint64_t n)
{
    char digits[20];

    PUT(o, "Content-Length: ");
    put(o, digits, lex_decimal(n, digits));
    PUT(o, "\r\n");
}

static void put_upgrade(struct out *o, const struct msg *m, bool close)
{
    PUT(o, "Connection: upgrade");
    if (close)
        PUT(o, ", close");
    PUT(o, "\r\nUpgrade: ");
    put_span(o, m, m->upgrade);
    PUT(o, "\r\n");
}

/* ---- heads --------------------------------------------------------------------------- */

static bool expects_content(uint8_t method_id)
{
    return method_id == METHOD_POST || method_id == METHOD_PUT || method_id == METHOD_PATCH;
}

static void request_framing(struct out *o, const struct msg *m)
{
    if (m->body == BODY_CHUNKED)
        PUT(o, "Transfer-Encoding: chunked\r\n");
    else if (m->body == BODY_LENGTH)
        put_length(o, m->content_length);
    else if ((m->flags & MSG_HAS_LENGTH) != 0 && expects_content(m->method_id))
        put_length(o, 0);
}

/* One Connection field for both, lest the second one be overlooked. */
static void request_connection(struct out *o, const struct msg *m)
{
    bool te = (m->flags & MSG_TE_TRAILERS) != 0;

    if (te)
        PUT(o, "TE: trailers\r\n");
    if ((m->flags & MSG_UPGRADE) == 0) {
        if (te)
            PUT(o, "Connection: TE\r\n");
        return;
    }
    if (te) {
        PUT(o, "Connection: TE, upgrade\r\nUpgrade: ");
        put_span(o, m, m->upgrade);
        PUT(o, "\r\n");
    } else {
        put_upgrade(o, m, false);
    }
}

size_t emit_request(const struct msg *m, const char *own, char *out, size_t room)
{
    struct out o = {.at = out, .end = out + room};

    put_span(&o, m, m->method);
    PUT(&o, " ");
    put_span(&o, m, m->target);
    PUT(&o, " HTTP/1.1\r\nHost: ");
    if (m->authority.len > 0)
        put_span(&o, m, m->authority);
    else
        put(&o, own, strlen(own));
    PUT(&o, "\r\n");
    put_fields(&o, m, FRAMING | BIT(HOST));
    request_framing(&o, m);
    request_connection(&o, m);
    PUT(&o, "\r\n");
    return written(&o, out);
}

static void status_line(struct out *o, const struct msg *m)
{
    char code[3] = {(char)('0' + m->status / 100), (char)('0' + m->status / 10 % 10),
                    (char)('0' + m->status % 10)};
    const char *reason = msg_reason(m->status);

    PUT(o, "HTTP/1.1 ");
    put(o, code, sizeof(code));
    PUT(o, " ");
    if (m->reason.len > 0)
        put_span(o, m, m->reason);
    else
        put(o, reason, strlen(reason));
    PUT(o, "\r\n");
}

/* 1xx and 204 have neither (RFC 9112, 6.1; RFC 9110, 8.6); nor has a tunnel. */
static void response_framing(struct out *o, const struct msg *m)
{
    if (m->status < 200 || m->status == 204 || m->body == BODY_TUNNEL)
        return;
    if (m->body == BODY_CHUNKED)
        PUT(o, "Transfer-Encoding: chunked\r\n");
    else if (m->body == BODY_LENGTH || (m->flags & MSG_HAS_LENGTH) != 0)
        put_length(o, m->content_length);
}

/* Upgrade goes on where it is what the status is about (RFC 9110, 15.2.2 and 15.5.22). */
static void response_connection(struct out *o, const struct msg *m, struct emit_to to)
{
    bool upgrade = (m->status == 101 || m->status == 426) && (m->flags & MSG_UPGRADE) != 0;
    bool final = m->status >= 200 && m->body != BODY_TUNNEL;

    if (upgrade)
        put_upgrade(o, m, final && to.close);
    else if (final && to.close)
        PUT(o, "Connection: close\r\n");
    else if (final && to.version == HTTP_10)
        PUT(o, "Connection: keep-alive\r\n");
}

/* A response without a date gets the time at which it came (RFC 9110, 6.6.1). */
static void response_date(struct out *o, const struct msg *m, const char *date)
{
    if (date == NULL || m->status < 200 || msg_find(m, FIELD_DATE) != NULL)
        return;
    PUT(o, "Date: ");
    put(o, date, 29);
    PUT(o, "\r\n");
}

size_t emit_response(const struct msg *m, struct emit_to to, char *out, size_t room)
{
    struct out o = {.at = out, .end = out + room};

    status_line(&o, m);
    put_fields(&o, m, FRAMING);
    response_date(&o, m, to.date);
    response_framing(&o, m);
    response_connection(&o, m, to);
    PUT(&o, "\r\n");
    return written(&o, out);
}

/* ---- chunks -------------------------------------------------------------------------- */

size_t emit_chunk_size(uint64_t n, char *out, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    struct out o = {.at = out, .end = out + room};
    int shift = 60;

    while (shift > 0 && n >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        put(&o, &hex[n >> shift & 15], 1);
    PUT(&o, "\r\n");
    return written(&o, out);
}

size_t emit_chunk_end(const struct msg *trailers, char *out, size_t room)
{
    struct out o = {.at = out, .end = out + room};

    PUT(&o, "0\r\n");
    if (trailers != NULL)
        put_fields(&o, trailers, FRAMING | BIT(HOST));
    PUT(&o, "\r\n");
    return written(&o, out);
}
