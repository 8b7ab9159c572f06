/*
 * hasher.h - a thread for what would hold up a worker: checking passwords.
 *
 * A job is done in the order in which it came, and comes back as mail to the loop it is
 * from.  At most HASHER_JOBS wait; what is more is refused at once.
 */
#ifndef PROXY_EDGE_HASHER_H
#define PROXY_EDGE_HASHER_H

#include "base/loop.h"
#include "base/rc.h"

#define HASHER_JOBS 256

struct hasher;

/* Part of whatever the job needs.  Belongs to the hasher from submit to `mail.fn`. */
struct hasher_job {
    struct loop_mail mail; /* first; fn: on the loop's thread, afterwards */
    struct loop *loop;
    void (*work)(struct hasher_job *job); /* on the hasher's thread */
    bool done;                            /* false in mail.fn: the hasher was stopped */
    struct hasher_job *next;              /* private */
};

/* The thread is started with the first job. */
struct hasher *hasher_new(void);

/* Any thread.  False: too many wait already, or it is stopping; the job is not taken. */
bool hasher_submit_mt(struct hasher *h, struct hasher_job *job);

/*
 * Ends the thread; what it has not begun goes back undone.  The loops still exist.  NULL is
 * fine, twice is once.
 */
void hasher_stop(struct hasher *h);
void hasher_free(struct hasher *h); /* stops it */

#endif
