#include "profiler/users.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "base/mem.h"

#define BLOCK 256 /* users allocated at once */

struct block {
    struct user user[BLOCK]; /* key 0: free */
};

struct users {
    size_t max, n, n_active;
    struct map by_key;
    struct list active, idle;
    struct list free; /* by `order` */
    struct block **block;
    size_t n_blocks;
};

struct users *users_new(size_t max)
{
    struct users *u = MEM_NEW(struct users);

    u->max = max;
    map_init(&u->by_key);
    list_init(&u->active);
    list_init(&u->idle);
    list_init(&u->free);
    return u;
}

void users_set_max(struct users *u, size_t max)
{
    u->max = max;
}

void users_free(struct users *u)
{
    if (u == NULL)
        return;
    for (size_t i = 0; i < u->n_blocks; i++)
        free(u->block[i]);
    free(u->block);
    map_fini(&u->by_key);
    free(u);
}

struct user *users_find(const struct users *u, uint64_t key)
{
    return map_find(&u->by_key, key);
}

static void add_block(struct users *u)
{
    struct block *b = MEM_NEW(struct block);

    u->block = mem_grow(u->block, u->n_blocks + 1, sizeof(u->block[0]));
    u->block[u->n_blocks++] = b;
    for (size_t i = 0; i < BLOCK; i++)
        list_add_tail(&u->free, &b->user[i].order);
}

struct user *users_add(struct users *u, uint64_t key)
{
    struct user *user;

    CHECK(key != 0 && users_find(u, key) == NULL);
    if (u->n >= u->max)
        return NULL;
    if (list_empty(&u->free))
        add_block(u);
    user = LIST_FIRST(&u->free, struct user, order);
    list_remove(&user->order);
    *user = (struct user){.key = key};
    list_init(&user->unsaved);
    list_add_head(&u->idle, &user->order);
    map_set(&u->by_key, key, user);
    u->n++;
    return user;
}

static void leave_list(struct users *u, struct user *user)
{
    list_remove(&user->order);
    u->n_active -= user->active;
    user->active = false;
}

void users_remove(struct users *u, struct user *user)
{
    CHECK(list_empty(&user->unsaved));
    leave_list(u, user);
    map_remove(&u->by_key, user->key);
    user->key = 0;
    list_add_head(&u->free, &user->order);
    u->n--;
}

void users_activate(struct users *u, struct user *user)
{
    leave_list(u, user);
    user->active = true;
    u->n_active++;
    list_add_head(&u->active, &user->order);
}

void users_retire(struct users *u, struct user *user)
{
    leave_list(u, user);
    list_add_head(&u->idle, &user->order);
}

static struct user *last_of(const struct list *l)
{
    return list_empty(l) ? NULL : LIST_LAST(l, struct user, order);
}

struct user *users_oldest_active(const struct users *u)
{
    return last_of(&u->active);
}

struct user *users_oldest_idle(const struct users *u)
{
    return last_of(&u->idle);
}

struct user *users_later_active(const struct users *u, const struct user *user)
{
    return user->order.prev == &u->active
               ? NULL
               : CONTAINER_OF(user->order.prev, struct user, order);
}

size_t users_count(const struct users *u)
{
    return u->n;
}

size_t users_active(const struct users *u)
{
    return u->n_active;
}

size_t users_places(const struct users *u)
{
    return u->n_blocks * BLOCK;
}

struct user *users_at(const struct users *u, size_t place)
{
    struct user *user = &u->block[place / BLOCK]->user[place % BLOCK];

    return user->key != 0 ? user : NULL;
}

static int by_last_seen(const void *a, const void *b)
{
    uint32_t x = (*(struct user *const *)a)->profile.session.last_s;
    uint32_t y = (*(struct user *const *)b)->profile.session.last_s;

    return (x > y) - (x < y);
}

void users_sort_idle(struct users *u)
{
    size_t n = 0, max = u->n - u->n_active;
    struct user **all = MEM_NEW_N(struct user *, max);

    for (size_t i = 0; i < users_places(u); i++) {
        struct user *user = users_at(u, i);

        if (user == NULL || user->active)
            continue;
        list_remove(&user->order);
        all[n++] = user;
    }
    qsort(all, n, sizeof(all[0]), by_last_seen);
    for (size_t i = 0; i < n; i++)
        list_add_head(&u->idle, &all[i]->order);
    free(all);
}
