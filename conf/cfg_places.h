/*
 * cfg_places.h - where in the text each field of a configuration being loaded came from.
 *
 * Keyed by the field's address, so that a check of the finished struct can name the
 * line at fault, inherited and included values too.  One thread.
 */
#ifndef CONF_CFG_PLACES_H
#define CONF_CFG_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "conf/cfg_errors.h"

struct cfg_places {
    struct map fields, objects; /* private */
};

void cfg_places_init(struct cfg_places *p);
void cfg_places_fini(struct cfg_places *p);

/* A field, and the object around it, may have the same address. */
void cfg_places_note(struct cfg_places *p, const void *field, struct cfg_at at);
void cfg_places_note_object(struct cfg_places *p, const void *object, struct cfg_at at);

/* The field's own value was refused, so that what it holds now says nothing. */
void cfg_places_spoil(struct cfg_places *p, const void *field);

/* Before the memory goes: another field may get the same address. */
void cfg_places_forget(struct cfg_places *p, const void *memory, size_t len);

/* The memory was copied; the places do not overlap. */
void cfg_places_move(struct cfg_places *p, const void *from, const void *to, size_t len);

const struct cfg_at *cfg_places_find(const struct cfg_places *p, const void *field);
const struct cfg_at *cfg_places_find_object(const struct cfg_places *p, const void *object);
bool cfg_places_spoiled(const struct cfg_places *p, const void *field);

#endif
