#include "proxy/hop.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "proxy/h1/head.h"

#define FIELDS_ROOM 100
#define TEXT_ROOM   4096

static const struct head_limits limits = {
    .max_head_bytes = TEXT_ROOM, .max_target_bytes = 500, .max_fields = FIELDS_ROOM};

static char text[TEXT_ROOM];
static struct field fields[FIELDS_ROOM];
static struct addr_block trusted[2];
static struct sockaddr_storage peer;
static struct hop_request from; /* filled by peer_is() */

static struct msg request(const char *head)
{
    struct msg m = {.fields = fields, .fields_room = FIELDS_ROOM};
    struct head_fault fault;
    size_t seen = 0;

    snprintf(text, sizeof(text), "%s", head);
    cr_assert_eq(head_request(text, strlen(text), &seen, &limits, &m, &fault), HEAD_DONE,
                 "%s", head);
    m.text_room = sizeof(text);
    return m;
}

/* 10/8 and fd00::/8 are trusted. */
static void peer_is(const char *ip)
{
    struct sockaddr_in *v4 = (void *)&peer;
    struct sockaddr_in6 *v6 = (void *)&peer;

    cr_assert_eq(addr_block_parse("10.0.0.0/8", &trusted[0], NULL), RC_OK);
    cr_assert_eq(addr_block_parse("fd00::/8", &trusted[1], NULL), RC_OK);
    memset(&peer, 0, sizeof(peer));
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1)
        peer.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1)
        peer.ss_family = AF_INET6;
    else
        peer.ss_family = AF_UNIX;
    from = (struct hop_request){.peer = (const struct sockaddr *)&peer,
                                .trusted = trusted,
                                .n_trusted = 2,
                                .scheme = "http",
                                .port = 8080,
                                .via = "tidegate",
                                .request_id = "id-1"};
}

/* All values of the fields of that name which are sent on, as "a|b". */
static const char *sent(const struct msg *m, const char *name)
{
    static char all[1024];
    size_t n = 0;

    all[0] = '\0';
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        if (f->drop || f->name_len != strlen(name) ||
            strncasecmp(m->text + f->name, name, f->name_len) != 0)
            continue;
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%.*s", n > 0 ? "|" : "",
                              (int)f->value_len, msg_value(m, f));
    }
    return all;
}

/* The head after it passed. */
static struct msg pass(const char *ip, const char *head)
{
    struct msg m = request(head);

    peer_is(ip);
    cr_assert(hop_request(&m, &from));
    return m;
}

static const char *client_of(const char *ip, const char *head)
{
    static char out[INET6_ADDRSTRLEN];
    struct sockaddr_storage client;
    struct msg m = request(head);

    out[0] = '\0';
    peer_is(ip);
    hop_client(&m, &from, &client);
    if (client.ss_family == AF_UNIX)
        return "unix";
    inet_ntop(client.ss_family,
              client.ss_family == AF_INET
                  ? (const void *)&((struct sockaddr_in *)(void *)&client)->sin_addr
                  : (const void *)&((struct sockaddr_in6 *)(void *)&client)->sin6_addr,
              out, sizeof(out));
    return out;
}

#define GET "GET / HTTP/1.1\r\nHost: shop:81\r\n"

/* ---- hop-by-hop ---------------------------------------------------------------------- */

Test(hop, what_is_for_one_connection_is_not_sent_on)
{
    static const char *const names[] = {"Connection",       "Keep-Alive", "TE",
                                        "Proxy-Connection", "Upgrade",    "HTTP2-Settings",
                                        "Content-Length"};
    struct msg m =
        pass("192.0.2.1", GET "Connection: keep-alive\r\nKeep-Alive: 5\r\nTE: x\r\n"
                              "Proxy-Connection: a\r\nUpgrade: b\r\n"
                              "HTTP2-Settings: c\r\nContent-Length: 3\r\n"
                              "Trailer: d\r\nA: e\r\n\r\n");

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_expect_str_eq(sent(&m, names[i]), "", "%s", names[i]);
    cr_expect_str_eq(sent(&m, "A"), "e");
    cr_expect_str_eq(sent(&m, "Trailer"), "d");
    m = pass("192.0.2.1", GET "Transfer-Encoding: chunked\r\n\r\n");
    cr_expect_str_eq(sent(&m, "Transfer-Encoding"), "");
}

