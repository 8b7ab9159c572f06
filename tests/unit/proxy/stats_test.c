/* Mirrors proxy/stats.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "proxy/stats.h"

Test(stats, load_is_the_sum_over_workers)
{
    struct service_stats *b = stats_new(2);
    struct load load;

    STATS_ADD(b[0].arrivals, 3);
    STATS_ADD(b[1].arrivals, 4);
    STATS_INC(b[1].tier[TIER_BURST].admitted);
    hist_add(&b[0].tier[TIER_BASELINE].latency, 700);
    hist_add(&b[1].tier[TIER_BASELINE].latency, 700);
    stats_load(b, 2, 0, &load);
    cr_expect_eq(load.arrivals, 7u);
    cr_expect_eq(load.tier[TIER_BURST].admitted, 1u);
    cr_expect_eq(hist_count(&load.tier[TIER_BASELINE].latency), 2u);
    free(b);
}

Test(stats, busy_time_counts_requests_that_still_run)
{
    struct service_stats *b = stats_new(1);
    struct tier_stats *t = &b->tier[TIER_BASELINE];
    struct load load;

    STATS_INC(t->inflight); /* one from 100 to 150 */
    STATS_ADD(t->busy_base, -100);
    STATS_ADD(t->inflight, -1);
    STATS_ADD(t->busy_base, 150);
    STATS_INC(t->inflight); /* another from 200 on */
    STATS_ADD(t->busy_base, -200);
    stats_load(b, 1, 230, &load);
    cr_expect_eq(load.tier[TIER_BASELINE].busy_us, 80u);
    cr_expect_eq(load.tier[TIER_BASELINE].inflight, 1);
    free(b);
}

Test(stats, each_refusal_has_its_own_counter)
{
    const unsigned status[] = {400, 404, 405, 408, 413, 414, 417, 421, 431, 501, 505};
    /* What is broken off without an answer has no status. */
    unsigned seen =
        1u << REFUSAL_MALFORMED | 1u << REFUSAL_FLOOD | 1u << REFUSAL_PROXY_PROTOCOL;

    for (size_t i = 0; i < sizeof(status) / sizeof(status[0]); i++)
        seen |= 1u << stats_refusal_of(status[i]);
    seen |= 1u << REFUSAL_FRAMING | 1u << REFUSAL_HOST; /* each a 400 too */
    cr_expect_eq(seen, (1u << N_REFUSALS) - 1);
}

Test(stats, the_edges_counters_are_summed_over_workers)
{
    struct service_stats *b = stats_new(2);
    struct stats_edge e;

    STATS_ADD(b[0].edge.denied[DENIAL_RATE], 3);
    STATS_ADD(b[1].edge.denied[DENIAL_RATE], 4);
    STATS_ADD(b[1].edge.mirrored[MIRROR_TOO_LARGE], 5);
    STATS_ADD(b[1].edge.auth_checked[0], 6);
    stats_edge(b, 2, &e);
    cr_expect_eq(e.denied[DENIAL_RATE], 7u);
    cr_expect_eq(e.denied[DENIAL_ADDRESS], 0u);
    cr_expect_eq(e.mirrored[MIRROR_TOO_LARGE], 5u);
    cr_expect_eq(e.auth_checked[0], 6u);
    free(b);
}
