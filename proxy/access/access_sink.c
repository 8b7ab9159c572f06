#include "proxy/access/access_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/access/access_buffer.h"

/* Beyond what a configured buffer holds: for a disk or a reader that is slow for a while.
 */
#define BACKLOG (1u << 20)
/* Between two tries of what failed. */
#define RETRY_US  US_PER_S
#define FILE_MODE 0640
/* Lines a syslog daemon is sent with one call. */
#define BATCH 32

enum kind {
    KIND_FILE,   /* a path; may be a pipe or a device */
    KIND_STREAM, /* stdout or stderr, which are not ours to open */
    KIND_SYSLOG,
};

struct access_sink {
    /* fixed after new */
    char *path;
    enum kind kind;
    struct addr to; /* KIND_SYSLOG */
    /* log thread */
    int fd;       /* -1: not open */
    bool patient; /* of a pipe, a terminal, ...: asked for room before each write */
    struct access_buffer kept;
    mono_us oldest;   /* when the first byte of the buffer came */
    mono_us retry_at; /* 0: the last write went well */
    bool torn;        /* half a line is in the file */
    bool open_failed;
    /* any thread */
    _Atomic size_t buffer;
    _Atomic mono_us flush_us;
    _Atomic uint64_t lines, dropped;
    _Atomic bool ok;
};

/* ---- opening ---- */

static bool is_stream(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
}

/* A pipe without a reader is opened as well, and neither reading nor waiting. */
static int open_file(const char *path)
{
    int flags = O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    struct stat st;

    flags |= stat(path, &st) == 0 && S_ISFIFO(st.st_mode) ? O_RDWR : O_WRONLY;
    return open(path, flags, FILE_MODE);
}

static int open_syslog(const struct addr *to)
{
    int fd = socket(to->sa.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || connect(fd, &to->sa.any, to->len) == 0)
        return fd;
    close(fd);
    return -1;
}

/* -1 with errno. */
static int open_kind(const struct access_sink *s)
{
    switch (s->kind) {
    case KIND_FILE:
        return open_file(s->path);
    case KIND_STREAM:
        return strcmp(s->path, "stdout") == 0 ? STDOUT_FILENO : STDERR_FILENO;
    case KIND_SYSLOG:
        return open_syslog(&s->to);
    }
    return -1;
}

static void close_kind(struct access_sink *s)
{
    if (s->fd >= 0 && s->kind != KIND_STREAM)
        close(s->fd);
    s->fd = -1;
}

static void take_fd(struct access_sink *s, int fd)
{
    close_kind(s);
    s->fd = fd;
    s->patient = s->kind != KIND_SYSLOG && is_stream(fd);
}

static enum kind kind_of(const char *path)
{
    if (strcmp(path, "stdout") == 0 || strcmp(path, "stderr") == 0)
        return KIND_STREAM;
    return strncmp(path, "syslog:", 7) == 0 ? KIND_SYSLOG : KIND_FILE;
}

int access_sink_new(const char *path, struct access_sink **out, struct why *w)
{
    struct access_sink *s = MEM_NEW(struct access_sink);
    int fd, rc = RC_OK;

    *out = NULL;
    s->path = mem_str(path);
    s->kind = kind_of(path);
    s->fd = -1;
    if (s->kind == KIND_SYSLOG)
        rc = addr_parse(path + 7, &s->to, w);
    fd = rc == RC_OK ? open_kind(s) : -1;
    if (rc == RC_OK && fd < 0 && s->kind != KIND_SYSLOG)
        rc = why_set(w, RC_SYS, "access log %s: %s", path, strerror(errno));
    if (rc != RC_OK) {
        access_sink_free(s);
        return rc;
    }
    if (fd >= 0)
        take_fd(s, fd);
    atomic_store(&s->ok, fd >= 0);
    *out = s;
    return RC_OK;
}

void access_sink_free(struct access_sink *s)
{
    close_kind(s);
    free(s->path);
    access_buffer_fini(&s->kept);
    free(s);
}

const char *access_sink_path(const struct access_sink *s)
{
    return s->path;
}

bool access_sink_is_syslog(const struct access_sink *s)
{
    return s->kind == KIND_SYSLOG;
}

void access_sink_set(struct access_sink *s, size_t buffer, mono_us flush_us)
{
    atomic_store_explicit(&s->flush_us, flush_us, memory_order_relaxed);
    atomic_store_explicit(&s->buffer, buffer, memory_order_relaxed);
}

/* ---- the buffer ---- */

void access_sink_add(struct access_sink *s, const char *line, size_t n, mono_us now)
{
    access_buffer_grow(&s->kept,
                       atomic_load_explicit(&s->buffer, memory_order_relaxed) + BACKLOG);
    if (s->kept.len == 0)
        s->oldest = now;
    if (!access_buffer_add(&s->kept, line, n))
        atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
}

/* The first n bytes are in the file. */
static void wrote(struct access_sink *s, size_t n)
{
    atomic_fetch_add_explicit(&s->lines, access_buffer_lines(&s->kept, n),
                              memory_order_relaxed);
    s->torn = !access_buffer_ends_line(&s->kept, n);
    access_buffer_drop(&s->kept, n);
}

static void lose_line(struct access_sink *s)
{
    atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
    access_buffer_drop(&s->kept, access_buffer_line(&s->kept, 0));
}

/* ---- writing ---- */

