/* Mirrors conf/cfg_fill.c: keys, defaults, inheritance. */
#include <criterion/criterion.h>

#include "base/check.h"
#include "tests/unit/conf/loading.h"

Test(cfg_fill, an_unknown_key_names_the_nearest_or_all)
{
    loading_expect("lisenters: 1\n" LOADING_GOOD,
                   "t:1:1: unknown key 'lisenters'; did you mean 'listeners'?\n");
    loading_expect(LOADING_GOOD "store: { size: 1g, pth: /x }\n",
                   "t:4:10: unknown key 'size'; known here: kind, path, max_size\n"
                   "t:4:20: unknown key 'pth'; did you mean 'path'?\n");
    loading_expect(LOADING_GOOD "defaults: { listner: {} }\n",
                   "t:4:13: unknown key 'listner'; did you mean 'listener'?\n");
}

Test(cfg_fill, all_that_is_wrong_is_said_at_once)
{
    loading_expect(
        "workers: many\n"
        "log: { level: loud }\n"
        "listeners: [ { name: a, backlog: 0 } ]\n"
        "services:\n"
        "  s:\n"
        "    pools: { baseline: { backends: [ { weight: 3 }, nowhere ] } }\n"
        "    timeouts: { connect: 5 }\n"
        "routes: [ { path: x, service: t } ]\n",
        "t:1:10: workers: 'many' is not a whole number\n"
        "t:2:15: level: 'loud' is not one of error, warn, info, debug\n"
        "t:3:14: 'bind' is required here\n"
        "t:3:34: backlog: '0' is not between 1 and 65535\n"
        "t:6:38: 'address' is required here\n"
        "t:6:53: address: 'nowhere': a port is missing: HOST:PORT\n"
        "t:7:26: connect: '5' is not a number with a unit: 500ms, 10s, 5m, 24h or 1d\n"
        "t:8:19: path: 'x' is not a path that begins with /\n"
        "t:8:31: no service is named 't'; did you mean 's'?\n");
}

Test(cfg_fill, what_must_be_given_is_asked_for)
{
    loading_expect("", "t: 'listeners' is required here\n"
                       "t: 'services' is required here\n"
                       "t: 'routes' is required here\n");
    loading_expect("listeners: []\nservices: {}\nroutes: ~\n",
                   "t:1:12: listeners: needs at least one entry\n"
                   "t:2:11: services: needs 1 to 256 named entries\n"
                   "t:3:9: routes: needs at least one entry\n");
    loading_expect("listeners: [ {} ]\n"
                   "services: { s: { pools: { burst: { provider: local, max: 1 } },\n"
                   "  providers: { local: {} } } }\n"
                   "routes: [ { path: / } ]\n",
                   "t:1:14: 'bind' is required here\n"
                   "t:3:16: 'command' is required here\n"
                   "t:3:16: 'ready' is required here\n"
                   "t:4:11: 'service' is required here\n");
}

Test(cfg_fill, an_empty_text_is_not_what_was_asked_for)
{
    loading_expect("listeners: 127.0.0.1:80\n"
                   "services: { s: { pools: { burst: { provider: local, max: 1 } },\n"
                   "  providers: { local: { command: '', ready: '' } } } }\n"
                   "routes: { service: s }\n",
                   "t:3:16: 'command' is required here\n"
                   "t:3:16: 'ready' is required here\n");
}

Test(cfg_fill, a_value_of_the_wrong_shape_is_refused)
{
    loading_expect(LOADING_GOOD
                   "workers: [ 1 ]\nvia:\nlog: [ info ]\nadmin: { bind: {} }\n",
                   "t:4:10: workers: needs one value, not a list\n"
                   "t:5:1: via: has no value\n"
                   "t:6:6: log: needs a map, not a list\n"
                   "t:7:16: bind: needs one value, not a map\n");
    loading_expect("- a\n", "t:1:1: a configuration is a map of settings, not a list\n");
}

Test(cfg_fill, a_list_in_place_of_an_address_is_told_about_quotes)
{
    loading_expect(
        LOADING_GOOD "admin: { bind: [ '::1' ] }\n",
        "t:4:16: bind: needs one value, not a list; an IPv6 address needs quotes: "
        "\"[::1]:9001\"\n");
}

Test(cfg_fill, a_map_in_place_of_an_identity_is_told_about_the_space)
{
    loading_expect(
        LOADING_GOOD "profiler: { identity: [ header: x-user ] }\n",
        "t:4:31: entry: needs one value, not a map; write it without a space behind "
        "the colon\n");
}

