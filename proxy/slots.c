#include "proxy/slots.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct slots {
    struct {
        pthread_mutex_t lock;
        bool *taken;
        uint32_t room; /* of taken */
        uint32_t high;
        uint32_t refs; /* the owner and each taken number */
    } shared;
};

struct slots *slots_new(void)
{
    struct slots *s = MEM_NEW(struct slots);

    pthread_mutex_init(&s->shared.lock, NULL);
    s->shared.refs = 1;
    return s;
}

/* Called with the lock held, which it releases. */
static void unref_unlock(struct slots *s)
{
    bool last = --s->shared.refs == 0;

    pthread_mutex_unlock(&s->shared.lock);
    if (!last)
        return;
    pthread_mutex_destroy(&s->shared.lock);
    free(s->shared.taken);
    free(s);
}

void slots_close(struct slots *s)
{
    pthread_mutex_lock(&s->shared.lock);
    unref_unlock(s);
}

static uint32_t lowest_free(struct slots *s)
{
    uint32_t i = 0;

    while (i < s->shared.high && s->shared.taken[i])
        i++;
    return i;
}

static void make_room(struct slots *s, uint32_t n)
{
    uint32_t room = s->shared.room;

    if (n <= room)
        return;
    room = room == 0 ? 16 : room * 2;
    s->shared.taken = mem_grow(s->shared.taken, room, sizeof(*s->shared.taken));
    s->shared.room = room;
}

uint32_t slots_take(struct slots *s)
{
    uint32_t slot;

    pthread_mutex_lock(&s->shared.lock);
    slot = lowest_free(s);
    if (slot == s->shared.high) {
        make_room(s, slot + 1);
        s->shared.high++;
    }
    s->shared.taken[slot] = true;
    s->shared.refs++;
    pthread_mutex_unlock(&s->shared.lock);
    return slot;
}

void slots_give(struct slots *s, uint32_t slot)
{
    pthread_mutex_lock(&s->shared.lock);
    CHECK(slot < s->shared.high && s->shared.taken[slot]);
    s->shared.taken[slot] = false;
    unref_unlock(s);
}

uint32_t slots_high(struct slots *s)
{
    uint32_t high;

    pthread_mutex_lock(&s->shared.lock);
    high = s->shared.high;
    pthread_mutex_unlock(&s->shared.lock);
    return high;
}
