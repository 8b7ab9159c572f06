#include "base/loop.h"

#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

#define FINE_US      8000 /* a slot of the fine wheel */
#define FINE_SLOTS   256
#define COARSE_US    US_PER_S
#define COARSE_SLOTS 512
#define FAR_US       ((mono_us)(COARSE_SLOTS - 2) * COARSE_US)
#define SLOW_TURN_US 10000

/* Slots of one width; `bits` tells which may hold something. */
struct wheel {
    struct list *slots;
    uint64_t *bits;
    uint32_t n;
    mono_us width;
    int64_t at; /* the slot number that was run last */
};

struct loop {
    struct event_base *base;
    bool stopping;
    mono_us now; /* 0: not read in this turn yet */
    struct list ready;
    struct wheel fine, coarse;
    struct event wake; /* ends a wait when a timer is due */
    mono_us wake_due;  /* 0: not armed */
    struct loop_io mail_io;
    int mail_fd;
    void (*turn_end)(void *ctx);
    void *turn_end_ctx;
    _Atomic uint64_t slow_turns;
    _Alignas(CACHE_LINE) _Atomic(struct loop_mail *) mail; /* newest first */
};

/* ---- timers ---- */

static void wheel_init(struct wheel *w, uint32_t n, mono_us width, mono_us now)
{
    w->slots = MEM_NEW_N(struct list, n);
    w->bits = MEM_NEW_N(uint64_t, n / 64);
    w->n = n;
    w->width = width;
    w->at = now / width;
    for (uint32_t i = 0; i < n; i++)
        list_init(&w->slots[i]);
}

static void wheel_fini(struct wheel *w)
{
    free(w->slots);
    free(w->bits);
}

static void wheel_put(struct wheel *w, struct loop_timer *t, int64_t slot)
{
    uint32_t i = (uint32_t)(slot % w->n);

    list_add_tail(&w->slots[i], &t->node);
    w->bits[i / 64] |= (uint64_t)1 << (i % 64);
    t->slot_due = slot * w->width;
}

/* When the next slot that may hold something begins; INT64_MAX: none does. */
static mono_us wheel_next(const struct wheel *w)
{
    uint32_t from = (uint32_t)((w->at + 1) % w->n);

    for (uint32_t k = 0; k <= w->n / 64; k++) {
        uint32_t word = (from / 64 + k) % (w->n / 64);
        uint64_t bits = w->bits[word];

        if (k == 0)
            bits &= ~(uint64_t)0 << (from % 64);
        if (bits != 0) {
            uint32_t i = word * 64 + (uint32_t)__builtin_ctzll(bits);

            return (w->at + 1 + (i - from + w->n) % w->n) * w->width;
        }
    }
    return INT64_MAX;
}

/* Links t where it fires first: in the fine wheel not before its time, in the coarse one
 * in the second in which it is due, from where it moves to the fine wheel. */
static void timer_link(struct loop *l, struct loop_timer *t)
{
    int64_t fine = (t->due + FINE_US - 1) / FINE_US, coarse = t->due / COARSE_US;

    if (fine <= l->fine.at)
        fine = l->fine.at + 1;
    if (fine - l->fine.at < FINE_SLOTS) {
        wheel_put(&l->fine, t, fine);
        return;
    }
    if (coarse <= l->coarse.at)
        coarse = l->coarse.at + 1;
    if (coarse - l->coarse.at >= COARSE_SLOTS)
        coarse = l->coarse.at + COARSE_SLOTS - 1;
    wheel_put(&l->coarse, t, coarse);
}

static void timer_fire(struct loop *l, struct loop_timer *t, mono_us now)
{
    list_remove(&t->node);
    t->slot_due = 0;
    if (t->due == 0)
        return;
    if (t->due > now) {
        timer_link(l, t);
        return;
    }
    t->due = 0;
    t->fn(t);
}

