#include "proxy/h1/facts.h"

#include "proxy/lex.h"
#include "proxy/uri.h"

#define SEEN(x, id) (((x)->seen >> (id)&1) != 0)

_Static_assert(N_FIELD_IDS <= 32, "facts.seen has a bit for each field");

static struct span value_of(const struct field *f)
{
    return (struct span){.off = f->value, .len = f->value_len};
}

/* Repeated and listed lengths must agree; then they count as one (RFC 9112, 6.3). */
static const char *content_length(struct facts *x, const char *value, size_t len)
{
    struct lex_list l = {.at = value, .end = value + len};
    bool first = !SEEN(x, FIELD_CONTENT_LENGTH);
    uint64_t n;

    while (lex_next(&l)) {
        if (!lex_number(l.item, l.len, &n))
            return "bad_length";
        if (!first && n != x->length)
            return "lengths_differ";
        x->length = n;
        first = false;
    }
    return NULL;
}

static const char *transfer_encoding(struct facts *x, const char *value, size_t len)
{
    struct lex_list l = {.at = value, .end = value + len};

    while (lex_next(&l)) {
        if (x->ends_chunked)
            return "coding_after_chunked";
        if (l.len == 0)
            return "bad_coding";
        x->ends_chunked = LEX_IS(l.item, l.len, "chunked");
        x->codings++;
    }
    return NULL;
}

static void connection(struct facts *x, const char *value, size_t len)
{
    struct lex_list l = {.at = value, .end = value + len};

    while (lex_next(&l)) {
        if (LEX_IS(l.item, l.len, "keep-alive"))
            x->keep_alive = true;
        else if (LEX_IS(l.item, l.len, "close"))
            x->close = true;
        else if (LEX_IS(l.item, l.len, "upgrade"))
            x->upgrade_listed = true;
    }
}

const char *facts_field(struct facts *x, const struct msg *m, const struct field *f)
{
    const char *value = msg_value(m, f), *fault = NULL;
    size_t len = f->value_len;

    if (f->id == FIELD_HOST) {
        x->host_repeated = SEEN(x, FIELD_HOST);
        x->host = value_of(f);
    } else if (f->id == FIELD_CONTENT_LENGTH) {
        fault = content_length(x, value, len);
    } else if (f->id == FIELD_TRANSFER_ENCODING) {
        fault = transfer_encoding(x, value, len);
    } else if (f->id == FIELD_CONNECTION) {
        connection(x, value, len);
    } else if (f->id == FIELD_UPGRADE) {
        if (!SEEN(x, FIELD_UPGRADE))
            x->upgrade = value_of(f);
    } else if (f->id == FIELD_TE) {
        x->te_trailers = x->te_trailers || lex_has(value, len, "trailers");
    } else if (f->id == FIELD_EXPECT) {
        x->expect_continue = LEX_IS(value, len, "100-continue");
        x->expect_other = x->expect_other || !x->expect_continue;
    }
    x->seen |= 1u << f->id;
    return fault;
}

static bool fail(struct head_fault *fault, enum head_about about, uint16_t status,
                 const char *reason)
{
    *fault = (struct head_fault){.status = status, .about = about, .reason = reason};
    return false;
}

/* RFC 9112, 9.3.  A 1.0 peer must ask for keep-alive. */
static bool stays_open(const struct facts *x, uint8_t version)
{
    return !x->close && (version != HTTP_10 || x->keep_alive);
}

static void set_flags(const struct facts *x, struct msg *m)
{
    if (stays_open(x, m->version))
        m->flags |= MSG_KEEP_ALIVE;
    if (SEEN(x, FIELD_CONTENT_LENGTH))
        m->flags |= MSG_HAS_LENGTH;
    if (m->version == HTTP_10)
        return;
    if (x->upgrade_listed && x->upgrade.len > 0) {
        m->flags |= MSG_UPGRADE;
        m->upgrade = x->upgrade;
    }
    if (x->te_trailers)
        m->flags |= MSG_TE_TRAILERS;
}

