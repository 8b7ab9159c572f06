#include "profiler/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/kv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "profiler/batch.h"
#include "profiler/profile_code.h"

#define AREA        "profiler"
#define USER        "profiler/user/"  /* and 8 bytes of key, most significant first */
#define TOKEN       "profiler/token/" /* and 2 bytes */
#define SECRET      "profiler/secret"
#define NAMED       "profiler/"
#define KEY_MAX     64
#define BATCH_MAX   4096   /* users in one batch */
#define WAITING_MAX 100000 /* records that wait for a store to come back */
#define RETRY_S     5

struct keeper {
    struct kv *kv;
    struct token_table *tokens;
    struct list unsaved;        /* users, the one that waits longest first */
    struct batch next, writing; /* `writing` does not change while it is written */
    uint32_t retry_s;           /* not before; 0: the store was well */
    struct keeper_stats stats;
};

struct key {
    uint8_t bytes[KEY_MAX];
    size_t len;
};

/* prefix, and n bytes of v, most significant first, so that keys sort as numbers */
static struct key make_key(const char *prefix, uint64_t v, size_t n)
{
    struct key k = {.len = strlen(prefix)};

    CHECK(k.len + n <= KEY_MAX);
    memcpy(k.bytes, prefix, k.len);
    while (n-- > 0)
        k.bytes[k.len++] = (uint8_t)(v >> 8 * n);
    return k;
}

