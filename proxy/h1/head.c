#include "proxy/h1/head.h"

#include <string.h>

#include "base/check.h"
#include "proxy/h1/facts.h"
#include "proxy/lex.h"
#include "proxy/uri.h"

#define METHOD_MAX      32
#define EMPTY_LINES_MAX 4 /* before a request */

/*
 * Reading goes in two steps.  ready() looks for the end of the head without reading
 * it, and remembers how far it looked.  Once there is an end, or something that
 * ends the message as surely, everything is read in one go.  So a verdict depends
 * on the bytes alone and not on how they came in.
 */
struct reader {
    const char *at, *end; /* what is left; end is at most max_head_bytes into it */
    struct msg *m;
    const struct head_limits *lim;
    struct head_fault *fault;
    struct facts facts;
    bool answer;
};

/* In the functions below HEAD_DONE means go on, HEAD_MORE that the input ended. */
static enum head_verdict fail(struct reader *r, uint16_t status, const char *reason)
{
    *r->fault = (struct head_fault){.status = status, .reason = reason};
    return HEAD_BAD;
}

static struct span span_of(const struct reader *r, const char *from, const char *to)
{
    return (struct span){.off = (uint32_t)(from - r->m->text),
                         .len = (uint32_t)(to - from)};
}

/* ---- is there a whole head? ---------------------------------------------------------- */

static size_t empty_lines(const char *in, size_t len)
{
    size_t n = 0;

    while (n < 2 * EMPTY_LINES_MAX && n + 2 <= len && in[n] == '\r' && in[n + 1] == '\n')
        n += 2;
    return n;
}

/*
 * True when reading will come to a verdict: there is a blank line, or a line feed
 * that no CR precedes, or as much as a head may have.
 */
static bool ready(const char *in, size_t len, size_t start, size_t seen, size_t max)
{
    const char *end = in + len, *p = in + (seen > start ? seen : start);

    if (len >= max)
        return true;
    if (len - start >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0)
        return true;
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        size_t n = (size_t)(p - in) - start; /* bytes of this head before the line feed */

        if (n == 0 || p[-1] != '\r' || n == 1 || p[-2] == '\n')
            return true;
        p++;
    }
    return false;
}

/* ---- lines --------------------------------------------------------------------------- */

/* The CRLF that must be here. */
static enum head_verdict line_end(struct reader *r, const char *otherwise)
{
    if (r->end - r->at < 1 || (*r->at == '\r' && r->end - r->at < 2))
        return HEAD_MORE;
    if (*r->at == '\n')
        return fail(r, 400, "bare_lf");
    if (*r->at != '\r')
        return fail(r, 400, otherwise);
    if (r->at[1] != '\n')
        return fail(r, 400, "bare_cr");
    r->at += 2;
    return HEAD_DONE;
}

/* n bytes of this line, or the reason why there are fewer. */
static enum head_verdict line_has(struct reader *r, size_t n, const char *otherwise)
{
    size_t left = (size_t)(r->end - r->at);

    if (left >= n)
        return HEAD_DONE;
    return memchr(r->at, '\n', left) == NULL ? HEAD_MORE : fail(r, 400, otherwise);
}

/* White space before the colon is taken away from an answer (RFC 9112, 5.1). */
static enum head_verdict field_name(struct reader *r, struct field *f)
{
    const char *p = r->at, *end;

    while (p < r->end && lex_is(*p, LEX_TCHAR))
        p++;
    end = p;
    while (r->answer && p < r->end && lex_is(*p, LEX_OWS))
        p++;
    if (p == r->end)
        return HEAD_MORE;
    if (*p != ':' || end == r->at)
        return fail(r, 400, lex_is(*end, LEX_OWS) ? "space_in_name" : "bad_name");
    if (end - r->at > UINT16_MAX)
        return fail(r, 431, "name_too_long");
    f->name = (uint32_t)(r->at - r->m->text);
    f->name_len = (uint16_t)(end - r->at);
    f->id = (uint8_t)msg_field_id(r->at, f->name_len);
    r->at = p + 1;
    return HEAD_DONE;
}

static enum head_verdict field_value(struct reader *r, struct field *f)
{
    const char *from, *to;
    enum head_verdict v;

    while (r->at < r->end && lex_is(*r->at, LEX_OWS))
        r->at++;
    from = r->at;
    to = r->at = lex_value_end(from, r->end);
    v = line_end(r, "bad_value");
    while (to > from && lex_is(to[-1], LEX_OWS))
        to--;
    f->value = (uint32_t)(from - r->m->text);
    f->value_len = (uint32_t)(to - from);
    return v;
}

static enum head_verdict field_line(struct reader *r)
{
    struct field *f = &r->m->fields[r->m->n_fields];
    enum head_verdict v;
    const char *fault;

