/* Mirrors base/loop.c.  Time is the real clock; no test waits longer than it must. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/mem.h"

static struct loop *loop;
static char trace[64];

static void setup(void)
{
    loop = loop_new();
    trace[0] = 0;
}

static void teardown(void)
{
    loop_free(loop);
}

TestSuite(loop, .init = setup, .fini = teardown);

static void note(const char *what)
{
    strncat(trace, what, sizeof(trace) - strlen(trace) - 1);
}

struct probe {
    struct loop_io io;
    struct loop_ready ready;
    struct loop_timer timer;
    struct loop_mail mail;
    unsigned seen;
    mono_us fired;
};

static void on_io(struct loop_io *io, unsigned what)
{
    struct probe *p = CONTAINER_OF(io, struct probe, io);

    p->seen |= what;
    note("io ");
    loop_ready_add(loop, &p->ready);
}

static void on_ready(struct loop_ready *r)
{
    (void)r;
    note("ready ");
}

static void on_timer(struct loop_timer *t)
{
    CONTAINER_OF(t, struct probe, timer)->fired = clock_mono();
    note("timer ");
}

static void on_mail(struct loop_mail *m)
{
    (void)m;
    note("mail ");
}

static void on_end(void *ctx)
{
    (void)ctx;
    note("end");
}

Test(loop, a_turn_runs_descriptors_ready_list_timers_mail_and_its_end)
{
    struct probe p = {.mail.fn = on_mail};
    int fd[2];

    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    loop_ready_init(&p.ready, on_ready);
    loop_timer_init(&p.timer, on_timer);
    loop_io_add(loop, &p.io, fd[0], on_io);
    loop_timer_set(loop, &p.timer, clock_mono() + 1);
    loop_at_turn_end(loop, on_end, NULL);
    loop_post_mt(loop, &p.mail);
    while (clock_mono() / 8000 == p.timer.due / 8000) /* into the next slot of the wheel */
        continue;
    loop_turn(loop, 0);
    cr_expect_str_eq(trace, "io ready timer mail end");
    loop_io_remove(&p.io);
    close(fd[0]);
    close(fd[1]);
}

Test(loop, a_peers_bytes_and_end_are_reported_together)
{
    struct probe p = {0};
    int fd[2];

    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) == 0);
    loop_ready_init(&p.ready, on_ready);
    loop_io_add(loop, &p.io, fd[0], on_io);
    loop_turn(loop, 0);
    cr_expect_eq(p.seen, (unsigned)LOOP_WRITE);
    cr_assert_eq(write(fd[1], "x", 1), 1);
    shutdown(fd[1], SHUT_WR);
    loop_turn(loop, 100);
    cr_expect_eq(p.seen, (unsigned)(LOOP_READ | LOOP_WRITE | LOOP_CLOSED));
    loop_io_remove(&p.io);
    close(fd[0]);
    close(fd[1]);
}

Test(loop, ready_added_twice_runs_once)
{
    struct probe p = {0};

    loop_ready_init(&p.ready, on_ready);
    loop_ready_add(loop, &p.ready);
    loop_ready_add(loop, &p.ready);
    loop_turn(loop, 0);
    cr_expect_str_eq(trace, "ready ");
}

Test(loop, a_timer_fires_after_its_time_and_within_two_slots)
{
    struct probe p = {0};
    mono_us due = clock_mono() + 20000;

    loop_timer_init(&p.timer, on_timer);
    loop_timer_set(loop, &p.timer, due);
    while (p.fired == 0)
        loop_turn(loop, -1);
    cr_expect_geq(p.fired, due);
    cr_expect_lt(p.fired, due + 500000, "late by %ld us", (long)(p.fired - due));
}

Test(loop, a_timer_set_later_does_not_fire_early)
{
    struct probe p = {0};
    mono_us first = clock_mono() + 8000, later = first + 40000;

    loop_timer_init(&p.timer, on_timer);
    loop_timer_set(loop, &p.timer, first);
    loop_timer_set(loop, &p.timer, later);
    while (p.fired == 0)
        loop_turn(loop, -1);
    cr_expect_geq(p.fired, later);
}

Test(loop, a_timer_set_earlier_fires_earlier)
{
    struct probe p = {0};
    mono_us now = clock_mono();

    loop_timer_init(&p.timer, on_timer);
    loop_timer_set(loop, &p.timer, now + 100 * (mono_us)US_PER_S);
    loop_timer_set(loop, &p.timer, now + 10000);
    while (p.fired == 0)
        loop_turn(loop, -1);
    cr_expect_lt(p.fired, now + 90 * (mono_us)US_PER_S);
}

Test(loop, a_cleared_timer_does_not_fire)
{
    struct probe p = {0}, q = {0};

    loop_timer_init(&p.timer, on_timer);
    loop_timer_init(&q.timer, on_timer);
    loop_timer_set(loop, &p.timer, clock_mono() + 1000);
    loop_timer_set(loop, &q.timer, clock_mono() + 30000);
    loop_timer_clear(&p.timer);
    while (q.fired == 0)
        loop_turn(loop, -1);
    cr_expect_eq(p.fired, 0);
}

Test(loop, timers_beyond_the_fine_wheel_wait_in_the_coarse_one)
{
    struct probe p[4] = {0};
    mono_us now = clock_mono();

    for (int i = 0; i < 4; i++) {
        loop_timer_init(&p[i].timer, on_timer);
        loop_timer_set(loop, &p[i].timer, now + (mono_us)(i + 1) * 1000 * US_PER_S);
        cr_expect_gt(p[i].timer.slot_due, now, "timer %d", i);
        cr_expect_leq(p[i].timer.slot_due, p[i].timer.due, "timer %d", i);
    }
    loop_turn(loop, 0);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(p[i].fired, 0);
        loop_timer_remove(&p[i].timer);
    }
}

static void *post_many(void *arg)
{
    struct probe *p = arg;

    for (int i = 0; i < 100; i++)
        loop_post_mt(loop, &p[i].mail);
    return NULL;
}

static int got;
static struct probe *last;

static void on_counted(struct loop_mail *m)
{
    struct probe *p = CONTAINER_OF(m, struct probe, mail);

    cr_expect_gt(p, last, "the order of one sender");
    last = p;
    got++;
}

Test(loop, mail_from_another_thread_arrives_once_and_in_order)
{
    struct probe *p = MEM_NEW_N(struct probe, 100);
    pthread_t t;

    got = 0;
    last = NULL;
    for (int i = 0; i < 100; i++)
        p[i].mail.fn = on_counted;
    cr_assert(pthread_create(&t, NULL, post_many, p) == 0);
    while (got < 100)
        loop_turn(loop, 1000);
    pthread_join(t, NULL);
    cr_expect_eq(got, 100);
    free(p);
}
