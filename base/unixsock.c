#include "base/unixsock.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

bool unixsock_stale(const struct addr *a)
{
    struct stat st;
    bool refused;
    int fd;

    if (lstat(a->sa.un.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    refused = fd >= 0 && connect(fd, &a->sa.any, a->len) < 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return refused;
}
