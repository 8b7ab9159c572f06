#include "scaler/provider/local.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "scaler/provider/child.h"
#include "scaler/provider/words.h"

#define MAGIC          0x10ca1u
#define SWEEP_EVERY_US (200 * US_PER_MS)

enum ending { ENDING_NO, ENDING_ASKED, ENDING_TERM, ENDING_KILL };

struct instance {
    struct list node;
    char id[NAME_MAX_LEN];
    struct addr addr;
    struct child child; /* none: it ended, or only what it left is searched for */
    bool sweep;         /* of an earlier process, the leader not found: search by mark */
    enum provider_phase phase;
    enum ending ending;
    mono_us kill_at;
    mono_us sweep_at; /* when /proc is searched next */
    uint32_t stop_timeout_ms;
    int connect_fd; /* -1: no attempt under way */
    char detail[96];
};

struct local {
    struct provider base;
    uint32_t magic;
    struct list instances;
    uint32_t next_port; /* where the search for a port goes on */
};

#define EACH_INSTANCE(l, i)                                                                \
    for (struct instance *i = LIST_FIRST(&(l)->instances, struct instance, node);          \
         &i->node != &(l)->instances; i = LIST_FIRST(&i->node, struct instance, node))

static struct local *self(struct provider *p)
{
    struct local *l = (struct local *)p;

    CHECK(l->magic == MAGIC);
    return l;
}

static struct instance *find(struct local *l, const char *id)
{
    EACH_INSTANCE (l, i) {
        if (strcmp(i->id, id) == 0)
            return i;
    }
    return NULL;
}

static struct instance *add(struct local *l, const char *id, const struct addr *addr,
                            uint32_t stop_timeout_ms)
{
    struct instance *i = MEM_NEW(struct instance);

    snprintf(i->id, sizeof(i->id), "%s", id);
    i->addr = *addr;
    i->stop_timeout_ms = stop_timeout_ms;
    i->connect_fd = -1;
    list_add_tail(&l->instances, &i->node);
    return i;
}

static void drop_connect(struct instance *i)
{
    if (i->connect_fd >= 0)
        close(i->connect_fd);
    i->connect_fd = -1;
}

static void drop(struct instance *i)
{
    drop_connect(i);
    list_remove(&i->node);
    free(i);
}

/* ---- ports ---- */

static void addr_of_port(uint32_t port, struct addr *out)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    addr_from_sockaddr((struct sockaddr *)&in, sizeof(in), out);
}

static bool port_is_given(struct local *l, uint32_t port)
{
    EACH_INSTANCE (l, i) {
        if (i->addr.port == port)
            return true;
    }
    return false;
}

/* Binding on all addresses fails when anyone listens on any of them. */
static bool port_is_free(uint32_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    bool is_free;

    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    is_free = bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    close(fd);
    return is_free;
}

/* 0: none is free.  Ports are taken in turn, so that one that was just left rests. */
static uint32_t take_port(struct local *l, const struct cfg_provider_local *cfg)
{
    uint32_t n = (uint32_t)cfg->port_to - cfg->port_from + 1;

    for (uint32_t k = 0; k < n; k++) {
        uint32_t port = cfg->port_from + (l->next_port + k) % n;

        if (port_is_given(l, port) || !port_is_free(port))
            continue;
        l->next_port = (port - cfg->port_from + 1) % n;
        return port;
    }
    return 0;
}

/* ---- starting ---- */

static int open_log(const char *path, int *fd, struct why *w)
{
    *fd = -1;
    if (path[0] == 0)
        return RC_OK;
    *fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return *fd >= 0 ? RC_OK : why_set(w, RC_SYS, "%s: %s", path, strerror(errno));
}

static int start(const struct cfg_service *svc, enum tier t, struct instance *i,
                 struct why *w)
{
    char port[8], **argv;
    const struct words_value values[] = {
        {"port", port}, {"service", svc->name}, {"tier", tier_name[t]}, {"id", i->id}};
    int fd, rc;

    snprintf(port, sizeof(port), "%u", i->addr.port);
    rc = words_split(svc->local.command, values, N_ELEMS(values), &argv, w);
    if (rc != RC_OK)
        return rc;
    rc = open_log(svc->local.log, &fd, w);
    if (rc == RC_OK)
        rc = child_spawn(argv, i->id, fd, &i->child, w);
    if (fd >= 0)
        close(fd);
    words_free(argv);
    return rc;
}

static int create(struct provider *p, const struct cfg_service *svc, enum tier t,
                  const char *id, struct why *w)
{
    struct local *l = self(p);
    uint32_t port = take_port(l, &svc->local);
    struct instance *i;
    struct addr addr;
    int rc;

    if (port == 0)
        return why_set(w, RC_BUSY, "no port between %u and %u is free",
                       svc->local.port_from, svc->local.port_to);
    addr_of_port(port, &addr);
    i = add(l, id, &addr, svc->local.stop_timeout_ms);
    rc = start(svc, t, i, w);
    if (rc != RC_OK)
        drop(i);
    return rc;
}

