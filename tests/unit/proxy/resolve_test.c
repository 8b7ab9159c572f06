#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/handover.h"
#include "loop_fixture.h"
#include "proxy/resolve.h"

/* ---- times ---- */

Test(resolve, an_answer_holds_as_long_as_its_ttl_within_bounds)
{
    const struct cfg_resolver cfg = {.min_ttl_ms = 5000, .max_ttl_ms = 60000};

    cr_expect_eq(resolve_hold_ms(&cfg, 30), 30000u);
    cr_expect_eq(resolve_hold_ms(&cfg, 1), 5000u);
    cr_expect_eq(resolve_hold_ms(&cfg, 0), 5000u);
    cr_expect_eq(resolve_hold_ms(&cfg, INT32_MAX), 60000u);
}

Test(resolve, retries_come_slower_and_slower)
{
    cr_expect_eq(resolve_retry_ms(1), 1000u);
    cr_expect_eq(resolve_retry_ms(2), 2000u);
    cr_expect_eq(resolve_retry_ms(5), 16000u);
    cr_expect_eq(resolve_retry_ms(6), 30000u);
    cr_expect_eq(resolve_retry_ms(UINT32_MAX), 30000u);
}

/* ---- a name server of a few lines (RFC 1035, section 4) ---- */

static struct loop *loop;
static struct resolve *resolver;
static struct loop_io udp, tcp;

/* What it says about A records; AAAA always gets an empty answer. */
static struct {
    int n;      /* of addresses 10.0.0.1, 10.0.0.2 ... */
    bool fails; /* SERVFAIL */
    bool cuts;  /* over UDP: too long, ask over TCP */
    bool holds; /* over TCP: no answer about AAAA */
    int asked;  /* for A */
    int held;   /* questions without an answer */
} zone;

#define HEADER 12

static void put16(unsigned char **p, unsigned v)
{
    *(*p)++ = (unsigned char)(v >> 8);
    *(*p)++ = (unsigned char)v;
}

static void put_a(unsigned char **p, int i)
{
    put16(p, 0xc000 | HEADER); /* the name of the question */
    put16(p, 1);               /* A */
    put16(p, 1);               /* IN */
    put16(p, 0);
    put16(p, 0); /* TTL 0: the lower bound holds */
    put16(p, 4);
    put16(p, 10 << 8);
    put16(p, (unsigned)i);
}

/* Makes the answer in place; its length. */
static size_t answer(unsigned char *m, size_t len, bool over_udp)
{
    size_t name = strlen((char *)m + HEADER) + 1; /* labels hold no zero */
    bool is_a = m[HEADER + name + 1] == 1;
    int n = is_a && !zone.fails && !(over_udp && zone.cuts) ? zone.n : 0;
    unsigned char *end = m + HEADER + name + 4;

    CHECK(len >= (size_t)(end - m));
    zone.asked += is_a;
    m[2] = (unsigned char)(0x81 | (over_udp && zone.cuts ? 2 : 0));
    m[3] = (unsigned char)(0x80 | (zone.fails ? 2 : 0));
    memset(m + 6, 0, 6);
    m[7] = (unsigned char)n;
    for (int i = 1; i <= n; i++)
        put_a(&end, i);
    return (size_t)(end - m);
}

static void on_udp(struct loop_io *io, unsigned what)
{
    unsigned char m[8192];
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    ssize_t n =
        recvfrom(loop_io_fd(io), m, 512, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
    size_t out;

    (void)what;
    if (n <= HEADER)
        return;
    out = answer(m, (size_t)n, true);
    CHECK(sendto(loop_io_fd(io), m, out, 0, (struct sockaddr *)&from, len) == (ssize_t)out);
}

static void read_whole(int fd, unsigned char *to, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, to, n);

        CHECK(got > 0);
        to += got;
        n -= (size_t)got;
    }
}

/* One connection, whose end is left to the client; both questions come on it. */
struct peer {
    struct loop_io io;
    int left;
};
static struct peer peer;

static void on_question(struct loop_io *io, unsigned what)
{
    unsigned char m[8192], length[2];
    size_t n;

    (void)what;
    if (read(loop_io_fd(io), length, 1) <= 0) {
        int fd = loop_io_fd(io);

        loop_io_remove(io);
        close(fd);
        peer.left = 0;
        return;
    }
    read_whole(loop_io_fd(io), length + 1, 1);
    n = (size_t)length[0] << 8 | length[1];
    read_whole(loop_io_fd(io), m + 2, n);
    if (zone.holds && m[2 + HEADER + strlen((char *)m + 2 + HEADER) + 2] != 1) {
        zone.held++;
        return;
    }
    n = answer(m + 2, n, false);
    m[0] = (unsigned char)(n >> 8);
    m[1] = (unsigned char)n;
    CHECK(write(loop_io_fd(io), m, n + 2) == (ssize_t)(n + 2));
}

static void on_tcp(struct loop_io *io, unsigned what)
{
    (void)what;
    CHECK(peer.left == 0);
    peer.left = 1;
    loop_io_add_level(loop, &peer.io, accept(loop_io_fd(io), NULL, NULL), on_question);
}

/* ---- what came ---- */

static struct {
    size_t n;
    int times;
    char text[RESOLVE_MAX][ADDR_TEXT_MAX];
} found;

static void on_found(void *ctx, const struct addr *addrs, size_t n)
{
    (void)ctx;
    found.n = n;
    found.times++;
    for (size_t i = 0; i < n; i++)
        memcpy(found.text[i], addrs[i].text, ADDR_TEXT_MAX);
}

static bool found_one(void)
{
    return found.times > 0;
}

static bool found_two(void)
{
    return found.n == 2;
}

static struct resolve_name *name;

static bool answered(void)
{
    return resolve_answered(name);
}