Test(hop, fields_listed_in_connection_are_dropped)
{
    struct msg m =
        pass("192.0.2.1", GET "X-Api-Key: a\r\nConnection: close,\tx-API-key,,\r\n"
                              "X-Api: b\r\nx-api-keys: c\r\nCookie: d\r\n"
                              "Connection: Cookie\r\nX-Api-Key: e\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Api-Key"), "");
    cr_expect_str_eq(sent(&m, "Cookie"), "");
    cr_expect_str_eq(sent(&m, "X-Api"), "b");
    cr_expect_str_eq(sent(&m, "X-Api-Keys"), "c");
}

Test(hop, connection_cannot_drop_what_we_act_upon)
{
    struct msg m = pass("192.0.2.1", GET "Connection: Host, Expect, Max-Forwards\r\n"
                                         "Expect: 100-continue\r\nMax-Forwards: 5\r\n\r\n");

    cr_expect_str_eq(sent(&m, "Host"), "shop:81");
    cr_expect_str_eq(sent(&m, "Expect"), "100-continue");
    cr_expect_str_eq(sent(&m, "Max-Forwards"), "5");
}

Test(hop, connection_cannot_drop_what_we_add)
{
    struct msg m = pass("10.0.0.1", GET "Connection: X-Forwarded-For, Forwarded, Via,\r\n"
                                        "Connection: X-Real-IP, X-Request-Id\r\n"
                                        "Connection: X-Forwarded-Proto\r\n"
                                        "X-Forwarded-For: 192.0.2.9\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "10.0.0.1");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=10.0.0.1;host=\"shop:81\";proto=http");
    cr_expect_str_eq(sent(&m, "Via"), "1.1 tidegate");
    cr_expect_str_eq(sent(&m, "X-Real-IP"), "10.0.0.1");
    cr_expect_str_eq(sent(&m, "X-Request-Id"), "id-1");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Proto"), "http");
}

Test(hop, connection_may_name_a_bounded_number_of_fields)
{
    char head[512] = GET "Connection: a";
    struct msg m;

    peer_is("192.0.2.1");
    for (int i = 1; i < 32; i++)
        strncat(head, ",a", 3);
    strncat(head, "\r\n\r\n", 5);
    m = request(head);
    cr_expect(hop_request(&m, &from));
    memcpy(strstr(head, "\r\n\r\n"), ",a\r\n\r\n", 7);
    m = request(head);
    cr_expect_not(hop_request(&m, &from));
    m = request(head);
    cr_expect_not(hop_response(&m));
}

Test(hop, an_upgrade_to_h2c_is_not_passed_on)
{
    struct msg m =
        pass("192.0.2.1", GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");

    cr_expect((m.flags & MSG_UPGRADE) != 0);
    m = pass("192.0.2.1", GET "Connection: Upgrade\r\nUpgrade: H2c\r\n\r\n");
    cr_expect((m.flags & MSG_UPGRADE) == 0);
    m = pass("192.0.2.1", GET "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n");
    cr_expect((m.flags & MSG_UPGRADE) == 0);
}

Test(hop, an_expectation_of_1_0_is_not_passed_on)
{
    struct msg m = pass("192.0.2.1", "GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");

    cr_expect_str_eq(sent(&m, "Expect"), "");
    m = pass("192.0.2.1", GET "Expect: 100-continue\r\n\r\n");
    cr_expect_str_eq(sent(&m, "Expect"), "100-continue");
}

/* ---- what we add --------------------------------------------------------------------- */

Test(hop, a_stranger_has_no_say_in_who_he_is)
{
    struct msg m =
        pass("192.0.2.1", GET "X-Forwarded-For: 10.9.9.9\r\nX-Forwarded-For: 1.1.1.1\r\n"
                              "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n"
                              "X-Forwarded-Port: 1\r\nForwarded: for=1.1.1.1\r\n"
                              "X-Real-IP: 1.1.1.1\r\nX-Request-Id: y\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "192.0.2.1");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Proto"), "http");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Host"), "shop:81");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Port"), "8080");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=192.0.2.1;host=\"shop:81\";proto=http");
    cr_expect_str_eq(sent(&m, "X-Real-IP"), "192.0.2.1");
    cr_expect_str_eq(sent(&m, "X-Request-Id"), "id-1");
}

