/*
 * ewma.h - the level: an exponentially weighted mean, as a value and as an expert.
 *
 * Weights are given as half-lives so that a step of any length means the same.
 */
#ifndef SCALER_FORECAST_EWMA_H
#define SCALER_FORECAST_EWMA_H

#include <stdbool.h>

#include "scaler/forecast/expert.h"

struct ewma {
    double value;
    double alpha; /* weight of a new sample; 1: the last one alone */
    bool any;     /* a sample has been seen */
};

/* half_life and step in the same unit; half_life 0: the last sample. */
void ewma_init(struct ewma *e, double half_life, double step);
void ewma_add(struct ewma *e, double x); /* NAN is left out */

struct expert *ewma_expert(const char *name, double half_life, double step);

#endif
