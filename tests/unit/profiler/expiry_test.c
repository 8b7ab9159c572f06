#include "profiler/expiry.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/kv.h"

#define OLD   1000u
#define LIMIT 2000u
#define NEW   3000u

static const char *const services[] = {"shop"};

static struct kv *kv;
static struct token_table *tokens;
static struct keeper *keeper;
static struct users *users;
static struct expiry expiry;

static void setup(void)
{
    kv = kv_open_memory();
    tokens = token_new(services, 1);
    keeper = keeper_new(kv, tokens);
    users = users_new(2000);
    expiry = (struct expiry){0};
}

static void teardown(void)
{
    keeper_free(keeper);
    users_free(users);
    token_free(tokens);
    kv_close(kv);
}

static void flush(void)
{
    if (keeper_prepare(keeper, 1, true))
        keeper_done(keeper, keeper_write(keeper), 1);
}

static void ask(struct user *user, uint32_t at_s)
{
    struct profile_event e = {.at_s = at_s, .hour = profile_hour_at(at_s, 0), .token = 1};

    profile_note(&user->profile, &e, 1800);
    keeper_changed(keeper, user, 1);
}

/* In memory, idle. */
static struct user *someone(uint64_t key, uint32_t seen_s)
{
    struct user *user = users_add(users, key);

    ask(user, seen_s);
    return user;
}

/* In the store only. */
static void someone_stored(uint64_t key, uint32_t seen_s)
{
    struct user *user = someone(key, seen_s);

    flush();
    users_remove(users, user);
}

static bool is_stored(uint64_t key)
{
    struct keeper *k = keeper_new(kv, tokens);
    struct profile p;
    bool found = keeper_read_user(k, key, &p) == KEEPER_FOUND;

    keeper_free(k);
    return found;
}

/* A whole round over the store. */
static void go_round(void)
{
    do {
        expiry_step(&expiry, users, keeper, LIMIT);
        flush();
    } while (expiry.slice != 0);
}

TestSuite(expiry, .init = setup, .fini = teardown);

Test(expiry, who_was_not_seen_for_long_goes_from_memory_and_store)
{
    someone(1, OLD);
    someone(2, LIMIT);
    flush();
    cr_assert(is_stored(1) && is_stored(2));
    expiry_step(&expiry, users, keeper, LIMIT);
    cr_expect_null(users_find(users, 1));
    cr_expect_not_null(users_find(users, 2));
    flush();
    cr_expect_not(is_stored(1));
    cr_expect(is_stored(2));
    cr_expect_eq(expiry.expired, 1);
}

Test(expiry, what_is_not_written_yet_is_not_written_any_more)
{
    someone(1, OLD);
    expiry_step(&expiry, users, keeper, LIMIT);
    flush();
    cr_expect_null(users_find(users, 1));
    cr_expect_not(is_stored(1));
}

Test(expiry, who_is_in_a_session_stays)
{
    struct user *user = someone(1, OLD);

    users_activate(users, user);
    go_round();
    cr_expect_eq(users_find(users, 1), user);
    cr_expect(is_stored(1));
    cr_expect_eq(expiry.expired, 0);
}

Test(expiry, a_round_finds_all_who_are_in_the_store_only)
{
    static const uint64_t keys[] = {1, 0xffffull << 48 | 5, 0x8000ull << 48, UINT64_MAX};

    for (size_t i = 0; i < 4; i++) {
        someone_stored(keys[i], OLD);
        someone_stored(keys[i] - 100, NEW);
    }
    go_round();
    for (size_t i = 0; i < 4; i++) {
        cr_expect_not(is_stored(keys[i]));
        cr_expect(is_stored(keys[i] - 100));
    }
    cr_expect_eq(expiry.expired, 4);
}

Test(expiry, a_slice_with_many_is_finished_before_the_next)
{
    const uint64_t first = 7ull << 48, n = 2 * EXPIRY_STEP + 3;

    for (uint64_t i = 0; i < n; i++)
        someone_stored(first + i, OLD);
    go_round();
    for (uint64_t i = 0; i < n; i++)
        cr_expect_not(is_stored(first + i));
    cr_expect_eq(expiry.expired, n);
}

/* The store has an old state of somebody who is back. */
Test(expiry, who_is_back_stays_whatever_the_store_says)
{
    struct user *user = someone(1, OLD);

    flush();
    ask(user, NEW);
    go_round();
    cr_expect_eq(users_find(users, 1), user);
    cr_expect(is_stored(1));
    cr_expect_eq(expiry.expired, 0);
}

Test(expiry, what_is_on_its_way_to_the_store_is_not_taken_back)
{
    struct user *user = someone(1, OLD);

    flush();
    ask(user, NEW);
    keeper_leaves(keeper, user, 1);
    users_remove(users, user);
    expiry_step(&expiry, users, keeper, LIMIT);
    flush();
    cr_expect(is_stored(1));
    cr_expect_eq(expiry.expired, 0);
}

Test(expiry, who_comes_back_before_it_is_written_begins_anew)
{
    struct profile p;
    struct user *user;

    someone(1, OLD);
    flush();
    expiry_step(&expiry, users, keeper, LIMIT);
    cr_expect_eq(keeper_read_user(keeper, 1, &p), KEEPER_NONE);
    user = someone(1, NEW);
    flush();
    cr_expect_eq(user->profile.requests, 1);
    cr_expect(is_stored(1));
}

Test(expiry, without_a_store_memory_expires_all_the_same)
{
    keeper_free(keeper);
    keeper = keeper_new(NULL, tokens);
    someone(1, OLD);
    expiry_step(&expiry, users, keeper, LIMIT);
    cr_expect_null(users_find(users, 1));
}
