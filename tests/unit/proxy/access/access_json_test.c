/* Mirrors proxy/access/access_json.c. */
#include "proxy/access/access_json.h"

#include <jansson.h>

#include "base/check.h"
#include "tests/unit/proxy/access/line_fixture.h"

Test(access_json, a_line_is_one_object_with_all_keys_in_order)
{
    struct fixture *f = fixture_new("json");

    f->text[ACCESS_REQUEST_ID] = "r-1";
    f->text[ACCESS_TRACE_ID] = "0af7651916cd43dd8448eb211c80319c";
    f->text[ACCESS_USER_AGENT] = "curl/8";
    f->r.user = 0x0123456789abcdef;
    fixture_expect(
        f,
        "{\"time\":\"2026-11-24T12:19:54.123456Z\",\"client\":\"192.0.2.7\",\"client_"
        "port\":"
        "52044,\"listener\":\"front\",\"method\":\"GET\",\"host\":\"www.example\",\"path\":"
        "\"/a/b\",\"query\":\"x=1&y=2\",\"protocol\":\"HTTP/"
        "1.1\",\"status\":200,\"bytes_in\":"
        "5,\"bytes_out\":1000,\"bytes_sent\":1234,\"head_ms\":0.000,\"queue_ms\":0.000,"
        "\"hold_ms\":0.000,\"connect_ms\":1.200,\"first_byte_ms\":22.500,\"total_ms\":30."
        "250,"
        "\"service\":\"app\",\"tier\":\"baseline\",\"backend\":\"10.0.0.1:80\","
        "\"backend_protocol\":null,\"attempts\":1,"
        "\"ending\":\"complete\",\"state\":\"----\",\"fault\":null,\"request\":null,"
        "\"tls_version\":null,\"tls_cipher\":null,\"tls_name\":null,\"tls_subject\":null,"
        "\"request_id\":\"r-1\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"user\":"
        "\"0123456789abcdef\",\"user_agent\":\"curl/8\",\"referer\":null}\n");
    fixture_free(f);
}

Test(access_json, what_tls_and_the_backends_connection_are)
{
    struct fixture *f = fixture_new("json");

    f->text[ACCESS_TLS_VERSION] = "TLSv1.3";
    f->text[ACCESS_TLS_CIPHER] = "TLS_AES_128_GCM_SHA256";
    f->text[ACCESS_TLS_NAME] = "a.example";
    f->text[ACCESS_TLS_SUBJECT] = "CN=\"x\"";
    f->r.reached = f->r.h2_up = true;
    fixture_line(f);
    cr_expect_not_null(strstr(f->line,
                              "\"tls_version\":\"TLSv1.3\",\"tls_cipher\":"
                              "\"TLS_AES_128_GCM_SHA256\",\"tls_name\":\"a.example\","
                              "\"tls_subject\":\"CN=\\\"x\\\"\","));
    cr_expect_not_null(strstr(f->line, "\"backend_protocol\":\"HTTP/2.0\","));
    f->r.h2_up = false;
    fixture_line(f);
    cr_expect_not_null(strstr(f->line, "\"backend_protocol\":\"HTTP/1.1\","));
    fixture_free(f);
}

static json_t *object_of(struct fixture *f)
{
    json_error_t err;
    json_t *o;

    fixture_line(f);
    cr_assert_eq(f->line[f->n - 1], '\n');
    o = json_loadb(f->line, f->n - 1, 0, &err);
    cr_assert_not_null(o, "%s: %s", err.text, f->line);
    return o;
}

static void expect_text(const json_t *o, const char *key, const char *want)
{
    const char *got = json_string_value(json_object_get(o, key));

    cr_expect(got != NULL && strcmp(got, want) == 0, "%s is %s, not %s", key,
              got != NULL ? got : "no text", want);
}

Test(access_json, what_did_not_happen_is_null)
{
    struct fixture *f = fixture_new("json");
    static const char *const keys[] = {"queue_ms", "connect_ms", "first_byte_ms",
                                       "service",  "tier",       "backend",
                                       "user",     "referer"};
    json_t *o;

    f->text[ACCESS_SERVICE] = f->text[ACCESS_BACKEND] = NULL;
    f->r.tier = N_TIERS;
    f->r.queue_us = f->r.connect_us = f->r.first_byte_us = -1;
    o = object_of(f);
    for (size_t i = 0; i < N_ELEMS(keys); i++)
        cr_expect(json_is_null(json_object_get(o, keys[i])), "%s", keys[i]);
    json_decref(o);
    fixture_free(f);
}

