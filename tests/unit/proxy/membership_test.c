#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "loop_fixture.h"
#include "proxy/membership.h"

/* What nobody writes to may be a literal. */
#define TEXT(s) ((char *)(s))

/* ---- a configuration of one service, or two ---- */

static struct cfg cfgs[2]; /* before and after a reload */
static struct cfg_service services[2][2];
static struct cfg_backend fixed[2][3];

static void set_service(int i, uint16_t index, const char *name)
{
    struct cfg_service *s = &services[i][index];

    *s = (struct cfg_service){
        .name = TEXT(name),
        .index = index,
        .health = {.path = TEXT("/healthz"),
                   .host = TEXT(""),
                   .interval_ms = 20,
                   .timeout_ms = 1000,
                   .rise = 1,
                   .fall = 2,
                   .status_from = 200,
                   .status_to = 399},
        .ejection = {true, 5, 1000, 8000, 0.5},
        .spill_at = 0.7,
    };
    for (int t = 0; t < N_TIERS; t++)
        s->pools[t] = (struct cfg_pool){.present = t != TIER_BURST, .max_requests = 10};
}

/* Baseline of service `index`: so many backends from 127.0.0.1:9001 on. */
static void set_fixed(int i, uint16_t index, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        char text[32];

        snprintf(text, sizeof(text), "127.0.0.1:%zu", 9001 + k);
        fixed[i][k].weight = 1;
        cr_assert_eq(addr_parse(text, &fixed[i][k].addr, NULL), RC_OK);
    }
    services[i][index].pools[TIER_BASELINE].backends = fixed[i];
    services[i][index].pools[TIER_BASELINE].n_backends = n;
}

/* ---- membership and what it publishes ---- */

static struct loop *loop;
static struct membership *m;
static struct topology *now;
static int published;

static void on_publish(void *ctx, struct topology *t)
{
    (void)ctx;
    if (now != NULL)
        topology_unref(now);
    now = t;
    published++;
}

static void setup(void)
{
    struct membership_out out = {.publish = on_publish};

    loop = loop_new();
    cr_assert_eq(membership_new(loop, &out, &m, NULL), RC_OK);
    for (int i = 0; i < 2; i++) {
        /* One reference stays here: the configuration is not on the heap. */
        cfgs[i] = (struct cfg){.refs = 1, .services = services[i], .n_services = 1};
        cfgs[i].resolver.min_ttl_ms = cfgs[i].resolver.max_ttl_ms = 60000;
        set_service(i, 0, "shop");
    }
}

static void teardown(void)
{
    membership_free(m);
    if (now != NULL)
        topology_unref(now);
    loop_free(loop);
}

TestSuite(membership, .init = setup, .fini = teardown);

static const struct pool *pool(uint16_t service, enum tier tier)
{
    return &now->services[service].pools[tier];
}

static struct pool_change change(enum pool_change_kind kind, const char *addr,
                                 const char *probe)
{
    struct pool_change c = {.kind = kind, .service = 0, .tier = TIER_PREDICTIVE};

    cr_assert_eq(addr_parse(addr, &c.addr, NULL), RC_OK);
    snprintf(c.id, sizeof(c.id), "i-1");
    snprintf(c.probe, sizeof(c.probe), "%s", probe);
    return c;
}

static int apply(enum pool_change_kind kind, const char *addr)
{
    struct pool_change c = change(kind, addr, "");

    return membership_change_mt(m, &c);
}

static struct backend_view view(enum tier tier)
{
    struct backend_view v[4] = {0};

    cr_assert_eq(membership_backends_mt(m, 0, tier, v, 4), 1u);
    return v[0];
}

static bool one_predictive(void)
{
    return pool(0, TIER_PREDICTIVE)->n_backends == 1;
}

static bool no_predictive(void)
{
    return pool(0, TIER_PREDICTIVE)->n_backends == 0;
}

static bool predictive_drains(void)
{
    return view(TIER_PREDICTIVE).admin == BACKEND_DRAIN;
}

/* ---- configured backends ---- */

Test(membership, a_configuration_is_published_at_once)
{
    set_fixed(0, 0, 2);
    membership_configure(m, &cfgs[0]);
    cr_assert_eq(published, 1);
    cr_expect_eq(pool(0, TIER_BASELINE)->n_backends, 2u);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->n_backends, 0u);
    cr_expect_eq(now->n_slots, 2u);
}