/*
 * Transfer-Encoding is understood as "chunked", once and alone.  Beside a
 * Content-Length or from HTTP/1.0 it is taken for an attempt to have two readers
 * find two ends (RFC 9112, 6.1 and 11.2).
 */
static bool check_codings(const struct facts *x, const struct msg *m,
                          struct head_fault *fault)
{
    if (!SEEN(x, FIELD_TRANSFER_ENCODING))
        return true;
    if (m->version == HTTP_10)
        return fail(fault, HEAD_FRAMING, 400, "coding_in_http10");
    if (SEEN(x, FIELD_CONTENT_LENGTH))
        return fail(fault, HEAD_FRAMING, 400, "coding_and_length");
    if (!x->ends_chunked)
        return fail(fault, HEAD_FRAMING, 400, "not_chunked");
    if (x->codings > 1)
        return fail(fault, HEAD_FRAMING, 501, "unknown_coding");
    return true;
}

static bool check_host(const struct facts *x, struct msg *m, struct head_fault *fault)
{
    char host[256];

    if (!SEEN(x, FIELD_HOST))
        return m->version == HTTP_10 || fail(fault, HEAD_HOST, 400, "no_host");
    if (x->host_repeated)
        return fail(fault, HEAD_HOST, 400, "host_repeated");
    if (uri_host(m->text + x->host.off, x->host.len, host, sizeof(host)) == 0)
        return fail(fault, HEAD_HOST, 400, "bad_host");
    if (m->authority.len == 0)
        m->authority = x->host;
    return true;
}

/* An expectation in HTTP/1.0 is ignored (RFC 9110, 10.1.1). */
static bool check_expect(const struct facts *x, struct msg *m, struct head_fault *fault)
{
    if (m->version == HTTP_10)
        return true;
    if (x->expect_other)
        return fail(fault, HEAD_SYNTAX, 417, "unknown_expectation");
    if (x->expect_continue)
        m->flags |= MSG_EXPECT;
    return true;
}

static void framed_body(const struct facts *x, struct msg *m)
{
    if (SEEN(x, FIELD_TRANSFER_ENCODING))
        m->body = BODY_CHUNKED;
    else if (x->length > 0)
        m->body = BODY_LENGTH;
}

bool facts_request(const struct facts *x, struct msg *m, struct head_fault *fault)
{
    if (!check_host(x, m, fault) || !check_codings(x, m, fault))
        return false;
    if (!check_expect(x, m, fault))
        return false;
    m->content_length = x->length;
    set_flags(x, m);
    framed_body(x, m);
    /* CONNECT has no content; what follows belongs to the tunnel (RFC 9110, 9.3.6). */
    if (m->method_id == METHOD_CONNECT && m->body != BODY_NONE)
        return fail(fault, HEAD_FRAMING, 400, "connect_with_body");
    return true;
}

/* RFC 9112, 6.3, in its order. */
static void response_body(const struct facts *x, struct msg *m)
{
    bool success = m->status >= 200 && m->status < 300;

    if (m->status == 101 || (m->method_id == METHOD_CONNECT && success))
        m->body = BODY_TUNNEL;
    else if (m->method_id == METHOD_HEAD || m->status < 200 || m->status == 204 ||
             m->status == 304)
        m->body = BODY_NONE;
    else if (!SEEN(x, FIELD_TRANSFER_ENCODING) && !SEEN(x, FIELD_CONTENT_LENGTH))
        m->body = BODY_CLOSE;
    else
        framed_body(x, m);
}

bool facts_response(const struct facts *x, struct msg *m, struct head_fault *fault)
{
    if (!check_codings(x, m, fault))
        return false;
    m->content_length = x->length;
    set_flags(x, m);
    response_body(x, m);
    if (m->body == BODY_CLOSE)
        m->flags &= (uint8_t)~MSG_KEEP_ALIVE;
    return true;
}
