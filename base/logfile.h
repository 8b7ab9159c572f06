/*
 * logfile.h - the lines of a log file, one after another.
 *
 * Reads plain files, gzip files (by content, not by name) and, as "-", the
 * standard input.  Says nothing about what is in a line: that is logread.h.
 * Blocks on the disk; one thread.
 */
#ifndef BASE_LOGFILE_H
#define BASE_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define LOGFILE_LINE_MAX 65536 /* a longer line is skipped and counted */

struct logfile;

int logfile_open(const char *path, struct logfile **out, struct why *w);
void logfile_close(struct logfile *f); /* NULL is fine */

/* The next line without its end; the view is valid until the next call. */
bool logfile_next(struct logfile *f, const char **line, size_t *len);

uint64_t logfile_skipped(const struct logfile *f); /* lines that were too long */

/* False: the file ended before its end (damaged gzip, read error); *w says why. */
bool logfile_ok(const struct logfile *f, struct why *w);

/* Share of the file read so far, 0..1; -1 when its size is not known. */
double logfile_progress(const struct logfile *f);

#endif
