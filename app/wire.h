/*
 * wire.h - the parts of a running tidegate, joined.
 *
 * The one place that sees proxy, profiler and scaler together.  It copies nothing per
 * request: workers write rings and counters, the profiler polls the rings, the scaler
 * reads the counters; wire.c only hands pointers and plain structs of base/handover.h
 * from one to the other.
 *
 * Main thread.
 */
#ifndef APP_WIRE_H
#define APP_WIRE_H

#include "base/kv.h"
#include "base/loop.h"
#include "conf/cfg.h"
#include "profiler/profiler.h"
#include "proxy/proxy.h"
#include "scaler/scaler.h"

struct wire {
    /* fixed after new */
    struct loop *loop;
    struct proxy *proxy;
    struct kv *kv; /* in memory when the configured store cannot be opened */
    bool kv_ok;
    struct scaler *scaler;
    struct profiler *profiler; /* NULL: switched off */
    mono_us started;
    bool leaving; /* the end has been asked for: not ready any more */
    /* what the last reload did, for gauges */
    bool reload_ok;
    wall_ms reload_at; /* 0: none yet */
    uint64_t reloads;
    char reload_error[512];
};

/* Everything is made and bound, nothing runs yet.  `cfg` is referenced. */
int wire_new(struct cfg *cfg, struct loop *main_loop, struct wire **out, struct why *w);
int wire_start(struct wire *w, struct why *why);

/* Reads the file again.  On any error the old configuration stays; the errors are logged
 * and kept in reload_error. */
int wire_reload(struct wire *w);

/* Stops scaler and profiler, ends instances, waits for the workers, frees all. */
void wire_free(struct wire *w);

#endif
