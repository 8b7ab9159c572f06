/* Mirrors proxy/proxyproto.c: headers of both versions, cut anywhere, and written. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/check.h"
#include "proxy/proxyproto.h"
#include "tests/unit/guard.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

/* "ADDRESS PORT > ADDRESS PORT", or "nothing", or "unix". */
static const char *told(const struct proxyproto *p)
{
    static char text[128];
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    const struct proxyproto_ends *e = &p->ends;

    if (!p->told)
        return "nothing";
    cr_assert_eq(e->from.any.sa_family, e->to.any.sa_family);
    if (e->from.any.sa_family == AF_UNIX)
        return "unix";
    if (e->from.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &e->from.ip4.sin_addr, from, sizeof(from));
        inet_ntop(AF_INET, &e->to.ip4.sin_addr, to, sizeof(to));
        snprintf(text, sizeof(text), "%s %u > %s %u", from, ntohs(e->from.ip4.sin_port), to,
                 ntohs(e->to.ip4.sin_port));
        return text;
    }
    cr_assert_eq(e->from.any.sa_family, AF_INET6);
    inet_ntop(AF_INET6, &e->from.ip6.sin6_addr, from, sizeof(from));
    inet_ntop(AF_INET6, &e->to.ip6.sin6_addr, to, sizeof(to));
    snprintf(text, sizeof(text), "%s %u > %s %u", from, ntohs(e->from.ip6.sin6_port), to,
             ntohs(e->to.ip6.sin6_port));
    return text;
}

struct result {
    struct proxyproto p;
    enum proxyproto_verdict verdict;
    size_t used;
};

static void feed(struct result *r, const char *in, size_t len)
{
    const char *copy = guard_put(in, len);
    size_t used;

    r->verdict = proxyproto_next(&r->p, (const uint8_t *)copy, len, &used);
    cr_assert_leq(used, len);
    r->used += used;
}

/* In two pieces; the second is not given when the first was the end. */
static struct result read_cut(const char *in, size_t len, size_t cut)
{
    struct result r = {.verdict = PROXYPROTO_MORE};

    if (cut > 0)
        feed(&r, in, cut);
    if (r.verdict == PROXYPROTO_MORE && cut < len)
        feed(&r, in + cut, len - cut);
    return r;
}

static struct result read_bytewise(const char *in, size_t len)
{
    struct result r = {.verdict = PROXYPROTO_MORE};

    for (size_t i = 0; i < len && r.verdict == PROXYPROTO_MORE; i++)
        feed(&r, in + i, 1);
    return r;
}

/* A header, then what is not its own.  `says`: what it tells, or why it is bad, or "more".
 */
struct header {
    const char *bytes;
    size_t len;
    const char *says;
};

#define BYTES(literal) literal, sizeof(literal) - 1

static void expect_result(const struct header *h, const struct result *r, size_t len,
                          const char *how, size_t at)
{
    const char *says = r->verdict == PROXYPROTO_MORE  ? "more"
                       : r->verdict == PROXYPROTO_BAD ? r->p.reason
                                                      : told(&r->p);

    cr_expect_str_eq(says, h->says, "%s: '%s', expected '%s' (%s %zu)", h->bytes, says,
                     h->says, how, at);
    if (r->verdict == PROXYPROTO_DONE)
        cr_expect_eq(r->used, h->len, "%s: %zu bytes used of %zu (%s %zu)", h->bytes,
                     r->used, len, how, at);
    cr_expect_eq(proxyproto_began(&r->p), len > 0);
}

/* However it is cut, and whatever follows, the same comes out. */
static void expect(const struct header *h)
{
    char whole[PROXYPROTO_MAX + 16];
    size_t len = h->len;
    struct result r;

    memcpy(whole, h->bytes, len);
    for (size_t cut = 0; cut <= len; cut++) {
        r = read_cut(whole, len, cut);
        expect_result(h, &r, len, "cut at", cut);
    }
    r = read_bytewise(whole, len);
    expect_result(h, &r, len, "a byte at a time", 1);
    if (strcmp(h->says, "more") == 0)
        return;
    memcpy(whole + len, "GET / HTTP/1.1\r\n", 16);
    r = read_cut(whole, len + 16, 0);
    expect_result(h, &r, len + 16, "with more behind", 16);
}

