#include "profiler/keeper.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/kv.h"
#include "base/kv_ops.h"
#include "base/log.h"
#include "base/mem.h"

/* ---- a store that can be told to fail ---- */

struct flaky {
    struct kv kv;
    struct kv *inner;
    bool fails;
    unsigned writes;
};

static int flaky_get(struct kv *kv, const void *key, size_t key_len, void **value,
                     size_t *len)
{
    struct flaky *f = (struct flaky *)kv;

    return f->fails ? RC_UNAVAILABLE : kv_get(f->inner, key, key_len, value, len);
}

static int flaky_write(struct kv *kv, const struct kv_put *puts, size_t n)
{
    struct flaky *f = (struct flaky *)kv;

    f->writes++;
    return f->fails ? RC_UNAVAILABLE : kv_write(f->inner, puts, n);
}

static int flaky_each(struct kv *kv, const void *prefix, size_t len, kv_each_fn fn,
                      void *ctx)
{
    struct flaky *f = (struct flaky *)kv;

    return f->fails ? RC_UNAVAILABLE : kv_each(f->inner, prefix, len, fn, ctx);
}

static void flaky_close(struct kv *kv)
{
    kv_close(((struct flaky *)kv)->inner);
    free(kv);
}

static const struct kv_ops flaky_ops = {flaky_close, flaky_get, flaky_write, flaky_each};

static const char *const services[] = {"shop"};

static struct flaky *flaky;
static struct token_table *tokens;
static struct keeper *keeper;
static struct users *users;

static void setup(void)
{
    log_set_level(LOG_ERROR);
    flaky = MEM_NEW(struct flaky);
    kv_init(&flaky->kv, &flaky_ops);
    flaky->inner = kv_open_memory();
    tokens = token_new(services, 1);
    keeper = keeper_new(&flaky->kv, tokens);
    users = users_new(1000);
}

static void teardown(void)
{
    keeper_free(keeper);
    users_free(users);
    token_free(tokens);
    kv_close(&flaky->kv);
}

static void flush(uint32_t now_s, bool all)
{
    if (keeper_prepare(keeper, now_s, all))
        keeper_done(keeper, keeper_write(keeper), now_s);
}

static void ask(struct user *user, uint32_t at_s, uint32_t now_s)
{
    struct profile_event e = {.at_s = at_s, .hour = profile_hour_at(at_s, 0), .token = 1};

    profile_note(&user->profile, &e, 1800);
    keeper_changed(keeper, user, now_s);
}

/* Requests of a user as the store has them, by another keeper; 0: none. */
static uint32_t stored(uint64_t key)
{
    struct keeper *k = keeper_new(flaky->inner, tokens);
    struct profile p = {0};

    keeper_read_user(k, key, &p);
    keeper_free(k);
    return p.requests;
}

Test(keeper, a_changed_user_is_written_after_a_minute, .init = setup, .fini = teardown)
{
    struct user *a = users_add(users, 7);

    ask(a, 5000, 100);
    flush(159, false);
    cr_expect_eq(stored(7), 0);
    ask(a, 5001, 159);
    flush(160, false);
    cr_expect_eq(stored(7), 2);
    cr_expect_not(keeper_prepare(keeper, 500, false), "nothing has changed");
    ask(a, 5002, 165);
    flush(224, false);
    cr_expect_eq(stored(7), 2);
    flush(225, false);
    cr_expect_eq(stored(7), 3);
}

Test(keeper, the_end_of_a_session_writes_at_once_but_not_twice_a_minute, .init = setup,
     .fini = teardown)
{
    struct user *a = users_add(users, 7);

    ask(a, 5000, 100);
    keeper_session_over(keeper, a, 101);
    flush(101, false);
    cr_expect_eq(stored(7), 1);
    ask(a, 9000, 110);
    keeper_session_over(keeper, a, 111);
    flush(112, false);
    cr_expect_eq(stored(7), 1);
    flush(170, false);
    cr_expect_eq(stored(7), 2);
}

Test(keeper, who_leaves_memory_is_found_even_before_it_is_written, .init = setup,
     .fini = teardown)
{
    struct user *a = users_add(users, 7);
    struct profile p;

    ask(a, 5000, 100);
    keeper_leaves(keeper, a, 101);
    users_remove(users, a);
    cr_expect_eq(keeper_read_user(keeper, 7, &p), KEEPER_FOUND);
    cr_expect(keeper_prepare(keeper, 102, false));
    cr_expect_eq(keeper_read_user(keeper, 7, &p), KEEPER_FOUND, "while it is written");
    keeper_done(keeper, keeper_write(keeper), 102);
    cr_expect_eq(keeper_read_user(keeper, 7, &p), KEEPER_FOUND);
    cr_expect_eq(p.requests, 1);
    cr_expect_eq(keeper_read_user(keeper, 8, &p), KEEPER_NONE);
}

