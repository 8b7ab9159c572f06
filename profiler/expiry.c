#include "profiler/expiry.h"

static void expire_in_memory(struct expiry *x, struct users *users, struct keeper *keeper,
                             uint32_t before_s)
{
    for (int i = 0; i < EXPIRY_STEP; i++) {
        struct user *user = users_oldest_idle(users);

        if (user == NULL || user->profile.session.last_s >= before_s)
            return;
        keeper_forget(keeper, user);
        users_remove(users, user);
        x->expired++;
    }
}

/* The store may not be written while it is read: the keys are collected first. */
struct found {
    const struct users *users;
    uint32_t before_s;
    size_t n;
    uint64_t key[EXPIRY_STEP];
};

static bool collect(void *ctx, uint64_t key, const struct profile *p)
{
    struct found *f = ctx;

    if (p->session.last_s < f->before_s && users_find(f->users, key) == NULL)
        f->key[f->n++] = key;
    return f->n < EXPIRY_STEP;
}

static void expire_stored(struct expiry *x, const struct users *users,
                          struct keeper *keeper, uint32_t before_s)
{
    struct found found = {.users = users, .before_s = before_s};

    keeper_each_user_of(keeper, x->slice, collect, &found);
    for (size_t i = 0; i < found.n; i++)
        x->expired += keeper_forget_stored(keeper, found.key[i]);
    if (found.n < EXPIRY_STEP)
        x->slice++; /* else once more: there may be others */
}

void expiry_step(struct expiry *x, struct users *users, struct keeper *keeper,
                 uint32_t before_s)
{
    expire_in_memory(x, users, keeper, before_s);
    expire_stored(x, users, keeper, before_s);
}
