#include "proxy/edge/slurp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define NS_PER_S 1000000000

static struct slurp_mark mark_of(const struct stat *st)
{
    return (struct slurp_mark){.mtime_ns = (int64_t)st->st_mtim.tv_sec * NS_PER_S +
                                           st->st_mtim.tv_nsec,
                               .size = (uint64_t)st->st_size,
                               .inode = st->st_ino};
}

/* Reads up to `max` bytes, and one more if there is one. */
static int read_all(int fd, size_t max, struct slurp *out)
{
    ssize_t n;

    out->text = mem_new(1, max + 2);
    while (out->len <= max) {
        n = read(fd, out->text + out->len, max + 1 - out->len);
        if (n == 0)
            return RC_OK;
        if (n < 0 && errno != EINTR)
            return RC_SYS;
        out->len += n > 0 ? (size_t)n : 0;
    }
    return RC_TOO_BIG;
}

int slurp_file(const char *file, size_t max, struct slurp *out, struct why *w)
{
    struct stat st;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = RC_SYS;

    *out = (struct slurp){.text = NULL};
    if (fd < 0)
        return why_set(w, RC_SYS, "%s: %s", file, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        out->mark = mark_of(&st);
        rc = read_all(fd, max, out);
    } else {
        errno = EINVAL;
    }
    if (rc == RC_SYS)
        why_set(w, rc, "%s: %s", file, errno == EINVAL ? "is no file" : strerror(errno));
    else if (rc == RC_TOO_BIG)
        why_set(w, rc, "%s: has more than %zu bytes", file, max);
    close(fd);
    if (rc != RC_OK) {
        free(out->text);
        *out = (struct slurp){.text = NULL};
    }
    return rc;
}

bool slurp_changed(const char *file, struct slurp_mark *mark)
{
    struct slurp_mark was = *mark;
    struct stat st;

    if (stat(file, &st) != 0)
        return false;
    *mark = mark_of(&st);
    return mark->mtime_ns != was.mtime_ns || mark->size != was.size ||
           mark->inode != was.inode;
}
