#include "scaler/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/kv.h"
#include "base/log.h"
#include "base/mem.h"

#define OVERDUE_US (2 * US_PER_S)
#define BATCH      64

struct put {
    struct put *next;
    size_t key_len, len;
    bool removes;
    char data[]; /* key, then value */
};

struct ledger {
    /* fixed after new */
    struct kv *kv;
    pthread_t thread;
    struct { /* under `lock` */
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct put *first, **end;
        size_t queued;
        uint64_t put, written; /* ever; written counts failed ones too */
        mono_us busy_since;    /* the writer is in the store; 0: it is not */
        bool failed;           /* the last batch, or a put found no room */
        bool stopping;
    } shared;
};

#define LOCK(l)   pthread_mutex_lock(&(l)->shared.lock)
#define UNLOCK(l) pthread_mutex_unlock(&(l)->shared.lock)

/* ---- the writer ---- */

static struct put *take_batch(struct ledger *l)
{
    struct put *batch = l->shared.first, *last = batch;
    size_t n = 1;

    for (; n < BATCH && last->next != NULL; n++)
        last = last->next;
    l->shared.first = last->next;
    if (l->shared.first == NULL)
        l->shared.end = &l->shared.first;
    l->shared.queued -= n;
    last->next = NULL;
    return batch;
}

static size_t list_batch(struct put *batch, struct kv_put *out)
{
    size_t n = 0;

    for (struct put *p = batch; p != NULL; p = p->next)
        out[n++] = (struct kv_put){.key = p->data,
                                   .key_len = p->key_len,
                                   .value = p->removes ? NULL : p->data + p->key_len,
                                   .value_len = p->len};
    return n;
}

static void free_batch(struct put *batch)
{
    while (batch != NULL) {
        struct put *next = batch->next;

        free(batch);
        batch = next;
    }
}

static void write_batch(struct ledger *l)
{
    struct put *batch = take_batch(l);
    struct kv_put puts[BATCH];
    size_t n = list_batch(batch, puts);
    int rc;

    l->shared.busy_since = clock_mono();
    UNLOCK(l);
    rc = kv_write(l->kv, puts, n);
    if (rc != RC_OK)
        log_warn("scaler", "the store did not take %zu records: %s", n,
                 rc_text((enum rc)rc));
    free_batch(batch);
    LOCK(l);
    l->shared.busy_since = 0;
    l->shared.failed = rc != RC_OK;
    l->shared.written += n;
    pthread_cond_broadcast(&l->shared.changed);
}

static void *write_all(void *arg)
{
    struct ledger *l = arg;

    LOCK(l);
    while (l->shared.first != NULL || !l->shared.stopping) {
        if (l->shared.first != NULL)
            write_batch(l);
        else
            pthread_cond_wait(&l->shared.changed, &l->shared.lock);
    }
    UNLOCK(l);
    return NULL;
}

/* ---- the other side ---- */

int ledger_new(struct kv *kv, struct ledger **out, struct why *w)
{
    struct ledger *l = MEM_NEW(struct ledger);
    pthread_condattr_t attr;

    l->kv = kv;
    l->shared.end = &l->shared.first;
    pthread_mutex_init(&l->shared.lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->shared.changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&l->thread, NULL, write_all, l) != 0) {
        free(l);
        *out = NULL;
        return why_set(w, RC_SYS, "the scaler's writer could not be started");
    }
    pthread_setname_np(l->thread, "scaler-ledger");
    *out = l;
    return RC_OK;
}

void ledger_free(struct ledger *l)
{
    if (l == NULL)
        return;
    LOCK(l);
    l->shared.stopping = true;
    pthread_cond_broadcast(&l->shared.changed);
    UNLOCK(l);
    pthread_join(l->thread, NULL);
    pthread_cond_destroy(&l->shared.changed);
    pthread_mutex_destroy(&l->shared.lock);
    free(l);
}

static struct put *put_new(const char *key, const void *value, size_t len)
{
    size_t key_len = strlen(key);
    struct put *p = mem_new(1, sizeof(*p) + key_len + len);

    p->key_len = key_len;
    p->len = len;
    p->removes = value == NULL;
    memcpy(p->data, key, key_len);
    if (value != NULL)
        memcpy(p->data + key_len, value, len);
    return p;
}

void ledger_put(struct ledger *l, const char *key, const void *value, size_t len)
{
    struct put *p;

    if (l == NULL)
        return;
    p = put_new(key, value, value != NULL ? len : 0);
    LOCK(l);
    if (l->shared.queued >= LEDGER_QUEUE) {
        l->shared.failed = true;
        free(p);
    } else {
        *l->shared.end = p;
        l->shared.end = &p->next;
        l->shared.queued++;
        l->shared.put++;
        pthread_cond_broadcast(&l->shared.changed);
    }
    UNLOCK(l);
}

static struct timespec in_ms(long ms)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

bool ledger_wait(struct ledger *l)
{
    struct timespec until = in_ms(LEDGER_WAIT_MS);
    uint64_t upto;
    int rc = 0;
    bool ok;

    if (l == NULL)
        return true;
    LOCK(l);
    upto = l->shared.put;
    /* A store that is known to hang is not waited for again and again. */
    if (l->shared.busy_since != 0 && clock_mono() - l->shared.busy_since > OVERDUE_US)
        rc = ETIMEDOUT;
    while (l->shared.written < upto && rc == 0)
        rc = pthread_cond_timedwait(&l->shared.changed, &l->shared.lock, &until);
    ok = l->shared.written >= upto && !l->shared.failed;
    UNLOCK(l);
    return ok;
}

void ledger_flush(struct ledger *l)
{
    uint64_t upto;

    if (l == NULL)
        return;
    LOCK(l);
    upto = l->shared.put;
    while (l->shared.written < upto)
        pthread_cond_wait(&l->shared.changed, &l->shared.lock);
    UNLOCK(l);
}

bool ledger_ok_mt(struct ledger *l)
{
    bool ok;

    if (l == NULL)
        return true;
    LOCK(l);
    ok = !l->shared.failed &&
         (l->shared.busy_since == 0 || clock_mono() - l->shared.busy_since <= OVERDUE_US);
    UNLOCK(l);
    return ok;
}
