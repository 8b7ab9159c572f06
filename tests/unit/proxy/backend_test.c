#include <criterion/criterion.h>
#include <pthread.h>

#include "base/check.h"
#include "pool_fixture.h"

static struct fixture f;
static struct backend *be;

static void setup(void)
{
    fixture_init(&f);
    f.cfg.pools[TIER_BASELINE] =
        (struct cfg_pool){.max_requests = 2, .max_connections = 3, .max_idle = 1};
    be = fixture_add(&f, TIER_BASELINE, 1);
    fixture_ready(&f);
}

static void teardown(void)
{
    fixture_fini(&f);
}

TestSuite(backend, .init = setup, .fini = teardown);

Test(backend, no_more_requests_than_max_requests)
{
    cr_assert(backend_reserve(be));
    cr_assert(backend_reserve(be));
    cr_assert_not(backend_reserve(be));
    backend_release(be, BACKEND_OK, 0, T0);
    cr_assert(backend_reserve(be));
}

Test(backend, no_more_connections_and_idle_ones_than_configured)
{
    for (int i = 0; i < 3; i++)
        cr_assert(backend_connection_reserve(be));
    cr_assert_not(backend_connection_reserve(be));
    backend_connection_release(be);
    cr_assert(backend_connection_reserve(be));
    cr_assert(backend_idle_reserve(be));
    cr_assert_not(backend_idle_reserve(be));
    backend_idle_release(be);
    cr_assert(backend_idle_reserve(be));
}

Test(backend, max_connections_is_max_requests_unless_set)
{
    struct backend *other;

    f.cfg.pools[TIER_BURST] = (struct cfg_pool){.max_requests = 7};
    other = fixture_add(&f, TIER_BURST, 1);
    cr_assert_eq(other->max_connections, 7u);
}

Test(backend, takes_when_it_is_up_and_ready)
{
    const struct {
        enum backend_health health;
        enum backend_admin admin;
        bool takes;
    } cases[] = {
        {BACKEND_UP, BACKEND_READY, true},       {BACKEND_UP, BACKEND_DRAIN, false},
        {BACKEND_UP, BACKEND_LEAVING, true},     {BACKEND_DOWN, BACKEND_LEAVING, false},
        {BACKEND_DOWN, BACKEND_READY, false},    {BACKEND_DOWN, BACKEND_DRAIN, false},
        {BACKEND_UNKNOWN, BACKEND_READY, false}, {BACKEND_UNKNOWN, BACKEND_DRAIN, false},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        backend_set_health(be, cases[i].health, T0);
        backend_set_admin(be, cases[i].admin);
        cr_expect_eq(backend_takes(be, T0), cases[i].takes, "case %zu", i);
    }
}

Test(backend, up_since_counts_from_coming_up_only)
{
    backend_set_health(be, BACKEND_DOWN, T0);
    backend_set_health(be, BACKEND_UP, T0 + 1);
    backend_set_health(be, BACKEND_UP, T0 + 2);
    cr_assert_eq(be->shared->up_since, T0 + 1);
}

Test(backend, only_an_answer_teaches_latency)
{
    backend_reserve(be);
    backend_release(be, BACKEND_FAILED, 9000, T0);
    backend_reserve(be);
    backend_release(be, BACKEND_ABANDONED, 9000, T0);
    cr_assert_float_eq(backend_ewma_us(be, T0), 0, 1e-9);
    backend_reserve(be);
    backend_release(be, BACKEND_OK, 2500, T0);
    cr_assert_float_eq(backend_ewma_us(be, T0), 2500, 1e-9);
}

Test(backend, only_a_failure_counts_against_it)
{
    struct backend_view v;

    for (int oc = BACKEND_OK; oc <= BACKEND_ABANDONED; oc++) {
        backend_reserve(be);
        backend_release(be, (enum backend_outcome)oc, 0, T0);
    }
    backend_view(be, T0, &v);
    cr_assert_eq(v.requests, 3u);
    cr_assert_eq(v.failures, 1u);
    cr_assert_eq(v.inflight, 0u);
}

Test(backend, a_view_shows_an_ejection_while_it_lasts)
{
    struct backend_view v;

    fixture_add(&f, TIER_BASELINE, 1); /* half of two may go */
    for (int i = 0; i < 5; i++) {
        backend_reserve(be);
        backend_release(be, BACKEND_FAILED, 0, T0);
    }
    backend_view(be, T0, &v);
    cr_expect(v.ejected);
    cr_expect_eq(v.ejections, 1u);
    backend_view(be, T0 + 2 * US_PER_S, &v);
    cr_expect_not(v.ejected);
}

Test(backend, one_made_from_an_earlier_one_goes_on_with_its_counts)
{
    struct backend_spec spec = {.addr = &be->addr,
                                .id = "",
                                .service = &f.cfg,
                                .tier = TIER_BASELINE,
                                .weight = 9,
                                .home = f.home,
                                .shared = be->shared,
                                .slots = f.slots};
    struct backend *next = backend_new(&spec);

    backend_reserve(be);
    cr_expect_eq(next->shared->inflight, 1u);
    cr_expect_eq(next->weight, 9u);
    cr_expect_neq(next->slot, be->slot);
    backend_unref(next);
}

Test(backend, fits_what_it_was_made_from_and_nothing_else)
{
    struct backend_spec spec = {
        .addr = &be->addr, .id = "", .service = &f.cfg, .tier = TIER_BASELINE, .weight = 1};

    cr_expect(backend_fits(be, &spec));
    spec.weight = 2;
    cr_expect_not(backend_fits(be, &spec));
    spec.weight = 1;
    f.cfg.ejection.max_share = 0.4;
    cr_expect_not(backend_fits(be, &spec));
    f.cfg.ejection.max_share = 0.5;
    f.cfg.index = 3;
    cr_expect_not(backend_fits(be, &spec));
    f.cfg.index = be->service;
    cr_expect(backend_fits(be, &spec));
    f.cfg.pools[TIER_BASELINE].proxy_protocol = CFG_PROXY_PROTOCOL_V2;
    cr_expect_not(backend_fits(be, &spec));
}

static _Atomic uint32_t inside, most_inside;

static void *use_it(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20000; i++) {
        uint32_t n;

        if (!backend_reserve(be))
            continue;
        n = atomic_fetch_add(&inside, 1) + 1;
        if (n > atomic_load(&most_inside))
            atomic_store(&most_inside, n);
        atomic_fetch_sub(&inside, 1);
        backend_release(be, i % 7 == 0 ? BACKEND_FAILED : BACKEND_OK, 1000, T0 + i);
    }
    return NULL;
}

Test(backend, workers_together_keep_to_the_limit)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, use_it, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    cr_assert_leq(most_inside, 2u);
    cr_assert_eq(be->shared->inflight, 0u);
}
