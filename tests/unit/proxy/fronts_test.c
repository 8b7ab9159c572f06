/* Mirrors proxy/fronts.c. */
#include "proxy/fronts.h"

#include <criterion/criterion.h>

Test(fronts, one_for_a_bind_text_under_its_newest_name)
{
    struct fronts f;
    struct front *a, *b;

    fronts_init(&f);
    a = fronts_get(&f, "127.0.0.1:1", "old");
    b = fronts_get(&f, "127.0.0.1:2", "other");
    atomic_store(&a->open, 3);
    atomic_store(&b->open, 5);
    cr_expect_eq(fronts_open(&f, "old", 3), 3u);
    cr_expect_eq(fronts_get(&f, "127.0.0.1:1", "new"), a);
    cr_expect_eq(fronts_open(&f, "new", 3), 3u);
    cr_expect_eq(fronts_open(&f, "old", 3), 0u);
    cr_expect_eq(fronts_open(&f, "othe", 4), 0u);
    fronts_fini(&f);
}
