/*
 * loop_fixture.h - a real loop, turned until something came true; nothing sleeps.
 */
#ifndef TESTS_UNIT_PROXY_LOOP_FIXTURE_H
#define TESTS_UNIT_PROXY_LOOP_FIXTURE_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/check.h"
#include "base/loop.h"

#define PATIENCE_US ((mono_us)10 * US_PER_S) /* a test that is stuck fails */

static inline void turn_until(struct loop *l, bool (*true_now)(void))
{
    mono_us end = clock_mono() + PATIENCE_US;

    while (!true_now()) {
        cr_assert_lt(clock_mono(), end, "it never came true");
        loop_turn(l, 50);
    }
}

/* A socket of that type on a loopback port (0: a free one), listening if it is a stream;
 * -1: the port is taken. */
static inline int fixture_bind(int type, uint16_t port, struct addr *at)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sa);
    int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    CHECK(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
        close(fd);
        return -1;
    }
    CHECK(getsockname(fd, (struct sockaddr *)&sa, &len) == 0);
    CHECK(type != SOCK_STREAM || listen(fd, 64) == 0);
    addr_from_sockaddr((struct sockaddr *)&sa, len, at);
    return fd;
}

#endif
