#include "base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define NAME_TEXT_MAX 253 /* RFC 1035, section 3.1, without the root's dot */
#define LABEL_MAX     63
#define V4_BITS       96 /* of an IPv4-mapped address, before the IPv4 part */

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ---- parts -------------------------------------------------------------------------- */

/* A decimal without sign or needless zeros; -1: none, or above max. */
static long parse_number(const char *s, size_t n, long max)
{
    long v = 0;

    if (n == 0 || n > 5 || (n > 1 && s[0] == '0'))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)s[i]))
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v <= max ? v : -1;
}

/* Copies a part and terminates it; false: it does not fit. */
static bool copy_part(char *to, size_t room, const char *from, size_t n)
{
    if (n >= room)
        return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}

static bool label_ok(const char *s, size_t n)
{
    if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_')
            return false;
    return true;
}

/* What is wrong with a DNS name, or NULL. */
static const char *name_fault(const char *s)
{
    const char *label = s, *dot;

    if (strlen(s) > NAME_TEXT_MAX)
        return "the name is longer than DNS allows";
    for (;; label = dot + 1) {
        dot = strchrnul(label, '.');
        if (!label_ok(label, (size_t)(dot - label)))
            return "not a valid host name";
        if (*dot == 0)
            break;
    }
    if (label[strspn(label, "0123456789")] == 0)
        return "not a valid IPv4 address";
    return NULL;
}

static void set_ip4(struct addr *a, struct in_addr ip, uint16_t port)
{
    char host[INET_ADDRSTRLEN];

    a->kind = ADDR_IP4;
    a->port = port;
    a->len = sizeof(a->sa.ip4);
    a->sa.ip4.sin_family = AF_INET;
    a->sa.ip4.sin_addr = ip;
    a->sa.ip4.sin_port = htons(port);
    inet_ntop(AF_INET, &ip, host, sizeof(host));
    snprintf(a->text, sizeof(a->text), "%s:%u", host, port);
}

static void set_ip6(struct addr *a, const struct in6_addr *ip, uint16_t port)
{
    char host[INET6_ADDRSTRLEN];

    a->kind = ADDR_IP6;
    a->port = port;
    a->len = sizeof(a->sa.ip6);
    a->sa.ip6.sin6_family = AF_INET6;
    a->sa.ip6.sin6_addr = *ip;
    a->sa.ip6.sin6_port = htons(port);
    inet_ntop(AF_INET6, ip, host, sizeof(host));
    snprintf(a->text, sizeof(a->text), "[%s]:%u", host, port);
}

/* ---- addresses ---------------------------------------------------------------------- */

/* A leading @ stands for the zero byte of Linux's abstract names. */
static int parse_unix(const char *path, struct addr *out, struct why *w)
{
    size_t n = strlen(path);

    if (n == 0)
        return why_set(w, RC_INVALID, "a path must follow unix:");
    if (n >= sizeof(out->sa.un.sun_path))
        return why_set(w, RC_INVALID, "the path is longer than %zu bytes",
                       sizeof(out->sa.un.sun_path) - 1);
    out->kind = ADDR_UNIX;
    out->sa.un.sun_family = AF_UNIX;
    memcpy(out->sa.un.sun_path, path, n);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (path[0] == '@')
        out->sa.un.sun_path[0] = 0;
    else
        out->len++; /* the terminator belongs to a path, not to an abstract name */
    snprintf(out->text, sizeof(out->text), "unix:%s", path);
    return RC_OK;
}

/* `text` begins with a bracket. */
static int parse_ip6(const char *text, struct addr *out, struct why *w)
{
    const char *close = strchr(text, ']');
    char host[INET6_ADDRSTRLEN];
    struct in6_addr ip;
    long port;

    if (close == NULL || close[1] != ':')
        return why_set(w, RC_INVALID, "an IPv6 address is written [ADDRESS]:PORT");
    port = parse_number(close + 2, strlen(close + 2), UINT16_MAX);
    if (port < 0)
        return why_set(w, RC_INVALID, "the port must be a number up to 65535");
    if (!copy_part(host, sizeof(host), text + 1, (size_t)(close - text - 1)) ||
        inet_pton(AF_INET6, host, &ip) != 1)
        return why_set(w, RC_INVALID, "not a valid IPv6 address in the brackets");
    set_ip6(out, &ip, (uint16_t)port);
    return RC_OK;
}

static int parse_name(const char *host, uint16_t port, struct addr *out, struct why *w)
{
    const char *fault = name_fault(host);
    size_t n = strlen(host);

    if (fault != NULL)
        return why_set(w, RC_INVALID, "%s", fault);
    out->kind = ADDR_NAME;
    out->port = port;
    for (size_t i = 0; i < n; i++)
        out->text[i] = (char)tolower((unsigned char)host[i]);
    snprintf(out->text + n, sizeof(out->text) - n, ":%u", port);
    return RC_OK;
}