Test(membership, without_probes_a_backend_serves_at_once)
{
    set_fixed(0, 0, 1);
    membership_configure(m, &cfgs[0]);
    cr_expect(backend_takes(pool(0, TIER_BASELINE)->backends[0], clock_mono()));
    cr_expect_eq(pool(0, TIER_BASELINE)->shared->members, 1u);
    cr_expect(membership_settled(m));
}

Test(membership, a_reload_that_changes_nothing_keeps_the_backends)
{
    struct backend *be;

    set_fixed(0, 0, 1);
    set_fixed(1, 0, 1);
    membership_configure(m, &cfgs[0]);
    be = pool(0, TIER_BASELINE)->backends[0];
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(pool(0, TIER_BASELINE)->backends[0], be);
    cr_expect_eq(now->cfg, &cfgs[1]);
}

Test(membership, a_reload_with_other_limits_keeps_the_counts)
{
    struct backend *be;

    set_fixed(0, 0, 1);
    set_fixed(1, 0, 1);
    services[1][0].pools[TIER_BASELINE].max_requests = 77;
    membership_configure(m, &cfgs[0]);
    backend_reserve(pool(0, TIER_BASELINE)->backends[0]);
    membership_configure(m, &cfgs[1]);
    be = pool(0, TIER_BASELINE)->backends[0];
    cr_expect_eq(be->max_requests, 77u);
    cr_expect_eq(be->shared->inflight, 1u);
    cr_expect_eq(pool(0, TIER_BASELINE)->shared->members, 1u);
}

Test(membership, a_service_is_the_same_by_name)
{
    struct service_shared *shared;

    set_fixed(0, 0, 1);
    membership_configure(m, &cfgs[0]);
    shared = now->services[0].shared;
    set_service(1, 0, "blog");
    set_service(1, 1, "shop");
    set_fixed(1, 1, 1);
    cfgs[1].n_services = 2;
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(now->services[1].shared, shared);
    cr_expect_neq(now->services[0].shared, shared);
    cr_expect_eq(pool(1, TIER_BASELINE)->backends[0]->service, 1);
}

static bool one_baseline(void)
{
    return membership_backends_mt(m, 0, TIER_BASELINE, NULL, 0) == 1;
}

static mono_us moment;

static bool moment_passed(void)
{
    return clock_mono() > moment;
}

Test(membership, a_backend_taken_out_goes_with_its_last_request)
{
    struct backend *be;

    set_fixed(0, 0, 2);
    set_fixed(1, 0, 1);
    membership_configure(m, &cfgs[0]);
    be = backend_ref(pool(0, TIER_BASELINE)->backends[1]);
    backend_reserve(be);
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(pool(0, TIER_BASELINE)->n_backends, 1u);
    cr_expect_not(backend_stays(be));
    cr_expect_eq(pool(0, TIER_BASELINE)->shared->members, 1u);
    moment = clock_mono() + 1300 * US_PER_MS; /* it was looked at once */
    turn_until(loop, moment_passed);
    cr_expect_not(one_baseline());
    backend_release(be, BACKEND_OK, 0, clock_mono());
    turn_until(loop, one_baseline);
    backend_unref(be);
}

Test(membership, a_backend_that_comes_back_while_it_drains_serves_again)
{
    set_fixed(0, 0, 1);
    membership_configure(m, &cfgs[0]);
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(pool(0, TIER_BASELINE)->n_backends, 0u);
    membership_configure(m, &cfgs[0]);
    cr_assert_eq(pool(0, TIER_BASELINE)->n_backends, 1u);
    cr_expect(backend_serves(pool(0, TIER_BASELINE)->backends[0]));
    cr_expect(backend_stays(pool(0, TIER_BASELINE)->backends[0]));
}

/* Workers hear of a topology one after the other. */
Test(membership, a_backend_taken_out_serves_those_who_have_not_heard_of_it)
{
    struct backend *be;

    set_fixed(0, 0, 1);
    set_fixed(1, 0, 1);
    fixed[1][0].addr.port = 9009;
    snprintf(fixed[1][0].addr.text, sizeof(fixed[1][0].addr.text), "127.0.0.1:9009");
    membership_configure(m, &cfgs[0]);
    be = backend_ref(pool(0, TIER_BASELINE)->backends[0]);
    membership_configure(m, &cfgs[1]);
    cr_expect_neq(pool(0, TIER_BASELINE)->backends[0], be);
    cr_expect(backend_takes(be, clock_mono()));
    backend_unref(be);
}

