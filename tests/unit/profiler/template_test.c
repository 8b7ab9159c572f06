#include "profiler/template.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/handover.h"
#include "profiler/pathkey.h"

static const char *const services[] = {"shop", "api"};

static struct token_table *tokens;
static struct template_set *set;

static void open_set(uint32_t max)
{
    const struct template_limits limits = {max, 10, 42};

    set = template_new(&limits, tokens, services, 2);
}

static void setup(void)
{
    tokens = token_new(services, 2);
    open_set(256);
}

static void teardown(void)
{
    template_free(set);
    token_free(tokens);
}

static uint16_t ask(uint16_t service, const char *path, uint64_t user, bool answered)
{
    uint64_t key = pathkey_of(path, strlen(path));

    template_path(set, service, key, path, strlen(path));
    return template_token(set, service, key, user, answered);
}

/* Users 1..n ask; returns what the path is then for somebody else. */
static const char *after(const char *path, uint64_t n)
{
    for (uint64_t user = 1; user <= n; user++)
        ask(0, path, user, true);
    return token_text(tokens, ask(0, path, 999, false));
}

Test(template, ten_different_users_make_a_template, .init = setup, .fini = teardown)
{
    cr_expect_str_eq(after("/about/team", 9), TOKEN_REST);
    for (int i = 0; i < 50; i++)
        ask(0, "/about/team", 9, true);
    cr_expect_str_eq(token_text(tokens, ask(0, "/about/team", 9, false)), TOKEN_REST);
    ask(0, "/about/team", 10, true);
    cr_expect_str_eq(token_text(tokens, ask(0, "/about/team", 11, false)), "/about/team");
    cr_expect_eq(template_count(set, 0), 1);
    cr_expect_eq(template_count(set, 1), 0);
}

Test(template, two_products_are_one_template, .init = setup, .fini = teardown)
{
    char path[32];

    for (uint64_t user = 1; user <= 10; user++) {
        cr_expect_eq(template_count(set, 0), 0);
        snprintf(path, sizeof(path), "/product/%u", 8000 + (unsigned)user * 13);
        ask(0, path, user, true);
    }
    cr_expect_str_eq(token_text(tokens, ask(0, "/product/8813", 1, true)), "/product/*");
    cr_expect_eq(ask(0, "/product/8813", 1, true), ask(0, "/product/9120", 2, true));
}

Test(template, the_root_and_a_last_slash_are_paths_of_their_own, .init = setup,
     .fini = teardown)
{
    cr_expect_str_eq(after("/", 10), "/");
    cr_expect_str_eq(after("/a", 10), "/a");
    cr_expect_str_eq(after("/a/", 10), "/a/");
    cr_expect_eq(template_count(set, 0), 3);
}

Test(template, refused_requests_create_nothing, .init = setup, .fini = teardown)
{
    for (uint64_t user = 1; user <= 100; user++)
        ask(0, "/wp-login.php", user, false);
    cr_expect_eq(template_count(set, 0), 0);
}

Test(template, services_do_not_share_templates, .init = setup, .fini = teardown)
{
    uint16_t shop, api;

    after("/a", 10);
    shop = ask(0, "/a", 1, true);
    cr_expect_str_eq(token_text(tokens, ask(1, "/a", 1, true)), TOKEN_REST);
    for (uint64_t user = 1; user <= 10; user++)
        ask(1, "/a", user, true);
    api = ask(1, "/a", 1, true);
    cr_expect_neq(shop, api);
    cr_expect_eq(token_service(tokens, api), 1);
}

/* Many people's own pages: the name in the middle is nobody's, the ends are known. */
Test(template, names_in_the_middle_that_few_share_become_a_star, .init = setup,
     .fini = teardown)
{
    char path[64];

    for (uint64_t user = 1; user <= 200; user++) {
        snprintf(path, sizeof(path), "/user/person%c%c/settings", (char)('a' + user % 26),
                 (char)('a' + user / 26));
        ask(0, path, user, true);
    }
    cr_expect_str_eq(token_text(tokens, ask(0, "/user/personzz/settings", 1, true)),
                     "/user/*/settings");
    snprintf(path, sizeof(path), "/user/person%c%c/settings", 'c', 'a');
    cr_expect_str_eq(token_text(tokens, ask(0, path, 1, true)), "/user/*/settings");
}

Test(template, a_text_that_few_people_used_is_never_published, .init = setup,
     .fini = teardown)
{
    char path[64];

    for (unsigned i = 0; i < 5000; i++) {
        snprintf(path, sizeof(path), "/s/secret-%c%c%c/x", (char)('a' + i % 26),
                 (char)('a' + i / 26 % 26), (char)('a' + i / 676));
        for (uint64_t user = 0; user < 3; user++)
            ask(0, path, 10 + i * 3 + user, true);
    }
    for (size_t t = 1; t <= token_count(tokens); t++)
        cr_expect_null(strstr(token_text(tokens, (uint16_t)t), "secret"), "%s",
                       token_text(tokens, (uint16_t)t));
}

/* More popular names in one place than a site has parts: they are a list. */
Test(template, a_long_list_of_popular_names_becomes_one_template, .init = setup,
     .fini = teardown)
{
    uint16_t first, last;
    char path[64];

    after("/article/common-aa", 10);
    first = ask(0, "/article/common-aa", 1, true);
    cr_expect_str_eq(token_text(tokens, first), "/article/common-aa");
    for (unsigned i = 0; i < 80; i++) {
        snprintf(path, sizeof(path), "/article/title-%c%c", (char)('a' + i % 26),
                 (char)('a' + i / 26));
        after(path, 10);
    }
    last = ask(0, path, 1, true);
    cr_expect_str_eq(token_text(tokens, last), "/article/*");
    cr_expect_eq(ask(0, "/article/common-aa", 1, true), last);
    cr_expect_eq(token_now(tokens, first), last, "the old number stands for the new one");
    cr_expect_eq(template_count(set, 0), 1);
}

