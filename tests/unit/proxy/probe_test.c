#include <stdio.h>
#include <string.h>

#include "base/handover.h"
#include "loop_fixture.h"
#include "proxy/probe.h"

/* ---- counting ---- */

static const struct probe_plan usual = {.path = "/healthz",
                                        .host = "shop.example",
                                        .interval_ms = 10,
                                        .timeout_ms = 2000,
                                        .rise = 2,
                                        .fall = 3,
                                        .status_from = 200,
                                        .status_to = 399};

/* Answers as + and -; the health after each as ? U D. */
static void expect_health(struct probe_count c, const struct probe_plan *plan,
                          const char *answers, const char *after)
{
    for (size_t i = 0; answers[i] != 0; i++) {
        char got = "?UD"[probe_judge(&c, plan, answers[i] == '+')];

        cr_expect_eq(got, after[i], "answer %zu of %s: %c, expected %c", i, answers, got,
                     after[i]);
    }
}

Test(probe, the_first_answer_decides)
{
    expect_health((struct probe_count){0}, &usual, "+", "U");
    expect_health((struct probe_count){0}, &usual, "-", "D");
}

Test(probe, an_instance_that_starts_may_fail_until_it_passes)
{
    struct probe_plan patient = usual;

    patient.patient = true;
    expect_health((struct probe_count){0}, &patient, "-----+", "?????U");
}

Test(probe, fall_failures_in_a_row_bring_it_down)
{
    expect_health((struct probe_count){.health = BACKEND_UP}, &usual, "--+---", "UUUUUD");
}

Test(probe, rise_answers_in_a_row_bring_it_up)
{
    expect_health((struct probe_count){.health = BACKEND_DOWN}, &usual, "+-++", "DDDU");
}

/* ---- asking ---- */

static struct loop *loop;
static struct rng rng;
static struct loop_io listener;
static struct addr addr;
static const char *answer; /* NULL: say nothing */
static const char *rest;   /* what follows when the answer was read; NULL: the end */
static int open_fd;        /* of a question that is not answered, or not wholly; -1 */
static int turns;          /* since that one came */
static char request[1024];
static struct {
    enum backend_health health;
    char reason[80];
    int n;
} heard;

static void on_accept(struct loop_io *io, unsigned what)
{
    int fd = accept(loop_io_fd(io), NULL, NULL);
    ssize_t n;

    (void)what;
    turns = 0;
    if (answer == NULL) {
        open_fd = fd;
        return;
    }
    n = read(fd, request, sizeof(request) - 1); /* the probe sends at once */
    request[n > 0 ? n : 0] = 0;
    cr_assert_eq(write(fd, answer, strlen(answer)), (ssize_t)strlen(answer));
    if (rest != NULL)
        open_fd = fd;
    else
        close(fd);
}

static void on_health(void *ctx, enum backend_health health, const char *reason)
{
    (void)ctx;
    heard.health = health;
    snprintf(heard.reason, sizeof(heard.reason), "%s", reason);
    heard.n++;
}

static bool heard_one(void)
{
    if (rest != NULL && open_fd >= 0 && ++turns == 3) {
        cr_assert_eq(write(open_fd, rest, strlen(rest)), (ssize_t)strlen(rest));
        close(open_fd);
        open_fd = -1;
    }
    return heard.n > 0;
}

static void setup(void)
{
    loop = loop_new();
    rng_init(&rng, 3);
    loop_io_add_level(loop, &listener, fixture_bind(SOCK_STREAM, 0, &addr), on_accept);
    open_fd = -1;
}

static void teardown(void)
{
    int fd = loop_io_fd(&listener);

    loop_io_remove(&listener);
    close(fd);
    if (open_fd >= 0)
        close(open_fd);
    loop_free(loop);
}

static void expect_change(const struct probe_plan *plan, enum backend_health before,
                          enum backend_health after, const char *reason)
{
    struct probe_spec spec = {
        .addr = &addr, .plans = {*plan, *plan}, .health = before, .fn = on_health};
    struct probe *p = probe_new(loop, &rng, &spec);

    heard.n = 0;
    turn_until(loop, heard_one);
    probe_free(p);
    cr_expect_eq(heard.health, after);
    cr_expect_str_eq(heard.reason, reason);
}

TestSuite(probe_io, .init = setup, .fini = teardown);

Test(probe_io, a_good_status_is_up)
{
    answer = "HTTP/1.1 204 No Content\r\n\r\n";
    expect_change(&usual, BACKEND_UNKNOWN, BACKEND_UP, "status 204");
    cr_expect_str_eq(request, "GET /healthz HTTP/1.1\r\nHost: shop.example\r\n"
                              "User-Agent: tidegate-probe\r\nAccept: */*\r\n"
                              "Connection: close\r\n\r\n");
}

