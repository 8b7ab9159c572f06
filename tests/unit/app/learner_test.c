/* Mirrors app/learner.c. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "app/learner.h"
#include "conf/cfg_load.h"

#define DESKTOP                                                                            \
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"

static const char config[] =
    "listeners: [ 127.0.0.1:8080 ]\n"
    "services:\n"
    "  shop: { pools: { baseline: { backends: 127.0.0.1:9001 } } }\n"
    "  payment: { pools: { baseline: { backends: 127.0.0.1:9002 } } }\n"
    "  unused: { pools: { baseline: { backends: 127.0.0.1:9003 } } }\n"
    "routes:\n"
    "  - { path: /cart, service: shop }\n"
    "  - { path: /pay, service: payment }\n"
    "  - { host: pay.example, path: /any, service: payment }\n"
    "profiler: { identity: [ header:x-user-id ] }\n";

static struct cfg *cfg;
static struct kv *kv;
static struct learner *learner;
static struct logread lr;

static void open_learner(int service)
{
    struct why w;

    cr_assert_eq(learner_new(cfg, kv, service, &learner, &w), RC_OK, "%s", w.text);
    logread_init(&lr, LOGREAD_AUTO);
}

static void setup(void)
{
    struct cfg_errors errs;

    cfg_errors_init(&errs);
    cr_assert_eq(cfg_load_text("test", config, strlen(config), &cfg, &errs), RC_OK);
    cfg_errors_fini(&errs);
    kv = kv_open_memory();
    open_learner(LEARNER_BY_ROUTES);
}

static void teardown(void)
{
    learner_free(learner);
    kv_close(kv);
    cfg_unref(cfg);
}

static void again(int service)
{
    learner_free(learner);
    open_learner(service);
}

static void take(const char *line)
{
    learner_line(learner, &lr, line, strlen(line));
}

static void ask(int at_s, const char *user, const char *path)
{
    char line[512];

    snprintf(line, sizeof(line), "%d\t%s\tGET\t%s\t200\t100\t" DESKTOP, 1785000000 + at_s,
             user, path);
    take(line);
}

static struct learner_stats stats(void)
{
    struct learner_stats st;

    learner_get_stats(learner, &st);
    return st;
}

/* What was stored of a user; to json_decref(). */
static json_t *stored(const char *id)
{
    struct profiler *p;
    struct why w;
    json_t *o;

    learner_free(learner);
    learner = NULL;
    cr_assert_eq(profiler_new(cfg, kv, NULL, &p, &w), RC_OK, "%s", w.text);
    o = profiler_user_json_mt(p, id);
    profiler_free(p);
    cr_assert_not_null(o, "%s", id);
    return o;
}

TestSuite(learner, .init = setup, .fini = teardown);

Test(learner, lines_are_counted_by_what_became_of_them)
{
    struct learner_stats st;

    ask(0, "anna", "/cart");
    ask(1, "anna", "/elsewhere");
    ask(2, "bert", "/pay/card");
    take("# a comment");
    take("");
    take("nonsense");
    learner_skipped(learner, 2);
    st = stats();
    cr_expect_eq(st.lines, 3);
    cr_expect_eq(st.learned, 2);
    cr_expect_eq(st.unrouted, 1);
    cr_expect_eq(st.damaged, 3);
}

Test(learner, a_line_goes_where_the_routes_lead)
{
    json_t *o, *services;

    ask(0, "anna", "/cart");
    ask(1, "anna", "/pay");
    o = stored("header:x-user-id=anna");
    services = json_object_get(o, "services");
    cr_expect_eq(json_object_size(services), 2);
    cr_expect_float_eq(json_real_value(json_object_get(services, "shop")), .5, .01);
    cr_expect_float_eq(json_real_value(json_object_get(services, "payment")), .5, .01);
    json_decref(o);
}

Test(learner, a_path_is_routed_as_a_request_would_be)
{
    ask(0, "anna", "/cart/../elsewhere");
    ask(1, "anna", "/%63art");
    ask(2, "anna", "/cartoon");
    cr_expect_eq(stats().learned, 1);
    cr_expect_eq(stats().unrouted, 2);
}

Test(learner, a_line_with_a_host_goes_by_the_host)
{
    take("epoch_seconds\tuser_id\thost\tmethod\tpath\tstatus");
    take("1785000000\tanna\tPAY.example:443\tGET\t/any\t200");
    take("1785000001\tanna\tshop.example\tGET\t/any\t200");
    cr_expect_eq(stats().learned, 1);
    cr_expect_eq(stats().unrouted, 1);
}

Test(learner, all_lines_are_the_given_services)
{
    json_t *o, *services;

    again(1);
    ask(0, "anna", "/cart");
    ask(1, "anna", "/elsewhere");
    ask(2, "anna", "*");
    cr_expect_eq(stats().learned, 3);
    o = stored("header:x-user-id=anna");
    services = json_object_get(o, "services");
    cr_expect_eq(json_object_size(services), 1);
    cr_expect_not_null(json_object_get(services, cfg->services[1].name));
    json_decref(o);
}

Test(learner, a_service_that_no_route_leads_to_may_be_given_too)
{
    json_t *o;

    again(2);
    ask(0, "anna", "/cart");
    cr_expect_eq(stats().learned, 1);
    o = stored("header:x-user-id=anna");
    cr_expect_not_null(
        json_object_get(json_object_get(o, "services"), cfg->services[2].name));
    json_decref(o);
}

Test(learner, the_agent_tells_the_device)
{
    json_t *o;

    ask(0, "anna", "/cart");
    o = stored("header:x-user-id=anna");
    cr_expect_str_eq(json_string_value(json_object_get(o, "device")), "desktop");
    json_decref(o);
}

Test(learner, a_pause_in_the_log_ends_a_session)
{
    json_t *o;

    ask(0, "anna", "/cart");
    ask(60, "anna", "/pay");
    ask(7200, "anna", "/cart");
    o = stored("header:x-user-id=anna");
    cr_expect_eq(json_integer_value(json_object_get(o, "sessions")), 2);
    cr_expect_eq(json_integer_value(json_object_get(o, "requests")), 3);
    json_decref(o);
}

Test(learner, a_second_log_adds_to_the_first)
{
    json_t *o;

    ask(0, "anna", "/cart");
    again(LEARNER_BY_ROUTES);
    ask(60, "anna", "/cart");
    o = stored("header:x-user-id=anna");
    cr_expect_eq(json_integer_value(json_object_get(o, "requests")), 2);
    json_decref(o);
}
