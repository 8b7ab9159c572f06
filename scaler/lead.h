/*
 * lead.h - how long it takes from ordering an instance until it serves.
 *
 * Virtual milliseconds, since that is what the forecast is ahead in.  The 0.9 quantile of
 * the last orders; the configured value until five are known.  Pure.
 */
#ifndef SCALER_LEAD_H
#define SCALER_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#define LEAD_KEPT   40
#define LEAD_ENOUGH 5

struct lead {
    uint32_t ms[LEAD_KEPT]; /* private: the last ones, in a ring */
    unsigned n;             /* ever observed */
};

void lead_add(struct lead *l, uint32_t ms);
bool lead_learned(const struct lead *l);
uint32_t lead_ms(const struct lead *l, uint32_t configured_ms);

#endif
