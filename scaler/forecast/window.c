#include "scaler/forecast/window.h"

#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "scaler/forecast/lift.h"
#include "scaler/forecast/peak.h"

#define OUTLOOK_FRESH_MS (2 * WINDOW_SLOT_MS)
#define OFFSET_INSTANCES                                                                   \
    2                     /* the work of how many instances is added before the logarithm */
#define OFFSET_LEAST 0.02 /* requests a step */

enum { STEPS = WINDOW_SLOT_MS / WINDOW_STEP_MS };

struct window {
    struct peak *peak;
    struct forecaster *slots;
    struct lift lift;
    int64_t last; /* step; -1: none */
    double slot_sum;
    unsigned slot_known;
    wall_ms outlook_made; /* 0: none yet */
    double outlook;       /* requests in 5 min */
};

struct window *window_new(double instance_rps, uint32_t lead_ms)
{
    struct window *w = MEM_NEW(struct window);
    double offset = OFFSET_INSTANCES * instance_rps * WINDOW_STEP_MS / MS_PER_S;

    w->peak = peak_new(fmax(offset, OFFSET_LEAST),
                       (lead_ms + WINDOW_STEP_MS - 1) / WINDOW_STEP_MS);
    w->slots = forecaster_new(WINDOW_SLOT_MS);
    w->last = -1;
    return w;
}

void window_free(struct window *w)
{
    if (w == NULL)
        return;
    peak_free(w->peak);
    forecaster_free(w->slots);
    free(w);
}

uint32_t window_lead_ms(const struct window *w)
{
    return peak_lead(w->peak) * WINDOW_STEP_MS;
}

uint32_t window_reach_ms(const struct window *w)
{
    return (peak_lead(w->peak) + peak_window(w->peak)) * WINDOW_STEP_MS;
}

void window_seed(struct window *w, int64_t slot, double requests)
{
    forecaster_observe(w->slots, slot, requests);
}

/* The outlook as long as it is fresh, else NAN. */
static double fresh_outlook(const struct window *w)
{
    wall_ms now = (w->last + 1) * WINDOW_STEP_MS;

    if (w->outlook_made == 0 || now - w->outlook_made > OUTLOOK_FRESH_MS)
        return NAN;
    return w->outlook;
}

static void close_slot(struct window *w, int64_t slot)
{
    double requests = NAN;

    if (w->slot_known * 2 >= STEPS)
        requests = w->slot_sum * STEPS / w->slot_known;
    w->slot_sum = 0;
    w->slot_known = 0;
    lift_judge(&w->lift, requests);
    forecaster_observe(w->slots, slot, requests);
    lift_say(&w->lift, fresh_outlook(w), forecaster_predict(w->slots, HORIZON_5M, 0.5));
}

void window_observe(struct window *w, int64_t step, double requests)
{
    if (step <= w->last)
        return;
    if (w->last >= 0 && step / STEPS != w->last / STEPS && (w->last + 1) % STEPS != 0)
        close_slot(w, w->last / STEPS); /* its last steps were left out */
    w->last = step;
    peak_observe(w->peak, step, requests);
    if (!isnan(requests)) {
        w->slot_sum += requests;
        w->slot_known++;
    }
    if ((step + 1) % STEPS == 0)
        close_slot(w, step / STEPS);
}

void window_outlook(struct window *w, wall_ms made, double requests)
{
    w->outlook_made = made;
    w->outlook = requests;
}

bool window_ready(const struct window *w)
{
    return peak_ready(w->peak);
}

static double lift_now(const struct window *w)
{
    return lift_factor(&w->lift, fresh_outlook(w),
                       forecaster_predict(w->slots, HORIZON_5M, 0.5));
}

/* The highest of the slots' quantiles: a little low, since the maximum of several slots
 * is above each of them. */
static double highest_slot(const struct window *w, wall_ms from, wall_ms to, double q)
{
    int64_t last = forecaster_last(w->slots), first = from / WINDOW_SLOT_MS;
    double most = 0;

    if (last < 0)
        return 0;
    if (first <= last)
        first = last + 1;
    for (int64_t s = first; s * WINDOW_SLOT_MS < to || s == first; s++)
        most = fmax(most, forecaster_at(w->slots, (unsigned)(s - last), q));
    return most * MS_PER_S / WINDOW_SLOT_MS;
}

void window_ask(const struct window *w, wall_ms from, wall_ms to, double q,
                struct window_answer *out)
{
    wall_ms now = (w->last + 1) * WINDOW_STEP_MS;

    *out = (struct window_answer){.lift = 1};
    if (w->last < 0)
        return;
    if (to <= now + window_reach_ms(w) + WINDOW_STEP_MS)
        out->rps = peak_quantile(w->peak, q, &out->capped) * MS_PER_S / WINDOW_STEP_MS;
    else
        out->rps = highest_slot(w, from, to, q);
    if (from - now < WINDOW_SLOT_MS)
        out->lift = lift_now(w);
    out->rps *= out->lift;
}

double window_horizon(const struct window *w, enum horizon h, double q)
{
    double requests = forecaster_predict(w->slots, h, q);

    if (h == HORIZON_5M)
        requests *= lift_now(w);
    return requests * MS_PER_S / WINDOW_SLOT_MS;
}

unsigned window_votes(const struct window *w, enum horizon h, struct forecaster_vote *out,
                      unsigned max)
{
    return forecaster_votes(w->slots, h, out, max);
}

double window_outlook_weight(const struct window *w)
{
    return lift_weight(&w->lift);
}
