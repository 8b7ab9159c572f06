#include "proxy/uri.h"

#include <criterion/criterion.h>
#include <string.h>

#include "../guard.h"

static void normal_is(const char *target, const char *expect)
{
    char out[64] = {0};
    const char *in = guard_put(target, strlen(target));
    size_t n = uri_normal_path(in, strlen(target), out, sizeof(out) - 1);

    cr_expect(n == strlen(expect) && memcmp(out, expect, n) == 0, "%s became \"%.*s\"",
              target, (int)n, out);
}

Test(uri, a_plain_path_stays_what_it_is)
{
    normal_is("/", "/");
    normal_is("/a/b.html", "/a/b.html");
    normal_is("/~a!/.b/c.", "/~a!/.b/c.");
    normal_is("/a/b/", "/a/b/");
    normal_is("/.well-known/x..y/...", "/.well-known/x..y/...");
    normal_is("*", "*");
}

Test(uri, the_query_is_left_out)
{
    normal_is("/a?b=/../c", "/a");
    normal_is("/?%zz", "/");
    normal_is("/a#b", "/a");
    cr_expect_eq(uri_path_len("/a/b?c", 6), 4u);
    cr_expect_eq(uri_path_len("/a/b", 4), 4u);
    cr_expect_eq(uri_path_len("/a#b?c", 6), 2u);
}

Test(uri, escapes_of_unreserved_characters_are_decoded)
{
    normal_is("/%61dmin", "/admin");
    normal_is("/%7euser%2D%5f", "/~user-_");
}

Test(uri, other_escapes_stay_in_capitals)
{
    normal_is("/a%2fb", "/a%2Fb");
    normal_is("/%20%0a", "/%20%0A");
    normal_is("/%e4%3f%25", "/%E4%3F%25");
}

Test(uri, dot_segments_are_removed_however_they_are_written)
{
    normal_is("/a/../admin", "/admin");
    normal_is("/a/%2e%2E/admin", "/admin");
    normal_is("/a/./b", "/a/b");
    normal_is("/a/b/..", "/a/");
    normal_is("/a/b/.", "/a/b/");
    normal_is("/a/..", "/");
    normal_is("/.", "/");
    normal_is("/a/b/c/../../d", "/a/d");
}

Test(uri, a_run_of_slashes_is_one)
{
    normal_is("//a///b//", "/a/b/");
    normal_is("/a//../b", "/b");
    normal_is("/a/.//b", "/a/b");
}

Test(uri, a_path_that_climbs_above_the_root_is_refused)
{
    normal_is("/..", "");
    normal_is("/../a", "");
    normal_is("/a/../../b", "");
    normal_is("/%2e./a", "");
}

Test(uri, what_is_no_path_is_refused)
{
    normal_is("", "");
    normal_is("a", "");
    normal_is("?a", "");
    normal_is("**", "");
    normal_is("/a b", "");
    normal_is("/a\x01", "");
    normal_is("/a\x7f", "");
    normal_is("/\xc3\xa4", "");
}

Test(uri, a_bad_escape_is_refused)
{
    normal_is("/%", "");
    normal_is("/%4", "");
    normal_is("/%g1", "");
    normal_is("/%1g", "");
    normal_is("/%00", "");
}

Test(uri, a_path_longer_than_the_room_is_refused)
{
    const char *path = "/ab%2f/c";
    char out[8];

    for (size_t room = 0; room <= 8; room++)
        cr_expect_eq(uri_normal_path(path, 8, out, room), room == 8 ? 8u : 0u, "%zu", room);
}

static void host_is(const char *authority, const char *expect)
{
    char out[64];
    const char *in = guard_put(authority, strlen(authority));
    size_t n = uri_host(in, strlen(authority), out, sizeof(out));

    cr_expect(n == strlen(expect) && memcmp(out, expect, n) == 0, "%s became \"%.*s\"",
              authority, (int)n, out);
}

Test(uri, a_host_is_lower_case_without_port_and_trailing_dot)
{
    host_is("Shop.Example", "shop.example");
    host_is("shop.example:8080", "shop.example");
    host_is("shop.example.", "shop.example");
    host_is("shop.example.:80", "shop.example");
    host_is("a_b-c.1", "a_b-c.1");
    host_is("192.0.2.1:80", "192.0.2.1");
    host_is("a:", "a");
    host_is("a:65535", "a");
}

Test(uri, an_ip6_host_keeps_its_brackets)
{
    host_is("[2001:DB8::1]:443", "[2001:db8::1]");
    host_is("[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]");
    host_is("[0000:0000:0000:0000:0000:ffff:192.168.100.228]",
            "[0000:0000:0000:0000:0000:ffff:192.168.100.228]");
}

Test(uri, what_is_no_authority_is_refused)
{
    static const char *const bad[] = {
        "",          ".",          "a..",
        ":80",       "a b",        "a,b",
        "a/b",       "u@a",        "a:b",
        "a:+1",      "a:65536",    "a:100000",
        "a:1:2",     "[::1",       "[]",
        "[::g]",     "[::1]x",     "[::1]:99999",
        "a[::1]",    "::1",        "a%41",
        "a\x80",     "a\x01",      "a;b",
        "[1.2.3.4]", "[::1%25lo]", "[11111111112222222222333333333344444444445555555555]",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        host_is(bad[i], "");
}

Test(uri, a_host_longer_than_the_room_is_refused)
{
    char out[4];

    cr_expect_eq(uri_host("abcd:80", 7, out, 4), 4u);
    cr_expect_eq(uri_host("abcde:80", 8, out, 4), 0u);
}
