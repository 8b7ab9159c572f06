#include "proxy/uri.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "proxy/lex.h"

size_t uri_path_len(const char *target, size_t len)
{
    size_t n = 0;

    while (n < len && target[n] != '?' && target[n] != '#')
        n++;
    return n;
}

/*
 * Reads one character of a path, a percent-escape counting as one.  Writes its
 * normal form to out[3] and returns the length of that; *used bytes were read.  0: to
 * be refused.
 */
static size_t normal_char(const char *in, size_t len, size_t *used, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    int high, low;
    char ch;

    *used = 1;
    out[0] = in[0];
    if (in[0] != '%')
        return in[0] > 0x20 && in[0] < 0x7f ? 1 : 0;
    if (len < 3 || (high = lex_hex(in[1])) < 0 || (low = lex_hex(in[2])) < 0)
        return 0;
    ch = (char)(high << 4 | low);
    if (ch == '\0')
        return 0;
    *used = 3;
    if (lex_is(ch, LEX_UNRESERVED)) {
        out[0] = ch;
        return 1;
    }
    out[1] = hex[high];
    out[2] = hex[low];
    return 3;
}

/*
 * A segment has been written to out[*start..*n).  Takes "." and ".." away again, with
 * the segment before for the latter; false when there is none.
 */
static bool fold_dots(const char *out, size_t start, size_t *n)
{
    size_t len = *n - start;

    if (len == 1 && out[start] == '.') {
        *n = start;
    } else if (len == 2 && out[start] == '.' && out[start + 1] == '.') {
        if (start == 1)
            return false;
        *n = start - 1;
        while (out[*n - 1] != '/')
            --*n;
    }
    return true;
}

size_t uri_normal_path(const char *target, size_t len, char *out, size_t room)
{
    size_t path = uri_path_len(target, len);
    size_t n = 1, start = 1; /* of the segment being written; out[start - 1] is '/' */
    size_t used, k;
    char ch[3];

    if (path == 0 || room == 0)
        return 0;
    out[0] = target[0];
    if (target[0] != '/')
        return path == 1 && target[0] == '*' ? 1 : 0;
    for (size_t i = 1; i < path; i += used) {
        k = normal_char(target + i, path - i, &used, ch);
        if (k == 0)
            return 0;
        if (ch[0] == '/') {
            if (!fold_dots(out, start, &n))
                return 0;
            if (out[n - 1] == '/') {
                start = n;
                continue;
            }
        }
        if (k > room - n)
            return 0;
        memcpy(out + n, ch, k);
        n += k;
        if (ch[0] == '/')
            start = n;
    }
    return fold_dots(out, start, &n) ? n : 0;
}

/* "[::1]": the length with its brackets, 0 when it is no IPv6 address. */
static size_t ip6_literal(const char *s, size_t len)
{
    const char *close = memchr(s, ']', len);
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    size_t n;

    if (close == NULL || (size_t)(close - s) > sizeof(text))
        return 0;
    n = (size_t)(close - s) - 1;
    memcpy(text, s + 1, n);
    text[n] = '\0';
    return strlen(text) == n && inet_pton(AF_INET6, text, &addr) == 1 ? n + 2 : 0;
}

/* ":port" or nothing; an empty port is allowed (RFC 3986, 3.2.3). */
static bool valid_port(const char *s, size_t len)
{
    uint64_t port;

    if (len == 0)
        return true;
    if (s[0] != ':')
        return false;
    return len == 1 || (len <= 6 && lex_number(s + 1, len - 1, &port) && port <= 65535);
}

static size_t host_len(const char *authority, size_t len)
{
    size_t n = 0;

    if (len > 0 && authority[0] == '[')
        return ip6_literal(authority, len);
    while (n < len && lex_is(authority[n], LEX_UNRESERVED))
        n++;
    return n;
}

size_t uri_host(const char *authority, size_t len, char *out, size_t room)
{
    size_t n = host_len(authority, len);

    if (n == 0 || !valid_port(authority + n, len - n))
        return 0;
    if (authority[n - 1] == '.')
        n--;
    if (n == 0 || authority[n - 1] == '.' || n > room)
        return 0;
    for (size_t i = 0; i < n; i++)
        out[i] = lex_lower(authority[i]);
    return n;
}
