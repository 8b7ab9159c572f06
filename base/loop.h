/*
 * loop.h - one thread's event loop: descriptors, timers, mail from other threads.
 *
 * The only file, with the exceptions the lint lists, that talks to libevent.
 *
 * A turn runs in this order: descriptors that became ready, the ready list, timers
 * that are due, mail, the end-of-turn hook.  A turn that took over 10 ms is counted.
 *
 * Descriptors are edge-triggered, registered once for everything (read, write,
 * peer closed) and never touched again: a callback keeps what it was told until
 * EAGAIN takes it back.
 *
 * Thread: all functions belong to the loop's thread but loop_post_mt().
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/list.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l); /* nothing may be registered any more */

void loop_run(struct loop *l);                   /* until loop_stop() */
void loop_stop(struct loop *l);                  /* this turn is the last */
void loop_turn(struct loop *l, int max_wait_ms); /* one turn, for tests and tools */

/* The time at which this turn's events began; cheap. */
mono_us loop_now(struct loop *l);
uint64_t loop_slow_turns_mt(const struct loop *l);

/* Called last in each turn. */
void loop_at_turn_end(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* The libevent base, for evhttp and library adapters on the main loop. */
struct event_base *loop_base(struct loop *l);

const char *loop_library(void); /* libevent's version */

/* ---- descriptors ---- */

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_CLOSED = 4 };

struct loop_io {
    struct event ev; /* private */
    void (*fn)(struct loop_io *io, unsigned what);
};

/* Edge-triggered for all three, once.  io lives until loop_io_remove(). */
void loop_io_add(struct loop *l, struct loop_io *io, int fd,
                 void (*fn)(struct loop_io *io, unsigned what));
/* Level-triggered, reading only: listeners, eventfds. */
void loop_io_add_level(struct loop *l, struct loop_io *io, int fd,
                       void (*fn)(struct loop_io *io, unsigned what));
void loop_io_remove(struct loop_io *io); /* before close(fd) */
int loop_io_fd(const struct loop_io *io);

/* ---- the ready list: work that goes on without waiting ---- */

struct loop_ready {
    struct list node; /* private */
    void (*fn)(struct loop_ready *r);
};

void loop_ready_init(struct loop_ready *r, void (*fn)(struct loop_ready *r));
/* Runs fn once, after this turn's descriptors; twice is once. */
void loop_ready_add(struct loop *l, struct loop_ready *r);
void loop_ready_cancel(struct loop_ready *r);

/* ---- timers: a wheel of 8 ms slots, 1 s slots beyond two seconds ---- */

struct loop_timer {
    struct list node; /* private */
    mono_us due;      /* 0: not set */
    mono_us slot_due; /* private: where the entry stands; moves only when it fires early */
    void (*fn)(struct loop_timer *t);
};

void loop_timer_init(struct loop_timer *t, void (*fn)(struct loop_timer *t));
/* Costs a store when the timer is already set for an earlier time. */
void loop_timer_set(struct loop *l, struct loop_timer *t, mono_us due);
void loop_timer_clear(struct loop_timer *t);  /* costs a store; may stay in the wheel */
void loop_timer_remove(struct loop_timer *t); /* before the timer's memory goes */

/* ---- mail ---- */

struct loop_mail {
    struct loop_mail *next;          /* private */
    void (*fn)(struct loop_mail *m); /* on the loop's thread; owns m from then on */
};

/* From any thread.  Order of one sender is kept.  Mail posted after the loop stopped is
 * delivered by loop_free(). */
void loop_post_mt(struct loop *l, struct loop_mail *m);

#endif
