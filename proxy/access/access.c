#include "proxy/access/access.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/cfg_access.h"

#define RING_BYTES ((size_t)1 << 20) /* of each worker: some thousand records */
/* Between two looks: while lines come, and when none came for a while. */
#define BUSY_MS        50
#define QUIET_MS       250
#define QUIET_AFTER_US US_PER_S
/* How long a slow pipe may hold up the end of the process. */
#define LAST_US      US_PER_S
#define LAST_LOOK_MS 10

struct sink_entry {
    struct list node;
    struct access_sink *sink;
    unsigned users;  /* logs of sets; guarded by access.lock */
    mono_us left_at; /* log thread: since when it has none; 0: it has */
};

/* One of shared.sinks, for a look. */
struct known_sink {
    struct access_sink *sink;
    bool left; /* nobody uses it any more */
};

struct access {
    /* fixed after new */
    unsigned n_workers;
    struct access_in in;
    int wake; /* an eventfd */
    /* main thread */
    struct bytering **rings; /* NULL: not needed yet; fixed once there */
    bool may_run, running;
    pthread_t thread;
    /* log thread */
    char *line;               /* ACCESS_LINE_MAX */
    struct known_sink *known; /* as of this look */
    size_t n_known;
    mono_us busy_at;
    struct {
        mono_us at;
        int64_t wall_less_mono;
        int zone_s;
    } clock;
    struct {
        bool known; /* for this look */
        struct access_piece listener, service;
        char names[ADDR_TEXT_MAX + NAME_MAX_LEN];
        struct access_load load;
    } load;
    /* any thread */
    _Atomic bool asleep, stop, reopen;
    struct {
        pthread_mutex_t lock;
        struct list sets;  /* access_set.node */
        struct list sinks; /* sink_entry.node; removed by the log thread alone */
    } shared;
};

static void lock(struct access *a)
{
    pthread_mutex_lock(&a->shared.lock);
}

static void unlock(struct access *a)
{
    pthread_mutex_unlock(&a->shared.lock);
}

/* ---- configuration ---- */

static struct sink_entry *find_sink(struct access *a, const char *path)
{
    LIST_EACH (n, &a->shared.sinks) {
        struct sink_entry *e = CONTAINER_OF(n, struct sink_entry, node);

        if (strcmp(access_sink_path(e->sink), path) == 0)
            return e;
    }
    return NULL;
}

/* Locked. */
static int use_sink(struct access *a, struct access_log *log, struct why *w)
{
    const struct cfg_access_log *how = log->how;
    struct sink_entry *e = find_sink(a, how->path);
    int rc;

    if (e == NULL) {
        e = MEM_NEW(struct sink_entry);
        rc = access_sink_new(how->path, &e->sink, w);
        if (rc != RC_OK) {
            free(e);
            return rc;
        }
        list_add_tail(&a->shared.sinks, &e->node);
    }
    e->users++;
    log->sink = e->sink;
    return RC_OK;
}

/* Locked.  Those nobody uses any more go with the log thread's next look. */
static void leave_sinks(struct access *a, const struct access_set *s)
{
    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < s->lists[i].n; k++)
            if (s->lists[i].logs[k].sink != NULL)
                find_sink(a, s->lists[i].logs[k].how->path)->users--;
}

/* Of what the logs of one sink ask for the larger size and the shorter time hold. */
static void set_sink(const struct access_set *s, struct access_sink *sink)
{
    mono_us flush_us = INT64_MAX;
    size_t buffer = 0;

    for (size_t i = 0; i < s->n_lists; i++)
        for (size_t k = 0; k < s->lists[i].n; k++) {
            const struct access_log *log = &s->lists[i].logs[k];
            mono_us us = (mono_us)log->how->flush_ms * US_PER_MS;

            if (log->sink != sink)
                continue;
            flush_us = us < flush_us ? us : flush_us;
            buffer = log->how->buffer > buffer ? log->how->buffer : buffer;
        }
    access_sink_set(sink, buffer, flush_us);
}

