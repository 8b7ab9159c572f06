/* Mirrors base/addr.c. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "base/addr.h"
#include "base/check.h"

static struct addr good(const char *text)
{
    struct addr a;
    struct why w = {0};

    cr_assert_eq(addr_parse(text, &a, &w), RC_OK, "%s: %s", text, w.text);
    return a;
}

Test(addr, the_canonical_text_does_not_depend_on_how_it_was_written)
{
    static const struct {
        const char *in, *text;
        enum addr_kind kind;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", ADDR_IP4},
        {"0.0.0.0:0", "0.0.0.0:0", ADDR_IP4},
        {"[::1]:9001", "[::1]:9001", ADDR_IP6},
        {"[0:0:0:0:0:0:0:1]:65535", "[::1]:65535", ADDR_IP6},
        {"[2001:DB8::A]:443", "[2001:db8::a]:443", ADDR_IP6},
        {"unix:/run/app.sock", "unix:/run/app.sock", ADDR_UNIX},
        {"unix:@app", "unix:@app", ADDR_UNIX},
        {"App.Example:8080", "app.example:8080", ADDR_NAME},
        {"my_service:1", "my_service:1", ADDR_NAME},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct addr a = good(cases[i].in);

        cr_expect_str_eq(a.text, cases[i].text);
        cr_expect_eq(a.kind, cases[i].kind, "%s", cases[i].in);
    }
}

Test(addr, the_sockaddr_is_ready_for_the_kernel)
{
    struct addr a4 = good("127.0.0.1:8080"), a6 = good("[::1]:8081"), un = good("unix:/a");

    cr_expect_eq(a4.len, sizeof(struct sockaddr_in));
    cr_expect_eq(a4.sa.ip4.sin_family, AF_INET);
    cr_expect_eq(a4.sa.ip4.sin_port, htons(8080));
    cr_expect_eq(a4.sa.ip4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    cr_expect_eq(a6.len, sizeof(struct sockaddr_in6));
    cr_expect_eq(a6.sa.ip6.sin6_port, htons(8081));
    cr_expect_eq(un.len, offsetof(struct sockaddr_un, sun_path) + 3);
    cr_expect_str_eq(un.sa.un.sun_path, "/a");
    cr_expect_eq(un.port, 0);
}

Test(addr, an_abstract_name_has_no_terminator_in_its_length)
{
    struct addr a = good("unix:@app");

    cr_expect_eq(a.len, offsetof(struct sockaddr_un, sun_path) + 4);
    cr_expect_eq(a.sa.un.sun_path[0], 0);
    cr_expect_eq(memcmp(a.sa.un.sun_path + 1, "app", 3), 0);
}

Test(addr, a_name_has_a_port_and_no_sockaddr)
{
    struct addr a = good("app.example:8080");

    cr_expect_eq(a.port, 8080);
    cr_expect_eq(a.len, 0);
}

Test(addr, what_is_wrong_is_said)
{
    static const struct {
        const char *in, *why;
    } cases[] = {
        {"", "port is missing"},
        {"127.0.0.1", "port is missing"},
        {"127.0.0.1:", "port must be"},
        {"127.0.0.1:65536", "port must be"},
        {"127.0.0.1:+80", "port must be"},
        {"127.0.0.1:080", "port must be"},
        {"127.0.0.1:80x", "port must be"},
        {":80", "host is missing"},
        {"256.0.0.1:80", "IPv4"},
        {"1.2.3:80", "IPv4"},
        {"::1:80", "[ADDRESS]:PORT"},
        {"[::1]", "[ADDRESS]:PORT"},
        {"[::1:80", "[ADDRESS]:PORT"},
        {"[::1]80", "[ADDRESS]:PORT"},
        {"[::1]:x", "port must be"},
        {"[1.2.3.4]:80", "IPv6"},
        {"[::g]:80", "IPv6"},
        {"unix:", "path must follow"},
        {"a..b:80", "host name"},
        {"-a:80", "host name"},
        {"a-:80", "host name"},
        {"a b:80", "host name"},
        {"http//x:80", "host name"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct addr a;
        struct why w = {0};

        cr_expect_eq(addr_parse(cases[i].in, &a, &w), RC_INVALID, "%s", cases[i].in);
        cr_expect(strstr(w.text, cases[i].why) != NULL, "%s: %s", cases[i].in, w.text);
    }
}

Test(addr, lengths_are_refused_beyond_their_limit_and_taken_at_it)
{
    char path[5 + 108 + 1] = "unix:", label[70], name[260 + 4];
    struct addr a;

    memset(path + 5, 'p', 108);
    cr_expect_eq(addr_parse(path, &a, NULL), RC_INVALID);
    path[5 + 107] = 0;
    cr_expect_eq(addr_parse(path, &a, NULL), RC_OK);

    memset(label, 'l', 64);
    strncpy(label + 64, ":1", 3);
    cr_expect_eq(addr_parse(label, &a, NULL), RC_INVALID);
    cr_expect_eq(addr_parse(label + 1, &a, NULL), RC_OK);

    for (int i = 0; i < 254; i++)
        name[i] = i % 2 == 0 ? 'n' : '.';
    strncpy(name + 254, "n:1", 4);
    cr_expect_eq(addr_parse(name, &a, NULL), RC_INVALID);
    cr_expect_eq(addr_parse(name + 2, &a, NULL), RC_OK);
}

Test(addr, a_sockaddr_gives_back_the_text_it_was_made_from)
{
    static const char *const texts[] = {"10.1.2.3:4", "[fe80::1]:5", "unix:/run/x",
                                        "unix:@x"};

    for (size_t i = 0; i < N_ELEMS(texts); i++) {
        struct addr a = good(texts[i]), b;

        addr_from_sockaddr(&a.sa.any, a.len, &b);
        cr_expect_str_eq(b.text, texts[i]);
        cr_expect(addr_equal(&a, &b));
        cr_expect_eq(a.kind, b.kind);
        cr_expect_eq(a.port, b.port);
    }
}

Test(addr, a_unix_peer_without_a_name_is_shown_as_such)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct addr a;

    addr_from_sockaddr((struct sockaddr *)&un, sizeof(sa_family_t), &a);
    cr_expect_str_eq(a.text, "unix:");
}

static bool block_has(const char *block, const char *addr)
{
    struct addr a = good(addr);
    struct addr_block b;
    struct why w = {0};

    cr_assert_eq(addr_block_parse(block, &b, &w), RC_OK, "%s: %s", block, w.text);
    return addr_block_has(&b, &a.sa.any);
}

Test(addr, a_block_has_what_its_first_bits_say)
{
    cr_expect(block_has("10.0.0.0/8", "10.255.1.2:1"));
    cr_expect_not(block_has("10.0.0.0/8", "11.0.0.0:1"));
    cr_expect(block_has("192.168.4.0/23", "192.168.5.255:1"));
    cr_expect_not(block_has("192.168.4.0/23", "192.168.6.0:1"));
    cr_expect(block_has("192.168.1.1", "192.168.1.1:1"));
    cr_expect_not(block_has("192.168.1.1", "192.168.1.0:1"));
    cr_expect(block_has("fd00::/8", "[fdff::1]:1"));
    cr_expect_not(block_has("fd00::/8", "[fe00::1]:1"));
    cr_expect(block_has("0.0.0.0/0", "8.8.8.8:1"));
    cr_expect_not(block_has("0.0.0.0/0", "[2001:db8::1]:1"));
    cr_expect(block_has("::/0", "8.8.8.8:1"));
}

Test(addr, a_mapped_ipv6_peer_is_its_ipv4_self)
{
    cr_expect(block_has("10.0.0.0/8", "[::ffff:10.1.1.1]:1"));
    cr_expect_not(block_has("10.0.0.0/8", "[::ffff:11.1.1.1]:1"));
    cr_expect(block_has("::ffff:10.0.0.0/104", "10.1.1.1:1"));
}

Test(addr, a_unix_peer_is_in_no_block)
{
    cr_expect_not(block_has("::/0", "unix:/run/x"));
}

Test(addr, a_bad_block_is_refused)
{
    static const char *const bad[] = {"",           "10.0.0.0/33", "::1/129", "10.0.0.0/",
                                      "10.0.0.1/8", "10.0.0/8",    "x/8",     "10.0.0.0/-1",
                                      "fd00::1/64", "10.0.0.0/08", "unix:/x"};

    for (size_t i = 0; i < N_ELEMS(bad); i++) {
        struct addr_block b;

        cr_expect_eq(addr_block_parse(bad[i], &b, NULL), RC_INVALID, "%s", bad[i]);
    }
}

Test(addr, a_block_prints_as_it_is_parsed)
{
    static const char *const texts[] = {"10.0.0.0/8", "1.2.3.4/32", "0.0.0.0/0",
                                        "::/0",       "fd00::/8",   "::1/128"};

    for (size_t i = 0; i < N_ELEMS(texts); i++) {
        char out[ADDR_BLOCK_TEXT_MAX];
        struct addr_block b;

        cr_assert_eq(addr_block_parse(texts[i], &b, NULL), RC_OK);
        addr_block_text(&b, out);
        cr_expect_str_eq(out, texts[i]);
    }
}

Test(addr, the_host_alone)
{
    static const char *const cases[][2] = {{"127.0.0.1:80", "127.0.0.1"},
                                           {"[::1]:9001", "::1"},
                                           {"App.example:443", "App.example"},
                                           {"unix:/run/a:1", ""}};

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        char host[ADDR_TEXT_MAX];
        struct addr a;

        cr_assert_eq(addr_parse(cases[i][0], &a, NULL), RC_OK);
        addr_host(&a, host);
        cr_expect(strcasecmp(host, cases[i][1]) == 0, "%s: %s", cases[i][0], host);
    }
}