/* The same port, which must be free for both. */
static void listen_on_both(struct addr *at)
{
    int u, t = -1;

    while (t < 0) {
        u = fixture_bind(SOCK_DGRAM, 0, at);
        t = fixture_bind(SOCK_STREAM, at->port, at);
        if (t < 0)
            close(u);
    }
    loop_io_add_level(loop, &udp, u, on_udp);
    loop_io_add_level(loop, &tcp, t, on_tcp);
}

static void setup(void)
{
    struct cfg_resolver cfg = {.n_servers = 1, .min_ttl_ms = 10, .max_ttl_ms = 60000};
    struct addr at;
    struct why why;
    char *server = NULL;

    loop = loop_new();
    listen_on_both(&at);
    CHECK(asprintf(&server, "127.0.0.1:%u", at.port) > 0);
    cfg.servers = &server;
    cr_assert_eq(resolve_start(&why), RC_OK);
    cr_assert_eq(resolve_new(loop, &cfg, &resolver, &why), RC_OK, "%s", why.text);
    free(server);
}

static void close_io(struct loop_io *io)
{
    int fd = loop_io_fd(io);

    loop_io_remove(io);
    close(fd);
}

static void teardown(void)
{
    resolve_free(resolver);
    resolve_stop();
    if (peer.left > 0)
        close_io(&peer.io);
    close_io(&udp);
    close_io(&tcp);
    loop_free(loop);
}

static void look_up(const char *text)
{
    struct addr addr;

    cr_assert_eq(addr_parse(text, &addr, NULL), RC_OK);
    name = resolve_add(resolver, &addr, on_found, NULL);
}

TestSuite(resolve_io, .init = setup, .fini = teardown);

Test(resolve_io, all_addresses_come_with_the_port_of_the_name)
{
    zone.n = 2;
    look_up("shop.example:8080");
    turn_until(loop, found_one);
    cr_expect_eq(found.n, 2u);
    cr_expect_str_eq(found.text[0], "10.0.0.1:8080");
    cr_expect_str_eq(found.text[1], "10.0.0.2:8080");
    resolve_remove(name);
}

Test(resolve_io, it_asks_again_when_the_answer_is_too_old)
{
    zone.n = 1;
    look_up("shop.example:80");
    turn_until(loop, found_one);
    zone.n = 2;
    turn_until(loop, found_two);
    resolve_remove(name);
}

Test(resolve_io, a_failure_brings_nothing_and_is_tried_again)
{
    zone.fails = true;
    look_up("shop.example:80");
    cr_expect_not(resolve_answered(name));
    turn_until(loop, answered);
    cr_expect_eq(found.times, 0);
    zone.fails = false;
    zone.n = 1;
    turn_until(loop, found_one);
    resolve_remove(name);
}

Test(resolve_io, a_name_without_addresses_is_a_failure)
{
    look_up("shop.example:80");
    turn_until(loop, answered);
    cr_expect_eq(found.times, 0);
    resolve_remove(name);
}

/* 100 addresses are 1.6 kB, which c-ares reads from TCP in parts. */
Test(resolve_io, a_long_answer_comes_over_tcp)
{
    zone.cuts = true;
    zone.n = 100;
    look_up("shop.example:80");
    turn_until(loop, found_one);
    cr_expect_eq(found.n, (size_t)RESOLVE_MAX);
    cr_expect_eq(zone.asked, 2, "asked %d times: an answer was overlooked", zone.asked);
    resolve_remove(name);
}

static bool asked_both(void)
{
    return zone.asked == 2 && zone.held == 1;
}

Test(resolve_io, a_connection_that_is_open_takes_the_next_question)
{
    struct resolve_name *first;

    zone.cuts = zone.holds = true;
    zone.n = 1;
    look_up("shop.example:80");
    first = name;
    turn_until(loop, asked_both);
    zone.holds = false;
    look_up("other.example:81");
    turn_until(loop, found_one);
    cr_expect_str_eq(found.text[0], "10.0.0.1:81");
    cr_expect_eq(zone.asked, 4);
    resolve_remove(first);
    resolve_remove(name);
}

Test(resolve_io, nobody_is_asked_for_localhost)
{
    static const char *const names[] = {"localhost:80", "shop.localhost:80"};

    for (size_t i = 0; i < N_ELEMS(names); i++) {
        found.times = 0;
        look_up(names[i]);
        turn_until(loop, found_one);
        cr_assert_eq(found.n, 2u);
        cr_expect_str_eq(found.text[0], "127.0.0.1:80");
        cr_expect_str_eq(found.text[1], "[::1]:80");
        resolve_remove(name);
    }
    cr_expect_eq(zone.asked, 0);
    zone.n = 1;
    found.times = 0;
    look_up("mylocalhost:80");
    turn_until(loop, found_one);
    cr_expect_eq(zone.asked, 1);
    resolve_remove(name);
}

static bool asked_once(void)
{
    return zone.asked == 1;
}

Test(resolve_io, a_name_may_go_while_it_is_asked_for)
{
    zone.n = 1;
    look_up("shop.example:80");
    turn_until(loop, asked_once); /* and the answer is not read yet */
    resolve_remove(name);
    look_up("other.example:81");
    turn_until(loop, found_one);
    cr_expect_eq(found.times, 1);
    cr_expect_str_eq(found.text[0], "10.0.0.1:81");
    resolve_remove(name);
}

Test(resolve_io, a_server_that_is_no_address_is_refused)
{
    char server[] = "not an address";
    char *servers[] = {server};
    struct cfg_resolver cfg = {.servers = servers, .n_servers = 1};
    struct resolve *r;
    struct why why;

    cr_assert_eq(resolve_new(loop, &cfg, &r, &why), RC_INVALID);
    cr_assert_null(r);
}