/* Locked. */
static int use_sinks(struct access *a, struct access_set *s, struct why *w)
{
    int rc = RC_OK;

    for (size_t i = 0; i < s->n_lists && rc == RC_OK; i++)
        for (size_t k = 0; k < s->lists[i].n && rc == RC_OK; k++)
            rc = use_sink(a, &s->lists[i].logs[k], w);
    if (rc != RC_OK)
        leave_sinks(a, s);
    for (size_t i = 0; i < s->n_lists && rc == RC_OK; i++)
        for (size_t k = 0; k < s->lists[i].n; k++)
            set_sink(s, s->lists[i].logs[k].sink);
    return rc;
}

static void make_rings(struct access *a)
{
    struct bytering **rings;

    if (a->rings != NULL)
        return;
    rings = MEM_NEW_N(struct bytering *, a->n_workers);
    for (unsigned i = 0; i < a->n_workers; i++)
        rings[i] = bytering_new(RING_BYTES);
    lock(a); /* figures may be asked for */
    a->rings = rings;
    unlock(a);
}

int access_use(struct access *a, struct cfg *cfg, struct access_set **out, struct why *w)
{
    struct access_set *s = access_set_new(cfg);
    int rc;

    *out = NULL;
    if (s == NULL)
        return RC_OK;
    lock(a);
    rc = use_sinks(a, s, w);
    if (rc == RC_OK)
        list_add_tail(&a->shared.sets, &s->node);
    unlock(a);
    if (rc != RC_OK) {
        access_set_free(s);
        return rc;
    }
    make_rings(a);
    *out = s;
    return a->may_run ? access_start(a, w) : RC_OK;
}

struct bytering *access_ring(struct access *a, unsigned worker)
{
    return a->rings != NULL ? a->rings[worker] : NULL;
}

/* ---- waking ---- */

static void wake(struct access *a)
{
    uint64_t one = 1;

    if (write(a->wake, &one, sizeof(one)) < 0)
        return; /* the counter is full: it is awake */
}

void access_noted_mt(struct access *a, const struct bytering *ring)
{
    if (bytering_used(ring) < RING_BYTES / 2 ||
        !atomic_load_explicit(&a->asleep, memory_order_relaxed))
        return;
    if (atomic_exchange(&a->asleep, false))
        wake(a);
}

void access_reopen_mt(struct access *a)
{
    atomic_store(&a->reopen, true);
    wake(a);
}

/* ---- lines ---- */

static void read_clocks(struct access *a)
{
    struct timespec wall;
    struct tm tm;

    a->clock.at = clock_mono();
    clock_gettime(CLOCK_REALTIME, &wall);
    a->clock.wall_less_mono =
        (int64_t)wall.tv_sec * US_PER_S + wall.tv_nsec / 1000 - a->clock.at;
    localtime_r(&wall.tv_sec, &tm);
    a->clock.zone_s = (int)tm.tm_gmtoff;
}

