/*
 * callers.h - the open connections to the admin endpoint, at most CALLERS_MAX.
 *
 * One more, and that which has been open longest is shut down.  So whoever holds
 * connections open neither keeps a health check from its answer nor takes the data
 * plane's descriptors.
 *
 * evhttp owns the connections, does not count them and tells nobody of their end.  A
 * descriptor that was closed, or is something else by now, is told by its inode.  One
 * thread.
 */
#ifndef APP_ADMIN_CALLERS_H
#define APP_ADMIN_CALLERS_H

#include <stddef.h>
#include <sys/types.h>

#define CALLERS_MAX 128

struct callers { /* all zero: none */
    struct {
        int fd; /* borrowed */
        ino_t inode;
    } open[CALLERS_MAX]; /* private: oldest first */
    size_t n;
};

/* `fd` has just been accepted.  Another one may be shut down, for its owner to close. */
void callers_add(struct callers *c, int fd);

#endif
