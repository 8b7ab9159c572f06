/*
 * plan.h - one decision about one pool, with everything needed to say why.
 *
 * Plain data, the JSON of it, and a sentence for a person.  Pure.
 */
#ifndef SCALER_PLAN_H
#define SCALER_PLAN_H

#include "base/handover.h"
#include "conf/cfg.h"
#include "scaler/policy.h"

struct json_t;

#define PLAN_VOTES_MAX 8

struct plan_vote {    /* of one expert */
    const char *name; /* static */
    double rps, weight;
};

/* What became of it, known when its time is over. */
struct plan_outcome {
    bool known;
    double peak_rps; /* the highest 30 s of the time it was made for */
    int over;        /* instances too many (negative: too few) for that peak */
};

struct plan {
    uint64_t id;
    wall_ms at;       /* virtual */
    unsigned repeats; /* plans after it that changed nothing, for the same reason */
    wall_ms last_at;  /* of the last of them; `at` without any */
    char service[NAME_MAX_LEN];
    enum tier tier;
    unsigned from, to; /* instances */
    enum cfg_mode mode;
    enum cfg_policy policy;
    enum policy_rule rule;
    unsigned limits; /* 1 << enum policy_limit */
    /* inputs */
    double now_rps, recent_rps, forecast_rps, users_rps;
    double quantile, instance_rps;
    bool capacity_guess;
    bool forecast_ok;
    double lift;
    uint32_t lead_ms, window_ms; /* virtual; what the forecast was asked for */
    unsigned ready[N_TIERS], starting[N_TIERS];
    unsigned always_on;              /* fixed backends of baseline and predictive */
    double need;                     /* instances, all tiers together */
    double required, current, total; /* threshold */
    struct plan_vote votes[PLAN_VOTES_MAX];
    unsigned n_votes;
    unsigned planned; /* instances of baseline and predictive there will be */
    struct plan_outcome outcome;
};

extern const char *const plan_mode_name[4];   /* by enum cfg_mode */
extern const char *const plan_policy_name[2]; /* by enum cfg_policy */

/* Cut to the room, always terminated. */
void plan_reason(const struct plan *p, char *out, size_t room);
struct json_t *plan_json(const struct plan *p); /* new reference */

/* `p` changes nothing, and says the same of the same pool as `before` did. */
bool plan_repeats(const struct plan *p, const struct plan *before);

/* The time it is judged by: from when its order serves to the end of its window. */
wall_ms plan_judge_from(const struct plan *p);
wall_ms plan_judge_to(const struct plan *p);
void plan_judge(struct plan *p, double peak_rps);

#endif