Test(access_json, what_could_not_be_read_has_a_fault_and_its_first_line)
{
    struct fixture *f = fixture_new("json");
    json_t *o;

    f->r.unread = true;
    f->text[ACCESS_METHOD] = f->text[ACCESS_HOST] = NULL;
    f->text[ACCESS_TARGET] = "GET /\x01 HTTP/1.1";
    f->text[ACCESS_FAULT] = "bad_target";
    f->r.ending = ENDING_BAD_REQUEST;
    f->r.phase = ENDING_IN_REQUEST;
    o = object_of(f);
    expect_text(o, "request", "GET /\x01 HTTP/1.1");
    expect_text(o, "fault", "bad_target");
    expect_text(o, "ending", "bad_request");
    expect_text(o, "state", "PR--");
    cr_expect(json_is_null(json_object_get(o, "path")));
    cr_expect(json_is_null(json_object_get(o, "protocol")));
    json_decref(o);
    fixture_free(f);
}

Test(access_json, text_in_utf8_stands_and_anything_else_is_replaced)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac "
         "\xf0\x9f\x98\x80"},
        {"\xff", "\\ufffd"},
        {"a\xc3", "a\\ufffd"},                                /* cut off */
        {"\xc0\xaf", "\\ufffd\\ufffd"},                       /* not the shortest form */
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},            /* half a surrogate pair */
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* beyond U+10FFFF */
        {"\x7f", "\\u007f"},
        {"\xc2\x85", "\\u0085"},          /* next line */
        {"\xe2\x80\xa8", "\\u2028"},      /* line separator */
        {"\xe2\x80\xa9", "\\u2029"},      /* paragraph separator */
        {"\xe2\x80\xaa", "\xe2\x80\xaa"}, /* the next one is no end of a line */
        {"\n\r\t\b\f\v\x1b", "\\n\\r\\t\\b\\f\\u000b\\u001b"},
        {"\"\\/", "\\\"\\\\/"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct fixture *f = fixture_new("json");
        char want[128];

        f->text[ACCESS_USER_AGENT] = cases[i].in;
        snprintf(want, sizeof(want), "\"user_agent\":\"%s\",", cases[i].out);
        cr_expect_not_null(strstr(fixture_line(f), want), "%s lacks %s", f->line, want);
        json_decref(object_of(f));
        fixture_free(f);
    }
}

Test(access_json, configured_fields_are_objects_of_their_own)
{
    struct fixture *f = fixture_new("json");
    char *asked[] = {(char *)"x-a", (char *)"x-b"}, *answered[] = {(char *)"x-c"};

    f->how.request_headers = asked;
    f->how.n_request_headers = N_ELEMS(asked);
    f->how.response_headers = answered;
    f->how.n_response_headers = N_ELEMS(answered);
    f->request_fields = (struct access_fields){{"x-a", "x-other", "x-b"}, 3};
    f->response_fields = (struct access_fields){{"x-c"}, 1};
    f->text[ACCESS_REQUEST_FIELDS] = "\0\1Q\0\1W\0\0";
    f->len[ACCESS_REQUEST_FIELDS] = 8;
    fixture_line(f);
    cr_expect_not_null(strstr(f->line, "\"request_headers\":{\"x-a\":\"Q\",\"x-b\":null},"
                                       "\"response_headers\":{\"x-c\":null}}\n"),
                       "%s", f->line);
    json_decref(object_of(f));
    fixture_free(f);
}

/* Every text at its longest, each byte of it one that needs six. */
Test(access_json, the_longest_line_is_whole)
{
    static char worst[9000];
    struct fixture *f = fixture_new("json");
    char *names[CFG_LOG_HEADERS_MAX];
    static const size_t max[] = {
#define X(sym, bytes) bytes,
        ACCESS_TEXTS(X)
#undef X
    };
    char fields[ACCESS_FIELDS_BYTES];

    memset(worst, 1, sizeof(worst));
    for (int i = 0; i < N_ACCESS_TEXTS; i++) {
        f->text[i] = worst;
        f->len[i] = max[i];
    }
    for (int i = 0; i < CFG_LOG_HEADERS_MAX; i++) {
        char *at = fields + i * (2 + ACCESS_FIELD_MAX);

        memset(at, 1, 2 + ACCESS_FIELD_MAX);
        at[0] = ACCESS_FIELD_MAX >> 8;
        at[1] = (char)(ACCESS_FIELD_MAX & 255);
        names[i] = malloc(CFG_LOG_HEADER_NAME + 1);
        cr_assert_not_null(names[i]);
        snprintf(names[i], CFG_LOG_HEADER_NAME + 1, "%0*d", CFG_LOG_HEADER_NAME, i);
        f->request_fields.names[i] = f->response_fields.names[i] = names[i];
    }
    f->request_fields.n = f->response_fields.n = CFG_LOG_HEADERS_MAX;
    f->how.request_headers = f->how.response_headers = names;
    f->how.n_request_headers = f->how.n_response_headers = CFG_LOG_HEADERS_MAX;
    f->text[ACCESS_REQUEST_FIELDS] = f->text[ACCESS_RESPONSE_FIELDS] = fields;
    json_decref(object_of(f));
    cr_expect_lt(f->n, (size_t)ACCESS_LINE_MAX);
    for (int i = 0; i < CFG_LOG_HEADERS_MAX; i++)
        free(names[i]);
    fixture_free(f);
}
