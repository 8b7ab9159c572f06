/*
 * unixsock.h - what lies at the path of a unix socket.
 *
 * Asks the file system and, of a socket, whether somebody answers; does not block.
 */
#ifndef BASE_UNIXSOCK_H
#define BASE_UNIXSOCK_H

#include <stdbool.h>

#include "base/addr.h"

/*
 * A socket that an earlier run left behind: nobody answers on it, it may be removed.
 * Never true of a file that is no socket, or of a socket that is listened on.
 */
bool unixsock_stale(const struct addr *a);

#endif