static uint64_t key_number(const void *key, const char *prefix, size_t n)
{
    const uint8_t *p = (const uint8_t *)key + strlen(prefix);
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static void failed(struct keeper *k, const char *what, int rc)
{
    k->stats.errors++;
    k->stats.ok = false;
    log_warn(AREA, "the store fails, profiles wait in memory doing=%s reason=\"%s\"", what,
             rc_text((enum rc)rc));
}

/* ---- life ---- */

struct keeper *keeper_new(struct kv *kv, struct token_table *tokens)
{
    struct keeper *k = MEM_NEW(struct keeper);

    k->kv = kv;
    k->tokens = tokens;
    list_init(&k->unsaved);
    batch_init(&k->next);
    batch_init(&k->writing);
    k->stats.ok = true;
    return k;
}

void keeper_free(struct keeper *k)
{
    if (k == NULL)
        return;
    batch_fini(&k->next);
    batch_fini(&k->writing);
    free(k);
}

/* ---- reading ---- */

/* What is on its way counts before what is stored.  RC_OK: *out is to be freed. */
static int look_up(struct keeper *k, const struct key *key, void **out, size_t *len)
{
    const struct kv_put *p = batch_find(&k->next, key->bytes, key->len);

    if (p == NULL)
        p = batch_find(&k->writing, key->bytes, key->len);
    if (p == NULL)
        return k->kv != NULL ? kv_get(k->kv, key->bytes, key->len, out, len) : RC_NOT_FOUND;
    if (p->value == NULL)
        return RC_NOT_FOUND;
    *out = mem_new(p->value_len, 1);
    memcpy(*out, p->value, p->value_len);
    *len = p->value_len;
    return RC_OK;
}

enum keeper_answer keeper_read_user(struct keeper *k, uint64_t user, struct profile *out)
{
    struct key key = make_key(USER, user, 8);
    void *bytes;
    size_t len;
    int rc = look_up(k, &key, &bytes, &len);

    if (rc == RC_NOT_FOUND)
        return KEEPER_NONE;
    if (rc != RC_OK) {
        failed(k, "read", rc);
        return KEEPER_UNREACHABLE;
    }
    rc = profile_code_read(out, bytes, len);
    free(bytes);
    return rc == RC_OK ? KEEPER_FOUND : KEEPER_NONE;
}

bool keeper_get(struct keeper *k, const char *name, uint8_t **out, size_t *len)
{
    char *full = mem_printf("%s%s", NAMED, name);
    struct key key = make_key(full, 0, 0);
    void *bytes = NULL;
    int rc = look_up(k, &key, &bytes, len);

    free(full);
    *out = bytes;
    if (rc != RC_OK && rc != RC_NOT_FOUND)
        failed(k, "read", rc);
    return rc == RC_OK;
}

/* One that cannot be read is not replaced: users are known again once it can. */
struct sip_key keeper_secret(struct keeper *k)
{
    struct key name = make_key(SECRET, 0, 0);
    struct sip_key key;
    void *bytes;
    size_t len;
    int rc = look_up(k, &name, &bytes, &len);

    if (rc == RC_OK && len == sizeof(key)) {
        memcpy(&key, bytes, sizeof(key));
        free(bytes);
        return key;
    }
    rng_secret(&key, sizeof(key));
    if (rc == RC_OK)
        free(bytes);
    else if (rc != RC_NOT_FOUND)
        failed(k, "read", rc);
    else if (k->kv != NULL)
        batch_put(&k->next, name.bytes, name.len, &key, sizeof(key));
    return key;
}

static bool on_token(void *ctx, const void *key, size_t key_len, const void *value,
                     size_t len)
{
    struct keeper *k = ctx;

    if (key_len == strlen(TOKEN) + 2 &&
        token_restore(k->tokens, (uint16_t)key_number(key, TOKEN, 2), value, len) != RC_OK)
        log_warn(AREA, "a stored token is damaged, left out number=%u",
                 (unsigned)key_number(key, TOKEN, 2));
    return true;
}

void keeper_load_tokens(struct keeper *k)
{
    int rc = k->kv != NULL ? kv_each(k->kv, TOKEN, strlen(TOKEN), on_token, k) : RC_OK;

    if (rc != RC_OK)
        failed(k, "read", rc);
}

struct each {
    keeper_user_fn fn;
    void *ctx;
};

static bool on_user(void *ctx, const void *key, size_t key_len, const void *value,
                    size_t len)
{
    const struct each *e = ctx;
    struct profile p;

    if (key_len != strlen(USER) + 8 || profile_code_read(&p, value, len) != RC_OK)
        return true;
    return e->fn(e->ctx, key_number(key, USER, 8), &p);
}

static void each_user(struct keeper *k, const struct key *prefix, struct each e)
{
    int rc =
        k->kv != NULL ? kv_each(k->kv, prefix->bytes, prefix->len, on_user, &e) : RC_OK;

    if (rc != RC_OK)
        failed(k, "read", rc);
}

void keeper_each_user(struct keeper *k, keeper_user_fn fn, void *ctx)
{
    struct key all = make_key(USER, 0, 0);

    each_user(k, &all, (struct each){fn, ctx});
}

void keeper_each_user_of(struct keeper *k, uint16_t slice, keeper_user_fn fn, void *ctx)
{
    struct key some = make_key(USER, slice, 2);

    each_user(k, &some, (struct each){fn, ctx});
}

/* ---- collecting ---- */

static void forget_unsaved(struct user *user)
{
    list_remove(&user->unsaved);
    user->is_unsaved = false;
}

/* Joins what was stored of a user who could not be read at first. */
static bool complete(struct keeper *k, struct user *user)
{
    struct profile before;

    if (!user->unread)
        return true;
    switch (keeper_read_user(k, user->key, &before)) {
    case KEEPER_UNREACHABLE:
        return false;
    case KEEPER_FOUND:
        profile_merge(&user->profile, &before);
        break;
    case KEEPER_NONE:
        break;
    }
    user->unread = false;
    return true;
}

/* False: it has to wait. */
static bool put_user(struct keeper *k, struct user *user, uint32_t now_s)
{
    struct key key = make_key(USER, user->key, 8);
    uint8_t bytes[PROFILE_CODE_MAX];
    size_t len;

    if (k->next.n >= WAITING_MAX || !complete(k, user))
        return false;
    len = profile_code_write(&user->profile, bytes);
    batch_put(&k->next, key.bytes, key.len, bytes, len);
    k->stats.users_written++;
    k->stats.user_bytes += len;
    forget_unsaved(user);
    user->saved_s = now_s;
    return true;
}

void keeper_changed(struct keeper *k, struct user *user, uint32_t now_s)
{
    if (user->is_unsaved || k->kv == NULL)
        return;
    user->is_unsaved = true;
    user->unsaved_since_s = now_s;
    list_add_tail(&k->unsaved, &user->unsaved);
}

static bool written_lately(const struct user *user, uint32_t now_s)
{
    return user->saved_s != 0 && now_s - user->saved_s < KEEPER_WRITE_S;
}

void keeper_session_over(struct keeper *k, struct user *user, uint32_t now_s)
{
    if (user->is_unsaved && !written_lately(user, now_s) && k->retry_s == 0)
        put_user(k, user, now_s);
}

void keeper_leaves(struct keeper *k, struct user *user, uint32_t now_s)
{
    if (!user->is_unsaved || put_user(k, user, now_s))
        return;
    k->stats.lost++;
    forget_unsaved(user);
}

void keeper_put(struct keeper *k, const char *name, uint8_t *bytes_take, size_t len)
{
    char *full = mem_printf("%s%s", NAMED, name);

    if (k->kv != NULL)
        batch_put(&k->next, full, strlen(full), bytes_take, len);
    free(full);
    free(bytes_take);
}

static void put_removal(struct keeper *k, const struct key *key)
{
    if (k->kv != NULL)
        batch_put(&k->next, key->bytes, key->len, NULL, 0);
}

void keeper_forget(struct keeper *k, struct user *user)
{
    struct key key = make_key(USER, user->key, 8);

    put_removal(k, &key);
    if (user->is_unsaved)
        forget_unsaved(user);
}

bool keeper_forget_stored(struct keeper *k, uint64_t user)
{
    struct key key = make_key(USER, user, 8);

    if (batch_find(&k->next, key.bytes, key.len) != NULL ||
        batch_find(&k->writing, key.bytes, key.len) != NULL)
        return false;
    put_removal(k, &key);
    return true;
}

static void collect_users(struct keeper *k, uint32_t now_s, bool all)
{
    struct list waiting;

    list_init(&waiting);
    while (!list_empty(&k->unsaved) && (all || k->next.n < BATCH_MAX)) {
        struct user *user = LIST_FIRST(&k->unsaved, struct user, unsaved);

        if (!all && now_s - user->unsaved_since_s < KEEPER_WRITE_S)
            break;
        if (put_user(k, user, now_s))
            continue;
        list_remove(&user->unsaved);
        list_add_tail(&waiting, &user->unsaved);
    }
    list_join(&waiting, &k->unsaved);
    list_join(&k->unsaved, &waiting);
}

/* Before or with the profiles that mention them. */
static void collect_tokens(struct keeper *k)
{
    uint8_t record[TOKEN_RECORD_MAX];
    uint16_t token;

    while (token_take_unsaved(k->tokens, &token, 1) == 1) {
        struct key key = make_key(TOKEN, token, 2);
        size_t len = token_record(k->tokens, token, record);

        batch_put(&k->next, key.bytes, key.len, record, len);
    }
}

/* ---- writing ---- */

bool keeper_prepare(struct keeper *k, uint32_t now_s, bool all)
{
    if (k->kv == NULL || (k->retry_s != 0 && now_s < k->retry_s && !all))
        return false;
    if (k->writing.n == 0) {
        struct batch empty = k->writing;

        collect_tokens(k);
        collect_users(k, now_s, all);
        k->writing = k->next;
        k->next = empty;
    }
    return k->writing.n > 0;
}

int keeper_write(struct keeper *k)
{
    return kv_write(k->kv, k->writing.put, k->writing.n);
}

void keeper_done(struct keeper *k, int rc, uint32_t now_s)
{
    if (rc != RC_OK) {
        k->retry_s = now_s + RETRY_S;
        failed(k, "write", rc);
        return;
    }
    if (!k->stats.ok)
        log_info(AREA, "the store works again records=%zu", k->writing.n);
    k->retry_s = 0;
    k->stats.ok = true;
    k->stats.written += k->writing.n;
    batch_clear(&k->writing);
}

void keeper_get_stats(const struct keeper *k, struct keeper_stats *out)
{
    *out = k->stats;
}