Test(hop, nor_has_he_under_a_name_that_applications_take_for_ours)
{
    struct msg m =
        pass("192.0.2.1", GET "X_Forwarded_For: 10.9.9.9\r\nX-Real_IP: 1.1.1.1\r\n"
                              "Transfer_Encoding: chunked\r\nx_other_one: a\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X_Forwarded_For"), "");
    cr_expect_str_eq(sent(&m, "X-Real_IP"), "");
    cr_expect_str_eq(sent(&m, "Transfer_Encoding"), "");
    cr_expect_str_eq(sent(&m, "x_other_one"), "a");
}

Test(hop, the_word_of_a_trusted_peer_stands_and_is_continued)
{
    struct msg m =
        pass("10.0.0.1", GET "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.0.0.2\r\n"
                             "X-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\n"
                             "X-Forwarded-Port: 1\r\nForwarded: for=192.0.2.7\r\n"
                             "X-Real-IP: 1.1.1.1\r\nX-Request-Id: y\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "192.0.2.7, 10.0.0.2, 10.0.0.1");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Proto"), "https");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Host"), "b");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Port"), "1");
    cr_expect_str_eq(sent(&m, "Forwarded"),
                     "for=192.0.2.7, for=10.0.0.1;host=\"shop:81\";proto=http");
    cr_expect_str_eq(sent(&m, "X-Real-IP"), "192.0.2.7");
    cr_expect_str_eq(sent(&m, "X-Request-Id"), "y");
}

Test(hop, what_a_trusted_peer_does_not_say_is_added)
{
    struct msg m = pass("10.0.0.1", GET "\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "10.0.0.1");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Proto"), "http");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Host"), "shop:81");
    cr_expect_str_eq(sent(&m, "X-Request-Id"), "id-1");
}

Test(hop, an_address_is_written_digit_by_digit)
{
    struct msg m = pass("203.100.99.10", GET "\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "203.100.99.10");
    m = pass("9.0.1.255", GET "\r\n");
    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "9.0.1.255");
}

Test(hop, an_ip6_peer_is_quoted_in_forwarded_only)
{
    struct msg m = pass("2001:db8::1", "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "2001:db8::1");
    cr_expect_str_eq(sent(&m, "X-Real-IP"), "2001:db8::1");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=\"[2001:db8::1]\";host=shop;proto=http");
}

Test(hop, an_ip4_peer_on_an_ip6_socket_is_an_ip4_peer)
{
    struct msg m = pass("::ffff:192.0.2.1", GET "\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "192.0.2.1");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=192.0.2.1;host=\"shop:81\";proto=http");
}

Test(hop, a_peer_on_a_unix_socket_is_unknown)
{
    struct msg m = request(GET "X-Forwarded-For: 1.1.1.1\r\n\r\n");

    peer_is("unix");
    from.port = 0;
    cr_assert(hop_request(&m, &from));
    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "unknown");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=unknown;host=\"shop:81\";proto=http");
    cr_expect_str_eq(sent(&m, "X-Forwarded-Port"), "");
}

