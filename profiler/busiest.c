#include "profiler/busiest.h"

#include <stdlib.h>

static void replace_least(struct busiest *b, uint64_t key, uint32_t requests)
{
    size_t least = 0;

    for (size_t i = 0; i < b->n; i++) {
        if (b->user[i].key == key) {
            b->user[i].requests = requests;
            return;
        }
        if (b->user[i].requests < b->user[least].requests)
            least = i;
    }
    if (b->n < BUSIEST_MAX) {
        b->user[b->n++] = (struct busiest_user){key, requests};
        return;
    }
    b->least = b->user[least].requests;
    if (requests > b->least)
        b->user[least] = (struct busiest_user){key, requests};
}

void busiest_note(struct busiest *b, uint64_t key, uint32_t requests)
{
    if (b->n < BUSIEST_MAX || requests > b->least)
        replace_least(b, key, requests);
}

static int by_requests(const void *a, const void *b)
{
    const struct busiest_user *x = a, *y = b;

    return (x->requests < y->requests) - (x->requests > y->requests);
}

void busiest_sort(struct busiest_user *user, size_t n)
{
    qsort(user, n, sizeof(user[0]), by_requests);
}
