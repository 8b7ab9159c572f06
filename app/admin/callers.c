#include "app/admin/callers.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* 0: not open. */
static ino_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

static void forget_closed(struct callers *c)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++)
        if (inode_of(c->open[i].fd) == c->open[i].inode)
            c->open[kept++] = c->open[i];
    c->n = kept;
}

static void forget_first(struct callers *c)
{
    c->n--;
    memmove(&c->open[0], &c->open[1], c->n * sizeof(c->open[0]));
}

void callers_add(struct callers *c, int fd)
{
    ino_t inode = inode_of(fd);

    if (inode == 0)
        return;
    forget_closed(c);
    if (c->n == CALLERS_MAX) {
        shutdown(c->open[0].fd, SHUT_RDWR);
        forget_first(c);
    }
    c->open[c->n].fd = fd;
    c->open[c->n++].inode = inode;
}
