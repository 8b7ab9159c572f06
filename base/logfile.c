#include "base/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

#define BUFFER (4 * LOGFILE_LINE_MAX)

struct logfile {
    gzFile gz;
    int64_t size;    /* -1: not a regular file */
    size_t from, to; /* what of `buffer` is not read yet */
    bool at_end;
    uint64_t skipped;
    char buffer[BUFFER];
};

int logfile_open(const char *path, struct logfile **out, struct why *w)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    struct logfile *f;
    struct stat st;

    *out = NULL;
    if (fd < 0 || fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        int err = fd < 0 ? errno : EISDIR;

        if (fd >= 0)
            close(fd);
        return why_set(w, RC_SYS, "%s: %s", path, strerror(err));
    }
    f = MEM_NEW(struct logfile);
    f->size = S_ISREG(st.st_mode) ? st.st_size : -1;
    f->gz = gzdopen(fd, "rb");
    if (f->gz == NULL) {
        close(fd);
        free(f);
        return why_set(w, RC_SYS, "%s: out of memory", path);
    }
    gzbuffer(f->gz, BUFFER / 2);
    *out = f;
    return RC_OK;
}

void logfile_close(struct logfile *f)
{
    if (f == NULL)
        return;
    gzclose_r(f->gz);
    free(f);
}

/* Moves the unread rest to the front and reads behind it. */
static void fill(struct logfile *f)
{
    int n;

    memmove(f->buffer, f->buffer + f->from, f->to - f->from);
    f->to -= f->from;
    f->from = 0;
    n = gzread(f->gz, f->buffer + f->to, (unsigned)(BUFFER - f->to));
    if (n > 0)
        f->to += (size_t)n;
    else
        f->at_end = true;
}

static const char *line_end(const struct logfile *f)
{
    return memchr(f->buffer + f->from, '\n', f->to - f->from);
}

/* A whole line is in the buffer, or all that will come. */
static const char *fill_line(struct logfile *f)
{
    const char *end = line_end(f);

    while (end == NULL && !f->at_end && f->to - f->from <= LOGFILE_LINE_MAX) {
        fill(f);
        end = line_end(f);
    }
    return end;
}

/* Drops what is there until the next line begins. */
static void skip_line(struct logfile *f)
{
    const char *end;

    f->skipped++;
    while ((end = line_end(f)) == NULL && !f->at_end) {
        f->from = f->to;
        fill(f);
    }
    f->from = end != NULL ? (size_t)(end + 1 - f->buffer) : f->to;
}

bool logfile_next(struct logfile *f, const char **line, size_t *len)
{
    for (;;) {
        const char *end = fill_line(f);
        size_t n = end != NULL ? (size_t)(end - f->buffer) - f->from : f->to - f->from;

        if (end == NULL && n == 0)
            return false;
        if (n > LOGFILE_LINE_MAX) {
            skip_line(f);
            continue;
        }
        *line = f->buffer + f->from;
        *len = n;
        f->from += n + (end != NULL);
        return true;
    }
}

uint64_t logfile_skipped(const struct logfile *f)
{
    return f->skipped;
}

bool logfile_ok(const struct logfile *f, struct why *w)
{
    int err;
    const char *text = gzerror(f->gz, &err);

    if (err == Z_OK || err == Z_STREAM_END)
        return true;
    why_set(w, RC_CORRUPT, "%s", err == Z_ERRNO ? strerror(errno) : text);
    return false;
}

double logfile_progress(const struct logfile *f)
{
    if (f->size <= 0)
        return -1;
    return (double)gzoffset(f->gz) / (double)f->size;
}
