/*
 * access_sink.h - where lines go: a file, a stream of the process, a syslog socket.
 *
 * Gathers whole lines in a bounded buffer and writes them in large pieces.  What cannot be
 * written now (a full disk, a slow pipe, no syslog daemon) stays in the buffer and is tried
 * again; once the buffer is full new lines are dropped and counted.  Never waits for a pipe
 * or a socket.
 *
 * Thread: made by the main thread, then the log thread's; the figures are for any.
 */
#ifndef PROXY_ACCESS_SINK_H
#define PROXY_ACCESS_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/rc.h"

struct access_sink;

/*
 * Opens `path` as a configuration names it.  RC_SYS: the file cannot be opened, and why;
 * a syslog daemon that is not there is no fault, it is tried again.
 */
int access_sink_new(const char *path, struct access_sink **out, struct why *w);
void access_sink_free(struct access_sink *s); /* closes; what is in the buffer is lost */

const char *access_sink_path(const struct access_sink *s);
/* The buffer is written when it holds so much, or when its oldest line is so old.  Main
 * thread; zero until it is set. */
void access_sink_set(struct access_sink *s, size_t buffer, mono_us flush_us);
bool access_sink_is_syslog(const struct access_sink *s);

/* Takes a line with its newline, or counts it as dropped. */
void access_sink_add(struct access_sink *s, const char *line, size_t n, mono_us now);
/* Writes what is due, or all with `force`, as far as it goes without waiting. */
void access_sink_flush(struct access_sink *s, mono_us now, bool force);
/* Bytes not written yet. */
size_t access_sink_left(const struct access_sink *s);
/* Writes what there is to the old file, then opens the path again; the old file stays in
 * use where that fails, and access_sink_figures says so. */
void access_sink_reopen(struct access_sink *s, mono_us now);

struct access_figures {
    uint64_t lines;   /* written */
    uint64_t dropped; /* found no room in the buffer */
    bool ok;          /* opened, and the last write went well */
};
void access_sink_figures(const struct access_sink *s, struct access_figures *out);

#endif