    if (r->m->n_fields == r->lim->max_fields || r->m->n_fields == r->m->fields_room)
        return fail(r, 431, "too_many_fields");
    *f = (struct field){0};
    if ((v = field_name(r, f)) != HEAD_DONE || (v = field_value(r, f)) != HEAD_DONE)
        return v;
    r->m->n_fields++;
    if (f->id == FIELD_OTHER || (fault = facts_field(&r->facts, r->m, f)) == NULL)
        return HEAD_DONE;
    fail(r, 400, fault);
    r->fault->about = HEAD_FRAMING;
    return HEAD_BAD;
}

/* Field lines up to and with the blank line. */
static enum head_verdict field_lines(struct reader *r)
{
    enum head_verdict v = HEAD_DONE;

    while (v == HEAD_DONE) {
        if (r->at == r->end)
            return HEAD_MORE;
        if (*r->at == '\r' || *r->at == '\n')
            return line_end(r, "");
        if (lex_is(*r->at, LEX_OWS))
            return fail(r, 400, r->m->n_fields > 0 ? "folded_line" : "space_before_field");
        v = field_line(r);
    }
    return v;
}

/* ---- first lines --------------------------------------------------------------------- */

static enum head_verdict method(struct reader *r)
{
    const char *p = r->at;

    while (p < r->end && lex_is(*p, LEX_TCHAR) && p - r->at <= METHOD_MAX)
        p++;
    if (p - r->at > METHOD_MAX)
        return fail(r, 501, "method_too_long");
    if (p == r->end)
        return HEAD_MORE;
    if (p == r->at || *p != ' ')
        return fail(r, 400, "bad_method");
    r->m->method = span_of(r, r->at, p);
    r->m->method_id = (uint8_t)msg_method_id(r->at, (size_t)(p - r->at));
    r->at = p + 1;
    return HEAD_DONE;
}

static bool valid_authority(const char *s, size_t len)
{
    char host[256];

    return uri_host(s, len, host, sizeof(host)) > 0;
}

/* CONNECT needs a port that can be connected to (RFC 9110, 9.3.6). */
static bool connect_target(struct msg *m, const char *s, size_t len)
{
    const char *colon = memrchr(s, ':', len);
    uint64_t port;

    m->authority = m->target;
    return colon != NULL && valid_authority(s, len) &&
           lex_number(colon + 1, (size_t)(s + len - colon - 1), &port) && port > 0;
}

/*
 * "http://authority/path?query": what goes on is the path.  Where there is none, the
 * authority moves over the second slash of "//" to make room for a "/", or for the "*"
 * of OPTIONS (RFC 9112, 3.2.4).
 */
static bool absolute_target(struct msg *m, char *s, size_t len)
{
    size_t scheme = len > 7 && lex_same(s, "http://", 7)    ? 7
                    : len > 8 && lex_same(s, "https://", 8) ? 8
                                                            : 0;
    size_t path = scheme;

    if (scheme == 0)
        return false;
    while (path < len && s[path] != '/' && s[path] != '?')
        path++;
    if (!valid_authority(s + scheme, path - scheme))
        return false;
    m->authority.off += (uint32_t)scheme;
    m->authority.len = (uint32_t)(path - scheme);
    if (path == len || s[path] != '/') {
        memmove(s + scheme - 1, s + scheme, path - scheme);
        m->authority.off--;
        s[path - 1] = path == len && m->method_id == METHOD_OPTIONS ? '*' : '/';
        path--;
    }
    m->target.off += (uint32_t)path;
    m->target.len -= (uint32_t)path;
    if (scheme == sizeof("https://") - 1)
        m->flags |= MSG_HTTPS_TARGET;
    return true;
}

/* The four forms of RFC 9112, 3.2. */
static bool target_form(struct msg *m)
{
    char *s = m->text + m->target.off;
    size_t len = m->target.len;

    if (m->method_id == METHOD_CONNECT)
        return connect_target(m, s, len);
    if (s[0] == '/')
        return true;
    if (len == 1 && s[0] == '*')
        return m->method_id == METHOD_OPTIONS;
    m->authority.off = m->target.off;
    return absolute_target(m, s, len);
}

static enum head_verdict target(struct reader *r)
{
    const char *from = r->at, *p = lex_visible_end(from, r->end);

    if (p - from > r->lim->max_target_bytes)
        return fail(r, 414, "target_too_long");
    if (p == r->end)
        return HEAD_MORE;
    if (*p != ' ' || p == from || memchr(from, '#', (size_t)(p - from)) != NULL)
        return fail(r, 400, "bad_target");
    r->m->target = span_of(r, from, p);
    if (!target_form(r->m))
        return fail(r, 400, "bad_target");
    r->at = p + 1;
    return HEAD_DONE;
}

/* "HTTP/1.x".  A later minor version is read as 1.1 (RFC 9110, 2.5). */
static enum head_verdict version(struct reader *r)
{
    enum head_verdict v = line_has(r, 8, "bad_version");
    const char *p = r->at;

