#include <criterion/criterion.h>
#include <math.h>

#include "base/rng.h"
#include "scaler/forecast/rls.h"

static struct rls r;

static void learn(int n, const double *truth, double noise)
{
    struct rng g;

    rng_init(&g, 3);
    for (int k = 0; k < n; k++) {
        double x[3] = {1, rng_unit(&g) - 0.5, rng_unit(&g) - 0.5};
        double y = noise * (rng_unit(&g) - 0.5);

        for (int i = 0; i < 3; i++)
            y += truth[i] * x[i];
        rls_learn(&r, x, y - rls_predict(&r, x));
    }
}

Test(rls, finds_the_weights_of_a_linear_relation)
{
    static const double truth[] = {0.5, -2, 3};

    rls_init(&r, 3, 0.9999);
    learn(20000, truth, 0.1);
    for (int i = 0; i < 3; i++)
        cr_expect_float_eq(r.w[i], truth[i], 0.05, "weight %d is %g", i, r.w[i]);
}

Test(rls, follows_weights_that_change)
{
    static const double before[] = {1, 1, 1}, after[] = {-1, 2, 0};

    rls_init(&r, 3, 0.99);
    learn(1000, before, 0.1);
    learn(1500, after, 0.1);
    for (int i = 0; i < 3; i++)
        cr_expect_float_eq(r.w[i], after[i], 0.05);
}

Test(rls, inputs_that_stand_still_do_not_wind_it_up)
{
    double x[2] = {1, 0}, trace;

    rls_init(&r, 2, 0.99);
    for (int k = 0; k < 100000; k++)
        rls_learn(&r, x, 0);
    trace = r.p[0][0] + r.p[1][1];
    cr_expect_leq(trace, 10 * 0.1 * 2 + 1e-9);
    cr_expect(isfinite(trace));
}

Test(rls, a_prior_speaks_until_it_has_learned)
{
    double x[2] = {1, 2};

    rls_init(&r, 2, 1);
    r.w[1] = 0.8;
    cr_expect_float_eq(rls_predict(&r, x), 1.6, 1e-12);
}
