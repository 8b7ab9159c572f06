#include <criterion/criterion.h>
#include <math.h>

#include "scaler/forecast/mixture.h"

Test(mixture, begins_with_the_plain_mean)
{
    struct mixture *m = mixture_new(4, 1, 0.999);
    double said[] = {0, 1, 2, 5};

    cr_expect_float_eq(mixture_combine(m, 0, said), 2, 1e-12);
    mixture_free(m);
}

Test(mixture, the_weight_goes_to_who_is_right)
{
    struct mixture *m = mixture_new(3, 2, 0.999);
    double last = 0;

    for (int64_t s = 0; s < 500; s++) {
        double truth = sin((double)s / 9);
        double said[] = {truth + 0.3, truth, truth - 0.5};

        mixture_learn(m, s, sin((double)(s - 2) / 9));
        last = fabs(mixture_combine(m, s, said) - truth);
    }
    cr_expect_gt(mixture_weight(m, 1), 0.9);
    cr_expect_lt(last, 0.05);
    mixture_free(m);
}

Test(mixture, weights_always_sum_to_one)
{
    struct mixture *m = mixture_new(3, 1, 1);
    double said[] = {1e6, -1e6, 0}, sum = 0;

    for (int64_t s = 0; s < 100; s++) {
        mixture_learn(m, s, s % 2 ? 1e6 : -1e6);
        mixture_combine(m, s, said);
    }
    for (unsigned i = 0; i < 3; i++)
        sum += mixture_weight(m, i);
    cr_expect_float_eq(sum, 1, 1e-9);
    mixture_free(m);
}

Test(mixture, what_was_not_said_is_not_judged)
{
    struct mixture *m = mixture_new(2, 3, 1);
    double said[] = {0, 1};

    mixture_combine(m, 10, said);
    mixture_learn(m, 12, 1); /* nothing was said about 12 */
    mixture_learn(m, 13, NAN);
    cr_expect_float_eq(mixture_weight(m, 0), 0.5, 1e-12);
    mixture_learn(m, 13, 1);
    cr_expect_gt(mixture_weight(m, 1), 0.5);
    mixture_free(m);
}