Test(hop, without_an_authority_no_host_is_claimed)
{
    struct msg m = pass("192.0.2.1", "GET / HTTP/1.0\r\nX-Forwarded-Host: a\r\n\r\n");

    cr_expect_str_eq(sent(&m, "X-Forwarded-Host"), "");
    cr_expect_str_eq(sent(&m, "Forwarded"), "for=192.0.2.1;proto=http");
    cr_expect_str_eq(sent(&m, "Via"), "1.0 tidegate");
}

Test(hop, via_is_continued_in_a_line_of_its_own)
{
    struct msg m = pass("192.0.2.1", GET "Via: 1.0 a, 1.1 b\r\n\r\n");

    cr_expect_str_eq(sent(&m, "Via"), "1.0 a, 1.1 b|1.1 tidegate");
    m = request(GET "\r\n");
    m.version = HTTP_2;
    cr_assert(hop_request(&m, &from));
    cr_expect_str_eq(sent(&m, "Via"), "2 tidegate");
}

Test(hop, without_room_it_says_so)
{
    struct msg m = pass("192.0.2.1", GET "\r\n");
    uint32_t need = m.text_len;
    uint16_t n_fields = m.n_fields;

    for (uint32_t room = (uint32_t)strlen(GET "\r\n"); room <= need; room++) {
        m = request(GET "\r\n");
        m.text_room = room;
        cr_expect_eq(hop_request(&m, &from), room == need, "%u", room);
    }
    for (uint16_t room = 1; room <= n_fields; room++) {
        m = request(GET "\r\n");
        m.fields_room = room;
        cr_expect_eq(hop_request(&m, &from), room == n_fields, "%u", room);
    }
}

/* ---- who the client is --------------------------------------------------------------- */

#define XFF(value) GET "X-Forwarded-For: " value "\r\n\r\n"
#define FWD(value) GET "Forwarded: " value "\r\n\r\n"

Test(hop, the_client_is_the_peer_unless_that_is_trusted)
{
    cr_expect_str_eq(client_of("192.0.2.1", XFF("198.51.100.1")), "192.0.2.1");
    cr_expect_str_eq(client_of("2001:db8::1", XFF("198.51.100.1")), "2001:db8::1");
    cr_expect_str_eq(client_of("unix", XFF("198.51.100.1")), "unix");
    cr_expect_str_eq(client_of("10.0.0.1", GET "\r\n"), "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1")), "198.51.100.1");
    cr_expect_str_eq(client_of("fd00::1", XFF("198.51.100.1")), "198.51.100.1");
}

Test(hop, the_client_is_the_first_stranger_from_the_right)
{
    cr_expect_str_eq(client_of("10.0.0.1", XFF("1.1.1.1, 198.51.100.1, 10.2.2.2")),
                     "198.51.100.1");
    cr_expect_str_eq(
        client_of("10.0.0.1", XFF("1.1.1.1\r\nX-Forwarded-For: 198.51.100.1\r\n"
                                  "X-Forwarded-For: 10.2.2.2,fd00::2")),
        "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("10.3.3.3, 10.2.2.2")), "10.3.3.3");
}

Test(hop, what_cannot_be_read_ends_the_search)
{
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1, what, 10.2.2.2")),
                     "10.2.2.2");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1,")), "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1\r\nX-Forwarded-For: unknown")),
                     "10.0.0.1");
    cr_expect_str_eq(
        client_of("10.0.0.1", FWD("for=198.51.100.1, for=_hidden, for=10.2.2.2")),
        "10.2.2.2");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=198.51.100.1, proto=http")),
                     "10.0.0.1");
}

