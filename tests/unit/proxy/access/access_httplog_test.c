/* Mirrors proxy/access/access_httplog.c.  The lines are HAProxy 2.6's own. */
#include "proxy/access/access_httplog.h"

#include "base/check.h"
#include "tests/unit/proxy/access/line_fixture.h"

#define FRONT "192.0.2.7:52044 [24/Nov/2026:12:19:54.123] front "

Test(access_httplog, a_line_is_haproxys)
{
    struct fixture *f = fixture_new("httplog");

    f->r.backend_inflight = 4;
    fixture_expect(f, FRONT "app/10.0.0.1:80 0/0/1/20/30 200 1234 - - ---- 3/2/1/4/0 0/0 "
                            "\"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, a_listener_with_tls_has_a_tilde)
{
    struct fixture *f = fixture_new("httplog");

    f->r.tls = true;
    f->r.version = HTTP_2;
    fixture_expect(f, "192.0.2.7:52044 [24/Nov/2026:12:19:54.123] front~ "
                      "app/10.0.0.1:80 0/0/1/20/30 200 1234 - - ---- 3/2/1/0/0 0/0 "
                      "\"GET /a/b?x=1&y=2 HTTP/2.0\"\n");
    fixture_free(f);
}

Test(access_httplog, a_request_that_reached_no_backend_has_no_server_and_no_times)
{
    struct fixture *f = fixture_new("httplog");

    f->text[ACCESS_SERVICE] = f->text[ACCESS_BACKEND] = NULL;
    f->r.status = 403;
    f->r.attempts = 0;
    f->r.ending = ENDING_REFUSED;
    f->r.phase = ENDING_IN_REQUEST;
    f->r.queue_us = f->r.connect_us = f->r.answer_us = -1;
    f->r.total_us = 999;
    fixture_expect(f, FRONT "front/<NOSRV> 0/-1/-1/-1/0 403 1234 - - PR-- 3/2/1/0/0 0/0 "
                            "\"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, what_could_not_be_read_is_a_bad_request)
{
    struct fixture *f = fixture_new("httplog");

    f->text[ACCESS_SERVICE] = f->text[ACCESS_BACKEND] = NULL;
    f->text[ACCESS_TARGET] = "garbage";
    f->r.unread = true;
    f->r.status = 408;
    f->r.bytes_sent = 0;
    f->r.ending = ENDING_HEAD_TIMEOUT;
    f->r.phase = ENDING_IN_REQUEST;
    f->r.head_us = f->r.queue_us = f->r.connect_us = f->r.answer_us = -1;
    f->r.total_us = 301000;
    fixture_expect(f, FRONT "front/<NOSRV> -1/-1/-1/-1/301 408 0 - - cR-- 3/2/1/0/0 0/0 "
                            "\"<BADREQ>\"\n");
    fixture_free(f);
}

Test(access_httplog, waiting_and_retries_are_told)
{
    struct fixture *f = fixture_new("httplog");

    f->r.queue_us = 551000;
    f->r.queue_position = 2;
    f->r.attempts = 3;
    fixture_expect(f, FRONT "app/10.0.0.1:80 0/551/1/20/30 200 1234 - - ---- 3/2/1/0/2 0/2 "
                            "\"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    f->r.elsewhere = true;
    f->r.attempts = 2;
    fixture_expect(f,
                   FRONT "app/10.0.0.1:80 0/551/1/20/30 200 1234 - - ---- 3/2/1/0/+1 0/2 "
                         "\"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, nothing_sent_is_status_minus_one)
{
    struct fixture *f = fixture_new("httplog");

    f->r.status = 0;
    f->r.bytes_sent = 0;
    f->r.answer_us = -1;
    f->r.ending = ENDING_CLIENT_ABORT;
    f->r.phase = ENDING_IN_DATA;
    fixture_expect(f, FRONT "app/10.0.0.1:80 0/0/1/-1/30 -1 0 - - CD-- 3/2/1/0/0 0/0 "
                            "\"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, bytes_are_escaped_with_a_hash)
{
    struct fixture *f = fixture_new("httplog");

    f->text[ACCESS_TARGET] = "/q\"u'o\\t<e>#{|}~\xc3\xa4\n";
    fixture_expect(f, FRONT "app/10.0.0.1:80 0/0/1/20/30 200 1234 - - ---- 3/2/1/0/0 0/0 "
                            "\"GET /q#22u'o\\t<e>#23{|}~#C3#A4#0A HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, configured_fields_stand_in_braces)
{
    struct fixture *f = fixture_new("httplog");
    char *asked[] = {(char *)"x-none", (char *)"user-agent"},
         *answered[] = {(char *)"server"};

    f->how.request_headers = asked;
    f->how.n_request_headers = N_ELEMS(asked);
    f->how.response_headers = answered;
    f->how.n_response_headers = N_ELEMS(answered);
    f->request_fields = (struct access_fields){{"user-agent", "x-none"}, 2};
    f->response_fields = (struct access_fields){{"server"}, 1};
    f->text[ACCESS_REQUEST_FIELDS] = "\0\x0b"
                                     "a b|c{d}\"#e"
                                     "\0\0";
    f->len[ACCESS_REQUEST_FIELDS] = 2 + 11 + 2;
    f->text[ACCESS_RESPONSE_FIELDS] = "\0\0";
    f->len[ACCESS_RESPONSE_FIELDS] = 2;
    fixture_expect(f, FRONT "app/10.0.0.1:80 0/0/1/20/30 200 1234 - - ---- 3/2/1/0/0 0/0 "
                            "{|a b#7Cc#7Bd#7D#22#23e} {} \"GET /a/b?x=1&y=2 HTTP/1.1\"\n");
    fixture_free(f);
}

Test(access_httplog, a_unix_socket_has_no_address)
{
    struct fixture *f = fixture_new("httplog");

    f->r.client.family = AF_UNIX;
    fixture_line(f);
    cr_expect_eq(strncmp(f->line, "unix:0 [", 8), 0, "%s", f->line);
    fixture_free(f);
}

Test(access_httplog, ipv6_and_ipv4_in_ipv6)
{
    struct fixture *f = fixture_new("httplog");

    f->r.client.ip6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(7)};
    inet_pton(AF_INET6, "2001:db8::1:2:3:4", &f->r.client.ip6.sin6_addr);
    fixture_line(f);
    cr_expect_eq(strncmp(f->line, "2001:db8::1:2:3:4:7 [", 21), 0, "%s", f->line);
    f->how.mask_address = true;
    fixture_line(f);
    cr_expect_eq(strncmp(f->line, "2001:db8:::7 [", 14), 0, "%s", f->line);
    inet_pton(AF_INET6, "::ffff:192.0.2.7", &f->r.client.ip6.sin6_addr);
    fixture_line(f);
    cr_expect_eq(strncmp(f->line, "192.0.2.0:7 [", 13), 0, "%s", f->line);
    fixture_free(f);
}
