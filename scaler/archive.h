/*
 * archive.h - what the scaler knows of a service, kept over a restart.
 *
 * Demand history in blocks (demand_codec.h) whose keys are used again as the ring turns,
 * so that it never grows; the slots being filled; and what was learned of capacity and
 * lead time.  Forecasts are not kept: they follow from the history.
 *
 * Writing goes through the ledger; reading is for the start and may block.
 */
#ifndef SCALER_ARCHIVE_H
#define SCALER_ARCHIVE_H

#include "scaler/insight.h"
#include "scaler/ledger.h"

struct kv;

struct archive {
    int64_t saved[N_DEMAND_RINGS]; /* newest slot that is written; 0: none */
};

/* What changed since the last call. */
void archive_save(struct archive *a, struct ledger *l, const char *service,
                  struct insight *i);
/* Into a fresh insight, whose forecast is built from it.  RC_UNAVAILABLE: the store did
 * not answer; damaged records are left out and said. */
int archive_load(struct archive *a, struct kv *kv, const char *service, struct insight *i);

#endif