static bool same(struct access_piece a, struct access_piece b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static struct access_piece keep(char *to, struct access_piece p)
{
    memcpy(to, p.p, p.len);
    return (struct access_piece){to, p.len};
}

/* Asked once for a run of lines of the same listener and service. */
static const struct access_load *load_for(struct access *a, const struct access_line *l)
{
    struct access_piece listener = access_line_text(l, ACCESS_LISTENER),
                        service = access_line_text(l, ACCESS_SERVICE);

    if (a->load.known && same(listener, a->load.listener) && same(service, a->load.service))
        return &a->load.load;
    a->load.listener = keep(a->load.names, listener);
    a->load.service = keep(a->load.names + listener.len, service);
    a->load.known = true;
    a->in.load(a->in.ctx, listener, service, &a->load.load);
    return &a->load.load;
}

/* "<134>Nov 24 12:19:54 tidegate[4711]: ", as a local daemon expects it (RFC 3164, 4.1). */
static void put_syslog_head(struct access *a, struct access_text *to,
                            const struct cfg_access_log *how)
{
    enum { LOCAL0 = 16, INFO = 6 };

    access_text_char(to, '<');
    access_text_number(to, (LOCAL0 + (unsigned)how->facility) * 8 + INFO);
    access_text_char(to, '>');
    access_text_time_syslog(to, a->clock.at + a->clock.wall_less_mono, a->clock.zone_s);
    ACCESS_TEXT_LITERAL(to, " tidegate[");
    access_text_number(to, (uint64_t)getpid());
    ACCESS_TEXT_LITERAL(to, "]: ");
}

static void write_line(struct access *a, const struct access_log *log,
                       const struct access_line *l)
{
    struct access_text to = {a->line, a->line + ACCESS_LINE_MAX};

    if (access_sink_is_syslog(log->sink))
        put_syslog_head(a, &to, log->how);
    access_line_put(&to, l);
    access_sink_add(log->sink, a->line, (size_t)(to.at - a->line), a->clock.at);
}

static void write_record(struct access *a, const struct access_record *r)
{
    const struct access_list *list = r->list;
    struct access_line l = {.wall_us = r->began + a->clock.wall_less_mono,
                            .zone_s = a->clock.zone_s,
                            .request_fields = &list->request_fields,
                            .response_fields = &list->response_fields};

    access_line_view(&l, r);
    if (list->load)
        l.load = load_for(a, &l);
    for (size_t i = 0; i < list->n; i++) {
        if ((r->want >> i & 1) == 0)
            continue;
        l.how = list->logs[i].how;
        write_line(a, &list->logs[i], &l);
    }
}

/* What was in the ring when it began: what comes meanwhile does not hold up the rest. */
static bool empty_ring(struct access *a, struct bytering *ring)
{
    size_t left = bytering_used(ring), n;
    const struct access_record *r;
    bool any = false;

    while (left > 0 && (r = bytering_peek(ring, &n)) != NULL) {
        write_record(a, r);
        bytering_release(ring);
        left -= left < n ? left : n;
        any = true;
    }
    return any;
}

/* ---- a look at everything ---- */

/* Sets that no topology has any more: nothing is laid into a ring for them again. */
static void take_left_sets(struct access *a, struct list *left)
{
    lock(a);
    LIST_EACH (n, &a->shared.sets)
        if (access_set_is_left(CONTAINER_OF(n, struct access_set, node))) {
            list_remove(n);
            list_add_tail(left, n);
        }
    unlock(a);
}

static void free_left_sets(struct access *a, struct list *left)
{
    LIST_EACH (n, left) {
        struct access_set *s = CONTAINER_OF(n, struct access_set, node);

        lock(a);
        leave_sinks(a, s);
        unlock(a);
        access_set_free(s);
    }
}

/* The list may grow meanwhile; only this thread shortens it. */
static void know_sinks(struct access *a)
{
    size_t n = 0;

    lock(a);
    LIST_EACH (node, &a->shared.sinks)
        n++;
    a->known = mem_grow(a->known, n > 0 ? n : 1, sizeof(*a->known));
    a->n_known = 0;
    LIST_EACH (node, &a->shared.sinks) {
        struct sink_entry *e = CONTAINER_OF(node, struct sink_entry, node);

        a->known[a->n_known++] = (struct known_sink){e->sink, e->users == 0};
    }
    unlock(a);
}

static void flush_all(struct access *a, bool last)
{
    bool reopen = atomic_exchange(&a->reopen, false);

    for (size_t i = 0; i < a->n_known; i++) {
        if (reopen)
            access_sink_reopen(a->known[i].sink, a->clock.at);
        access_sink_flush(a->known[i].sink, a->clock.at, last || a->known[i].left);
    }
}

/* Nobody uses it any more, and it is empty or had its time. */
static bool is_over(struct access *a, struct sink_entry *e)
{
    if (e->users > 0) {
        e->left_at = 0;
        return false;
    }
    if (e->left_at == 0)
        e->left_at = a->clock.at;
    return access_sink_left(e->sink) == 0 || a->clock.at - e->left_at > LAST_US;
}

static void free_unused_sinks(struct access *a)
{
    struct list over;

    list_init(&over);
    lock(a);
    LIST_EACH (n, &a->shared.sinks)
        if (is_over(a, CONTAINER_OF(n, struct sink_entry, node))) {
            list_remove(n);
            list_add_tail(&over, n);
        }
    unlock(a);
    LIST_EACH (n, &over) {
        struct sink_entry *e = CONTAINER_OF(n, struct sink_entry, node);

        access_sink_free(e->sink);
        free(e);
    }
}

/* True when there was something.  `last`: all is written, and nothing freed. */
static bool look(struct access *a, bool last)
{
    struct list left;
    bool any = false;

    list_init(&left);
    take_left_sets(a, &left);
    read_clocks(a);
    a->load.known = false;
    for (unsigned i = 0; i < a->n_workers; i++)
        any |= empty_ring(a, a->rings[i]);
    know_sinks(a);
    flush_all(a, last);
    free_left_sets(a, &left);
    if (!last)
        free_unused_sinks(a);
    return any;
}

/* ---- the thread ---- */

static void sleep_for(struct access *a, int ms)
{
    struct pollfd p = {.fd = a->wake, .events = POLLIN};
    uint64_t n;

    atomic_store(&a->asleep, true);
    if (!atomic_load(&a->stop) && !atomic_load(&a->reopen) && poll(&p, 1, ms) > 0 &&
        read(a->wake, &n, sizeof(n)) < 0)
        log_warn("access", "eventfd: %s", strerror(errno));
    atomic_store(&a->asleep, false);
}

static size_t bytes_left(const struct access *a)
{
    size_t left = 0;

    for (size_t i = 0; i < a->n_known; i++)
        left += access_sink_left(a->known[i].sink);
    return left;
}

/* The workers have ended: what they noted is all there is. */
static void write_last(struct access *a)
{
    mono_us end = clock_mono() + LAST_US;

    do {
        look(a, true);
        if (bytes_left(a) > 0)
            poll(NULL, 0, LAST_LOOK_MS);
    } while (bytes_left(a) > 0 && clock_mono() < end);
    if (bytes_left(a) > 0)
        log_warn("access", "%zu bytes of access logs could not be written", bytes_left(a));
}

static void *thread_main(void *arg)
{
    struct access *a = arg;

    while (!atomic_load(&a->stop)) {
        if (look(a, false))
            a->busy_at = a->clock.at;
        sleep_for(a, a->clock.at - a->busy_at < QUIET_AFTER_US ? BUSY_MS : QUIET_MS);
    }
    write_last(a);
    return NULL;
}

int access_start(struct access *a, struct why *w)
{
    a->may_run = true;
    if (a->running || a->rings == NULL)
        return RC_OK;
    if (pthread_create(&a->thread, NULL, thread_main, a) != 0)
        return why_set(w, RC_SYS, "cannot start the thread of the access logs");
    pthread_setname_np(a->thread, "access-log");
    a->running = true;
    return RC_OK;
}

/* ---- life ---- */

struct access *access_new(unsigned n_workers, const struct access_in *in)
{
    struct access *a = MEM_NEW(struct access);

    a->n_workers = n_workers;
    a->in = *in;
    a->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    CHECK(a->wake >= 0);
    a->line = mem_new(ACCESS_LINE_MAX, 1);
    pthread_mutex_init(&a->shared.lock, NULL);
    list_init(&a->shared.sets);
    list_init(&a->shared.sinks);
    return a;
}

static void free_all(struct access *a)
{
    LIST_EACH (n, &a->shared.sets)
        access_set_free(CONTAINER_OF(n, struct access_set, node));
    LIST_EACH (n, &a->shared.sinks) {
        struct sink_entry *e = CONTAINER_OF(n, struct sink_entry, node);

        access_sink_free(e->sink);
        free(e);
    }
    for (unsigned i = 0; a->rings != NULL && i < a->n_workers; i++)
        bytering_free(a->rings[i]);
}

void access_free(struct access *a)
{
    if (a == NULL)
        return;
    if (a->running) {
        atomic_store(&a->stop, true);
        wake(a);
        pthread_join(a->thread, NULL);
    }
    free_all(a);
    close(a->wake);
    pthread_mutex_destroy(&a->shared.lock);
    free(a->rings);
    free(a->known);
    free(a->line);
    free(a);
}

/* ---- figures ---- */

uint64_t access_lost_mt(struct access *a)
{
    uint64_t lost = 0;

    lock(a);
    for (unsigned i = 0; a->rings != NULL && i < a->n_workers; i++)
        lost += bytering_dropped(a->rings[i]);
    unlock(a);
    return lost;
}

size_t access_places_mt(struct access *a, struct access_place **out)
{
    size_t n = 0;

    *out = NULL;
    lock(a);
    LIST_EACH (node, &a->shared.sinks) {
        const struct access_sink *s = CONTAINER_OF(node, struct sink_entry, node)->sink;

        *out = mem_grow(*out, n + 1, sizeof(**out));
        snprintf((*out)[n].path, sizeof((*out)[n].path), "%s", access_sink_path(s));
        access_sink_figures(s, &(*out)[n].figures);
        n++;
    }
    unlock(a);
    return n;
}
