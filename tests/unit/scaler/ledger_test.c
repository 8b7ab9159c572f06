#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/kv.h"
#include "base/kv_ops.h"
#include "base/log.h"
#include "scaler/ledger.h"

/* A store that can be made to hang or to fail. */
struct bad_kv {
    struct kv base;
    pthread_mutex_t gate; /* held: writes hang */
    _Atomic int rc;
    _Atomic unsigned written;
};

static int bad_write(struct kv *kv, const struct kv_put *puts, size_t n)
{
    struct bad_kv *b = (struct bad_kv *)kv;

    (void)puts;
    pthread_mutex_lock(&b->gate);
    pthread_mutex_unlock(&b->gate);
    if (b->rc == RC_OK)
        b->written += (unsigned)n;
    return b->rc;
}

static const struct kv_ops bad_ops = {.write = bad_write};

static struct bad_kv bad;
static struct ledger *l;

static void setup(void)
{
    log_set_level(LOG_ERROR);
    kv_init(&bad.base, &bad_ops);
    pthread_mutex_init(&bad.gate, NULL);
    cr_assert_eq(ledger_new(&bad.base, &l, NULL), RC_OK);
}

TestSuite(ledger, .init = setup, .timeout = 30);

Test(ledger, what_is_put_is_written_in_order)
{
    struct kv *kv = kv_open_memory();
    struct ledger *mine;
    void *value;
    size_t len;

    cr_assert_eq(ledger_new(kv, &mine, NULL), RC_OK);
    ledger_put(mine, "a", "1", 1);
    ledger_put(mine, "b", "2", 1);
    ledger_put(mine, "a", NULL, 0);
    ledger_put(mine, "b", "33", 2);
    cr_expect(ledger_wait(mine));
    cr_expect_eq(kv_get(kv, "a", 1, &value, &len), RC_NOT_FOUND);
    cr_assert_eq(kv_get(kv, "b", 1, &value, &len), RC_OK);
    cr_expect_eq(len, 2);
    free(value);
    ledger_free(mine);
    kv_close(kv);
}

Test(ledger, the_end_writes_what_is_queued)
{
    for (int i = 0; i < 1000; i++)
        ledger_put(l, "k", "v", 1);
    ledger_free(l);
    cr_expect_eq(bad.written, 1000);
}

Test(ledger, a_store_that_fails_is_said_and_recovers)
{
    bad.rc = RC_UNAVAILABLE;
    ledger_put(l, "k", "v", 1);
    cr_expect_not(ledger_wait(l));
    cr_expect_not(ledger_ok_mt(l));
    bad.rc = RC_OK;
    ledger_put(l, "k", "v", 1);
    cr_expect(ledger_wait(l));
    cr_expect(ledger_ok_mt(l));
    ledger_free(l);
}

Test(ledger, a_store_that_hangs_delays_nobody_for_long)
{
    mono_us before = clock_mono();

    pthread_mutex_lock(&bad.gate);
    ledger_put(l, "k", "v", 1);
    cr_expect_not(ledger_wait(l));
    for (int i = 0; i < 3 * LEDGER_QUEUE; i++)
        ledger_put(l, "k", "v", 1);
    cr_expect_not(ledger_ok_mt(l)); /* the queue is full */
    cr_expect_lt(clock_mono() - before, 2 * US_PER_S);
    pthread_mutex_unlock(&bad.gate);
    ledger_flush(l);
    cr_expect_leq(bad.written, LEDGER_QUEUE + 64);
    ledger_free(l);
}

Test(ledger, without_a_store_everything_is_fine)
{
    ledger_put(NULL, "k", "v", 1);
    cr_expect(ledger_wait(NULL));
    cr_expect(ledger_ok_mt(NULL));
    ledger_flush(NULL);
    ledger_free(NULL);
    ledger_free(l);
}