Test(keeper, a_failing_store_is_counted_and_caught_up_with, .init = setup, .fini = teardown)
{
    struct user *a = users_add(users, 7), *b = users_add(users, 8);
    struct keeper_stats s;

    ask(a, 5000, 100);
    flaky->fails = true;
    flush(160, false);
    keeper_get_stats(keeper, &s);
    cr_expect(s.errors == 1 && !s.ok);
    ask(b, 5000, 161);
    flush(161, false);
    cr_expect_eq(flaky->writes, 1, "not again at once");
    keeper_leaves(keeper, b, 162);
    users_remove(users, b);
    flush(166, false);
    cr_expect_eq(flaky->writes, 2);
    flaky->fails = false;
    flush(172, false);
    flush(173, false);
    keeper_get_stats(keeper, &s);
    cr_expect(s.ok && s.lost == 0);
    cr_expect_eq(stored(7), 1);
    cr_expect_eq(stored(8), 1);
}

Test(keeper, who_could_not_be_read_is_joined_before_it_is_written, .init = setup,
     .fini = teardown)
{
    struct user *a = users_add(users, 7);
    struct profile p;

    for (uint32_t i = 0; i < 5; i++)
        ask(a, 5000 + i, 100);
    flush(160, true);
    users_remove(users, a);
    flaky->fails = true;
    cr_expect_eq(keeper_read_user(keeper, 7, &p), KEEPER_UNREACHABLE);
    a = users_add(users, 7);
    a->unread = true;
    ask(a, 9000, 200);
    flush(260, false);
    flaky->fails = false;
    flush(300, false);
    cr_expect_eq(stored(7), 6);
    cr_expect_eq(a->profile.requests, 6);
}

Test(keeper, the_secret_is_made_once, .init = setup, .fini = teardown)
{
    struct sip_key first = keeper_secret(keeper), again = keeper_secret(keeper), other;
    struct keeper *k;

    flush(1, true);
    k = keeper_new(&flaky->kv, tokens);
    other = keeper_secret(k);
    cr_expect(first.k0 == again.k0 && first.k1 == again.k1);
    cr_expect(first.k0 == other.k0 && first.k1 == other.k1);
    cr_expect(first.k0 != 0 && first.k0 != first.k1);
    keeper_free(k);
}

Test(keeper, a_secret_that_cannot_be_read_is_not_replaced, .init = setup, .fini = teardown)
{
    struct sip_key first = keeper_secret(keeper), other, after;
    struct keeper *k;

    flush(1, true);
    flaky->fails = true;
    k = keeper_new(&flaky->kv, tokens);
    other = keeper_secret(k);
    flaky->fails = false;
    if (keeper_prepare(k, 100, true))
        keeper_done(k, keeper_write(k), 100);
    keeper_free(k);
    k = keeper_new(&flaky->kv, tokens);
    after = keeper_secret(k);
    cr_expect_neq(first.k0, other.k0);
    cr_expect_eq(first.k0, after.k0);
    keeper_free(k);
}

Test(keeper, tokens_and_named_bytes_come_back, .init = setup, .fini = teardown)
{
    struct token_table *t = token_new(services, 1);
    struct keeper *k;
    uint8_t *bytes;
    size_t len;

    token_add(tokens, 0, "/a");
    token_add(tokens, 0, "/b");
    keeper_put(keeper, "model", (uint8_t *)mem_str("old"), 3);
    keeper_put(keeper, "model", (uint8_t *)mem_str("bytes"), 5);
    flush(1, true);
    k = keeper_new(&flaky->kv, t);
    keeper_load_tokens(k);
    cr_expect_eq(token_count(t), 2);
    cr_expect_str_eq(token_text(t, 2), "/b");
    cr_assert(keeper_get(k, "model", &bytes, &len));
    cr_expect(len == 5 && memcmp(bytes, "bytes", 5) == 0);
    free(bytes);
    cr_expect_not(keeper_get(k, "other", &bytes, &len));
    keeper_free(k);
    token_free(t);
}

static bool add_key(void *ctx, uint64_t key, const struct profile *p)
{
    *(uint64_t *)ctx += key * p->requests;
    return true;
}

Test(keeper, all_stored_users_are_walked, .init = setup, .fini = teardown)
{
    uint64_t sum = 0;

    for (uint64_t key = 1; key <= 100; key++)
        ask(users_add(users, key << 40), 5000, 1);
    flush(1, true);
    keeper_each_user(keeper, add_key, &sum);
    cr_expect_eq(sum, (uint64_t)5050 << 40);
}

Test(keeper, without_a_store_nothing_is_kept_and_nothing_breaks)
{
    struct token_table *t = token_new(services, 1);
    struct keeper *k = keeper_new(NULL, t);
    struct users *u = users_new(10);
    struct user *a = users_add(u, 7);
    struct profile p;

    keeper_changed(k, a, 1);
    keeper_session_over(k, a, 2);
    keeper_leaves(k, a, 3);
    cr_expect_not(keeper_prepare(k, 100, true));
    cr_expect_eq(keeper_read_user(k, 7, &p), KEEPER_NONE);
    cr_expect_neq(keeper_secret(k).k0, 0);
    users_free(u);
    keeper_free(k);
    token_free(t);
}
