#include "profiler/pathkey.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

Test(pathkey, similar_paths_do_not_collide)
{
    enum { N = 200000 };
    uint64_t *keys = malloc(N * sizeof(keys[0]));
    char path[64];

    for (unsigned i = 0; i < N; i++) {
        int len = snprintf(path, sizeof(path),
                           i % 2 ? "/product/%u" : "/a/%u/a/long/tail/of/it", i);

        keys[i] = pathkey_of(path, (size_t)len);
    }
    qsort(keys, N, sizeof(keys[0]), compare);
    for (unsigned i = 1; i < N; i++)
        cr_assert_neq(keys[i], keys[i - 1]);
    free(keys);
}

Test(pathkey, every_byte_and_the_length_count)
{
    char path[80];

    memset(path, 'a', sizeof(path));
    for (size_t len = 0; len < sizeof(path); len++) {
        uint64_t key = pathkey_of(path, len);

        cr_expect_neq(key, 0);
        cr_expect_neq(key, pathkey_of(path, len + 1));
        for (size_t i = 0; i < len; i++) {
            path[i] = 'b';
            cr_expect_neq(pathkey_of(path, len), key, "byte %zu of %zu", i, len);
            path[i] = 'a';
        }
    }
}
