/* Mirrors proxy/access/access_set.c. */
#include "proxy/access/access_set.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_load.h"

static struct cfg *load(const char *text)
{
    struct cfg_errors errs;
    struct cfg *c = NULL;

    cfg_errors_init(&errs);
    cfg_load_text("test", text, strlen(text), &c, &errs);
    cr_assert_not_null(c, "%s", errs.n > 0 ? errs.list[0].text : "");
    cfg_errors_fini(&errs);
    return c;
}

#define SERVICES                                                                           \
    "services:\n"                                                                          \
    "  a: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n"                            \
    "  b: { pools: { baseline: { backends: 127.0.0.1:1 } }, access_log: b.log }\n"         \
    "  c: { pools: { baseline: { backends: 127.0.0.1:1 } }, access_log: off }\n"           \
    "routes: [ { service: a } ]\n"

static const char *path_of(const struct access_list *l)
{
    return l != NULL ? l->logs[0].how->path : "nowhere";
}

static const char *way(const struct access_set *s, const struct cfg_listener *l, uint16_t i)
{
    return path_of(access_set_of_service(s, i, access_set_of_listener(s, l)));
}

Test(access_set, the_nearest_list_holds)
{
    struct cfg *c = load("access_log: top.log\n"
                         "listeners:\n"
                         "  - 127.0.0.1:1\n"
                         "  - { bind: 127.0.0.1:2, access_log: l.log }\n"
                         "  - { bind: 127.0.0.1:3, access_log: off }\n" SERVICES);
    struct access_set *s = access_set_new(c);
    static const char *const want[3][4] = {
        {"top.log", "top.log", "b.log", "nowhere"},
        {"l.log", "l.log", "b.log", "nowhere"},
        {"nowhere", "nowhere", "b.log", "nowhere"},
    };

    cr_assert_not_null(s);
    for (size_t i = 0; i < 3; i++) {
        cr_expect_str_eq(path_of(access_set_of_listener(s, &c->listeners[i])), want[i][0]);
        for (uint16_t k = 0; k < 3; k++)
            cr_expect_str_eq(way(s, &c->listeners[i], k), want[i][1 + k]);
    }
    access_set_free(s);
    cfg_unref(c);
}

Test(access_set, a_listener_of_an_earlier_configuration_is_known_by_its_address)
{
    struct cfg *now =
        load("access_log: top.log\n"
             "listeners: [ { bind: 127.0.0.1:1, access_log: one.log } ]\n" SERVICES);
    struct cfg *before = load("listeners: [ 127.0.0.1:9, 127.0.0.1:1 ]\n" SERVICES);
    struct access_set *s = access_set_new(now);

    cr_expect_str_eq(path_of(access_set_of_listener(s, &before->listeners[1])), "one.log");
    cr_expect_str_eq(path_of(access_set_of_listener(s, &before->listeners[0])), "top.log");
    access_set_free(s);
    cfg_unref(now);
    cfg_unref(before);
}

Test(access_set, without_a_log_there_is_none)
{
    struct cfg *c =
        load("access_log: off\nlisteners: 127.0.0.1:1\n"
             "services: { a: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
             "routes: { service: a }\n");

    cr_expect_null(access_set_new(c));
    cfg_unref(c);
}

static uint32_t texts_for(const char *format)
{
    char text[512];
    struct access_set *s;
    uint32_t texts;
    struct cfg *c;

    snprintf(text, sizeof(text),
             "access_log: { path: x, format: \"%s\" }\nlisteners: 127.0.0.1:1\n" SERVICES,
             format);
    c = load(text);
    s = access_set_new(c);
    texts = s->top->texts;
    access_set_free(s);
    cfg_unref(c);
    return texts;
}

