/* Mirrors conf/cfg_check.c: settings that do not fit one another. */
#include <criterion/criterion.h>

#include "base/check.h"
#include "tests/unit/conf/loading.h"

/* A service `s` of the given lines, each with four spaces in front; they begin in line 4.
 */
#define SERVICE(lines)                                                                     \
    "listeners: 127.0.0.1:80\nroutes: { service: s }\nservices: { s: {\n" lines "} }\n"
#define LOCAL "    providers: { local: { command: './a {port}', ready: / } },\n"
#define BASE  "    pools: { baseline: { backends: 127.0.0.1:1 } },\n"

Test(cfg_check, a_listener_needs_an_address_of_its_own)
{
    loading_expect(
        "listeners: [ localhost:80, 127.0.0.1:81, 127.0.0.1:81, 'unix:/a', 'unix:/a' ]\n"
        "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
        "routes: { service: s }\n"
        "admin: 127.0.0.1:81\n",
        "t:1:14: bind: needs an IP address or unix:PATH, not a name\n"
        "t:1:42: bind: 127.0.0.1:81 is taken by the listener in line 1\n"
        "t:1:67: bind: unix:/a is taken by the listener in line 1\n"
        "t:4:8: bind: 127.0.0.1:81 is taken by a listener\n");
}

Test(cfg_check, port_zero_may_be_bound_twice)
{
    cfg_unref(
        loading_good("listeners: [ 127.0.0.1:0, 127.0.0.1:0 ]\n"
                     "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                     "routes: { service: s }\nadmin: 127.0.0.1:0\n"));
}

Test(cfg_check, a_listeners_name_is_its_own)
{
    loading_expect("listeners:\n"
                   "  - { bind: 127.0.0.1:80, name: web }\n"
                   "  - { bind: 127.0.0.1:81, name: web }\n"
                   "  - { bind: 127.0.0.1:82, name: 127.0.0.1:80 }\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes: { service: s }\n",
                   "t:3:33: name: 'web' is taken by the listener in line 2\n");
}

Test(cfg_check, a_target_fits_into_a_head)
{
    loading_expect("listeners: { bind: 127.0.0.1:80, limits: { head: 4k, target: 5k } }\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes: { service: s }\n",
                   "t:1:62: limits.target: is more than limits.head, which holds it\n");
}

Test(cfg_check, a_pool_has_something_to_send_requests_to)
{
    loading_expect(SERVICE("    pools: { }\n"), "t:3:13: service 's' needs a pool\n");
    loading_expect(SERVICE("    pools: { baseline: { max_idle: 3 } }\n"),
                   "t:4:14: this pool needs backends or a provider\n");
    loading_expect(SERVICE("    pools: { baseline: { backends: [ 127.0.0.1:0, 127.0.0.1:1, "
                           "127.0.0.1:1 ] } }\n"),
                   "t:4:38: address: port 0 cannot be reached\n"
                   "t:4:64: backend 127.0.0.1:1 is given twice\n");
}

Test(cfg_check, a_provider_is_one_of_the_services_own)
{
    loading_expect(SERVICE("    pools: { burst: { provider: local, max: 1 } }\n"),
                   "t:4:33: provider: 'local' is not under the providers of service 's'\n");
    loading_expect(SERVICE(LOCAL "    pools: { burst: { provider: lcoal, max: 1 } }\n"),
                   "t:5:33: provider: 'lcoal' is not under the providers of service 's'\n");
}

Test(cfg_check, the_numbers_of_a_pool_fit_one_another)
{
    loading_expect(SERVICE(LOCAL "    pools: { burst: { provider: local } }\n"),
                   "t:5:14: max: a pool with a provider needs one, 1 or more\n");
    loading_expect(
        SERVICE(LOCAL "    pools: { burst: { provider: local, min: 3, max: 2 } }\n"),
        "t:5:45: min: is more than max, 2\n");
    loading_expect(
        SERVICE(LOCAL "    pools: { burst: { provider: local, reserve: 3, max: 2 } }\n"),
        "t:5:49: reserve: is more than max, 2\n");
    loading_expect(
        SERVICE(LOCAL
                "    pools: { predictive: { provider: local, reserve: 1, max: 2 } }\n"),
        "t:5:54: reserve: is for the burst pool\n");
    loading_expect(SERVICE("    pools: { burst: { backends: 127.0.0.1:1, max: 2 } }\n"),
                   "t:4:51: max: means nothing without a provider\n");
}

Test(cfg_check, a_command_says_where_the_port_goes)
{
    loading_expect(SERVICE("    pools: { burst: { provider: local, max: 1 } },\n"
                           "    providers: { local: { command: ./a, ready: / } }\n"),
                   "t:5:36: command: {port} must be in it\n");
    loading_expect(SERVICE("    pools: { burst: { provider: local, max: 1 } },\n"
                           "    providers: { local: { command: './a {port} {teir} {\"a\": "
                           "{}} {id}', ready: / } }\n"),
                   "t:5:36: command: {teir} is none of {port}, {service}, {tier}, {id}\n");
}

Test(cfg_check, there_is_a_port_for_every_instance_and_no_two_share_one)
{
    static const char *const text =
        "listeners: 127.0.0.1:80\n"
        "routes: { service: a }\n"
        "services:\n"
        "  a:\n"
        "    pools: { predictive: { provider: local, max: 2 }, burst: { provider: local, "
        "max: 2 } }\n"
        "    providers: { local: { command: './a {port}', ready: /, ports: 20000-%d } }\n"
        "  b:\n"
        "    pools: { predictive: { provider: local, max: 1 } }\n"
        "    providers: { local: { command: './a {port}', ready: /, ports: %d } }\n";
    char filled[1024];

    snprintf(filled, sizeof(filled), text, 20002, 20003);
    loading_expect(filled,
                   "t:6:67: ports: 20000-20002 are too few for the 4 instances of the "
                   "pools' max\n");
    snprintf(filled, sizeof(filled), text, 20003, 20003);
    loading_expect(filled, "t:9:67: ports: 20003-20003 overlap those of service 'a'\n");
    snprintf(filled, sizeof(filled), text, 20003, 20004);
    cfg_unref(loading_good(filled));
}

Test(cfg_check, a_service_has_a_name_that_fits_everywhere)
{
    static const char *const bad[] = {
        "Shop",     "a b",
        "a/b",      "\"\"",
        "\xc3\xa9", "a123456789b123456789c123456789d123456789e123456789f123456789g123"};

    for (size_t i = 0; i < N_ELEMS(bad); i++) {
        char text[512], *all;

        snprintf(text, sizeof(text),
                 "listeners: 127.0.0.1:80\n"
                 "services: { %s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                 "routes: { service: %s }\n",
                 bad[i], bad[i]);
        all = loading_errors(text);
        cr_expect_str_eq(
            all, "t:2:13: a service's name has 1 to 63 of the characters a-z 0-9 . _ -\n",
            "%s", all);
        free(all);
    }
}

Test(cfg_check, the_times_of_a_service_fit_one_another)
{
    loading_expect(SERVICE(BASE "    health: { path: /, interval: 1s, timeout: 2s }\n"),
                   "t:5:47: health.timeout: is longer than health.interval\n");
    loading_expect(SERVICE(BASE "    ejection: { base: 2s, max: 1s }\n"),
                   "t:5:23: ejection.base: is longer than ejection.max\n");
}

Test(cfg_check, a_service_is_asked_in_a_way_its_backends_understand)
{
#define H2(tls) "    pools: { baseline: { backends: 127.0.0.1:1, protocol: h2" tls " } },\n"
#define AUTO(tls)                                                                          \
    "    pools: { baseline: { tls: {}, backends: { address: 127.0.0.1:1" tls " } } },\n"
    cfg_unref(loading_good(SERVICE(H2("") "    health: { grpc: a.B }\n")));
    cfg_unref(loading_good(SERVICE(H2("") "    health: { grpc: '', path: / }\n")));
    cfg_unref(loading_good(SERVICE(AUTO("") "    health: { grpc: '' }\n")));
    loading_expect(
        SERVICE(AUTO(", tls: off") "    health: { grpc: '' }\n"),
        "t:5:21: health.grpc: needs HTTP/2, which pool 'baseline' does not speak "
        "(protocol: h2)\n");
    loading_expect(
        SERVICE(BASE "    health: { grpc: a.B }\n"),
        "t:5:21: health.grpc: needs HTTP/2, which pool 'baseline' does not speak "
        "(protocol: h2)\n");
    loading_expect(SERVICE(H2("") "    health: { grpc: a.B, tcp: true }\n"),
                   "t:5:21: health.grpc: means nothing with health.tcp\n");
#undef H2
#undef AUTO
}

/* Instances are asked by their provider's path, or as the service's health is. */
Test(cfg_check, instances_are_asked_somehow)
{
#define BARE "    providers: { local: { command: './a {port}' } },\n"
#define POOL "    pools: { burst: { provider: local, max: 1, protocol: h2 } }"
    cfg_unref(loading_good(SERVICE(BARE POOL ", health: { grpc: '' }\n")));
    cfg_unref(loading_good(SERVICE(BARE POOL ", health: { tcp: true }\n")));
    loading_expect(SERVICE(BARE POOL ", health: /up\n"),
                   "t:4:18: 'ready' is required here\n");
    loading_expect(SERVICE(BARE POOL "\n"), "t:4:18: 'ready' is required here\n");
#undef BARE
#undef POOL
}

Test(cfg_check, who_may_send_a_header_is_asked_where_one_is_expected)
{
    loading_expect("listeners: { bind: 127.0.0.1:80, proxy_from: 10.0.0.0/8 }\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes: { service: s }\n",
                   "t:1:46: proxy_from: means nothing without proxy_protocol\n");
}

Test(cfg_check, nobody_must_speak_what_nobody_may)
{
    loading_expect("listeners: { bind: 127.0.0.1:80, h2: { enabled: false, only: true } }\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes: { service: s }\n",
                   "t:1:62: h2.only: means nothing without h2.enabled\n");
}

Test(cfg_check, a_time_zone_exists)
{
    loading_expect(SERVICE(BASE "    time_zone: Mars/Olympus\n"),
                   "t:5:16: time_zone: this system knows no 'Mars/Olympus'\n");
    loading_expect(SERVICE(BASE "    time_zone: ../../../etc/passwd\n"),
                   "t:5:16: time_zone: this system knows no '../../../etc/passwd'\n");
}

Test(cfg_check, no_two_routes_are_for_the_same)
{
    loading_expect("listeners: 127.0.0.1:80\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes:\n"
                   "  - { path: /a, service: s }\n"
                   "  - { path: /a/, service: s }\n"
                   "  - { host: X.org, path: /a, service: s }\n"
                   "  - { host: x.ORG, path: /a, service: s }\n",
                   "t:5:13: the route in line 4 is for the same host and path\n"
                   "t:7:26: the route in line 6 is for the same host and path\n");
}

Test(cfg_check, a_route_is_a_path_that_requests_can_have)
{
    loading_expect("listeners: 127.0.0.1:80\n"
                   "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"
                   "routes:\n"
                   "  - { path: /a?b, service: s }\n"
                   "  - { path: //a, service: s }\n"
                   "  - { path: /a/../b, service: s }\n",
                   "t:4:13: path: has no query and no fragment\n"
                   "t:5:13: path: has an empty or dotted segment\n"
                   "t:6:13: path: has an empty or dotted segment\n");
}

Test(cfg_check, secrets_are_usable)
{
    loading_expect(LOADING_GOOD "admin: { token: abc }\nprofiler: { key: short }\n",
                   "t:4:17: token: needs a bind\n"
                   "t:5:18: key: needs at least 16 bytes\n");
    loading_expect(LOADING_GOOD "admin: { bind: 127.0.0.1:1, token: a b }\n",
                   "t:4:36: token: must not have spaces\n");
}

Test(cfg_check, the_rest_of_the_process_fits)
{
    loading_expect(
        LOADING_GOOD
        "profiler: { identity: [ address, cookie:a, header:a, cookie:a ] }\n"
        "resolver: { servers: [ 1.1.1.1, '::1', '[::1]:53', a.b, '1.1.1.1:0' ],\n"
        "  min_ttl: 2m, max_ttl: 1m }\n",
        "t:4:54: identity: the same is given twice\n"
        "t:5:52: servers: 'a.b' is not an IP address, with or without a port\n"
        "t:5:57: servers: '1.1.1.1:0' is not an IP address, with or without a port\n"
        "t:6:12: resolver.min_ttl: is longer than resolver.max_ttl\n");
}

Test(cfg_check, a_refused_value_causes_no_second_complaint)
{
    loading_expect("listeners: { bind: 127.0.0.1:80, limits: { head: 1k, target: x } }\n"
                   "services: { s: { pools: { burst: { provider: local, max: x } },\n"
                   "  providers: { local: { command: './a {port}', ready: x } } } }\n"
                   "routes: [ { path: y, service: s }, { path: z, service: s } ]\n",
                   "t:1:62: target: 'x' is not a number of bytes: 512, 16k, 1m or 2g\n"
                   "t:2:58: max: 'x' is not a whole number\n"
                   "t:3:55: ready: 'x' is not a path that begins with /\n"
                   "t:4:19: path: 'y' is not a path that begins with /\n"
                   "t:4:44: path: 'z' is not a path that begins with /\n");
}

/* Line 1 ends in the settings of TLS. */
#define TLS_LISTENER(tls)                                                                  \
    "listeners: { bind: 127.0.0.1:80, tls: { certificates: a, " tls " } }\n"               \
    "routes: { service: s }\n"                                                             \
    "services: { s: { " BASE " } }\n"

Test(cfg_check, tls_of_a_listener_fits_together)
{
    loading_expect("listeners: { bind: 127.0.0.1:80, tls: {} }\n"
                   "routes: { service: s }\n"
                   "services: { s: { " BASE " } }\n",
                   "t:1:34: 'certificates' is required here\n");
    loading_expect(TLS_LISTENER("min_version: 1.3, max_version: 1.2"),
                   "t:1:71: min_version: is above max_version\n");
    loading_expect(TLS_LISTENER("clients: require"), "t:1:67: verify: needs a `ca`\n");
    loading_expect(TLS_LISTENER("clients: { ca: x, crl: y }"),
                   "t:1:73: ca: means nothing with `verify: none`\n");
    loading_expect(TLS_LISTENER("clients: { crl: y }"), "t:1:74: crl: needs a `ca`\n");
    loading_expect(TLS_LISTENER("tickets: { files: [ a, b, c, d, e, f, g, h, i ] }"),
                   "t:1:76: files: at most 8\n");
}

Test(cfg_check, tls_towards_backends_fits_together)
{
    loading_expect(SERVICE("    pools: { baseline: { backends: 'unix:/a', tls: {} } }\n"),
                   "t:4:36: a certificate from unix:/a cannot be checked without a "
                   "server_name\n");
    cfg_unref(loading_good(SERVICE("    pools: { baseline: { backends: 'unix:/a', tls: { "
                                   "verify: off } } }\n")));
    loading_expect(
        SERVICE("    pools: { baseline: { backends: 127.0.0.1:1, tls: { key: k } } }\n"),
        "t:4:61: key: needs a `cert`\n");
    loading_expect(SERVICE("    pools: { baseline: { backends: [ { address: a:1, "
                           "server_name: b } ] } }\n"),
                   "t:4:67: server_name: means nothing without tls\n");
}

Test(cfg_check, a_default_for_tls_brings_none_into_being)
{
    struct cfg *c = loading_good("defaults: { listener: { tls: { min_version: 1.3 } } }\n"
                                 "listeners: [ 127.0.0.1:80, { bind: 127.0.0.1:81, tls: { "
                                 "certificates: a } } ]\n"
                                 "routes: { service: s }\n"
                                 "services: { s: { " BASE " } }\n");

    cr_expect_not(c->listeners[0].tls.present);
    cr_expect(c->listeners[1].tls.present);
    cr_expect_eq(c->listeners[1].tls.min_version, CFG_TLS_1_3);
    cfg_unref(c);
}
