/* Mirrors base/map.c: against an array that does the same slowly. */
#include <criterion/criterion.h>

#include "base/map.h"
#include "base/rng.h"

#define KEYS 512

static int values[KEYS];

static size_t entries(const struct map *m)
{
    size_t at = 0, n = 0;
    uint64_t key;
    void *value;

    while (map_next(m, &at, &key, &value))
        n++;
    return n;
}

Test(map, does_what_an_array_does_under_random_changes)
{
    struct rng rng;
    struct map m;
    void *model[KEYS] = {0};
    size_t live = 0;

    rng_init(&rng, 1);
    map_init(&m);
    for (int i = 0; i < 50000; i++) {
        uint64_t k = rng_below(&rng, KEYS);

        if (rng_below(&rng, 3) == 0) {
            cr_assert_eq(map_remove(&m, k), model[k]);
            live -= model[k] != NULL;
            model[k] = NULL;
        } else {
            live += model[k] == NULL;
            model[k] = &values[rng_below(&rng, KEYS)];
            map_set(&m, k, model[k]);
        }
        if (i % 100 == 0)
            cr_assert_eq(entries(&m), live);
    }
    for (uint64_t k = 0; k < KEYS; k++)
        cr_assert_eq(map_find(&m, k), model[k]);
    map_fini(&m);
}

Test(map, a_walk_sees_each_entry_once_and_may_remove_it)
{
    struct map m;
    size_t at = 0, seen = 0;
    uint64_t key, sum = 0;
    void *value;

    map_init(&m);
    for (uint64_t k = 1; k <= 100; k++)
        map_set(&m, k << 32, &values[0]);
    while (map_next(&m, &at, &key, &value)) {
        sum += key >> 32;
        seen++;
        map_remove(&m, key);
    }
    cr_expect_eq(seen, 100u);
    cr_expect_eq(sum, 5050u);
    cr_expect_eq(entries(&m), 0u);
    map_fini(&m);
}

Test(map, an_empty_map_finds_nothing)
{
    struct map m;

    map_init(&m);
    cr_expect_null(map_find(&m, 0));
    cr_expect_null(map_remove(&m, 0));
    map_fini(&m);
}