Test(membership, an_operator_drains_by_address_and_takes_it_back)
{
    set_fixed(0, 0, 1);
    membership_configure(m, &cfgs[0]);
    cr_expect_eq(membership_drain(m, "shop", "127.0.0.1:9001", true), RC_OK);
    cr_expect_eq(view(TIER_BASELINE).admin, BACKEND_DRAIN);
    cr_expect_eq(membership_drain(m, "shop", "127.0.0.1:9001", false), RC_OK);
    cr_expect_eq(view(TIER_BASELINE).admin, BACKEND_READY);
    cr_expect_eq(membership_drain(m, "shop", "127.0.0.1:1", true), RC_NOT_FOUND);
    cr_expect_eq(membership_drain(m, "none", "127.0.0.1:9001", true), RC_NOT_FOUND);
}

Test(membership, an_operator_s_drain_outlives_a_reload)
{
    set_fixed(0, 0, 1);
    set_fixed(1, 0, 1);
    membership_configure(m, &cfgs[0]);
    membership_drain(m, "shop", "127.0.0.1:9001", true);
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(view(TIER_BASELINE).admin, BACKEND_DRAIN);
}

/* ---- instances ---- */

Test(membership, an_instance_comes_drains_and_goes)
{
    membership_configure(m, &cfgs[0]);
    cr_assert_eq(apply(POOL_ADD, "127.0.0.1:7001"), RC_OK);
    turn_until(loop, one_predictive);
    cr_expect_eq(view(TIER_PREDICTIVE).health, BACKEND_UP);
    cr_expect_str_eq(view(TIER_PREDICTIVE).id, "i-1");
    cr_assert_eq(apply(POOL_DRAIN, "127.0.0.1:7001"), RC_OK);
    turn_until(loop, predictive_drains);
    cr_assert_eq(apply(POOL_REMOVE, "127.0.0.1:7001"), RC_OK);
    turn_until(loop, no_predictive);
    cr_expect_eq(membership_backends_mt(m, 0, TIER_PREDICTIVE, NULL, 0), 0u);
}

Test(membership, a_change_says_when_there_is_nothing_to_do)
{
    struct pool_change c = change(POOL_ADD, "127.0.0.1:7001", "");

    cr_expect_eq(membership_change_mt(m, &c), RC_NOT_FOUND); /* no configuration yet */
    membership_configure(m, &cfgs[0]);
    cr_expect_eq(apply(POOL_DRAIN, "127.0.0.1:7001"), RC_NOT_FOUND);
    cr_expect_eq(apply(POOL_ADD, "127.0.0.1:7001"), RC_OK);
    cr_expect_eq(apply(POOL_ADD, "127.0.0.1:7001"), RC_EXISTS);
    cr_expect_eq(apply(POOL_REMOVE, "127.0.0.1:7001"), RC_OK);
    cr_expect_eq(apply(POOL_REMOVE, "127.0.0.1:7001"), RC_NOT_FOUND);
    c.tier = TIER_BURST; /* not configured */
    cr_expect_eq(membership_change_mt(m, &c), RC_NOT_FOUND);
    c.service = 9;
    cr_expect_eq(membership_change_mt(m, &c), RC_NOT_FOUND);
}

Test(membership, changes_of_one_turn_are_published_once)
{
    set_fixed(0, 0, 1);
    membership_configure(m, &cfgs[0]);
    apply(POOL_ADD, "127.0.0.1:7001");
    apply(POOL_ADD, "127.0.0.1:7002");
    apply(POOL_REMOVE, "127.0.0.1:7001");
    turn_until(loop, one_predictive);
    cr_expect_eq(published, 2);
}

Test(membership, an_instance_outlives_a_reload)
{
    membership_configure(m, &cfgs[0]);
    apply(POOL_ADD, "127.0.0.1:7001");
    turn_until(loop, one_predictive);
    membership_configure(m, &cfgs[1]);
    cr_expect(one_predictive());
    services[0][0].pools[TIER_PREDICTIVE].present = false;
    membership_configure(m, &cfgs[0]);
    cr_expect(no_predictive());
}

