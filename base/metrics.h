/*
 * metrics.h - writes figures in Prometheus's text format, version 0.0.4.
 *
 * A family is announced once and all its samples follow.  Names are the caller's to get
 * right; label values and help are escaped here.  Pure.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>

#include "base/hist.h"

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };
extern const char *const metrics_type_name[METRICS_HISTOGRAM + 1];

struct metrics_label {
    const char *name, *value;
};

#define METRICS_LABELS_MAX 4

/* What a sample belongs to. */
struct metrics_labels {
    struct metrics_label list[METRICS_LABELS_MAX];
    size_t n;
};

/* Zero it before use; free(text) after. */
struct metrics {
    char *text; /* not terminated */
    size_t len;
    size_t room; /* private */
};

void metrics_label_add(struct metrics_labels *l, const char *name, const char *value);

void metrics_family(struct metrics *m, const char *name, enum metrics_type type,
                    const char *help);
void metrics_sample(struct metrics *m, const char *name, const struct metrics_labels *l,
                    double value);
/* Cumulated buckets, sum and count, in seconds. */
void metrics_hist(struct metrics *m, const char *name, const struct metrics_labels *l,
                  const struct hist_view *h);

#endif
