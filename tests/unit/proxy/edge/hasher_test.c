/* Mirrors proxy/edge/hasher.c. */
#include "proxy/edge/hasher.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/proxy/loop_fixture.h"

struct job {
    struct hasher_job job; /* first */
    int number;
};

static struct hasher *hasher;
static struct loop *loop;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_t worked_on;
static int order[HASHER_JOBS + 8];
static int n_done, n_undone;

static void work(struct hasher_job *j)
{
    (void)j;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    worked_on = pthread_self();
}

static void done(struct loop_mail *m)
{
    struct job *j = (struct job *)(void *)m;

    if (j->job.done)
        order[n_done++] = j->number;
    else
        n_undone++;
}

static struct job jobs[HASHER_JOBS + 8];

static bool submit(int i)
{
    jobs[i] =
        (struct job){.job = {.mail.fn = done, .loop = loop, .work = work}, .number = i};
    return hasher_submit_mt(hasher, &jobs[i].job);
}

static void setup(void)
{
    loop = loop_new();
    hasher = hasher_new();
}

static void teardown(void)
{
    hasher_free(hasher);
    loop_free(loop);
}

TestSuite(hasher, .init = setup, .fini = teardown);

static bool three_done(void)
{
    return n_done == 3;
}

Test(hasher, jobs_are_done_in_order_on_another_thread)
{
    for (int i = 0; i < 3; i++)
        cr_assert(submit(i));
    turn_until(loop, three_done);
    cr_expect(order[0] == 0 && order[1] == 1 && order[2] == 2);
    cr_expect_not(pthread_equal(worked_on, pthread_self()));
}

Test(hasher, more_than_may_wait_are_refused_and_what_was_not_begun_comes_back_undone)
{
    int taken = 0;

    pthread_mutex_lock(&gate);
    while (taken < HASHER_JOBS + 8 && submit(taken))
        taken++;
    /* one more may have been taken out already */
    cr_expect(taken == HASHER_JOBS || taken == HASHER_JOBS + 1, "%d", taken);
    pthread_mutex_unlock(&gate);
    hasher_stop(hasher);
    cr_expect_not(submit(HASHER_JOBS + 7), "it is stopped");
    loop_turn(loop, 0);
    cr_expect_eq(n_done + n_undone, taken);
}
