/* Mirrors base/siphash.c: the worked value of the paper's appendix A, and its limits. */
#include <criterion/criterion.h>

#include "base/siphash.h"

static const struct sip_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

Test(siphash, gives_the_value_of_the_paper)
{
    uint8_t in[15];

    for (uint8_t i = 0; i < 15; i++)
        in[i] = i;
    cr_expect_eq(siphash(&key, in, 15), 0xa129ca6149be45e5u);
}

Test(siphash, another_key_gives_another_value)
{
    struct sip_key other = {key.k0, key.k1 ^ 1};

    cr_expect_neq(siphash(&key, "alice", 5), siphash(&other, "alice", 5));
}

Test(siphash, length_counts_even_with_zero_bytes)
{
    cr_expect_neq(siphash(&key, "\0\0", 1), siphash(&key, "\0\0", 2));
}
