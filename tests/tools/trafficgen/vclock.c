#include "tests/tools/trafficgen/vclock.h"

#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void vclock_begin(struct vclock *v, wall_ms start, double speed)
{
    v->start = start;
    v->at = clock_mono();
    v->speed = speed;
}

wall_ms vclock_now(const struct vclock *v)
{
    return v->start + (wall_ms)((double)(clock_mono() - v->at) / US_PER_MS * v->speed);
}

int vclock_wait_ms(const struct vclock *v, wall_ms t, int most)
{
    double real_ms = (double)(t - vclock_now(v)) / v->speed;

    if (real_ms <= 0)
        return 0;
    return real_ms < most ? (int)real_ms + 1 : most;
}

static int dial(const char *where)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    const char *colon = strrchr(where, ':');
    char host[128];
    int fd;

    if (colon == NULL)
        return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return -1;
    fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    return fd;
}

/* The whole answer to one request; `buf` is terminated. */
static bool ask(const char *admin, char *buf, size_t size)
{
    static const char request[] = "GET /api/v1/version HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    int fd = dial(admin);
    size_t len = 0;
    ssize_t n;

    if (fd < 0)
        return false;
    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) > 0)
        while (len < size - 1 && (n = recv(fd, buf + len, size - 1 - len, 0)) > 0)
            len += (size_t)n;
    buf[len] = '\0';
    close(fd);
    return len > 0;
}

bool vclock_follow(struct vclock *v, const char *admin)
{
    char buf[8192];
    mono_us before = clock_mono();
    bool asked = ask(admin, buf, sizeof(buf));
    mono_us after = clock_mono();
    const char *body = asked ? strstr(buf, "\r\n\r\n") : NULL;
    json_t *all = body != NULL ? json_loads(body, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    json_t *c = json_object_get(all, "clock");
    double speed = json_number_value(json_object_get(c, "speed"));

    if (speed > 0) {
        v->start = (wall_ms)json_number_value(json_object_get(c, "now_ms"));
        v->at = before + (after - before) / 2;
        v->speed = speed;
    } else {
        fprintf(stderr, "trafficgen: no clock at http://%s/api/v1/version\n", admin);
    }
    json_decref(all);
    return speed > 0;
}
