#include "app/admin/gate.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

static const struct addr_block loopback4 = {.net = {[10] = 0xff, 0xff, 127}, .bits = 104};
static const struct addr_block loopback6 = {.net = {[15] = 1}, .bits = 128};

static bool loopback(const struct sockaddr *sa)
{
    return addr_block_has(&loopback4, sa) || addr_block_has(&loopback6, sa);
}

static bool local(const struct sockaddr *sa)
{
    return sa->sa_family == AF_UNIX || loopback(sa);
}

/* Length of the host in "host", "host:port", "[v6]", "[v6]:port". */
static size_t host_len(const char *text)
{
    const char *end = text[0] == '[' ? strchr(text, ']') : NULL;

    return end != NULL ? (size_t)(end - text) + 1 : strcspn(text, ":");
}

static bool same_host(const char *a, const char *b)
{
    size_t n = host_len(a);

    return n == host_len(b) && strncasecmp(a, b, n) == 0;
}

/* A browser always sends Host; what sends none is no page's doing. */
static bool own_name(const struct addr *bind, const char *host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    if (host == NULL)
        return true;
    for (size_t i = 0; i < N_ELEMS(names); i++)
        if (same_host(host, names[i]))
            return true;
    return same_host(host, bind->text);
}

/* A browser names the page's origin in whatever is not a plain read. */
static bool own_origin(const struct gate_request *r)
{
    const char *authority;

    if (r->origin == NULL)
        return true;
    authority = strstr(r->origin, "://");
    return authority != NULL && r->host != NULL && strcasecmp(authority + 3, r->host) == 0;
}

/* In a time that tells nothing about where the two differ. */
static bool same_secret(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    unsigned char diff = na != nb;

    for (size_t i = 0; i < na; i++)
        diff |= (unsigned char)(a[i] ^ b[nb > 0 ? i % nb : 0]);
    return diff == 0;
}

static bool shows(const char *authorization, const char *token)
{
    return authorization != NULL && strncasecmp(authorization, "Bearer ", 7) == 0 &&
           same_secret(authorization + 7, token);
}

enum gate_verdict gate_read(const struct addr *bind, const struct gate_request *r)
{
    if (bind->kind != ADDR_UNIX && loopback(&bind->sa.any) && !own_name(bind, r->host))
        return GATE_HOST;
    return GATE_OPEN;
}

enum gate_verdict gate_change(const struct addr *bind, const char *token,
                              const struct gate_request *r)
{
    enum gate_verdict v = gate_read(bind, r);

    if (v != GATE_OPEN)
        return v;
    if (!own_origin(r))
        return GATE_ORIGIN;
    if (token[0] != 0)
        return shows(r->authorization, token) ? GATE_OPEN : GATE_TOKEN;
    if (!local(r->peer))
        return GATE_REMOTE;
    return r->peer->sa_family == AF_UNIX || own_name(bind, r->host) ? GATE_OPEN : GATE_HOST;
}

int gate_status(enum gate_verdict v)
{
    if (v == GATE_OPEN)
        return 200;
    return v == GATE_TOKEN ? 401 : 403;
}

const char *gate_text(enum gate_verdict v)
{
    static const char *const texts[] = {
        [GATE_OPEN] = "",
        [GATE_HOST] = "the Host field is none of this endpoint's names",
        [GATE_ORIGIN] = "changes are not taken from pages of another origin",
        [GATE_TOKEN] = "changes need the token: Authorization: Bearer TOKEN",
        [GATE_REMOTE] = "without a configured token changes are taken from this machine "
                        "only",
    };

    return texts[v];
}