static void set_ok(struct access_sink *s)
{
    atomic_store_explicit(&s->ok, s->retry_at == 0 && !s->open_failed,
                          memory_order_relaxed);
}

static void write_failed(struct access_sink *s, mono_us now)
{
    if (s->retry_at == 0)
        log_error("access", "cannot write %s: %s", s->path, strerror(errno));
    s->retry_at = now + RETRY_US;
    set_ok(s);
}

static void write_went_well(struct access_sink *s)
{
    if (s->retry_at != 0)
        log_info("access", "%s is written again", s->path);
    s->retry_at = 0;
    set_ok(s);
}

static bool has_room(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLOUT | POLLERR | POLLHUP)) != 0;
}

/* -1 with errno; EAGAIN: later, which is no fault. */
static ssize_t write_once(struct access_sink *s)
{
    struct iovec iov[2];
    size_t n = s->kept.len;

    if (s->patient) {
        /* Room means so many bytes at least, and as many are written in one piece, whoever
         * else has the pipe open (pipe(7)). */
        n = access_buffer_whole(&s->kept, PIPE_BUF);
        if (!has_room(s->fd)) {
            errno = EAGAIN;
            return -1;
        }
    }
    return writev(s->fd, iov, access_buffer_pieces(&s->kept, 0, n, iov));
}

static void write_file(struct access_sink *s, mono_us now)
{
    while (s->kept.len > 0) {
        ssize_t n = write_once(s);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            write_failed(s, now);
        if (n <= 0)
            return;
        wrote(s, (size_t)n);
        write_went_well(s);
    }
}

/* ---- syslog: a datagram a line ---- */

struct batch {
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH][2];
    size_t bytes[BATCH]; /* of the buffer, the newline included */
};

/* Datagrams of the first lines; how many. */
static unsigned gather(const struct access_sink *s, struct batch *b)
{
    size_t at = 0;
    unsigned n = 0;

    memset(b->msgs, 0, sizeof(b->msgs));
    for (; n < BATCH && at < s->kept.len; at += b->bytes[n++]) {
        size_t len = access_buffer_line(&s->kept, at);
        struct msghdr *m = &b->msgs[n].msg_hdr;

        b->bytes[n] = len;
        m->msg_iov = b->iov[n];
        m->msg_iovlen = (size_t)access_buffer_pieces(&s->kept, at, len - 1, b->iov[n]);
    }
    return n;
}

static bool connected(struct access_sink *s)
{
    int fd;

    if (s->fd >= 0)
        return true;
    fd = open_kind(s);
    if (fd >= 0)
        take_fd(s, fd);
    return fd >= 0;
}

/* False: no more now. */
static bool send_failed(struct access_sink *s, mono_us now)
{
    if (errno == EINTR)
        return true;
    if (errno == EMSGSIZE) { /* the first line, which never fits */
        lose_line(s);
        return true;
    }
    if (errno != EAGAIN && errno != ENOBUFS) {
        write_failed(s, now);
        close_kind(s);
    }
    return false;
}

static void write_syslog(struct access_sink *s, mono_us now)
{
    struct batch b;
    unsigned n;

    if (!connected(s)) {
        write_failed(s, now);
        return;
    }
    while ((n = gather(s, &b)) > 0) {
        int sent = sendmmsg(s->fd, b.msgs, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent < 0 && !send_failed(s, now))
            return;
        for (int i = 0; i < sent; i++)
            wrote(s, b.bytes[i]);
        if (sent > 0)
            write_went_well(s);
    }
}

/* ---- for the thread ---- */

static void write_all(struct access_sink *s, mono_us now)
{
    if (s->kind == KIND_SYSLOG)
        write_syslog(s, now);
    else
        write_file(s, now);
    s->oldest = now; /* of what is left now */
}

void access_sink_flush(struct access_sink *s, mono_us now, bool force)
{
    bool due = s->kept.len >= atomic_load_explicit(&s->buffer, memory_order_relaxed) ||
               now - s->oldest >= atomic_load_explicit(&s->flush_us, memory_order_relaxed);

    if (s->kept.len > 0 && (force || (due && now >= s->retry_at)))
        write_all(s, now);
}

size_t access_sink_left(const struct access_sink *s)
{
    return s->kept.len;
}

/* The other half of a line stays with the first one, or is lost with it: nothing that
 * begins in the middle of a line goes into a new file. */
static void finish_line(struct access_sink *s)
{
    if (s->torn && s->kept.len > 0)
        lose_line(s);
    s->torn = false;
}

void access_sink_reopen(struct access_sink *s, mono_us now)
{
    int fd;

    if (s->kind == KIND_STREAM)
        return;
    if (s->fd >= 0 && s->kept.len > 0)
        write_all(s, now);
    fd = open_kind(s);
    s->open_failed = fd < 0;
    if (fd < 0) {
        log_error("access", "cannot open %s again, the old one stays: %s", s->path,
                  strerror(errno));
    } else {
        finish_line(s);
        take_fd(s, fd);
        s->retry_at = 0; /* the new one may well take it */
    }
    set_ok(s);
}

void access_sink_figures(const struct access_sink *s, struct access_figures *out)
{
    out->lines = atomic_load_explicit(&s->lines, memory_order_relaxed);
    out->dropped = atomic_load_explicit(&s->dropped, memory_order_relaxed);
    out->ok = atomic_load_explicit(&s->ok, memory_order_relaxed);
}
