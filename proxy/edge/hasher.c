#include "proxy/edge/hasher.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

struct hasher {
    pthread_mutex_t lock;
    pthread_cond_t work; /* there is some, or it is to stop */
    struct hasher_job *first, *last;
    unsigned n;
    bool started, stopping;
    pthread_t thread;
};

struct hasher *hasher_new(void)
{
    struct hasher *h = MEM_NEW(struct hasher);

    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->work, NULL);
    return h;
}

/* Locked. */
static struct hasher_job *take(struct hasher *h)
{
    struct hasher_job *job = h->first;

    if (job == NULL)
        return NULL;
    h->first = job->next;
    if (h->first == NULL)
        h->last = NULL;
    h->n--;
    return job;
}

static struct hasher_job *wait_for_job(struct hasher *h)
{
    struct hasher_job *job = NULL;

    pthread_mutex_lock(&h->lock);
    while (!h->stopping && (job = take(h)) == NULL)
        pthread_cond_wait(&h->work, &h->lock);
    pthread_mutex_unlock(&h->lock);
    return job;
}

static void *hasher_main(void *arg)
{
    struct hasher *h = arg;
    struct hasher_job *job;

    while ((job = wait_for_job(h)) != NULL) {
        job->work(job);
        job->done = true;
        loop_post_mt(job->loop, &job->mail);
    }
    return NULL;
}

/* Locked. */
static bool start(struct hasher *h)
{
    if (h->started)
        return true;
    if (pthread_create(&h->thread, NULL, hasher_main, h) != 0) {
        log_error("auth", "cannot start the thread that checks passwords");
        return false;
    }
    pthread_setname_np(h->thread, "hasher");
    h->started = true;
    return true;
}

bool hasher_submit_mt(struct hasher *h, struct hasher_job *job)
{
    bool taken;

    job->done = false;
    job->next = NULL;
    pthread_mutex_lock(&h->lock);
    taken = !h->stopping && h->n < HASHER_JOBS && start(h);
    if (taken) {
        if (h->last != NULL)
            h->last->next = job;
        else
            h->first = job;
        h->last = job;
        h->n++;
        pthread_cond_signal(&h->work);
    }
    pthread_mutex_unlock(&h->lock);
    return taken;
}

void hasher_stop(struct hasher *h)
{
    struct hasher_job *job;

    if (h == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->stopping = true;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
    if (h->started)
        pthread_join(h->thread, NULL);
    h->started = false;
    while ((job = take(h)) != NULL)
        loop_post_mt(job->loop, &job->mail);
}

void hasher_free(struct hasher *h)
{
    if (h == NULL)
        return;
    hasher_stop(h);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