Test(access_set, only_what_a_line_shows_is_copied)
{
    cr_expect_eq(texts_for("common") >> ACCESS_USER_AGENT & 1, 0u);
    cr_expect_eq(texts_for("combined") >> ACCESS_USER_AGENT & 1, 1u);
    cr_expect_eq(texts_for("json") >> ACCESS_REMOTE_USER & 1, 0u);
    cr_expect_eq(texts_for("{status}"), 0u);
    cr_expect_eq(texts_for("{path}"), 1u << ACCESS_TARGET);
    cr_expect_eq(texts_for("{request_header:x}"), 1u << ACCESS_REQUEST_FIELDS);
}

Test(access_set, fields_of_a_list_are_asked_for_once)
{
    struct cfg *c =
        load("access_log:\n"
             "  - { path: a, format: httplog, request_headers: [ X-A, X-B ] }\n"
             "  - { path: b, format: \"{request_header:x-b} {request_header:X-C}\" }\n"
             "listeners: 127.0.0.1:1\n" SERVICES);
    struct access_set *s = access_set_new(c);
    static const char *const want[] = {"x-a", "x-b", "x-c"};

    cr_assert_eq(s->top->request_fields.n, N_ELEMS(want));
    for (size_t i = 0; i < N_ELEMS(want); i++)
        cr_expect_str_eq(s->top->request_fields.names[i], want[i]);
    cr_expect_eq(s->top->response_fields.n, 0u);
    access_set_free(s);
    cfg_unref(c);
}

Test(access_set, who_wants_a_line)
{
    struct cfg *c = load("access_log:\n"
                         "  - all\n"
                         "  - { path: errors, only: errors }\n"
                         "  - { path: slow, slower_than: 100ms }\n"
                         "  - { path: either, only: errors, slower_than: 100ms }\n"
                         "  - { path: never, sample: 0% }\n"
                         "  - { path: empty, empty_connections: on }\n"
                         "listeners: 127.0.0.1:1\n" SERVICES);
    struct access_set *s = access_set_new(c);
    enum { ALL = 1, ERRORS = 2, SLOW = 4, EITHER = 8, EMPTY = 32 };
    static const struct {
        struct access_case c;
        unsigned want;
    } cases[] = {
        {{.status = 200, .attempts = 1}, ALL | EMPTY},
        {{.status = 404, .attempts = 1}, ALL | EMPTY},
        {{.status = 500, .attempts = 1}, ALL | ERRORS | EITHER | EMPTY},
        {{.status = 200, .attempts = 2}, ALL | ERRORS | EITHER | EMPTY},
        {{.status = 204, .ending = ENDING_LOCAL}, ALL | EMPTY},
        {{.status = 404, .ending = ENDING_REFUSED}, ALL | ERRORS | EITHER | EMPTY},
        {{.status = 200, .attempts = 1, .ending = ENDING_CLIENT_ABORT},
         ALL | ERRORS | EITHER | EMPTY},
        {{.status = 200, .attempts = 1, .total_us = 99999}, ALL | EMPTY},
        {{.status = 200, .attempts = 1, .total_us = 100000}, ALL | SLOW | EITHER | EMPTY},
        {{.status = 400, .ending = ENDING_HEAD_ABORT, .empty = true}, EMPTY},
    };
    struct rng rng;

    rng_init(&rng, 1);
    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect_eq(access_set_want(s->top, &cases[i].c, &rng), cases[i].want, "case %zu",
                     i);
    access_set_free(s);
    cfg_unref(c);
}

Test(access_set, a_sample_is_about_as_large_as_it_should_be)
{
    struct cfg *c =
        load("access_log: { path: x, sample: 10% }\nlisteners: 127.0.0.1:1\n" SERVICES);
    struct access_set *s = access_set_new(c);
    const struct access_case one = {.status = 200};
    struct rng rng;
    int n = 0;

    rng_init(&rng, 7);
    for (int i = 0; i < 10000; i++)
        n += access_set_want(s->top, &one, &rng);
    cr_expect(n > 850 && n < 1150, "%d of 10000", n);
    access_set_free(s);
    cfg_unref(c);
}