Test(template, below_a_list_the_same_names_are_found_again, .init = setup, .fini = teardown)
{
    char path[64];

    for (unsigned i = 0; i < 80; i++) {
        snprintf(path, sizeof(path), "/repo/name-%c%c/issues", (char)('a' + i % 26),
                 (char)('a' + i / 26));
        after(path, 10);
    }
    cr_expect_str_eq(token_text(tokens, ask(0, "/repo/never-seen/issues", 1, true)),
                     "/repo/*/issues");
}

Test(template, the_vocabulary_is_bounded)
{
    char path[64];

    tokens = token_new(services, 2);
    open_set(16);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(path, sizeof(path), "/%c/%c", (char)('a' + i % 26), (char)('a' + i / 26));
        after(path, 10);
    }
    cr_expect_eq(template_count(set, 0), 16);
    teardown();
}

Test(template, the_root_keeps_as_many_names_as_half_the_vocabulary)
{
    char path[64];

    tokens = token_new(services, 2);
    open_set(16);
    for (unsigned i = 0; i < 12; i++) {
        snprintf(path, sizeof(path), "/%c", (char)('a' + i));
        after(path, 10);
    }
    cr_expect_str_eq(token_text(tokens, ask(0, "/h", 1, true)), "/h");
    cr_expect_str_eq(token_text(tokens, ask(0, "/i", 1, true)), "/*");
    teardown();
}

Test(template, an_unknown_hash_is_the_rest)
{
    setup();
    cr_expect_str_eq(token_text(tokens, template_token(set, 0, 12345, 1, true)),
                     TOKEN_REST);
    teardown();
}

Test(template, a_cut_path_ends_in_a_star, .init = setup, .fini = teardown)
{
    char path[200] = "/a/";

    memset(path + 3, 'x', sizeof(path) - 4);
    cr_expect_str_eq(after(path, 20), "/a/*");
}

static const char *reopened(const char *path)
{
    uint64_t key = pathkey_of(path, strlen(path));

    template_path(set, 0, key, path, strlen(path));
    return token_text(tokens, template_token(set, 0, key, 1, true));
}

Test(template, a_new_set_on_the_old_tokens_knows_the_same, .init = setup, .fini = teardown)
{
    char path[64];
    size_t before;

    after("/product/7", 10);
    after("/", 10);
    for (unsigned i = 0; i < 80; i++) {
        snprintf(path, sizeof(path), "/article/title-%c%c", (char)('a' + i % 26),
                 (char)('a' + i / 26));
        after(path, 10);
    }
    before = template_count(set, 0);
    template_free(set);
    open_set(256);
    cr_expect_eq(template_count(set, 0), before);
    cr_expect_str_eq(reopened("/product/8"), "/product/*");
    cr_expect_str_eq(reopened("/"), "/");
    cr_expect_str_eq(reopened("/article/brand-new"), "/article/*");
    cr_expect_str_eq(after("/article/popular-now", 20), "/article/*",
                     "a list stays a list");
    cr_expect_str_eq(reopened("/other"), TOKEN_REST);
}

Test(template, very_many_paths_are_bounded_and_old_ones_learned_again, .init = setup,
     .fini = teardown)
{
    char path[64];

    after("/a/known", 10);
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(path, sizeof(path), "/flood/%x/%x", i * 7919, i);
        ask(0, path, i + 1, true);
        if (i % 10000 == 0)
            cr_expect_str_eq(token_text(tokens, ask(0, "/a/known", 3, true)), "/a/known");
    }
    cr_expect_lt(template_count(set, 0), 40);
}

/* Index 0 was the shop; now it is new, and the shop is 1. */
Test(template, what_was_learned_stays_with_the_service_s_name, .init = setup,
     .fini = teardown)
{
    static const char *const later[] = {"news", "shop"};
    const struct template_limits limits = {100, 5, 0};
    uint64_t key = pathkey_of("/a/known", 8), other = pathkey_of("/other", 6);
    uint16_t token;

    after("/a/known", 10);
    ask(1, "/api", 1, true);
    token = ask(0, "/a/known", 1, true);
    token_set_services(tokens, later, 2);
    template_set_services(set, &limits, later, 2);
    cr_expect_eq(template_token(set, 1, key, 1, true), token, "no text has to come again");
    cr_expect_eq(template_count(set, 1), 1);
    cr_expect_eq(template_count(set, 0), 0);
    cr_expect_str_eq(token_text(tokens, template_token(set, 0, key, 1, true)), TOKEN_REST);
    cr_expect_eq(token_service(tokens, template_rest(set, 0)), 0);
    for (uint64_t user = 1; user <= 5; user++) {
        template_path(set, 0, other, "/other", 6);
        template_token(set, 0, other, user, true);
    }
    cr_expect_str_eq(token_text(tokens, template_token(set, 0, other, 9, true)), "/other",
                     "by the new limit");
    token_set_services(tokens, services, 2);
    template_set_services(set, &limits, services, 2);
    cr_expect_eq(ask(0, "/a/known", 1, true), token);
}
