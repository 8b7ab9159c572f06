/*
 * demand_codec.h - demand history as bytes.
 *
 * A block is DEMAND_BLOCK slots of one ring: a version, the block's number, and for each
 * slot four variable-length numbers (requests + 1, 0 for unknown; milliseconds of work;
 * KiB; hundredths of concurrency), so that a quiet slot takes four bytes and a busy one
 * about ten.  Requests come back exactly, the others rounded.  Pure.
 */
#ifndef SCALER_DEMAND_CODEC_H
#define SCALER_DEMAND_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "scaler/demand.h"

#define DEMAND_CODEC_MAX (16 + DEMAND_BLOCK * 40) /* bytes of a block */

/* Slots from block * DEMAND_BLOCK on; returns the length. */
size_t demand_codec_put(int64_t block, const struct demand_cell *cells,
                        uint8_t out[DEMAND_CODEC_MAX]);
/* RC_CORRUPT. */
int demand_codec_get(const uint8_t *in, size_t len, int64_t *block,
                     struct demand_cell *cells);

#endif
