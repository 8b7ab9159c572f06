/*
 * cuts.h - reads a head whole and then in two parts, cut at every byte.
 *
 * The answer must not depend on the cut.  The input ends at an unreadable page.
 */
#ifndef TESTS_UNIT_PROXY_H1_CUTS_H
#define TESTS_UNIT_PROXY_H1_CUTS_H

#include <criterion/criterion.h>
#include <string.h>

#include "../../guard.h"
#include "proxy/h1/head.h"

#define FIELDS_ROOM 20

static const struct head_limits limits = {
    .max_head_bytes = 600, .max_target_bytes = 300, .max_fields = FIELDS_ROOM};

enum kind { REQUEST, RESPONSE, TRAILERS };

struct result {
    enum head_verdict verdict;
    struct head_fault fault;
    struct msg m;
    struct field fields[FIELDS_ROOM];
    char text[700];
};

static uint8_t request_method = METHOD_GET;

static inline enum head_verdict read_once(enum kind kind, char *in, size_t len,
                                          size_t *seen, struct result *r)
{
    r->m.fields = r->fields;
    r->m.fields_room = FIELDS_ROOM;
    r->m.method_id = request_method;
    if (kind == REQUEST)
        return head_request(in, len, seen, &limits, &r->m, &r->fault);
    if (kind == RESPONSE)
        return head_response(in, len, seen, &limits, &r->m, &r->fault);
    return head_trailers(in, len, seen, &limits, &r->m, &r->fault);
}

/* Reads what comes in two parts, the first of `cut` bytes. */
static inline struct result read_cut(enum kind kind, const char *in, size_t len, size_t cut)
{
    struct result r = {.fault = {0, "", 0}};
    size_t seen = 0;

    r.verdict = read_once(kind, guard_put(in, cut), cut, &seen, &r);
    if (r.verdict == HEAD_MORE)
        r.verdict = read_once(kind, guard_put(in, len), len, &seen, &r);
    if (r.verdict == HEAD_DONE) {
        memcpy(r.text, r.m.text, r.m.text_len);
        r.m.text = r.text;
    }
    return r;
}

static inline bool same(const struct result *a, const struct result *b)
{
    if (a->verdict != b->verdict)
        return false;
    if (a->verdict == HEAD_BAD)
        return a->fault.status == b->fault.status &&
               strcmp(a->fault.reason, b->fault.reason) == 0;
    return a->verdict == HEAD_MORE ||
           (a->m.text_len == b->m.text_len && a->m.n_fields == b->m.n_fields &&
            a->m.flags == b->m.flags && a->m.body == b->m.body &&
            a->m.target.off == b->m.target.off &&
            a->m.authority.off == b->m.authority.off &&
            memcmp(a->fields, b->fields, sizeof(a->fields)) == 0 &&
            memcmp(a->text, b->text, a->m.text_len) == 0);
}

/* The result, after it was found to be the same for every cut. */
static inline struct result read_all(enum kind kind, const char *in, size_t len)
{
    struct result whole = read_cut(kind, in, len, len);

    for (size_t cut = 0; cut < len; cut++) {
        struct result r = read_cut(kind, in, len, cut);

        cr_expect(same(&whole, &r), "\"%.60s\" cut at %zu: verdict %d %s, whole: %d %s", in,
                  cut, (int)r.verdict, r.fault.reason, (int)whole.verdict,
                  whole.fault.reason);
    }
    return whole;
}

#define READ(kind, literal) read_all(kind, literal, sizeof(literal) - 1)

static inline bool is(const struct result *r, struct span s, const char *expect)
{
    return s.len == strlen(expect) && memcmp(r->text + s.off, expect, s.len) == 0;
}

struct bad {
    const char *in;
    size_t len;
    uint16_t status;
    const char *reason;
};

#define BAD(in, status, reason)                                                            \
    {                                                                                      \
        in, sizeof(in) - 1, status, reason                                                 \
    }

static inline void expect_bad(enum kind kind, const struct bad *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct result r = read_all(kind, cases[i].in, cases[i].len);

        cr_expect_eq(r.verdict, HEAD_BAD, "\"%s\"", cases[i].in);
        cr_expect_eq(r.fault.status, cases[i].status, "\"%s\": %u", cases[i].in,
                     r.fault.status);
        cr_expect_str_eq(r.fault.reason, cases[i].reason, "\"%s\"", cases[i].in);
    }
}

#define EXPECT_BAD(kind, cases) expect_bad(kind, cases, sizeof(cases) / sizeof((cases)[0]))

/* A request line and Host; what is tested follows. */
#define GET11 "GET / HTTP/1.1\r\nHost: a\r\n"
#define GET10 "GET / HTTP/1.0\r\n"
#define POST  "POST / HTTP/1.1\r\nHost: a\r\n"
#define END   "\r\n\r\n"

#endif
