#include "profiler/batch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *value_of(const struct batch *b, const char *key)
{
    static char text[64];
    const struct kv_put *p = batch_find(b, key, strlen(key));

    if (p == NULL)
        return NULL;
    snprintf(text, sizeof(text), "%.*s", (int)p->value_len, (const char *)p->value);
    return text;
}

static void put(struct batch *b, const char *key, const char *value)
{
    batch_put(b, key, strlen(key), value, strlen(value));
}

Test(batch, the_last_value_of_a_key_counts)
{
    struct batch b;

    batch_init(&b);
    put(&b, "a", "1");
    put(&b, "b", "2");
    put(&b, "a", "33");
    cr_expect_eq(b.n, 2);
    cr_expect_str_eq(value_of(&b, "a"), "33");
    cr_expect_str_eq(value_of(&b, "b"), "2");
    cr_expect_null(value_of(&b, "c"));
    batch_clear(&b);
    cr_expect_null(value_of(&b, "a"));
    put(&b, "a", "");
    cr_expect_str_eq(value_of(&b, "a"), "");
    batch_fini(&b);
}

Test(batch, many_records_are_found_again)
{
    struct batch b;
    char key[16];

    batch_init(&b);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(key, sizeof(key), "k%u", i % 5000);
        put(&b, key, key);
    }
    cr_expect_eq(b.n, 5000);
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        cr_assert_str_eq(value_of(&b, key), key);
    }
    batch_fini(&b);
}