Test(probe_io, a_status_outside_its_range_is_down)
{
    answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    expect_change(&usual, BACKEND_UNKNOWN, BACKEND_DOWN, "status 503");
}

Test(probe_io, an_interim_answer_is_passed_over)
{
    answer = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    expect_change(&usual, BACKEND_DOWN, BACKEND_UP, "status 200");
}

Test(probe_io, a_head_may_come_in_parts)
{
    answer = "HTTP/1.1 103 Early Hints\r\nlink: </a-long-one>; rel=preload";
    rest = "\r\n\r\nHTTP/1.1 200 OK\r\n\r\nok";
    expect_change(&usual, BACKEND_DOWN, BACKEND_UP, "status 200");
}

Test(probe_io, an_end_without_an_answer_is_down)
{
    answer = "HTTP/1.1 200 OK\r\n";
    expect_change(&usual, BACKEND_UP, BACKEND_DOWN, "closed");
}

Test(probe_io, what_is_not_http_is_down)
{
    answer = "SSH-2.0-OpenSSH_9.2\r\n\r\n";
    expect_change(&usual, BACKEND_UNKNOWN, BACKEND_DOWN, "bad answer: bad_version");
}

Test(probe_io, silence_is_a_timeout)
{
    struct probe_plan hasty = usual;

    hasty.timeout_ms = 20;
    answer = NULL;
    expect_change(&hasty, BACKEND_UNKNOWN, BACKEND_DOWN, "timeout");
}

Test(probe_io, a_closed_port_is_down)
{
    int fd = fixture_bind(SOCK_STREAM, 0, &addr);

    close(fd);
    expect_change(&usual, BACKEND_UNKNOWN, BACKEND_DOWN, "Connection refused");
}

Test(probe_io, a_head_that_never_ends_is_down)
{
    static char endless[20000];

    memset(endless, 'a', sizeof(endless) - 1);
    memcpy(endless, "HTTP/1.1 200 OK\r\nx: ", 20);
    answer = endless;
    expect_change(&usual, BACKEND_UNKNOWN, BACKEND_DOWN, "bad answer: head_too_long");
}

Test(probe_io, a_connection_may_be_enough)
{
    struct probe_plan plan = usual;

    plan.kind = PROBE_CONNECT;
    answer = NULL;
    expect_change(&plan, BACKEND_UNKNOWN, BACKEND_UP, "connected");
}

Test(probe_io, a_connection_that_is_refused_is_not)
{
    struct probe_plan plan = usual;
    int fd = fixture_bind(SOCK_STREAM, 0, &addr);

    close(fd);
    plan.kind = PROBE_CONNECT;
    expect_change(&plan, BACKEND_UP, BACKEND_DOWN, "Connection refused");
}

Test(probe_io, the_second_plan_holds_after_the_first_pass)
{
    struct probe_spec spec = {.addr = &addr, .plans = {usual, usual}, .fn = on_health};
    struct probe *p;

    spec.plans[1].path = "/later";
    answer = "HTTP/1.1 200 OK\r\n\r\n";
    heard.n = 0;
    p = probe_new(loop, &rng, &spec);
    turn_until(loop, heard_one);
    cr_expect(strncmp(request, "GET /healthz ", 13) == 0);
    answer = "HTTP/1.1 500 No\r\n\r\n";
    heard.n = 0;
    turn_until(loop, heard_one);
    probe_free(p);
    cr_expect(strncmp(request, "GET /later ", 11) == 0);
    cr_expect_eq(heard.health, BACKEND_DOWN);
}

Test(probe_io, it_knows_the_plans_it_was_made_with)
{
    struct probe_spec spec = {.addr = &addr, .plans = {usual, usual}, .fn = on_health};
    struct probe *p = probe_new(loop, &rng, &spec);

    cr_expect(probe_follows(p, &spec));
    spec.plans[1].host = "other.example";
    cr_expect_not(probe_follows(p, &spec));
    spec.plans[1] = usual;
    spec.plans[0].fall = 9;
    cr_expect_not(probe_follows(p, &spec));
    spec.plans[0] = usual;
    spec.plans[0].kind = PROBE_CONNECT;
    cr_expect_not(probe_follows(p, &spec));
    spec.plans[0] = usual;
    spec.protocol = CFG_PROTOCOL_H2;
    cr_expect_not(probe_follows(p, &spec));
    spec.protocol = CFG_PROTOCOL_AUTO;
    spec.proxy_protocol = CFG_PROXY_PROTOCOL_V1;
    cr_expect_not(probe_follows(p, &spec));
    spec.proxy_protocol = CFG_PROXY_PROTOCOL_OFF;
    cr_expect(probe_follows(p, &spec));
    probe_free(p);
}