Test(cfg_fill, a_name_that_is_no_word_is_refused_without_more_complaints)
{
    loading_expect("listeners: [ 127.0.0.1:80, [] ]\n"
                   "services: { s: 3 }\n"
                   "routes: [ { service: s }, 7 ]\n",
                   "t:1:28: listeners[]: needs a map, not a list\n"
                   "t:2:16: services.NAME: needs a map, not one value\n"
                   "t:3:27: routes[]: needs a map, not one value\n");
    loading_expect(
        "listeners: 127.0.0.1:80\n"
        "services: { s: { pools: { baseline: [ 1 ] }, providers: { local: no } } }\n"
        "routes: { service: s }\n",
        "t:2:37: services.NAME.pools.TIER: needs a map, not a list\n"
        "t:2:66: services.NAME.providers.local: needs a map, not one value\n");
}

Test(cfg_fill, defaults_are_what_production_wants)
{
    struct cfg *c = loading_good(LOADING_GOOD);
    const struct cfg_listener *l = &c->listeners[0];
    const struct cfg_service *s = &c->services[0];
    const struct cfg_pool *p = &s->pools[TIER_BASELINE];

    cr_expect_eq(l->timeouts.head_ms, 10000);
    cr_expect_eq(l->timeouts.body_ms, 30000);
    cr_expect_eq(l->timeouts.write_ms, 30000);
    cr_expect_eq(l->timeouts.idle_ms, 60000);
    cr_expect_eq(l->timeouts.tunnel_ms, 3600000);
    cr_expect_eq(l->timeouts.linger_ms, 2000);
    cr_expect_eq(l->max_head_bytes, 16384);
    cr_expect_eq(l->max_target_bytes, 8192);
    cr_expect_eq(l->max_fields, 100);
    cr_expect_eq(l->max_body_bytes, 0);
    cr_expect_eq(l->min_body_rate, 100);
    cr_expect_eq(l->max_connections, 0);
    cr_expect_eq(l->half_close, CFG_HALF_CLOSE_ABORT);
    cr_expect_eq(s->connect_timeout_ms, 2000);
    cr_expect_eq(s->response_timeout_ms, 60000);
    cr_expect_eq(s->queue_size, 1024);
    cr_expect_eq(s->queue_timeout_ms, 5000);
    cr_expect_eq(s->spill_at, 0.7);
    cr_expect_eq(s->retry_attempts, 1);
    cr_expect_eq(s->retry_budget, 0.2);
    cr_expect_eq(s->retry_buffer, 16384);
    cr_expect(s->ejection.enabled);
    cr_expect_eq(s->ejection.max_share, 0.5);
    cr_expect_eq(s->scaling.instance_rps, 0);
    cr_expect_eq(s->scaling.quantile, 0.95);
    cr_expect_eq(p->max_requests, 256);
    cr_expect_eq(p->backends[0].weight, 1);
    cr_expect_not(s->pools[TIER_BURST].present);
    cr_expect_not(s->local.present);
    cr_expect_eq(c->profiler.n_identity, 1);
    cr_expect_eq(c->profiler.identity[0].kind, CFG_ID_ADDRESS);
    cr_expect_eq(c->store.max_bytes, 1u << 30);
    cr_expect_eq(c->clock.start, 0);
    cr_expect_str_eq(c->via, "tidegate");
    cfg_unref(c);
}

Test(cfg_fill, inheritance_goes_from_the_table_over_the_kind_to_the_thing)
{
    struct cfg *c = loading_good(
        "defaults:\n"
        "  listener: { timeouts: { idle: 15s, head: 3s }, trusted_proxies: [ 10.0.0.0/8 ] "
        "}\n"
        "  pool: { max_requests: 10, max_idle: 11, slow_start: 12s }\n"
        "  service:\n"
        "    spill_at: 0.5\n"
        "    pools: { burst: { max_idle: 21, slow_start: 22s } }\n"
        "listeners:\n"
        "  - { bind: 127.0.0.1:1, timeouts: { head: 4s } }\n"
        "  - { bind: 127.0.0.1:2, trusted_proxies: [ 192.0.2.1 ] }\n"
        "services:\n"
        "  s: { pools: { baseline: { backends: 127.0.0.1:3 },\n"
        "                burst: { backends: 127.0.0.1:4, slow_start: 32s } } }\n"
        "routes: { service: s }\n");
    const struct cfg_listener *l = c->listeners;
    const struct cfg_pool *p = c->services[0].pools;

    cr_expect(l[0].timeouts.idle_ms == 15000 && l[1].timeouts.idle_ms == 15000);
    cr_expect(l[0].timeouts.head_ms == 4000 && l[1].timeouts.head_ms == 3000);
    cr_expect_eq(l[0].timeouts.body_ms, 30000);
    cr_expect_eq(l[0].trusted[0].bits, 96 + 8);
    cr_expect_eq(l[1].n_trusted, 1);
    cr_expect_eq(l[1].trusted[0].bits, 128);
    cr_expect_eq(c->services[0].spill_at, 0.5);
    cr_expect_eq(p[TIER_BASELINE].max_requests, 10);
    cr_expect_eq(p[TIER_BASELINE].max_idle, 11);
    cr_expect_eq(p[TIER_BURST].max_idle, 21);
    cr_expect_eq(p[TIER_BURST].slow_start_ms, 32000);
    cfg_unref(c);
}

