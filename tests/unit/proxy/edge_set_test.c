/* Mirrors proxy/edge_set.c: what a configuration's files become, and what goes over. */
#include "proxy/edge_set.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/edge/bucket.h"
#include "proxy/edge/htpasswd.h"
#include "proxy/edge/memo.h"
#include "tests/unit/conf/loading.h"

#define HEAD                                                                               \
    "listeners: 127.0.0.1:80\n"                                                            \
    "services: { a: { pools: { baseline: { backends: 127.0.0.1:1 } }, rate_limit: 9/s },"  \
    " b: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
#define HASH_ONE "$1$saltsalt$lqI3KSq.LieLQDEdP/84m."

static char users[64], page[64];

static void write_file(const char *file, const char *text)
{
    FILE *f = fopen(file, "w");

    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void setup(void)
{
    snprintf(users, sizeof(users), "/tmp/edge-set-users-%d", (int)getpid());
    snprintf(page, sizeof(page), "/tmp/edge-set-page-%d.html", (int)getpid());
    write_file(users, "anna:" HASH_ONE "\n");
    write_file(page, "sorry");
}

static void teardown(void)
{
    unlink(users);
    unlink(page);
}

TestSuite(edge_set, .init = setup, .fini = teardown);

/* Routes / (with auth, a limit, a page) and /b; `more` goes into the first. */
static struct cfg *config(const char *more)
{
    char text[1024];

    snprintf(text, sizeof(text),
             HEAD "routes:\n"
                  "  - { path: /b, service: b }\n"
                  "  - { path: /, service: a, auth: { basic: %s, user_header: X-U }, "
                  "rate_limit: 5/s, errors: { status: 404, file: %s }%s }\n",
             users, page, more);
    return loading_good(text);
}

/* Takes over the configuration's reference. */
static struct edge_set *make(struct cfg *c, const struct edge_set *old, bool again)
{
    struct cfg_errors errs;
    struct edge_set *s;

    cfg_errors_init(&errs);
    s = edge_set_new(c, old, again, &errs);
    if (s == NULL)
        cr_assert_fail("%s", loading_error_text(&errs));
    cfg_errors_fini(&errs);
    cfg_unref(c);
    return s;
}

static char *faults(struct cfg *c)
{
    struct cfg_errors errs;
    char *text;

    cfg_errors_init(&errs);
    cr_expect_null(edge_set_new(c, NULL, false, &errs));
    text = loading_error_text(&errs);
    cfg_errors_fini(&errs);
    cfg_unref(c);
    return text;
}

/* Routes are sorted: the longer path comes first. */
#define ROOT 1

Test(edge_set, files_and_tables_are_there_for_the_routes_that_need_them)
{
    struct edge_set *s = make(config(""), NULL, false);
    const struct edge_route *r = &s->routes[ROOT], *b = &s->routes[0];
    bool known;

    htpasswd_hash(r->auth.users, "anna", 4, &known);
    cr_expect(known);
    cr_expect_eq(r->rules[1]->pages.n, 1);
    cr_expect_eq(r->rules[1]->pages.list[0].len, 5);
    cr_expect_eq(memcmp(r->rules[1]->pages.list[0].body, "sorry", 5), 0);
    cr_expect_not_null(r->rules[0]->limits[0].table);
    cr_expect_neq(r->rules[0]->limits[0].table, r->rules[1]->limits[0].table);
    cr_expect(r->n_strip == 1 && strcmp(r->strip[0], "x-u") == 0);
    cr_expect(b->auth.cfg == NULL && b->n_strip == 0 && b->rules[1]->cfg->n_limits == 0);
    edge_set_unref(s);
}

Test(edge_set, what_counts_goes_over_to_the_next_configuration)
{
    struct edge_set *one = make(config(""), NULL, false);
    struct edge_set *two = make(config(", compression: on"), one, false);
    const struct edge_route *r = &two->routes[ROOT];
    struct bucket_table *table = one->routes[ROOT].rules[1]->limits[0].table;
    struct memo *memo = one->routes[ROOT].auth.memo;
    mono_us wait;

    edge_set_unref(one);
    cr_expect_eq(r->rules[1]->limits[0].table, table);
    cr_expect_eq(r->auth.memo, memo);
    cr_expect(bucket_take(table, 1, 1000, &wait), "it lives");
    edge_set_unref(two);
}

Test(edge_set, two_limits_that_look_alike_are_two)
{
    static const char *const text =
        HEAD "routes: { service: b, rate_limit: [ 5/s, 5/s ] }\n";
    struct edge_set *one = make(loading_good(text), NULL, false);
    struct edge_set *two = make(loading_good(text), one, false);
    const struct edge_limit *l = one->routes[0].rules[1]->limits;
    const struct edge_limit *k = two->routes[0].rules[1]->limits;

    cr_expect_neq(l[0].table, l[1].table);
    cr_expect(k[0].table == l[0].table && k[1].table == l[1].table);
    edge_set_unref(one);
    edge_set_unref(two);
}

Test(edge_set, other_users_are_remembered_anew)
{
    struct edge_set *one = make(config(""), NULL, false), *two;

    cr_expect_not(edge_set_changed(one));
    write_file(users, "# ben now\nben:" HASH_ONE "\n");
    cr_expect(edge_set_changed(one));
    cr_expect_not(edge_set_changed(one), "told already");
    two = make(cfg_ref(one->cfg), one, true);
    cr_expect_neq(two->routes[ROOT].auth.memo, one->routes[ROOT].auth.memo);
    cr_expect_eq(two->routes[ROOT].rules[1]->limits[0].table,
                 one->routes[ROOT].rules[1]->limits[0].table);
    edge_set_unref(one);
    edge_set_unref(two);
}

Test(edge_set, a_page_stays_as_it_is_until_the_configuration_is_read_again)
{
    struct edge_set *one = make(config(""), NULL, false), *two, *three;

    write_file(page, "another one");
    cr_expect_not(edge_set_changed(one), "pages are not looked at");
    two = make(cfg_ref(one->cfg), one, true);
    cr_expect_eq(two->routes[ROOT].rules[1]->pages.list[0].len, 5);
    three = make(config(""), two, false);
    cr_expect_eq(three->routes[ROOT].rules[1]->pages.list[0].len, 11);
    edge_set_unref(one);
    edge_set_unref(two);
    edge_set_unref(three);
}

Test(edge_set, each_fault_is_told_with_its_line)
{
    struct cfg *c = config("");
    char want[400], *got;

    write_file(users, "anna:" HASH_ONE "\n\nben:secret\n");
    unlink(page);
    snprintf(want, sizeof(want),
             "t:5:43: %s: line 3: the hash of 'ben' is none of bcrypt, yescrypt, "
             "sha512-crypt, sha256-crypt, md5-crypt, apr1 and {SHA}\n",
             users);
    got = faults(c);
    cr_expect_eq(strncmp(got, want, strlen(want)), 0, "%s", got);
    cr_expect(strstr(got, "file: ") != NULL && strstr(got, "No such file") != NULL, "%s",
              got);
    free(got);
}
