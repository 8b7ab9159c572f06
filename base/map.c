#include "base/map.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free; TOMB: was used */
};

static char tomb;
#define TOMB    ((void *)&tomb)
#define MIN_CAP 16

static size_t home(const struct map *m, uint64_t key)
{
    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key ^ key >> 32) & (m->cap - 1);
}

void map_init(struct map *m)
{
    *m = (struct map){0};
}

void map_fini(struct map *m)
{
    free(m->slots);
    map_init(m);
}

/* The key's slot, or NULL. */
static struct map_slot *lookup(const struct map *m, uint64_t key)
{
    if (m->cap == 0)
        return NULL;
    for (size_t i = home(m, key);; i = (i + 1) & (m->cap - 1)) {
        struct map_slot *s = &m->slots[i];

        if (s->value == NULL)
            return NULL;
        if (s->value != TOMB && s->key == key)
            return s;
    }
}

static void insert_new(struct map *m, uint64_t key, void *value)
{
    size_t i = home(m, key);

    while (m->slots[i].value != NULL && m->slots[i].value != TOMB)
        i = (i + 1) & (m->cap - 1);
    if (m->slots[i].value == TOMB)
        m->dead--;
    m->slots[i] = (struct map_slot){key, value};
    m->used++;
}

static void resize(struct map *m, size_t cap)
{
    struct map old = *m;

    *m = (struct map){.slots = mem_new(cap, sizeof(struct map_slot)), .cap = cap};
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].value != NULL && old.slots[i].value != TOMB)
            insert_new(m, old.slots[i].key, old.slots[i].value);
    free(old.slots);
}

void *map_find(const struct map *m, uint64_t key)
{
    struct map_slot *s = lookup(m, key);

    return s != NULL ? s->value : NULL;
}

void map_set(struct map *m, uint64_t key, void *value)
{
    struct map_slot *s = lookup(m, key);

    CHECK(value != NULL);
    if (s != NULL) {
        s->value = value;
        return;
    }
    if ((m->used + m->dead + 1) * 4 > m->cap * 3) {
        size_t cap = m->cap > MIN_CAP ? m->cap : MIN_CAP;

        while ((m->used + 1) * 2 > cap)
            cap *= 2;
        resize(m, cap);
    }
    insert_new(m, key, value);
}

void *map_remove(struct map *m, uint64_t key)
{
    struct map_slot *s = lookup(m, key);
    void *value;

    if (s == NULL)
        return NULL;
    value = s->value;
    s->value = TOMB;
    m->used--;
    m->dead++;
    return value;
}

bool map_next(const struct map *m, size_t *at, uint64_t *key, void **value)
{
    for (; *at < m->cap; (*at)++) {
        struct map_slot *s = &m->slots[*at];

        if (s->value != NULL && s->value != TOMB) {
            *key = s->key;
            *value = s->value;
            (*at)++;
            return true;
        }
    }
    return false;
}
