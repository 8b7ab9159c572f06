#include "profiler/users.h"

#include <criterion/criterion.h>

Test(users, they_are_found_until_they_are_removed)
{
    struct users *u = users_new(1000);
    struct user *a = users_add(u, 7);

    cr_assert_not_null(a);
    cr_expect_eq(users_find(u, 7), a);
    cr_expect_null(users_find(u, 8));
    cr_expect_eq(users_count(u), 1);
    users_remove(u, a);
    cr_expect_null(users_find(u, 7));
    cr_expect_eq(users_count(u), 0);
    users_free(u);
}

Test(users, no_more_than_max_are_held)
{
    struct users *u = users_new(3);

    for (uint64_t key = 1; key <= 3; key++)
        cr_expect_not_null(users_add(u, key));
    cr_expect_null(users_add(u, 4));
    users_remove(u, users_find(u, 2));
    cr_expect_not_null(users_add(u, 4));
    users_free(u);
}

Test(users, the_orders_follow_who_was_seen_last)
{
    struct users *u = users_new(10);
    struct user *a = users_add(u, 1), *b = users_add(u, 2), *c = users_add(u, 3);

    cr_expect_eq(users_oldest_idle(u), a);
    cr_expect_null(users_oldest_active(u));
    users_activate(u, a);
    users_activate(u, b);
    users_activate(u, c);
    users_activate(u, a);
    cr_expect_eq(users_oldest_active(u), b);
    cr_expect_eq(users_later_active(u, b), c);
    cr_expect_eq(users_later_active(u, c), a);
    cr_expect_null(users_later_active(u, a));
    cr_expect_null(users_oldest_idle(u));
    users_retire(u, b);
    cr_expect_eq(users_oldest_active(u), c);
    cr_expect_eq(users_oldest_idle(u), b);
    cr_expect_eq(users_active(u), 2);
    users_remove(u, c);
    cr_expect_eq(users_active(u), 1);
    users_free(u);
}

Test(users, all_are_walked_and_places_are_used_again)
{
    struct users *u = users_new(2000);
    size_t seen = 0;

    for (uint64_t key = 1; key <= 1000; key++)
        users_add(u, key);
    for (uint64_t key = 1; key <= 1000; key += 2)
        users_remove(u, users_find(u, key));
    for (size_t i = 0; i < users_places(u); i++)
        seen += users_at(u, i) != NULL;
    cr_expect_eq(seen, 500);
    for (uint64_t key = 5001; key <= 5500; key++)
        users_add(u, key);
    cr_expect_leq(users_places(u), 1024);
    users_free(u);
}

Test(users, loaded_ones_are_put_in_order)
{
    struct users *u = users_new(10);

    for (uint64_t key = 1; key <= 5; key++)
        users_add(u, key)->profile.session.last_s = (uint32_t)(key * 7 % 5);
    users_activate(u, users_find(u, 5));
    users_sort_idle(u);
    cr_expect_eq(users_oldest_idle(u)->key, 3);
    users_remove(u, users_oldest_idle(u));
    cr_expect_eq(users_oldest_idle(u)->key, 1);
    cr_expect_eq(users_oldest_active(u)->key, 5);
    users_free(u);
}
