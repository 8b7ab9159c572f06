#include "profiler/crowd.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define WAYS      8
#define SETS_MAX  2048
#define BYTES_MAX (4u << 20) /* of tags, unless that would leave fewer than 64 sets */

struct crowd {
    unsigned users;
    size_t n_sets;           /* a power of two */
    uint32_t now;            /* counts additions */
    uint64_t (*thing)[WAYS]; /* 0: free */
    uint32_t (*seen)[WAYS];  /* `now` of the last addition */
    uint16_t (*n)[WAYS];
    uint32_t *tag; /* `users` for each way of each set */
};

struct crowd *crowd_new(unsigned users)
{
    struct crowd *c = MEM_NEW(struct crowd);

    CHECK(users > 0 && users <= UINT16_MAX);
    c->users = users;
    c->n_sets = SETS_MAX;
    while (c->n_sets > 64 && c->n_sets * WAYS * users * sizeof(uint32_t) > BYTES_MAX)
        c->n_sets /= 2;
    c->thing = mem_new(c->n_sets, sizeof(c->thing[0]));
    c->seen = mem_new(c->n_sets, sizeof(c->seen[0]));
    c->n = mem_new(c->n_sets, sizeof(c->n[0]));
    c->tag = mem_new(c->n_sets * WAYS * users, sizeof(c->tag[0]));
    return c;
}

void crowd_free(struct crowd *c)
{
    if (c == NULL)
        return;
    free(c->thing);
    free(c->seen);
    free(c->n);
    free(c->tag);
    free(c);
}

static unsigned worst_way(const struct crowd *c, size_t set)
{
    unsigned worst = 0;

    for (unsigned w = 1; w < WAYS; w++) {
        uint16_t a = c->n[set][w], b = c->n[set][worst];

        if (a < b || (a == b && c->now - c->seen[set][w] > c->now - c->seen[set][worst]))
            worst = w;
    }
    return worst;
}

/* The thing's way; takes over the worst one when it is not there. */
static unsigned find_way(struct crowd *c, size_t set, uint64_t thing)
{
    unsigned way;

    for (unsigned w = 0; w < WAYS; w++)
        if (c->thing[set][w] == thing)
            return w;
    way = worst_way(c, set);
    c->thing[set][way] = thing;
    c->n[set][way] = 0;
    return way;
}

bool crowd_add(struct crowd *c, uint64_t thing, uint64_t user)
{
    size_t set = (size_t)(thing >> 32) & (c->n_sets - 1);
    unsigned way = find_way(c, set, thing != 0 ? thing : 1);
    uint32_t *tags = c->tag + (set * WAYS + way) * c->users;
    uint16_t *n = &c->n[set][way];

    c->seen[set][way] = ++c->now;
    for (unsigned i = 0; i < *n; i++)
        if (tags[i] == (uint32_t)user)
            return *n >= c->users;
    if (*n < c->users)
        tags[(*n)++] = (uint32_t)user;
    return *n >= c->users;
}
