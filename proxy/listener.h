/*
 * listener.h - accepts connections for a worker.
 *
 * Main opens every socket once, one per worker with SO_REUSEPORT, and keeps them over
 * reloads.  Level-triggered, at most 64 accepts a turn, paused at the connection limit
 * and when descriptors run out.  A worker far above the mean hands connections over.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "proxy/worker.h"

struct listener {
    struct loop_io io; /* first */
    struct worker *w;
    struct list node;
    struct front *front;
    int fd;
    bool paused;
    const struct cfg_listener *cfg; /* in `owner`; replaced with each topology */
    struct cfg *owner;              /* a reference */
    struct tls_server *tls;         /* a reference; NULL: plain */
};

/* n descriptors for one configured listener; a unix socket is one descriptor, repeated. */
int listener_open(const struct cfg_listener *lis, unsigned n, int *fds, struct why *w);
void listener_close(const struct cfg_listener *lis, unsigned n, const int *fds);

/*
 * Makes the worker's listeners those of t->cfg: fds[i] belongs to its listeners[i].  Known
 * descriptors go on with the new settings, others are added or left.  The descriptors
 * stay main's.
 */
void listener_configure(struct worker *w, const struct topology *t, const int *fds);
void listener_stop_all(struct worker *w); /* no more accepts */
void listener_free_all(struct worker *w);
void listener_resume_all(struct worker *w); /* a connection ended: accept again */

/*
 * When the rest of a request's body must be here, after n more bytes of it.  What comes
 * buys the client time, and more than `body_ms` ahead it cannot buy: at fewer bytes a
 * second than min_body_rate its time runs out, however short the pauses are.  due: as it
 * was; 0: it was not running.
 */
static inline mono_us listener_body_due(const struct cfg_listener *cfg, mono_us now,
                                        mono_us due, size_t n)
{
    mono_us full = now + (mono_us)cfg->timeouts.body_ms * US_PER_MS;

    if (cfg->min_body_rate == 0 || due == 0)
        return full;
    due += (mono_us)n * US_PER_S / cfg->min_body_rate;
    return due < full ? due : full;
}

/* May that peer send a PROXY protocol header? */
bool listener_may_tell(const struct cfg_listener *cfg, const struct sockaddr *peer);
/* None came, or what came is none: counts and logs it. */
void listener_denies(const struct listener *l, const union proxyproto_addr *from,
                     const char *reason);

/* The listener of that bind text, or NULL. */
struct listener *listener_find(struct worker *w, const char *bind);

#endif
