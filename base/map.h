/*
 * map.h - hash map from a 64-bit key to a pointer.
 *
 * Open addressing, grows by itself.  The keys are hashes already (user keys,
 * path hashes); small integers work too.  One thread.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot *slots; /* private */
    size_t cap, used, dead; /* private; used = live entries */
};

void map_init(struct map *m);
void map_fini(struct map *m); /* frees the table, not what the values point to */

void *map_find(const struct map *m, uint64_t key);      /* NULL: not there */
void map_set(struct map *m, uint64_t key, void *value); /* value != NULL; replaces */
void *map_remove(struct map *m, uint64_t key);          /* the value, or NULL */

/* Walks all entries; start with *at = 0.  Entries may be removed while walking, not added.
 */
bool map_next(const struct map *m, size_t *at, uint64_t *key, void **value);

#endif