Test(hop, what_is_too_long_or_empty_is_no_address)
{
    cr_expect_str_eq(
        client_of("10.0.0.1", XFF("1111111111222222222233333333334444444444555555")),
        "10.0.0.1");
    cr_expect_str_eq(
        client_of("10.0.0.1", XFF("11111111112222222222333333333344444444445555555555"
                                  "66666666667777777777888888888899999999990000")),
        "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1, , 10.2.2.2")), "10.2.2.2");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1,,")), "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=")), "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=\"")), "10.0.0.1");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=\"\"")), "10.0.0.1");
}

Test(hop, white_space_around_an_address_does_not_matter)
{
    cr_expect_str_eq(client_of("10.0.0.1", GET "X-Forwarded-For:198.51.100.1\r\n\r\n"),
                     "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1\t ,10.2.2.2 \t,\t10.3.3.3")),
                     "198.51.100.1");
}

Test(hop, an_address_may_carry_a_port)
{
    cr_expect_str_eq(client_of("10.0.0.1", XFF("198.51.100.1:4711")), "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("2001:db8::7")), "2001:db8::7");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("[2001:db8::7]")), "2001:db8::7");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("[2001:db8::7]:4711")), "2001:db8::7");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("[2001:db8::7")), "10.0.0.1");
}

Test(hop, forwarded_is_read_when_there_is_no_x_forwarded_for)
{
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=198.51.100.1")), "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("proto=https;FOR=198.51.100.1;by=x")),
                     "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=\"[2001:db8::7]:4711\";host=\"a,b\"")),
                     "2001:db8::7");
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=198.51.100.1;host=\"a,for=1.1.1.1\"")),
                     "198.51.100.1");
    cr_expect_str_eq(
        client_of("10.0.0.1", FWD("for=1.1.1.1\r\nX-Forwarded-For: 198.51.100.1")),
        "198.51.100.1");
}

Test(hop, a_quote_in_front_does_not_hide_what_a_trusted_peer_added)
{
    cr_expect_str_eq(client_of("10.0.0.1", FWD("for=\", for=\"198.51.100.1\"")),
                     "198.51.100.1");
    cr_expect_str_eq(client_of("10.0.0.1", XFF("\", 198.51.100.1")), "198.51.100.1");
}

/* ---- Max-Forwards (RFC 9110, 7.6.2) -------------------------------------------------- */

Test(hop, max_forwards_is_counted_down_for_trace_and_options)
{
    struct msg m =
        pass("192.0.2.1", "OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 10\r\n\r\n");

    cr_expect_str_eq(sent(&m, "Max-Forwards"), "9");
    m = pass("192.0.2.1", "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n\r\n");
    cr_expect_str_eq(sent(&m, "Max-Forwards"), "0");
    m = pass("192.0.2.1", GET "Max-Forwards: 10\r\n\r\n");
    cr_expect_str_eq(sent(&m, "Max-Forwards"), "10");
    m = pass("192.0.2.1", "TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: x\r\n\r\n");
    cr_expect_str_eq(sent(&m, "Max-Forwards"), "x");
}

