/*
 * pipeline.h - the profiler's parts, and the way of an observation through them.
 *
 *   reorder -> template (token) -> user, session -> sequence model -> profile
 *           -> outlook;  keeper stores what changed
 *
 * No thread, lock or clock: profiler.h has these.  Virtual time, and monotonic
 * seconds for when to write.
 */
#ifndef PROFILER_PIPELINE_H
#define PROFILER_PIPELINE_H

#include "base/handover.h"
#include "base/siphash.h"
#include "base/zone.h"
#include "conf/cfg.h"
#include "profiler/busiest.h"
#include "profiler/expiry.h"
#include "profiler/keeper.h"
#include "profiler/outlook.h"
#include "profiler/reorder.h"
#include "profiler/seq/markov.h"
#include "profiler/template.h"
#include "profiler/token.h"
#include "profiler/users.h"

struct kv;

struct pipeline { /* readable by report.c; written by pipeline.c only */
    struct cfg *cfg;
    size_t n_services;
    const char **service; /* names, of cfg */
    struct zone **zone;   /* NULL is UTC */
    uint32_t gap_s;
    struct token_table *tokens;
    struct template_set *templates;
    struct users *users;
    struct keeper *keeper;
    struct markov *sequence;
    struct outlook_model *outlook;
    struct reorder *reorder;
    struct busiest busiest;
    struct expiry expiry;
    struct sip_key secret; /* of identities */
    /* time */
    wall_ms window_ms;          /* of reordering */
    wall_ms step_ms, next_step; /* of the outlook; 0: none yet */
    uint32_t now_s;             /* monotonic, as last told */
    size_t walk;                /* users whose habits are looked at in a step */
    /* counts */
    uint64_t observations, sessions;
    double judged, right; /* of the sequence model's guesses; halved now and then */
};

/* *w says what is wrong with the configuration's time zones. */
int pipeline_new(struct cfg *cfg, struct kv *kv, struct pipeline **out, struct why *w);
void pipeline_free(struct pipeline *p); /* does not write; NULL is fine */

/*
 * Another configuration: what was learned of a service stays with its name.  A time
 * zone that cannot be read is UTC.
 */
void pipeline_reconfigure(struct pipeline *p, struct cfg *cfg);

/* From now on time passes by itself, `speed` times as fast as the clock. */
void pipeline_go_live(struct pipeline *p, double speed);

void pipeline_path(struct pipeline *p, const struct path_text *t);
void pipeline_put(struct pipeline *p, const struct observation *o);

/* To virtual time `now`; true: *out is a new outlook. */
bool pipeline_advance(struct pipeline *p, wall_ms now, uint32_t mono_s,
                      struct outlook *out);

/* Lets a few of those go who have not come for long; to be called again and again. */
void pipeline_expire(struct pipeline *p, wall_ms now);

/* Lets out what waits, however late it is; before the end. */
void pipeline_drain(struct pipeline *p);

/* Hands the models to the keeper. */
void pipeline_keep_models(struct pipeline *p);

#endif