static void wheel_run(struct loop *l, struct wheel *w, mono_us now)
{
    int64_t to = now / w->width;
    struct list run;

    list_init(&run);
    if (to - w->at > w->n)
        w->at = to - w->n;
    while (w->at < to) {
        uint32_t i = (uint32_t)(++w->at % w->n);

        list_join(&run, &w->slots[i]);
        w->bits[i / 64] &= ~((uint64_t)1 << (i % 64));
        while (!list_empty(&run))
            timer_fire(l, LIST_FIRST(&run, struct loop_timer, node), now);
    }
}

void loop_timer_init(struct loop_timer *t, void (*fn)(struct loop_timer *t))
{
    list_init(&t->node);
    t->due = t->slot_due = 0;
    t->fn = fn;
}

void loop_timer_set(struct loop *l, struct loop_timer *t, mono_us due)
{
    CHECK(due > 0);
    t->due = due;
    if (t->slot_due != 0 && t->slot_due <= due)
        return;
    list_remove(&t->node);
    timer_link(l, t);
}

void loop_timer_clear(struct loop_timer *t)
{
    t->due = 0;
}

void loop_timer_remove(struct loop_timer *t)
{
    list_remove(&t->node);
    t->due = t->slot_due = 0;
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;

    (void)fd;
    (void)what;
    l->wake_due = 0;
}

/* Sees to it that the wait ends in time for the next timer. */
static void arm_wake(struct loop *l)
{
    mono_us next = wheel_next(&l->fine), coarse = wheel_next(&l->coarse), wait;
    struct timeval tv;

    if (coarse < next)
        next = coarse;
    if (next == INT64_MAX || (l->wake_due != 0 && l->wake_due <= next))
        return;
    wait = next - clock_mono();
    if (wait < 0)
        wait = 0;
    tv.tv_sec = wait / US_PER_S;
    tv.tv_usec = wait % US_PER_S;
    event_add(&l->wake, &tv);
    l->wake_due = next;
}

/* ---- descriptors ---- */

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct loop_io *io = arg;
    unsigned w = 0;

    (void)fd;
    if (what & EV_READ)
        w |= LOOP_READ;
    if (what & EV_WRITE)
        w |= LOOP_WRITE;
    if (what & EV_CLOSED)
        w |= LOOP_CLOSED;
    io->fn(io, w);
}

static void io_add(struct loop *l, struct loop_io *io, int fd, short what)
{
    CHECK(event_assign(&io->ev, l->base, fd, what | EV_PERSIST, on_event, io) == 0);
    CHECK(event_add(&io->ev, NULL) == 0);
}

void loop_io_add(struct loop *l, struct loop_io *io, int fd,
                 void (*fn)(struct loop_io *io, unsigned what))
{
    io->fn = fn;
    io_add(l, io, fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET);
}

void loop_io_add_level(struct loop *l, struct loop_io *io, int fd,
                       void (*fn)(struct loop_io *io, unsigned what))
{
    io->fn = fn;
    io_add(l, io, fd, EV_READ);
}

void loop_io_remove(struct loop_io *io)
{
    event_del(&io->ev);
}

int loop_io_fd(const struct loop_io *io)
{
    return event_get_fd(&io->ev);
}

/* ---- ready list ---- */

void loop_ready_init(struct loop_ready *r, void (*fn)(struct loop_ready *r))
{
    list_init(&r->node);
    r->fn = fn;
}

void loop_ready_add(struct loop *l, struct loop_ready *r)
{
    if (list_empty(&r->node))
        list_add_tail(&l->ready, &r->node);
}

void loop_ready_cancel(struct loop_ready *r)
{
    list_remove(&r->node);
}

static void run_ready(struct loop *l)
{
    struct list run;

    list_init(&run);
    list_join(&run, &l->ready);
    while (!list_empty(&run)) {
        struct loop_ready *r = LIST_FIRST(&run, struct loop_ready, node);

        list_remove(&r->node);
        r->fn(r);
    }
}

/* ---- mail ---- */