Test(membership, a_slot_is_used_again_only_when_nobody_holds_its_backend)
{
    struct backend *held;

    membership_configure(m, &cfgs[0]);
    apply(POOL_ADD, "127.0.0.1:7001");
    turn_until(loop, one_predictive);
    held = backend_ref(pool(0, TIER_PREDICTIVE)->backends[0]);
    apply(POOL_REMOVE, "127.0.0.1:7001");
    turn_until(loop, no_predictive);
    apply(POOL_ADD, "127.0.0.1:7002");
    turn_until(loop, one_predictive);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->backends[0]->slot, 1u);
    backend_unref(held);
    apply(POOL_REMOVE, "127.0.0.1:7002");
    turn_until(loop, no_predictive);
    apply(POOL_ADD, "127.0.0.1:7003");
    turn_until(loop, one_predictive);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->backends[0]->slot, 0u);
}

Test(membership, an_instance_announced_before_the_end_is_forgotten)
{
    membership_configure(m, &cfgs[0]);
    apply(POOL_ADD, "127.0.0.1:7001");
    apply(POOL_ADD, "127.0.0.1:7002");
    membership_free(m);
    loop_free(loop); /* delivers what was posted */
    m = NULL;
    loop = NULL;
}

static void *come_and_go(void *arg)
{
    struct pool_change c;
    char addr[32];

    snprintf(addr, sizeof(addr), "127.0.0.1:%d", 7000 + (int)(intptr_t)arg);
    for (int i = 0; i < 300; i++) {
        c = change(POOL_ADD, addr, "");
        cr_assert_eq(membership_change_mt(m, &c), RC_OK);
        c.kind = i % 2 == 0 ? POOL_REMOVE : POOL_DRAIN;
        cr_assert_eq(membership_change_mt(m, &c), RC_OK);
        membership_backends_mt(m, 0, TIER_PREDICTIVE, &(struct backend_view){0}, 1);
        c.kind = POOL_REMOVE;
        membership_change_mt(m, &c);
    }
    c = change(POOL_ADD, addr, "");
    cr_assert_eq(membership_change_mt(m, &c), RC_OK);
    return NULL;
}

static bool three_predictive(void)
{
    return pool(0, TIER_PREDICTIVE)->n_backends == 3;
}

Test(membership, other_threads_may_change_it_while_the_loop_runs)
{
    pthread_t threads[3];

    membership_configure(m, &cfgs[0]);
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, come_and_go, (void *)(intptr_t)i);
    turn_until(loop, three_predictive);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    loop_turn(loop, 0);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->n_backends, 3u);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->shared->members, 3u);
}

/* ---- probes and names ---- */

static struct loop_io listener;
static int listener_fd;
static bool well;
static int asked;

static void on_accept(struct loop_io *io, unsigned what)
{
    const char *answer = well ? "HTTP/1.1 200 OK\r\n\r\n" : "HTTP/1.1 503 No\r\n\r\n";
    char request[1024];
    int fd = accept(loop_io_fd(io), NULL, NULL);

    (void)what;
    asked++;
    cr_assert_gt(read(fd, request, sizeof(request)), 0);
    cr_assert_gt(write(fd, answer, strlen(answer)), 0);
    close(fd);
}

static void listen_as(struct addr *at, bool is_well)
{
    well = is_well;
    listener_fd = fixture_bind(SOCK_STREAM, 0, at);
    loop_io_add_level(loop, &listener, listener_fd, on_accept);
}

static void stop_listening(void)
{
    loop_io_remove(&listener);
    close(listener_fd);
}

static bool predictive_up(void)
{
    return one_predictive() && view(TIER_PREDICTIVE).health == BACKEND_UP;
}

static int turns;

static bool a_while_later(void)
{
    return --turns < 0;
}

Test(membership, an_instance_takes_no_traffic_before_it_answers)
{
    struct pool_change c = change(POOL_ADD, "127.0.0.1:1", "/ready");

    membership_configure(m, &cfgs[0]);
    listen_as(&c.addr, false);
    cr_assert_eq(membership_change_mt(m, &c), RC_OK);
    turn_until(loop, one_predictive);
    turns = 8;
    turn_until(loop, a_while_later);
    cr_expect_eq(view(TIER_PREDICTIVE).health, BACKEND_UNKNOWN);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->shared->members, 0u);
    cr_expect(membership_settled(m)); /* an instance may take its time */
    well = true;
    turn_until(loop, predictive_up);
    cr_expect_eq(pool(0, TIER_PREDICTIVE)->shared->members, 1u);
    stop_listening();
}

