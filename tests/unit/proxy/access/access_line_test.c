/* Mirrors proxy/access/access_line.c: what holds for every format. */
#include "proxy/access/access_line.h"

#include "base/check.h"
#include "tests/unit/proxy/access/line_fixture.h"

static const char *const formats[] = {
    "common", "combined", "httplog", "json",
    "{client} {request} {target} {path} {query} {method} {host} {request_id} {trace_id} "
    "{remote_user} {user_agent} {referer} {fault} {service} {backend} {listener} "
    "{request_header:x-a} {response_header:x-b}"};

static void give_fields(struct fixture *f, char *names[2], const char *in, size_t n)
{
    f->request_fields = (struct access_fields){{"x-a"}, 1};
    f->response_fields = (struct access_fields){{"x-b"}, 1};
    f->how.request_headers = &names[0];
    f->how.response_headers = &names[1];
    f->how.n_request_headers = f->how.n_response_headers = 1;
    f->text[ACCESS_REQUEST_FIELDS] = f->text[ACCESS_RESPONSE_FIELDS] = in;
    f->len[ACCESS_REQUEST_FIELDS] = f->len[ACCESS_RESPONSE_FIELDS] = n;
}

/* No byte that ends a line for any reader, or moves a terminal's cursor. */
static void expect_one_line(const struct fixture *f, const char *format)
{
    for (size_t i = 0; i + 1 < f->n; i++)
        cr_assert(f->line[i] >= ' ' && f->line[i] < 0x7f, "byte %02x in %s: %s",
                  (unsigned char)f->line[i], format, f->line);
    cr_assert_eq(f->line[f->n - 1], '\n');
}

/* Every byte, in every text, in every format: written by a client that wants to be taken
 * for somebody else's line. */
Test(access_line, one_request_is_one_line_whatever_is_in_it)
{
    char *names[] = {(char *)"x-a", (char *)"x-b"};

    for (size_t k = 0; k < N_ELEMS(formats); k++)
        for (int byte = 0; byte < 256; byte++) {
            struct fixture *f = fixture_new(formats[k]);
            char evil[] = "a?\n192.0.2.9 - - [x] \"GET / HTTP/1.1\" 200 0\r\nb";
            char field[sizeof(evil) + 2];

            evil[1] = (char)byte;
            field[0] = 0;
            field[1] = sizeof(evil) - 1;
            memcpy(field + 2, evil, sizeof(evil) - 1);
            for (int i = 0; i < N_ACCESS_TEXTS; i++) {
                f->text[i] = evil;
                f->len[i] = sizeof(evil) - 1;
            }
            give_fields(f, names, field, 2 + sizeof(evil) - 1);
            fixture_line(f);
            expect_one_line(f, formats[k]);
            f->r.unread = f->r.absolute = true;
            fixture_line(f);
            expect_one_line(f, formats[k]);
            fixture_free(f);
        }
}

/* A quoted part ends where it should: no quote of the client's stands unescaped. */
Test(access_line, a_quoted_column_cannot_be_left)
{
    static const struct {
        const char *format;
        int quotes;
    } cases[] = {{"common", 2}, {"combined", 6}, {"httplog", 2}};

    for (size_t k = 0; k < N_ELEMS(cases); k++) {
        struct fixture *f = fixture_new(cases[k].format);
        int quotes = 0;

        for (int i = 0; i < N_ACCESS_TEXTS; i++)
            f->text[i] = "\" 200 0 \"\\\" \\";
        f->len[ACCESS_REQUEST_FIELDS] = f->len[ACCESS_RESPONSE_FIELDS] = 0;
        f->text[ACCESS_REQUEST_FIELDS] = f->text[ACCESS_RESPONSE_FIELDS] = NULL;
        fixture_line(f);
        for (size_t i = 0; i < f->n; i++)
            quotes += f->line[i] == '"';
        cr_expect_eq(quotes, cases[k].quotes, "%s", f->line);
        fixture_free(f);
    }
}

Test(access_line, each_ending_has_its_word_and_its_letters)
{
    static const struct {
        enum ending ending;
        char phase;
        const char *want;
    } cases[] = {
        {ENDING_COMPLETE, '-', "complete ----"},
        {ENDING_CLIENT_ABORT, ENDING_IN_QUEUE, "client_abort CQ--"},
        {ENDING_CLIENT_ABORT, ENDING_IN_CONNECT, "client_abort CC--"},
        {ENDING_CLIENT_ABORT, ENDING_IN_HEAD, "client_abort CH--"},
        {ENDING_CLIENT_TIMEOUT, ENDING_IN_DATA, "client_timeout cD--"},
        {ENDING_BACKEND_ABORT, ENDING_IN_DATA, "backend_abort SD--"},
        {ENDING_BACKEND_TIMEOUT, ENDING_IN_HEAD, "backend_timeout sH--"},
        {ENDING_CONNECT_TIMEOUT, ENDING_IN_CONNECT, "connect_timeout sC--"},
        {ENDING_QUEUE_FULL, ENDING_IN_QUEUE, "queue_full SQ--"},
        {ENDING_QUEUE_TIMEOUT, ENDING_IN_QUEUE, "queue_timeout sQ--"},
        {ENDING_BAD_RESPONSE, ENDING_IN_HEAD, "bad_response PH--"},
        {ENDING_LOCAL, ENDING_IN_REQUEST, "local LR--"},
        {ENDING_KILLED, ENDING_IN_DATA, "killed KD--"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct fixture *f = fixture_new("{ending} {state}");
        char want[64];

        f->r.ending = (uint8_t)cases[i].ending;
        f->r.phase = (uint8_t)cases[i].phase;
        snprintf(want, sizeof(want), "%s\n", cases[i].want);
        fixture_expect(f, want);
        fixture_free(f);
    }
}

Test(access_line, versions_have_the_names_that_logs_give_them)
{
    static const char *const names[] = {"HTTP/1.0\n", "HTTP/1.1\n", "HTTP/2.0\n"};

    for (uint8_t v = HTTP_10; v <= HTTP_2; v++) {
        struct fixture *f = fixture_new("{protocol}");

        f->r.version = v;
        fixture_expect(f, names[v]);
        fixture_free(f);
    }
}