void loop_post_mt(struct loop *l, struct loop_mail *m)
{
    struct loop_mail *head = atomic_load_explicit(&l->mail, memory_order_relaxed);
    uint64_t one = 1;

    do
        m->next = head;
    while (!atomic_compare_exchange_weak_explicit(&l->mail, &head, m, memory_order_release,
                                                  memory_order_relaxed));
    if (head == NULL)
        CHECK(write(l->mail_fd, &one, sizeof(one)) == (ssize_t)sizeof(one));
}

static void run_mail(struct loop *l)
{
    struct loop_mail *m, *next, *first = NULL;

    m = atomic_exchange_explicit(&l->mail, NULL, memory_order_acquire);
    for (; m != NULL; m = next) {
        next = m->next;
        m->next = first;
        first = m;
    }
    for (m = first; m != NULL; m = next) {
        next = m->next;
        m->fn(m);
    }
}

static void on_mail(struct loop_io *io, unsigned what)
{
    uint64_t n;

    (void)what;
    if (read(loop_io_fd(io), &n, sizeof(n)) < 0)
        return; /* taken already; the list is what counts */
}

/* ---- life ---- */

struct loop *loop_new(void)
{
    struct event_config *cfg = event_config_new();
    struct loop *l = mem_new_line(sizeof(*l));
    mono_us now = clock_mono();

    CHECK(cfg != NULL);
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(cfg,
                                  EV_FEATURE_ET | EV_FEATURE_O1 | EV_FEATURE_EARLY_CLOSE);
    l->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    CHECK(l->base != NULL);

    list_init(&l->ready);
    wheel_init(&l->fine, FINE_SLOTS, FINE_US, now);
    wheel_init(&l->coarse, COARSE_SLOTS, COARSE_US, now);
    CHECK(evtimer_assign(&l->wake, l->base, on_wake, l) == 0);
    l->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(l->mail_fd >= 0);
    loop_io_add_level(l, &l->mail_io, l->mail_fd, on_mail);
    return l;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    run_mail(l);
    loop_io_remove(&l->mail_io);
    close(l->mail_fd);
    event_del(&l->wake);
    wheel_fini(&l->fine);
    wheel_fini(&l->coarse);
    event_base_free(l->base);
    free(l);
}

mono_us loop_now(struct loop *l)
{
    if (l->now == 0)
        l->now = clock_mono();
    return l->now;
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}

const char *loop_library(void)
{
    return event_get_version();
}

uint64_t loop_slow_turns_mt(const struct loop *l)
{
    return atomic_load_explicit(&l->slow_turns, memory_order_relaxed);
}

void loop_at_turn_end(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
    l->turn_end = fn;
    l->turn_end_ctx = ctx;
}

/* What follows the descriptors, in this order. */
static void finish_turn(struct loop *l)
{
    mono_us began = loop_now(l), now;

    run_ready(l);
    now = clock_mono();
    wheel_run(l, &l->coarse, now);
    wheel_run(l, &l->fine, now);
    run_mail(l);
    if (l->turn_end != NULL)
        l->turn_end(l->turn_end_ctx);
    if (now - began > SLOW_TURN_US)
        atomic_fetch_add_explicit(&l->slow_turns, 1, memory_order_relaxed);
}

void loop_turn(struct loop *l, int max_wait_ms)
{
    int flags = EVLOOP_ONCE;

    if (!list_empty(&l->ready) || max_wait_ms == 0 || l->stopping) {
        flags |= EVLOOP_NONBLOCK;
    } else {
        arm_wake(l);
        if (max_wait_ms > 0) {
            struct timeval tv = {max_wait_ms / 1000, max_wait_ms % 1000 * 1000};
            mono_us until = clock_mono() + (mono_us)max_wait_ms * US_PER_MS;

            if (l->wake_due == 0 || until < l->wake_due) {
                event_add(&l->wake, &tv);
                l->wake_due = until;
            }
        }
    }
    l->now = 0;
    event_base_loop(l->base, flags);
    finish_turn(l);
}

void loop_run(struct loop *l)
{
    while (!l->stopping)
        loop_turn(l, -1);
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}
