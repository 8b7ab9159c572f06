/* Mirrors app/admin/census.c. */
#include <criterion/criterion.h>

#include "app/admin/census.h"
#include "base/check.h"

Test(census, one_state_comes_of_health_intent_and_ejection)
{
    static const struct {
        enum backend_health health;
        enum backend_admin admin;
        bool ejected;
        enum census_state want;
    } cases[] = {
        {BACKEND_UP, BACKEND_READY, false, CENSUS_READY},
        {BACKEND_UP, BACKEND_READY, true, CENSUS_EJECTED},
        {BACKEND_UP, BACKEND_DRAIN, false, CENSUS_DRAINING},
        {BACKEND_UP, BACKEND_DRAIN, true, CENSUS_DRAINING},
        {BACKEND_UP, BACKEND_LEAVING, false, CENSUS_DRAINING},
        {BACKEND_DOWN, BACKEND_READY, false, CENSUS_DOWN},
        {BACKEND_DOWN, BACKEND_READY, true, CENSUS_DOWN},
        {BACKEND_DOWN, BACKEND_DRAIN, false, CENSUS_DRAINING},
        {BACKEND_UNKNOWN, BACKEND_READY, false, CENSUS_STARTING},
        {BACKEND_UNKNOWN, BACKEND_READY, true, CENSUS_EJECTED},
        {BACKEND_UNKNOWN, BACKEND_DRAIN, false, CENSUS_DRAINING},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct backend_view v = {.health = cases[i].health,
                                 .admin = cases[i].admin,
                                 .ejected = cases[i].ejected};

        cr_expect_eq(census_state_of(&v), cases[i].want, "case %zu", i);
    }
}