    if (v != HEAD_DONE)
        return v;
    if (memcmp(p, "HTTP/", 5) != 0 || p[6] != '.' || !lex_is(p[5], LEX_DIGIT) ||
        !lex_is(p[7], LEX_DIGIT))
        return fail(r, 400, "bad_version");
    if (p[5] != '1')
        return fail(r, 505, "version_not_1");
    r->m->version = p[7] == '0' ? HTTP_10 : HTTP_11;
    r->at += 8;
    return HEAD_DONE;
}

static enum head_verdict request_line(struct reader *r)
{
    enum head_verdict v;

    if ((v = method(r)) != HEAD_DONE || (v = target(r)) != HEAD_DONE ||
        (v = version(r)) != HEAD_DONE)
        return v;
    return line_end(r, "bad_version");
}

/* "200 reason"; the space before an empty reason may be missing. */
static enum head_verdict status_line(struct reader *r)
{
    enum head_verdict v = version(r);
    const char *p;

    if (v != HEAD_DONE || (v = line_has(r, 5, "bad_status")) != HEAD_DONE)
        return v;
    p = r->at;
    if (p[0] != ' ' || p[1] < '1' || p[1] > '5' || !lex_is(p[2], LEX_DIGIT) ||
        !lex_is(p[3], LEX_DIGIT))
        return fail(r, 502, "bad_status");
    r->m->status = (uint16_t)((p[1] - '0') * 100 + (p[2] - '0') * 10 + (p[3] - '0'));
    r->at = p + 4;
    if (*r->at == ' ') {
        p = ++r->at;
        r->at = lex_value_end(p, r->end);
        r->m->reason = span_of(r, p, r->at);
    }
    return line_end(r, "bad_status");
}

/* ---- whole heads --------------------------------------------------------------------- */

static void begin(struct reader *r, char *in, size_t len, size_t start)
{
    size_t end = len < r->lim->max_head_bytes ? len : r->lim->max_head_bytes;

    CHECK(len <= UINT32_MAX);
    msg_reset(r->m);
    r->m->text = in;
    r->m->text_len = r->m->text_room = (uint32_t)len;
    r->at = in + start;
    r->end = in + end;
}

/* What reading came to.  It can only have run out of input at the limit. */
static enum head_verdict verdict(struct reader *r, enum head_verdict v)
{
    struct msg *m = r->m;

    if (v == HEAD_MORE)
        return fail(r, 431, "head_too_long");
    if (v == HEAD_DONE)
        m->text_len = m->text_room = (uint32_t)(r->at - m->text);
    return v;
}

enum head_verdict head_request(char *in, size_t len, size_t *seen,
                               const struct head_limits *lim, struct msg *m,
                               struct head_fault *fault)
{
    struct reader r = {.m = m, .lim = lim, .fault = fault};
    size_t start = empty_lines(in, len);
    enum head_verdict v;

    if (start == len || (len - start == 1 && in[start] == '\r') ||
        (lex_is(in[start], LEX_TCHAR) &&
         !ready(in, len, start, *seen, lim->max_head_bytes))) {
        *seen = len;
        return HEAD_MORE;
    }
    begin(&r, in, len, start);
    v = request_line(&r);
    if (v == HEAD_MORE)
        return fail(&r, 414, "target_too_long");
    if (v == HEAD_DONE)
        v = field_lines(&r);
    v = verdict(&r, v);
    if (v == HEAD_DONE && !facts_request(&r.facts, m, fault))
        v = HEAD_BAD;
    return v;
}

enum head_verdict head_response(char *in, size_t len, size_t *seen,
                                const struct head_limits *lim, struct msg *m,
                                struct head_fault *fault)
{
    struct reader r = {.m = m, .lim = lim, .fault = fault, .answer = true};
    uint8_t method_id = m->method_id;
    enum head_verdict v;

    if (!ready(in, len, 0, *seen, lim->max_head_bytes)) {
        *seen = len;
        return HEAD_MORE;
    }
    begin(&r, in, len, 0);
    m->method_id = method_id;
    v = status_line(&r);
    if (v == HEAD_DONE)
        v = field_lines(&r);
    v = verdict(&r, v);
    if (v == HEAD_DONE && !facts_response(&r.facts, m, fault))
        v = HEAD_BAD;
    if (v == HEAD_BAD)
        fault->status = 502;
    return v;
}

enum head_verdict head_trailers(char *in, size_t len, size_t *seen,
                                const struct head_limits *lim, struct msg *m,
                                struct head_fault *fault)
{
    struct reader r = {.m = m, .lim = lim, .fault = fault};

    if (!ready(in, len, 0, *seen, lim->max_head_bytes)) {
        *seen = len;
        return HEAD_MORE;
    }
    begin(&r, in, len, 0);
    return verdict(&r, field_lines(&r));
}