Test(cfg_fill, a_default_brings_nothing_into_being)
{
    struct cfg *c = loading_good(
        LOADING_GOOD "defaults:\n"
                     "  pool: { max_requests: 10 }\n"
                     "  service:\n"
                     "    pools: { burst: { provider: local, max: 3 } }\n"
                     "    providers: { local: { command: './a {port}', ready: / } }\n");

    cr_expect_not(c->services[0].pools[TIER_BURST].present);
    cr_expect_not(c->services[0].pools[TIER_PREDICTIVE].present);
    cr_expect_not(c->services[0].local.present);
    cfg_unref(c);
}

Test(cfg_fill, a_service_takes_what_its_defaults_say_by_naming_it)
{
    struct cfg *c =
        loading_good("listeners: 127.0.0.1:80\n"
                     "defaults:\n"
                     "  service:\n"
                     "    pools: { burst: { provider: local, max: 3 } }\n"
                     "    providers: { local: { command: './a {port}', ready: / } }\n"
                     "services: { s: { pools: { burst: }, providers: { local: } } }\n"
                     "routes: { service: s }\n");

    cr_expect(c->services[0].pools[TIER_BURST].present);
    cr_expect_eq(c->services[0].pools[TIER_BURST].max, 3);
    cr_expect_str_eq(c->services[0].local.command, "./a {port}");
    cfg_unref(c);
}

Test(cfg_fill, a_fault_in_a_default_is_reported_once_and_where_it_stands)
{
    loading_expect(
        "listeners: [ 127.0.0.1:1, 127.0.0.1:2 ]\n"
        "services: { a: &s { pools: { baseline: { backends: 127.0.0.1:3 } } }, b: *s }\n"
        "routes: { service: a }\n"
        "defaults: { listener: { timeouts: { idle: 5 } }, pool: { max_idel: 3 } }\n",
        "t:4:43: idle: '5' is not a number with a unit: 500ms, 10s, 5m, 24h or 1d\n"
        "t:4:58: unknown key 'max_idel'; did you mean 'max_idle'?\n");
}

Test(cfg_fill, a_plain_value_stands_for_the_key_that_matters)
{
    struct cfg *c = loading_good("listeners: 127.0.0.1:80\n"
                                 "services:\n"
                                 "  s: { pools: { baseline: { backends: 127.0.0.1:81 } }, "
                                 "health: /up, ejection: off,\n"
                                 "       queue: 7, retries: 0, scaling: shadow }\n"
                                 "routes: { service: s }\n"
                                 "log: warn\n"
                                 "admin: 127.0.0.1:82\n"
                                 "store: memory\n"
                                 "profiler: off\n");
    const struct cfg_service *s = &c->services[0];

    cr_expect(s->health.enabled);
    cr_expect_str_eq(s->health.path, "/up");
    cr_expect_not(s->ejection.enabled);
    cr_expect_eq(s->queue_size, 7);
    cr_expect_eq(s->retry_attempts, 0);
    cr_expect_eq(s->scaling.mode, CFG_MODE_SHADOW);
    cr_expect_eq(c->log_level, LOG_WARN);
    cr_expect(c->admin.enabled);
    cr_expect_eq(c->store.kind, CFG_STORE_MEMORY);
    cr_expect_not(c->profiler.enabled);
    cfg_unref(c);
}

Test(cfg_fill, at_most_so_many_services_as_the_house_can_count)
{
    char *text = NULL, *all;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    fputs("listeners: 127.0.0.1:80\nroutes: { service: s1 }\nservices:\n", f);
    for (int i = 0; i <= SERVICES_MAX; i++)
        fprintf(f, "  s%d: { pools: { baseline: { backends: 127.0.0.1:1 } } }\n", i);
    fclose(f);
    all = loading_errors(text);
    cr_expect(strstr(all, "t:4:3: services: needs 1 to 256 named entries\n") != NULL, "%s",
              all);
    free(all);
    free(text);
}
