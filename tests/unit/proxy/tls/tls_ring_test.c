/* Mirrors proxy/tls/tls_ring.c. */
#include "proxy/tls/tls_ring.h"

#include <criterion/criterion.h>
#include <string.h>

#define T0     ((mono_us)1000 * US_PER_S)
#define ROTATE ((mono_us)10 * US_PER_S)

static struct tls_ring_key key(uint8_t name)
{
    struct tls_ring_key k = {.aes_len = 32};

    memset(k.name, name, sizeof(k.name));
    return k;
}

static bool knows(const struct tls_ring *r, uint8_t name)
{
    struct tls_ring_key k = key(name);

    return tls_ring_find(r, k.name) != NULL;
}

static void turn(struct tls_ring *r, mono_us at, uint8_t name)
{
    struct tls_ring_key k = key(name);

    tls_ring_turn(r, at, ROTATE, &k);
}

Test(tls_ring, an_empty_one_needs_a_key_at_once)
{
    struct tls_ring r = {0};

    cr_expect(tls_ring_due(&r, 0, ROTATE));
    cr_expect_not(knows(&r, 1));
}

Test(tls_ring, a_key_is_due_after_its_time_and_not_before)
{
    struct tls_ring r = {0};

    turn(&r, T0, 1);
    cr_expect_not(tls_ring_due(&r, T0 + ROTATE - 1, ROTATE));
    cr_expect(tls_ring_due(&r, T0 + ROTATE, ROTATE));
}

Test(tls_ring, the_key_before_still_decrypts_and_the_one_before_that_does_not)
{
    struct tls_ring r = {0};

    turn(&r, T0, 1);
    turn(&r, T0 + ROTATE, 2);
    cr_expect_eq(r.keys[0].name[0], 2);
    cr_expect(knows(&r, 1));
    turn(&r, T0 + 2 * ROTATE, 3);
    cr_expect_eq(r.keys[0].name[0], 3);
    cr_expect(knows(&r, 2));
    cr_expect_not(knows(&r, 1));
}

Test(tls_ring, after_a_long_rest_the_old_key_is_forgotten)
{
    struct tls_ring r = {0};

    turn(&r, T0, 1);
    turn(&r, T0 + 2 * ROTATE, 2);
    cr_expect_not(knows(&r, 1));
    cr_expect_eq(r.n, 1);
}

Test(tls_ring, added_keys_stay_in_order_and_must_differ)
{
    struct tls_ring r = {0};
    struct tls_ring_key k;

    for (unsigned i = 0; i < TLS_RING_MAX; i++) {
        k = key((uint8_t)i);
        cr_expect(tls_ring_add(&r, &k));
        cr_expect_not(tls_ring_add(&r, &k), "twice");
    }
    k = key(99);
    cr_expect_not(tls_ring_add(&r, &k), "full");
    cr_expect_eq(r.keys[0].name[0], 0);
    cr_expect(knows(&r, TLS_RING_MAX - 1));
}

/* name, HMAC, AES of 32 bytes; or name, AES, HMAC of 16. */
Test(tls_ring, files_of_48_and_80_bytes_are_read_as_nginx_does)
{
    struct tls_ring_key k;
    uint8_t bytes[80];

    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    cr_assert(tls_ring_read(bytes, 80, &k));
    cr_expect(k.name[15] == 15 && k.hmac[0] == 16 && k.hmac[31] == 47 && k.aes[0] == 48 &&
              k.aes[31] == 79 && k.aes_len == 32);
    cr_assert(tls_ring_read(bytes, 48, &k));
    cr_expect(k.name[15] == 15 && k.aes[0] == 16 && k.aes[15] == 31 && k.hmac[0] == 32 &&
              k.hmac[15] == 47 && k.hmac[16] == 0 && k.aes_len == 16);
    for (size_t n = 0; n < 80; n++)
        cr_expect_eq(tls_ring_read(bytes, n, &k), n == 48, "%zu", n);
}