#define FF39 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
#define AS_LONG_AS_TCP6_CAN_BE                                                             \
    "PROXY TCP6 " FF39 " " FF39 " 65535 65535\r\n" /* 104 bytes */

static const struct header lines[] = {
    {BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"),
     "192.0.2.1 40000 > 198.51.100.2 443"},
    {BYTES("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255 65535 > 255.255.255.255 65535"},
    {BYTES("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"), "0.0.0.0 0 > 0.0.0.0 0"},
    {BYTES("PROXY TCP6 2001:db8::1 ::1 40000 8080\r\n"), "2001:db8::1 40000 > ::1 8080"},
    {BYTES("PROXY TCP6 2001:DB8::A:b ::ffff:192.0.2.1 1 2\r\n"),
     "2001:db8::a:b 1 > ::ffff:192.0.2.1 2"},
    {BYTES(AS_LONG_AS_TCP6_CAN_BE), FF39 " 65535 > " FF39 " 65535"},
    {BYTES("PROXY UNKNOWN\r\n"), "nothing"},
    {BYTES("PROXY UNKNOWN \r\n"), "nothing"},
    {BYTES("PROXY UNKNOWN what ever stands here\0\xff\r\n"), "nothing"},
    {BYTES("PROXY UNKNOWN " FF39 " " FF39 " 65535 65535\r\n"), "nothing"}, /* 107 bytes */

    {BYTES("PROXY UNKNOWN " FF39 " " FF39 " 65535 65535 \r\n"), "line too long"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 22222222222222222222222222222222222222222222222"
           "222222222222222222222222222222222222222222222222222222222222222222222"),
     "line too long"},
    {BYTES("GET / HTTP/1.1\r\n"), "no header"},
    {BYTES("\x16\x03\x01"), "no header"},
    {BYTES("PRI * HTTP/2.0\r\n"), "no header"},
    {BYTES("PROXYv TCP4"), "no header"},
    {BYTES("proxy "), "no header"},
    {BYTES("PROXY\r\n"), "no header"},
    {BYTES("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n"), "unknown protocol"},
    {BYTES("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n"), "unknown protocol"},
    {BYTES("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n"), "unknown protocol"},
    {BYTES("PROXY UNKNOWNS\r\n"), "unknown protocol"},
    {BYTES("PROXY UNKNOWS\r\n"), "unknown protocol"},
    {BYTES("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n"), "unknown protocol"},
    {BYTES("PROXY \r\n"), "unknown protocol"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n"), "bad end of line"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1\r 2\r\n"), "bad end of line"},
    {BYTES("PROXY UNKNOWN\r\r\n"), "bad end of line"},
    {BYTES("PROXY UNKNOWN\n\r\n"), "bad end of line"},
    {BYTES("PROXY TCP4\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n"), "unknown protocol"},
    {BYTES("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.256 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 ::1 ::2 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP6 [::1] ::2 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 00 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 000001\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n"), "bad address"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2x\r\n"), "bad address"},

    {BYTES(""), "more"},
    {BYTES("P"), "more"},
    {BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r"), "more"},
};

Test(proxyproto, version_1_is_read_to_the_letter_however_it_is_cut)
{
    cr_assert_eq(sizeof(AS_LONG_AS_TCP6_CAN_BE) - 1, 104);
    for (size_t i = 0; i < N_ELEMS(lines); i++)
        expect(&lines[i]);
}

#define V4      "\xc0\0\2\1\xc6\x33\x64\2\x9c\x40\1\xbb"
#define SAYS_V4 "192.0.2.1 40000 > 198.51.100.2 443"
#define V6                                                                                 \
    "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"                                               \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x9c\x40\x1f\x90"
#define ZERO12 "\0\0\0\0\0\0\0\0\0\0\0\0"
#define PATH   ZERO12 ZERO12 ZERO12 ZERO12 ZERO12 ZERO12 ZERO12 ZERO12 ZERO12

static const struct header binaries[] = {
    {BYTES(SIG "\x21\x11\0\x0c" V4), SAYS_V4},
    {BYTES(SIG "\x21\x12\0\x0c" V4), SAYS_V4}, /* QUIC in front: the client is the client */
    {BYTES(SIG "\x21\x21\0\x24" V6), "2001:db8::1 40000 > ::1 8080"},
    {BYTES(SIG "\x21\x22\0\x24" V6), "2001:db8::1 40000 > ::1 8080"},
    {BYTES(SIG "\x21\x31\0\xd8" PATH PATH), "unix"},
    {BYTES(SIG "\x21\x32\0\xd8" PATH PATH), "unix"},
    {BYTES(SIG "\x20\0\0\0"), "nothing"},
    {BYTES(SIG "\x20\x11\0\x0c" V4), "nothing"}, /* LOCAL: whatever stands there */
    {BYTES(SIG "\x20\xff\0\3abc"), "nothing"},
    {BYTES(SIG "\x21\0\0\0"), "nothing"}, /* unspecified */
    {BYTES(SIG "\x21\0\0\5abcde"), "nothing"},

    /* TLVs are passed over: an ALPN, an empty one, one of the free types */
    {BYTES(SIG "\x21\x11\0\x11" V4 "\1\0\2h2"), SAYS_V4},
    {BYTES(SIG "\x21\x11\0\x15" V4 "\4\0\0\xe0\0\3xyz"), SAYS_V4},
    {BYTES(SIG "\x21\x31\0\xdb" PATH PATH "\4\0\0"), "unix"},
    /* checksums, worked out by another implementation: alone, before, behind another */
    {BYTES(SIG "\x21\x11\0\x13" V4 "\3\0\4\x4d\x20\xd6\x09"), SAYS_V4},
    {BYTES(SIG "\x21\x11\0\x18" V4 "\3\0\4\x0f\x75\xb4\x7b\1\0\2h2"), SAYS_V4},
    {BYTES(SIG "\x21\x11\0\x18" V4 "\1\0\2h2\3\0\4\xa6\x7d\xbb\x51"), SAYS_V4},
    {BYTES(SIG "\x21\x11\0\x13" V4 "\3\0\4\x4d\x20\xd6\x0a"), "wrong checksum"},
    {BYTES(SIG "\x21\x11\0\x13" V4 "\3\0\4\0\0\0\0"), "wrong checksum"},
    {BYTES(SIG "\x21\x11\0\x18" V4 "\3\0\4\x0f\x75\xb4\x7b\1\0\2h3"), "wrong checksum"},
    {BYTES(SIG "\x21\x11\0\x0f" V4 "\3\0\0"), "bad checksum"},
    {BYTES(SIG "\x21\x11\0\x12" V4 "\3\0\3abc"), "bad checksum"},
    {BYTES(SIG "\x21\x11\0\x1a" V4 "\3\0\4\x4d\x20\xd6\x09\3\0\4\x4d\x20\xd6\x09"),
     "bad checksum"},

    {BYTES("\r\n\r\n\0\r\nQUIT\r"), "no header"},
    {BYTES("\r\n\r\nGET"), "no header"},
    {BYTES("\r\r"), "no header"},
    {BYTES(SIG "\x11\x11\0\x0c"), "unknown version"},
    {BYTES(SIG "\x31\x11\0\x0c"), "unknown version"},
    {BYTES(SIG "\x22\x11\0\x0c"), "unknown command"},
    {BYTES(SIG "\x2f\x11\0\x0c"), "unknown command"},
    {BYTES(SIG "\x21\x41\0\x0c"), "unknown family"},
    {BYTES(SIG "\x21\xf1\0\x0c"), "unknown family"},
    {BYTES(SIG "\x21\x10\0\x0c"), "unknown family"},
    {BYTES(SIG "\x21\x13\0\x0c"), "unknown family"},
    {BYTES(SIG "\x21\x01\0\x0c"), "unknown family"},
    {BYTES(SIG "\x21\x11\0\x0b"), "addresses too short"},
    {BYTES(SIG "\x21\x21\0\x23"), "addresses too short"},
    {BYTES(SIG "\x21\x31\0\xd7"), "addresses too short"},
    {BYTES(SIG "\x21\x11\x0f\xf1"), "header too long"},
    {BYTES(SIG "\x20\0\xff\xff"), "header too long"},
    {BYTES(SIG "\x21\x11\0\x0d" V4 "\1"), "value cut off"},
    {BYTES(SIG "\x21\x11\0\x0e" V4 "\1\0"), "value cut off"},
    {BYTES(SIG "\x21\x11\0\x11" V4 "\1\0\3h2"), "value too long"},
    {BYTES(SIG "\x21\x11\0\x0f" V4 "\1\xff\xff"), "value too long"},

    {BYTES("\r"), "more"},
    {BYTES(SIG), "more"},
    {BYTES(SIG "\x21\x11\0"), "more"},
    {BYTES(SIG "\x21\x11\0\x0c"), "more"},
    {BYTES(SIG "\x20\x11\0\x0c\1"), "more"},
    {BYTES(SIG "\x21\x11\0\x11" V4 "\1\0\2h"), "more"},
};

Test(proxyproto, version_2_is_read_to_the_letter_however_it_is_cut)
{
    for (size_t i = 0; i < N_ELEMS(binaries); i++)
        expect(&binaries[i]);
}

/* 16 bytes, 12 of addresses, and one value that fills the rest. */
Test(proxyproto, the_longest_header_is_read)
{
    static char bytes[PROXYPROTO_MAX] = SIG "\x21\x11\x0f\xf0" V4 "\4\x0f\xe1";
    struct header h = {bytes, sizeof(bytes), SAYS_V4};

    expect(&h);
}

/* ---- writing ---- */

static struct proxyproto_ends ends_of(const char *from, uint16_t from_port, const char *to,
                                      uint16_t to_port)
{
    struct proxyproto_ends e = {0};

    if (inet_pton(AF_INET, from, &e.from.ip4.sin_addr) == 1) {
        cr_assert(inet_pton(AF_INET, to, &e.to.ip4.sin_addr) == 1);
        e.from.any.sa_family = e.to.any.sa_family = AF_INET;
    } else {
        cr_assert(inet_pton(AF_INET6, from, &e.from.ip6.sin6_addr) == 1);
        cr_assert(inet_pton(AF_INET6, to, &e.to.ip6.sin6_addr) == 1);
        e.from.any.sa_family = e.to.any.sa_family = AF_INET6;
    }
    e.from.ip4.sin_port = htons(from_port); /* in both families at the same place */
    e.to.ip4.sin_port = htons(to_port);
    return e;
}

static void expect_written(unsigned version, const struct proxyproto_ends *e,
                           const char *bytes, size_t len)
{
    uint8_t out[PROXYPROTO_OUT_MAX];
    size_t n = proxyproto_write(version, e, out);

    cr_expect_eq(n, len, "%zu bytes, not %zu", n, len);
    cr_expect_arr_eq(out, bytes, len);
}

Test(proxyproto, both_versions_are_written)
{
    struct proxyproto_ends v4 = ends_of("192.0.2.1", 40000, "198.51.100.2", 443);
    struct proxyproto_ends v6 = ends_of("2001:db8::1", 40000, "::1", 8080);

    expect_written(1, &v4, BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"));
    expect_written(1, &v6, BYTES("PROXY TCP6 2001:db8::1 ::1 40000 8080\r\n"));
    expect_written(2, &v4, BYTES(SIG "\x21\x11\0\x0c" V4));
    expect_written(2, &v6, BYTES(SIG "\x21\x21\0\x24" V6));
}

Test(proxyproto, the_longest_line_has_room)
{
    struct proxyproto_ends e = ends_of(FF39, 65535, FF39, 65535);

    expect_written(1, &e, BYTES(AS_LONG_AS_TCP6_CAN_BE));
}

Test(proxyproto, what_is_no_pair_of_ip_addresses_says_nothing)
{
    struct proxyproto_ends mixed = ends_of("192.0.2.1", 1, "192.0.2.2", 2);
    struct proxyproto_ends local = {.from.any.sa_family = AF_UNIX,
                                    .to.any.sa_family = AF_UNIX};

    mixed.to.any.sa_family = AF_INET6;
    expect_written(1, NULL, BYTES("PROXY UNKNOWN\r\n"));
    expect_written(1, &mixed, BYTES("PROXY UNKNOWN\r\n"));
    expect_written(1, &local, BYTES("PROXY UNKNOWN\r\n"));
    expect_written(2, NULL, BYTES(SIG "\x20\0\0\0"));
    expect_written(2, &mixed, BYTES(SIG "\x20\0\0\0"));
    expect_written(2, &local, BYTES(SIG "\x20\0\0\0"));
}
