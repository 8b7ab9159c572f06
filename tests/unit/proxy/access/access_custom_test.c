/* Mirrors proxy/access/access_custom.c. */
#include "proxy/access/access_custom.h"

#include "base/check.h"
#include "tests/unit/proxy/access/line_fixture.h"

Test(access_custom, every_variable_has_its_value)
{
    static const struct {
        const char *format, *line;
    } cases[] = {
        {"{time}", "2026-11-24T12:19:54.123456Z"},
        {"{time_local}", "24/Nov/2026:12:19:54 +0000"},
        {"{time_unix}", "1795522794.123"},
        {"{client}:{client_port}", "192.0.2.7:52044"},
        {"{listener}", "front"},
        {"{request}", "GET /a/b?x=1&y=2 HTTP/1.1"},
        {"{method} {target} {protocol}", "GET /a/b?x=1&y=2 HTTP/1.1"},
        {"{path}|{query}", "/a/b|x=1&y=2"},
        {"{host}", "www.example"},
        {"{status}", "200"},
        {"{bytes_in}/{bytes_out}/{bytes_sent}", "5/1000/1234"},
        {"{head_ms} {queue_ms} {hold_ms}", "0.000 0.000 0.000"},
        {"{connect_ms} {first_byte_ms} {total_ms}", "1.200 22.500 30.250"},
        {"{service}/{tier}/{backend}", "app/baseline/10.0.0.1:80"},
        {"{attempts}", "1"},
        {"{ending} {state}", "complete ----"},
        {"{fault}", "-"},
        {"{request_id} {trace_id}", "id trace"},
        {"{user}", "00000000000000ff"},
        {"{remote_user} {user_agent} {referer}", "alice agent ref\\x22"},
        {"{request_header:X-A}", "in"},
        {"{response_header:x-b}", "-"},
        {"{{{status}} a}", "{200} a}"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct fixture *f = fixture_new(cases[i].format);
        char want[128];

        f->text[ACCESS_REQUEST_ID] = "id";
        f->text[ACCESS_TRACE_ID] = "trace";
        f->text[ACCESS_REMOTE_USER] = "alice";
        f->text[ACCESS_USER_AGENT] = "agent";
        f->text[ACCESS_REFERER] = "ref\"";
        f->text[ACCESS_REQUEST_FIELDS] = "\0\2in";
        f->len[ACCESS_REQUEST_FIELDS] = 4;
        f->request_fields = (struct access_fields){{"x-a"}, 1};
        f->response_fields = (struct access_fields){{"x-b"}, 1};
        f->r.user = 0xff;
        snprintf(want, sizeof(want), "%s\n", cases[i].line);
        fixture_expect(f, want);
        fixture_free(f);
    }
}

Test(access_custom, what_did_not_happen_is_a_dash)
{
    struct fixture *f =
        fixture_new("{queue_ms} {connect_ms} {first_byte_ms} {tier} {user} {query}");

    f->r.queue_us = f->r.connect_us = f->r.first_byte_us = -1;
    f->r.tier = N_TIERS;
    f->text[ACCESS_TARGET] = "/p";
    fixture_expect(f, "- - - - - -\n");
    fixture_free(f);
}

Test(access_custom, tls_and_what_was_spoken_with_the_backend)
{
    struct fixture *f = fixture_new(
        "{tls_version} {tls_cipher} {tls_name} {tls_subject} {backend_protocol}");

    fixture_expect(f, "- - - - -\n");
    f->text[ACCESS_TLS_VERSION] = "TLSv1.2";
    f->text[ACCESS_TLS_CIPHER] = "AES";
    f->text[ACCESS_TLS_NAME] = "a";
    f->text[ACCESS_TLS_SUBJECT] = "CN=\"";
    f->r.reached = true;
    memset(f->len, 0, sizeof(f->len));
    fixture_expect(f, "TLSv1.2 AES a CN=\\x22 HTTP/1.1\n");
    f->r.h2_up = true;
    fixture_expect(f, "TLSv1.2 AES a CN=\\x22 HTTP/2.0\n");
    fixture_free(f);
}

Test(access_custom, what_could_not_be_read_has_no_path)
{
    struct fixture *f = fixture_new("{target} {path} {query} {protocol} {request}");

    f->r.unread = true;
    f->text[ACCESS_TARGET] = "x?y";
    fixture_expect(f, "- - - - x?y\n");
    fixture_free(f);
}

Test(access_custom, a_line_without_end_is_cut_and_ends)
{
    static char format[8000];
    struct fixture *f;
    static char target[8192];

    for (size_t i = 0; i < 60; i++)
        memcpy(format + i * 9, "{target}x", 9);
    memset(target, 1, sizeof(target));
    f = fixture_new(format);
    f->text[ACCESS_TARGET] = target;
    f->len[ACCESS_TARGET] = sizeof(target);
    fixture_line(f);
    cr_expect_eq(f->n, (size_t)ACCESS_LINE_MAX);
    cr_expect_eq(f->line[f->n - 1], '\n');
    fixture_free(f);
}
