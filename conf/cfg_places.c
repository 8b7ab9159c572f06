#include "conf/cfg_places.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct noted {
    struct cfg_at at;
    bool spoiled;
};

static uint64_t key_of(const void *field)
{
    return (uint64_t)(uintptr_t)field;
}

static void note(struct map *m, const void *p, struct cfg_at at)
{
    struct noted *known = map_find(m, key_of(p));

    if (known == NULL) {
        known = MEM_NEW(struct noted);
        map_set(m, key_of(p), known);
    }
    *known = (struct noted){.at = at};
}

static const struct cfg_at *find(const struct map *m, const void *p)
{
    const struct noted *known = map_find(m, key_of(p));

    return known != NULL ? &known->at : NULL;
}

static void free_map(struct map *m)
{
    size_t pos = 0;
    uint64_t key;
    void *at;

    while (map_next(m, &pos, &key, &at))
        free(at);
    map_fini(m);
}

void cfg_places_init(struct cfg_places *p)
{
    map_init(&p->fields);
    map_init(&p->objects);
}

void cfg_places_fini(struct cfg_places *p)
{
    free_map(&p->fields);
    free_map(&p->objects);
}

void cfg_places_note(struct cfg_places *p, const void *field, struct cfg_at at)
{
    note(&p->fields, field, at);
}

void cfg_places_note_object(struct cfg_places *p, const void *object, struct cfg_at at)
{
    note(&p->objects, object, at);
}

void cfg_places_spoil(struct cfg_places *p, const void *field)
{
    struct noted *known = map_find(&p->fields, key_of(field));

    CHECK(known != NULL);
    known->spoiled = true;
}

bool cfg_places_spoiled(const struct cfg_places *p, const void *field)
{
    const struct noted *known = map_find(&p->fields, key_of(field));

    return known != NULL && known->spoiled;
}

void cfg_places_forget(struct cfg_places *p, const void *memory, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        free(map_remove(&p->fields, key_of(memory) + i));
        free(map_remove(&p->objects, key_of(memory) + i));
    }
}

static void move(struct map *m, const void *from, const void *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct noted *known = map_remove(m, key_of(from) + i);

        if (known != NULL)
            map_set(m, key_of(to) + i, known);
    }
}

void cfg_places_move(struct cfg_places *p, const void *from, const void *to, size_t len)
{
    move(&p->fields, from, to, len);
    move(&p->objects, from, to, len);
}

const struct cfg_at *cfg_places_find(const struct cfg_places *p, const void *field)
{
    return find(&p->fields, field);
}

const struct cfg_at *cfg_places_find_object(const struct cfg_places *p, const void *object)
{
    return find(&p->objects, object);
}