Test(membership, an_instance_that_went_is_asked_no_more)
{
    struct pool_change c = change(POOL_ADD, "127.0.0.1:1", "/ready");
    int before;

    membership_configure(m, &cfgs[0]);
    listen_as(&c.addr, true);
    membership_change_mt(m, &c);
    turn_until(loop, predictive_up);
    c.kind = POOL_REMOVE;
    membership_change_mt(m, &c);
    turn_until(loop, no_predictive);
    before = asked;
    turns = 8;
    turn_until(loop, a_while_later);
    cr_expect_eq(asked, before);
    stop_listening();
}

static bool settled(void)
{
    return membership_settled(m);
}

static bool baseline_down(void)
{
    return view(TIER_BASELINE).health == BACKEND_DOWN;
}

Test(membership, a_probed_backend_settles_with_its_first_answer)
{
    services[0][0].health.enabled = true;
    set_fixed(0, 0, 1);
    listen_as(&fixed[0][0].addr, true);
    membership_configure(m, &cfgs[0]);
    cr_expect_not(settled());
    cr_expect_not(backend_takes(pool(0, TIER_BASELINE)->backends[0], clock_mono()));
    turn_until(loop, settled);
    cr_expect_eq(view(TIER_BASELINE).health, BACKEND_UP);
    well = false;
    turn_until(loop, baseline_down);
    cr_expect_eq(pool(0, TIER_BASELINE)->shared->members, 0u);
    stop_listening();
}

static bool asked_twice(void)
{
    return asked >= 2;
}

/* Its first plan is patient, however it is asked. */
Test(membership, an_instance_without_a_path_is_waited_for_as_well)
{
    struct pool_change c = change(POOL_ADD, "127.0.0.1:1", "");

    services[0][0].health.enabled = true;
    membership_configure(m, &cfgs[0]);
    listen_as(&c.addr, false);
    asked = 0;
    cr_assert_eq(membership_change_mt(m, &c), RC_OK);
    turn_until(loop, asked_twice);
    cr_expect_eq(view(TIER_PREDICTIVE).health, BACKEND_UNKNOWN);
    well = true;
    turn_until(loop, predictive_up);
    stop_listening();
}

Test(membership, a_backend_that_is_down_is_up_when_probes_are_switched_off)
{
    services[0][0].health.enabled = true;
    set_fixed(0, 0, 1);
    set_fixed(1, 0, 1);
    listen_as(&fixed[0][0].addr, false);
    fixed[1][0] = fixed[0][0];
    membership_configure(m, &cfgs[0]);
    turn_until(loop, baseline_down);
    membership_configure(m, &cfgs[1]);
    cr_expect_eq(view(TIER_BASELINE).health, BACKEND_UP);
    stop_listening();
}

static bool some_baseline(void)
{
    return pool(0, TIER_BASELINE)->n_backends > 0;
}

Test(membership, each_address_of_a_name_is_a_backend)
{
    set_fixed(0, 0, 1);
    cr_assert_eq(addr_parse("localhost:9001", &fixed[0][0].addr, NULL), RC_OK);
    membership_configure(m, &cfgs[0]);
    cr_expect_eq(pool(0, TIER_BASELINE)->n_backends, 0u);
    cr_expect_not(settled());
    turn_until(loop, some_baseline);
    cr_expect(settled());
    cr_assert_eq(pool(0, TIER_BASELINE)->n_backends, 2u);
    cr_expect_eq(pool(0, TIER_BASELINE)->backends[0]->addr.port, 9001);
    cr_expect_neq(pool(0, TIER_BASELINE)->backends[0]->addr.kind, ADDR_NAME);
}

Test(membership, a_name_keeps_its_addresses_over_a_reload)
{
    set_fixed(0, 0, 1);
    cr_assert_eq(addr_parse("localhost:9001", &fixed[0][0].addr, NULL), RC_OK);
    set_fixed(1, 0, 1);
    fixed[1][0] = fixed[0][0];
    cfgs[1].resolver.max_ttl_ms++; /* another resolver: the look-ups begin anew */
    membership_configure(m, &cfgs[0]);
    turn_until(loop, some_baseline);
    membership_configure(m, &cfgs[1]);
    cr_expect(some_baseline());
    cr_expect(backend_serves(pool(0, TIER_BASELINE)->backends[0]));
}

Test(membership, an_address_wanted_twice_is_one_backend)
{
    set_fixed(0, 0, 2);
    fixed[0][1] = fixed[0][0];
    membership_configure(m, &cfgs[0]);
    cr_expect_eq(pool(0, TIER_BASELINE)->n_backends, 1u);
}
