/* Mirrors proxy/access/access.c: the thread with a real file. */
#include "proxy/access/access.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "conf/cfg_load.h"
#include "proxy/msg.h"

#define PATIENCE_US ((mono_us)10 * US_PER_S)

static char folder[64];
static struct access *logs;
static struct access_set *set;
static struct cfg *cfg;

static void on_load(void *ctx, struct access_piece listener, struct access_piece service,
                    struct access_load *out)
{
    (void)ctx;
    (void)listener;
    (void)service;
    *out = (struct access_load){7, 5, 3};
}

/* The newest configuration has this under access_log. */
static void use(const char *access_log)
{
    struct access_set *before = set;
    struct cfg_errors errs;
    struct why why;
    char text[1024];

    snprintf(text, sizeof(text),
             "access_log: %s\nlisteners: 127.0.0.1:1\n"
             "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
             "routes: { service: s }\n",
             access_log);
    cfg_unref(cfg);
    cfg_errors_init(&errs);
    cr_assert_eq(cfg_load_text("t", text, strlen(text), &cfg, &errs), RC_OK);
    cfg_errors_fini(&errs);
    cr_assert_eq(access_use(logs, cfg, &set, &why), RC_OK, "%s", why.text);
    if (before != NULL)
        access_set_unref(before);
}

static void setup(void)
{
    struct why why;

    snprintf(folder, sizeof(folder), "/tmp/access_test.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    logs = access_new(2, &(struct access_in){.load = on_load});
    cr_assert_eq(access_start(logs, &why), RC_OK);
}

static void teardown(void)
{
    access_free(logs);
    cfg_unref(cfg);
    unlink("a");
    unlink("b");
    cr_assert_eq(chdir("/"), 0);
    rmdir(folder);
}

TestSuite(access, .init = setup, .fini = teardown);

/* A record of method and target only, as a worker lays it. */
static bool lay(unsigned worker, const char *target)
{
    struct bytering *ring = access_ring(logs, worker);
    size_t n = strlen(target);
    struct access_record *r = bytering_reserve(ring, sizeof(*r) + 3 + n);

    if (r == NULL)
        return false;
    *r = (struct access_record){.list = set->top,
                                .want = 1,
                                .status = 200,
                                .version = HTTP_11,
                                .phase = '-',
                                .began = clock_mono()};
    r->len[ACCESS_METHOD] = 3;
    r->len[ACCESS_TARGET] = (uint16_t)n;
    memcpy(r + 1, "GET", 3);
    memcpy((char *)(r + 1) + 3, target, n);
    bytering_commit(ring);
    access_noted_mt(logs, ring);
    return true;
}

static char *content(const char *name)
{
    static char text[1 << 16];
    FILE *f = fopen(name, "r");
    size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f != NULL)
        fclose(f);
    text[n] = 0;
    return text;
}

static void expect_soon(const char *name, const char *want)
{
    mono_us end = clock_mono() + PATIENCE_US;

    while (strcmp(content(name), want) != 0) {
        cr_assert_lt(clock_mono(), end, "%s has '%s', not '%s'", name, content(name), want);
        poll(NULL, 0, 5);
    }
}

Test(access, records_of_all_workers_become_lines)
{
    use("{ path: a, format: \"{target}\", flush: 0s }");
    cr_expect(lay(0, "/one"));
    expect_soon("a", "/one\n");
    cr_expect(lay(1, "/two"));
    expect_soon("a", "/one\n/two\n");
}

Test(access, without_a_log_there_is_no_ring)
{
    use("off");
    cr_expect_null(set);
    cr_expect_null(access_ring(logs, 0));
    cr_expect_eq(access_lost_mt(logs), 0u);
}

Test(access, counts_are_asked_for)
{
    use("{ path: a, format: httplog, flush: 0s }");
    cr_expect(lay(0, "/"));
    while (strchr(content("a"), '\n') == NULL)
        poll(NULL, 0, 5);
    cr_expect_not_null(strstr(content("a"), " 7/5/3/0/0 0/0 \"GET / HTTP/1.1\"\n"), "%s",
                       content("a"));
}

static bool known(const char *path)
{
    struct access_place *places;
    size_t n = access_places_mt(logs, &places);
    bool found = false;

    for (size_t i = 0; i < n; i++)
        found = found || strcmp(places[i].path, path) == 0;
    free(places);
    return found;
}

/* What was laid before the change is written, and then the file is let go. */
Test(access, a_file_that_no_configuration_has_any_more_is_written_and_closed)
{
    mono_us end = clock_mono() + PATIENCE_US;

    use("{ path: a, format: \"{target}\", flush: 1m }");
    cr_expect(lay(0, "/before"));
    use("{ path: b, format: \"{target}\", flush: 0s }");
    cr_expect(lay(0, "/after"));
    expect_soon("b", "/after\n");
    while (known("a") && clock_mono() < end)
        poll(NULL, 0, 5);
    cr_expect_not(known("a"));
    cr_expect_str_eq(content("a"), "/before\n");
}

Test(access, the_end_writes_what_is_left)
{
    struct why why;

    use("{ path: a, format: \"{target}\", flush: 1m }");
    for (int i = 0; i < 100; i++)
        cr_expect(lay((unsigned)i % 2, "/x"));
    access_set_unref(set);
    access_free(logs);
    cr_expect_eq(strlen(content("a")), 300u);
    logs = access_new(2, &(struct access_in){.load = on_load});
    cr_expect_eq(access_start(logs, &why), RC_OK);
}

Test(access, a_full_ring_is_counted)
{
    static char target[8000];
    unsigned lost = 0;
    struct why why;

    access_free(logs); /* one whose thread does not run */
    logs = access_new(2, &(struct access_in){.load = on_load});
    use("{ path: a, format: \"{target}\" }");
    memset(target, 'x', sizeof(target) - 1);
    for (int i = 0; i < 200; i++)
        lost += !lay(0, target);
    cr_expect_gt(lost, 0u);
    cr_expect_eq(access_lost_mt(logs), lost);
    cr_expect_eq(access_start(logs, &why), RC_OK);
    while (bytering_used(access_ring(logs, 0)) > 0)
        poll(NULL, 0, 5);
    cr_expect(lay(0, "/fits"));
}