Test(hop, the_last_one_is_whom_zero_reaches)
{
    struct msg m = request("TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");

    cr_expect(hop_is_last(&m));
    m = request("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n");
    cr_expect(hop_is_last(&m));
    m = request("OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 1\r\n\r\n");
    cr_expect_not(hop_is_last(&m));
    m = request(GET "Max-Forwards: 0\r\n\r\n");
    cr_expect_not(hop_is_last(&m));
    m = request("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
    cr_expect_not(hop_is_last(&m));
}

/* ---- responses and trailers ---------------------------------------------------------- */

Test(hop, a_response_loses_what_is_for_one_connection)
{
    struct msg m =
        request(GET "Connection: X-Internal\r\nX-Internal: a\r\nKeep-Alive: 5\r\n"
                    "Content-Length: 3\r\nVia: 1.1 b\r\nServer: c\r\n\r\n");
    uint16_t n = m.n_fields;

    cr_assert(hop_response(&m));
    cr_expect_str_eq(sent(&m, "Connection"), "");
    cr_expect_str_eq(sent(&m, "X-Internal"), "");
    cr_expect_str_eq(sent(&m, "Keep-Alive"), "");
    cr_expect_str_eq(sent(&m, "Content-Length"), "");
    cr_expect_str_eq(sent(&m, "Via"), "1.1 b");
    cr_expect_str_eq(sent(&m, "Server"), "c");
    cr_expect_eq(m.n_fields, n, "nothing is added");
}

Test(hop, trailers_that_could_pass_for_header_fields_are_dropped)
{
    struct msg m = request(GET "Content-Length: 1\r\nX-Forwarded-For: a\r\nX-Sum: b\r\n"
                               "Content-Type: c\r\nSET-Cookie: d\r\nauthorization: e\r\n"
                               "Cookie: f\r\nGrpc-Status: 0\r\nServer-Timing: g\r\n\r\n");

    hop_trailers(&m);
    cr_expect_str_eq(sent(&m, "X-Sum"), "b");
    cr_expect_str_eq(sent(&m, "Grpc-Status"), "0");
    cr_expect_str_eq(sent(&m, "Server-Timing"), "g");
    cr_expect_str_eq(sent(&m, "Host"), "");
    cr_expect_str_eq(sent(&m, "Content-Length"), "");
    cr_expect_str_eq(sent(&m, "X-Forwarded-For"), "");
    cr_expect_str_eq(sent(&m, "Content-Type"), "");
    cr_expect_str_eq(sent(&m, "Set-Cookie"), "");
    cr_expect_str_eq(sent(&m, "Authorization"), "");
    cr_expect_str_eq(sent(&m, "Cookie"), "");
}

/* ---- the subject of a client's certificate ---- */

static size_t subjects(const struct msg *m, const char **value, size_t *len)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        if (f->drop || f->name_len != strlen("x-subject") ||
            strncasecmp(m->text + f->name, "x", 1) != 0 ||
            strncasecmp(m->text + f->name + 2, "subject", 7) != 0)
            continue;
        *value = msg_value(m, f);
        *len = f->value_len;
        n++;
    }
    return n;
}

static void expect_subject(const char *ip, const char *known, const char *field,
                           const char *expected)
{
    const char *value = "";
    size_t len = 0, n;
    char head[256];
    struct msg m;

    snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", field);
    m = request(head);
    peer_is(ip);
    from.subject_field = "x-subject";
    from.subject = known;
    cr_assert(hop_request(&m, &from));
    n = subjects(&m, &value, &len);
    cr_expect_eq(n, expected[0] != 0, "%zu of them: %s", n, field);
    cr_expect(len == strlen(expected) && memcmp(value, expected, len) == 0, "%.*s",
              (int)len, value);
}

Test(hop, the_subject_is_what_the_certificate_says)
{
    expect_subject("192.0.2.1", "CN=a,O=b", "", "CN=a,O=b");
    expect_subject("192.0.2.1", "CN=a", "X-Subject: CN=root\r\n", "CN=a");
    expect_subject("10.1.1.1", "CN=a", "X-Subject: CN=root\r\n", "CN=a");
}

Test(hop, without_a_certificate_only_a_trusted_peer_tells_a_subject)
{
    expect_subject("192.0.2.1", "", "X-Subject: CN=root\r\n", "");
    expect_subject("192.0.2.1", NULL, "x_subject: CN=root\r\n", "");
    expect_subject("192.0.2.1", "", "X_SUBJECT: CN=root\r\nx-Subject: CN=b\r\n", "");
    expect_subject("10.1.1.1", "", "X-Subject: CN=a\r\n", "CN=a");
}

Test(hop, without_a_field_for_it_no_subject_is_told)
{
    struct msg m = request("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const char *value;
    size_t len;

    peer_is("192.0.2.1");
    from.subject = "CN=a";
    cr_assert(hop_request(&m, &from));
    cr_expect_eq(subjects(&m, &value, &len), 0);
}
