/*
 * policy.h - from what is known to how many instances each tier shall have.
 *
 * One function a policy, each pure: the same inputs give the same wishes.  Nothing is
 * ordered here and nothing is remembered: what the past wished (hold-down) comes in.
 * Every wish names the rule that made it and the limits that changed it.
 *
 * Instances are counted in planned work: one carries `instance_rps` requests per virtual
 * second.
 */
#ifndef SCALER_POLICY_H
#define SCALER_POLICY_H

#include <stdbool.h>

#include "base/handover.h"
#include "conf/cfg.h"

/* What made a wish, and what a person is told about it. */
#define POLICY_RULES(X)                                                                    \
    X(CONFIGURED, "configured", "as configured: fixed backends and the minimum")           \
    X(FORECAST, "forecast", "the forecast quantile over the time until an order serves")   \
    X(FLOOR, "floor", "the present load with its margin, which is above the forecast")     \
    X(REACTIVE, "reactive", "the highest load of the last five minutes with its margin")   \
    X(THRESHOLD_UP, "threshold_up", "required is above current")                           \
    X(THRESHOLD_DOWN, "threshold_down", "required is below three quarters of current")     \
    X(THRESHOLD_STAY, "threshold_stay", "required is within the band of current")          \
    X(RESERVE, "reserve", "the warm reserve")                                              \
    X(OVERFLOW, "overflow", "the load now is above what the other tiers carry")

enum policy_rule {
#define X(sym, name, text) RULE_##sym,
    POLICY_RULES(X)
#undef X
        N_POLICY_RULES
};
extern const char *const policy_rule_name[N_POLICY_RULES];
extern const char *const policy_rule_text[N_POLICY_RULES];

/* What kept a wish from being what the rule asked for; a set of bits. */
#define POLICY_LIMITS(X)                                                                   \
    X(MIN, "min")                                                                          \
    X(MAX, "max")                                                                          \
    X(STEP_UP, "max_step_up")                                                              \
    X(STEP_DOWN, "max_step_down")                                                          \
    X(HOLD, "hold_down")                                                                   \
    X(GROWTH, "growth_cap")

enum policy_limit {
#define X(sym, name) LIMIT_##sym,
    POLICY_LIMITS(X)
#undef X
        N_POLICY_LIMITS
};
extern const char *const policy_limit_name[N_POLICY_LIMITS];

struct policy_tier {
    unsigned fixed;    /* configured backends: always on, not ours to change */
    unsigned min, max; /* instances the provider may run; max 0: no provider */
    unsigned reserve;  /* of burst */
    unsigned ready;    /* backends that take traffic, fixed ones included */
    unsigned starting; /* ordered and not yet ready */
    unsigned wanted;   /* instances, as of the last decision */
    unsigned held;     /* the largest wish within the hold-down */
};

struct policy_in {
    double instance_rps; /* > 0 */
    double now_rps;      /* arrivals of the last seconds */
    double recent_rps;   /* the highest 30 s of the last five minutes */
    bool forecast_ok;    /* there is a forecast, and it may be used */
    bool growth_capped;  /* ... and it is cut to what growth so far makes believable */
    double forecast_rps; /* the quantile of the highest load while an order would start */
    double users_rps;    /* threshold: what is predicted from users, newcomers included */
    double quantile;
    enum cfg_baseline_is baseline_is;
    unsigned max_step_up, max_step_down; /* instances; 0: no limit */
    struct policy_tier tier[N_TIERS];
};

struct policy_wish {
    unsigned wish;   /* before limits of time: what goes into the hold-down */
    unsigned wanted; /* instances, from now on */
    enum policy_rule rule;
    unsigned limits; /* 1 << enum policy_limit */
};

struct policy_out {
    struct policy_wish tier[N_TIERS];
    double need; /* instances, from forecast or load; all tiers together */
    double required, current, total; /* threshold: as the rule defines them */
};

/*
 * Predictive: the quantile of the work until an order made now serves; never less than
 * the floor k x now, k = 0.8 + max(0, -log10(1 - quantile) - 1) and at least 1; without a
 * forecast 1.25 times the highest 30 s of the last five minutes.  Down only to the
 * largest wish within the hold-down.
 */
void policy_predictive(const struct policy_in *in, struct policy_out *out);

/*
 * Threshold, in instance-equivalents: baseline = what the always-on baseline carries;
 * predicted = what users will ask for above it, at least 0; required = predicted +
 * baseline; current = ready and starting of baseline and predictive; total = the maxima
 * of the tiers.  Up by the difference when required > current, down when required <
 * 0.75 current, never below the present need.  With baseline_is = reserve predicted is
 * the whole forecast, and baseline comes on top of it.
 */
void policy_threshold(const struct policy_in *in, struct policy_out *out);

#endif