static void adopt(struct provider *p, const struct cfg_service *svc, const char *id,
                  const struct addr *addr, const char *handle)
{
    uint32_t stop_ms = svc != NULL ? svc->local.stop_timeout_ms : 5 * MS_PER_S;
    struct instance *i = add(self(p), id, addr, stop_ms);
    uint64_t started;
    int pid;

    if (sscanf(handle, "%d:%" SCNu64, &pid, &started) != 2 ||
        !child_find((pid_t)pid, started, &i->child)) {
        i->sweep = child_sweep(id, 0) > 0;
        i->ending = ENDING_ASKED; /* what it left behind is of no use */
        i->phase = i->sweep ? PROVIDER_STARTING : PROVIDER_ENDED;
        snprintf(i->detail, sizeof(i->detail), "its process was gone at the restart");
    }
}

/* ---- what becomes of it ---- */

static bool connected(struct instance *i)
{
    struct pollfd p = {.fd = i->connect_fd, .events = POLLOUT};
    int err = 0;
    socklen_t len = sizeof(err);

    if (i->connect_fd < 0)
        return false;
    if (poll(&p, 1, 0) <= 0)
        return false;
    getsockopt(i->connect_fd, SOL_SOCKET, SO_ERROR, &err, &len);
    drop_connect(i);
    return err == 0;
}

static bool connects(struct instance *i)
{
    if (i->connect_fd >= 0)
        return connected(i);
    i->connect_fd =
        socket(i->addr.sa.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (i->connect_fd < 0)
        return false;
    if (connect(i->connect_fd, &i->addr.sa.any, i->addr.len) != 0 && errno != EINPROGRESS) {
        drop_connect(i);
        return false;
    }
    return connected(i);
}

static void signal_it(struct instance *i, int sig)
{
    if (i->sweep)
        child_sweep(i->id, sig);
    else
        child_signal(&i->child, sig);
}

static void push_to_end(struct instance *i, mono_us now)
{
    if (i->ending == ENDING_ASKED) {
        i->ending = ENDING_TERM;
        i->kill_at = now + (mono_us)i->stop_timeout_ms * US_PER_MS;
        signal_it(i, SIGTERM);
    } else if (i->ending == ENDING_TERM && now >= i->kill_at) {
        i->ending = ENDING_KILL;
        log_warn("fleet", "instance did not stop in time, killing it id=%s", i->id);
        signal_it(i, SIGKILL);
    }
}

static bool ended(struct instance *i, mono_us now)
{
    if (!i->sweep)
        return child_ended(&i->child, i->detail, sizeof(i->detail));
    if (now < i->sweep_at)
        return false;
    i->sweep_at = now + SWEEP_EVERY_US;
    return child_sweep(i->id, 0) == 0;
}

static void poll_one(struct instance *i, mono_us now)
{
    if (i->phase == PROVIDER_ENDED)
        return;
    if (ended(i, now)) {
        i->phase = PROVIDER_ENDED;
        drop_connect(i);
        return;
    }
    if (i->ending != ENDING_NO)
        push_to_end(i, now);
    else if (i->phase == PROVIDER_STARTING && connects(i))
        i->phase = PROVIDER_SERVING;
}

static void poll_all(struct provider *p, mono_us now)
{
    EACH_INSTANCE (self(p), i) {
        poll_one(i, now);
    }
}

static void status(struct provider *p, const char *id, struct provider_status *out)
{
    struct instance *i = find(self(p), id);

    *out = (struct provider_status){.phase = PROVIDER_ENDED};
    if (i == NULL)
        return;
    out->phase = i->phase;
    out->addr = i->addr;
    snprintf(out->handle, sizeof(out->handle), "%d:%" PRIu64, (int)i->child.pid,
             i->child.start);
    snprintf(out->detail, sizeof(out->detail), "%s", i->detail);
}

static void destroy(struct provider *p, const char *id)
{
    struct instance *i = find(self(p), id);

    if (i != NULL && i->ending == ENDING_NO)
        i->ending = ENDING_ASKED;
}

static void forget(struct provider *p, const char *id)
{
    struct instance *i = find(self(p), id);

    if (i != NULL)
        drop(i);
}

/* Whoever is still there gets no more time. */
static void release(struct provider *p)
{
    struct local *l = self(p);

    while (!list_empty(&l->instances)) {
        struct instance *i = LIST_FIRST(&l->instances, struct instance, node);

        if (i->phase != PROVIDER_ENDED)
            signal_it(i, SIGKILL);
        drop(i);
    }
    l->magic = 0;
    free(l);
}

struct provider *local_new(void)
{
    static const struct provider_ops ops = {
        .name = "local",
        .create = create,
        .adopt = adopt,
        .status = status,
        .destroy = destroy,
        .forget = forget,
        .poll = poll_all,
        .free = release,
    };
    struct local *l = MEM_NEW(struct local);

    l->base.ops = &ops;
    l->magic = MAGIC;
    list_init(&l->instances);
    return &l->base;
}