/* An IPv4 address or a name, and a port. */
static int parse_host_port(const char *text, struct addr *out, struct why *w)
{
    const char *colon = strrchr(text, ':');
    char host[NAME_TEXT_MAX + 1];
    struct in_addr ip;
    long port;

    if (colon == NULL)
        return why_set(w, RC_INVALID, "a port is missing: HOST:PORT");
    if (memchr(text, ':', (size_t)(colon - text)) != NULL)
        return why_set(w, RC_INVALID, "an IPv6 address is written [ADDRESS]:PORT");
    port = parse_number(colon + 1, strlen(colon + 1), UINT16_MAX);
    if (port < 0)
        return why_set(w, RC_INVALID, "the port must be a number up to 65535");
    if (colon == text)
        return why_set(w, RC_INVALID, "a host is missing before the port");
    if (!copy_part(host, sizeof(host), text, (size_t)(colon - text)))
        return why_set(w, RC_INVALID, "the name is longer than DNS allows");
    if (inet_pton(AF_INET, host, &ip) != 1)
        return parse_name(host, (uint16_t)port, out, w);
    set_ip4(out, ip, (uint16_t)port);
    return RC_OK;
}

int addr_parse(const char *text, struct addr *out, struct why *w)
{
    memset(out, 0, sizeof(*out));
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, out, w);
    if (text[0] == '[')
        return parse_ip6(text, out, w);
    return parse_host_port(text, out, w);
}

/* A peer that has no name of its own is "unix:". */
static void set_unix(struct addr *out, socklen_t len)
{
    const size_t at = offsetof(struct sockaddr_un, sun_path);
    size_t n = len > at ? len - at : 0;
    const char *path = out->sa.un.sun_path;

    out->kind = ADDR_UNIX;
    out->len = len;
    if (n > 0 && path[0] == 0)
        snprintf(out->text, sizeof(out->text), "unix:@%.*s", (int)(n - 1), path + 1);
    else
        snprintf(out->text, sizeof(out->text), "unix:%.*s", (int)n, path);
}

void addr_from_sockaddr(const struct sockaddr *sa, socklen_t len, struct addr *out)
{
    CHECK(len <= sizeof(out->sa));
    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, sa, len);
    if (sa->sa_family == AF_INET)
        set_ip4(out, out->sa.ip4.sin_addr, ntohs(out->sa.ip4.sin_port));
    else if (sa->sa_family == AF_INET6)
        set_ip6(out, &out->sa.ip6.sin6_addr, ntohs(out->sa.ip6.sin6_port));
    else
        set_unix(out, len);
}

void addr_host(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    const char *colon = a->kind == ADDR_UNIX ? NULL : strrchr(a->text, ':');
    const char *from = a->text;
    size_t n = colon != NULL ? (size_t)(colon - from) : 0;

    if (n >= 2 && from[0] == '[') {
        from++;
        n -= 2;
    }
    memcpy(out, from, n);
    out[n] = 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return strcmp(a->text, b->text) == 0;
}

/* ---- blocks ------------------------------------------------------------------------- */

/* Clears the bits after the first `bits`; true: there were any. */
static bool mask_net(uint8_t net[16], unsigned bits)
{
    bool any = false;

    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = bits >= (i + 1) * 8 ? 8 : bits <= i * 8 ? 0 : bits - i * 8;
        uint8_t mask = (uint8_t)(0xff00u >> keep);

        any = any || (net[i] & (uint8_t)~mask) != 0;
        net[i] &= mask;
    }
    return any;
}

static bool parse_net(const char *host, struct addr_block *out, bool *is_v4)
{
    *is_v4 = inet_pton(AF_INET, host, out->net + 12) == 1;
    if (*is_v4) {
        memcpy(out->net, v4_mapped, sizeof(v4_mapped));
        return true;
    }
    return inet_pton(AF_INET6, host, out->net) == 1;
}

int addr_block_parse(const char *text, struct addr_block *out, struct why *w)
{
    const char *slash = strchrnul(text, '/');
    char host[INET6_ADDRSTRLEN];
    bool is_v4;
    long bits;

    memset(out, 0, sizeof(*out));
    if (!copy_part(host, sizeof(host), text, (size_t)(slash - text)) ||
        !parse_net(host, out, &is_v4))
        return why_set(w, RC_INVALID, "not an IP address or a block such as 10.0.0.0/8");
    bits = is_v4 ? 32 : 128;
    if (*slash != 0)
        bits = parse_number(slash + 1, strlen(slash + 1), bits);
    if (bits < 0)
        return why_set(w, RC_INVALID, "the length after / must be a number up to %d",
                       is_v4 ? 32 : 128);
    out->bits = (uint8_t)(bits + (is_v4 ? V4_BITS : 0));
    if (mask_net(out->net, out->bits))
        return why_set(w, RC_INVALID, "the address has bits set after the first %ld", bits);
    return RC_OK;
}

bool addr_block_has(const struct addr_block *b, const struct sockaddr *sa)
{
    uint8_t ip[16];

    if (sa->sa_family == AF_INET) {
        memcpy(ip, v4_mapped, sizeof(v4_mapped));
        memcpy(ip + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6) {
        memcpy(ip, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
    } else {
        return false;
    }
    mask_net(ip, b->bits);
    return memcmp(ip, b->net, sizeof(ip)) == 0;
}

void addr_block_text(const struct addr_block *b, char out[ADDR_BLOCK_TEXT_MAX])
{
    bool v4 = b->bits >= V4_BITS && memcmp(b->net, v4_mapped, sizeof(v4_mapped)) == 0;
    char host[INET6_ADDRSTRLEN];

    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? b->net + 12 : b->net, host, sizeof(host));
    snprintf(out, ADDR_BLOCK_TEXT_MAX, "%s/%d", host, v4 ? b->bits - V4_BITS : b->bits);
}
