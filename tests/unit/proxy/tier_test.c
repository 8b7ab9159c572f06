#include <criterion/criterion.h>

#include "base/rng.h"
#include "proxy/tier.h"

#define SPILL_AT 0.7

/* One backend of 100 requests in each tier, with that many on it; negative: none takes. */
static void use_of(struct tier_use use[N_TIERS], int baseline, int predictive, int burst)
{
    const int inflight[N_TIERS] = {baseline, predictive, burst};

    for (int t = 0; t < N_TIERS; t++) {
        use[t] = (struct tier_use){0};
        if (inflight[t] >= 0)
            use[t] = (struct tier_use){1, 100, (uint32_t)inflight[t]};
    }
}

static void expect_order(const struct tier_use use[N_TIERS], double unit, enum tier a,
                         enum tier b, enum tier c)
{
    enum tier out[N_TIERS];

    tier_order(use, SPILL_AT, unit, out);
    cr_expect_eq(out[0], a, "first at unit %g is %s", unit, tier_name[out[0]]);
    cr_expect_eq(out[1], b, "second at unit %g is %s", unit, tier_name[out[1]]);
    cr_expect_eq(out[2], c, "third at unit %g is %s", unit, tier_name[out[2]]);
}

/* Share of requests that ask predictive first. */
static double predictive_share(const struct tier_use use[N_TIERS])
{
    enum tier out[N_TIERS];
    struct rng rng;
    int n = 0;

    rng_init(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        tier_order(use, SPILL_AT, rng_unit(&rng), out);
        n += out[0] == TIER_PREDICTIVE;
    }
    return n / 100000.0;
}

Test(tier, baseline_is_alone_up_to_spill_at)
{
    struct tier_use use[N_TIERS];

    for (int inflight = 0; inflight <= 70; inflight += 10) {
        use_of(use, inflight, 0, 0);
        expect_order(use, 0, TIER_BASELINE, TIER_PREDICTIVE, TIER_BURST);
        expect_order(use, 0.999, TIER_BASELINE, TIER_PREDICTIVE, TIER_BURST);
    }
}

Test(tier, past_spill_at_the_two_share_in_proportion_to_free_capacity)
{
    struct tier_use use[N_TIERS];

    use_of(use, 80, 20, 0); /* 20 and 80 free */
    cr_assert_float_eq(predictive_share(use), 0.8, 0.01);
    use_of(use, 75, 75, 0);
    cr_assert_float_eq(predictive_share(use), 0.5, 0.01);
    use_of(use, 71, 90, 0); /* 29 and 10 free */
    cr_assert_float_eq(predictive_share(use), 10.0 / 39, 0.01);
}

Test(tier, a_full_baseline_leaves_all_to_predictive)
{
    struct tier_use use[N_TIERS];

    use_of(use, 100, 99, 0);
    expect_order(use, 0, TIER_PREDICTIVE, TIER_BASELINE, TIER_BURST);
    expect_order(use, 0.999, TIER_PREDICTIVE, TIER_BASELINE, TIER_BURST);
}

Test(tier, more_than_its_capacity_on_a_tier_is_no_free_capacity)
{
    struct tier_use use[N_TIERS];

    use_of(use, 180, 120, 0); /* limits were lowered by a reload */
    expect_order(use, 0, TIER_BASELINE, TIER_PREDICTIVE, TIER_BURST);
}

Test(tier, burst_comes_last_even_when_both_are_full)
{
    struct tier_use use[N_TIERS];

    use_of(use, 100, 100, 0);
    expect_order(use, 0.5, TIER_BASELINE, TIER_PREDICTIVE, TIER_BURST);
}

Test(tier, burst_is_first_when_the_others_are_still_starting)
{
    struct tier_use use[N_TIERS];

    use_of(use, -1, -1, 50);
    expect_order(use, 0.5, TIER_BURST, TIER_BASELINE, TIER_PREDICTIVE);
}

Test(tier, an_absent_baseline_leaves_all_to_predictive)
{
    struct tier_use use[N_TIERS];

    use_of(use, -1, 10, 0);
    expect_order(use, 0.999, TIER_PREDICTIVE, TIER_BURST, TIER_BASELINE);
}

Test(tier, predictive_that_is_still_starting_is_asked_last)
{
    struct tier_use use[N_TIERS];

    use_of(use, 90, -1, 0);
    expect_order(use, 0, TIER_BASELINE, TIER_BURST, TIER_PREDICTIVE);
}
