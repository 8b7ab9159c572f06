/* Mirrors app/admin/gate.c. */
#include <criterion/criterion.h>

#include "app/admin/gate.h"
#include "base/check.h"

static struct addr at(const char *text)
{
    struct addr a;

    cr_assert_eq(addr_parse(text, &a, NULL), RC_OK, "%s", text);
    return a;
}

/* What `peer` may change with these fields, at an endpoint bound to `bind`. */
static enum gate_verdict change(const char *bind, const char *token, const char *peer,
                                struct gate_request r)
{
    struct addr b = at(bind), p = at(peer);

    r.peer = &p.sa.any;
    return gate_change(&b, token, &r);
}

static enum gate_verdict read_as(const char *bind, const char *host)
{
    struct addr b = at(bind), p = at("127.0.0.1:4711");
    struct gate_request r = {.peer = &p.sa.any, .host = host};

    return gate_read(&b, &r);
}

Test(gate, on_loopback_only_its_own_names_are_answered)
{
    static const char *const own[] = {
        NULL,          "localhost", "LocalHost:9900", "127.0.0.1", "127.0.0.1:9900",
        "127.0.0.1:1", "[::1]",     "[::1]:80",       "127.9.9.9", "127.9.9.9:9900",
    };
    static const char *const foreign[] = {
        "",          ":9900", "evil.example", "evil.example:9900", "10.0.0.1",
        "127.0.0.2", "[::2]", "[::1",         "localhost.evil",    "local",
    };

    for (size_t i = 0; i < N_ELEMS(own); i++)
        cr_expect_eq(read_as("127.9.9.9:9900", own[i]), GATE_OPEN, "%s", own[i]);
    for (size_t i = 0; i < N_ELEMS(foreign); i++) {
        cr_expect_eq(read_as("127.9.9.9:9900", foreign[i]), GATE_HOST, "%s", foreign[i]);
        cr_expect_eq(read_as("[::1]:9900", foreign[i]), GATE_HOST, "%s", foreign[i]);
    }
}

Test(gate, elsewhere_any_name_may_read)
{
    cr_expect_eq(read_as("0.0.0.0:9900", "admin.example"), GATE_OPEN);
    cr_expect_eq(read_as("[::]:9900", NULL), GATE_OPEN);
    cr_expect_eq(read_as("10.1.2.3:9900", "admin.example"), GATE_OPEN);
    cr_expect_eq(read_as("unix:/run/a.sock", "whatever"), GATE_OPEN);
}

Test(gate, without_a_token_only_this_machine_changes_anything)
{
    struct gate_request r = {.host = "localhost:9900"};

    cr_expect_eq(change("0.0.0.0:9900", "", "127.0.0.1:5000", r), GATE_OPEN);
    cr_expect_eq(change("0.0.0.0:9900", "", "127.8.8.8:5000", r), GATE_OPEN);
    cr_expect_eq(change("[::]:9900", "", "[::1]:5000", r), GATE_OPEN);
    cr_expect_eq(change("[::]:9900", "", "[::ffff:127.0.0.1]:5000", r), GATE_OPEN);
    cr_expect_eq(change("unix:/a", "", "unix:/peer", r), GATE_OPEN);
    cr_expect_eq(change("0.0.0.0:9900", "", "10.0.0.1:5000", r), GATE_REMOTE);
    cr_expect_eq(change("[::]:9900", "", "[fe80::1]:5000", r), GATE_REMOTE);
    cr_expect_eq(change("[::]:9900", "", "[::ffff:10.0.0.1]:5000", r), GATE_REMOTE);
}

Test(gate, without_a_token_a_foreign_name_changes_nothing_anywhere)
{
    struct gate_request r = {.host = "evil.example:9900"};

    cr_expect_eq(change("0.0.0.0:9900", "", "127.0.0.1:5000", r), GATE_HOST);
    cr_expect_eq(change("127.0.0.1:9900", "", "127.0.0.1:5000", r), GATE_HOST);
    cr_expect_eq(change("unix:/a", "", "unix:/peer", r), GATE_OPEN);
}

Test(gate, a_token_is_asked_of_everybody)
{
    static const struct {
        const char *authorization;
        enum gate_verdict want;
    } cases[] = {
        {"Bearer s3cret", GATE_OPEN},
        {"bearer s3cret", GATE_OPEN},
        {"Bearer s3cret ", GATE_TOKEN},
        {NULL, GATE_TOKEN},
        {"", GATE_TOKEN},
        {"Bearer", GATE_TOKEN},
        {"Bearer ", GATE_TOKEN},
        {"Bearer s3cre", GATE_TOKEN},
        {"Bearer s3crets", GATE_TOKEN},
        {"Bearer s3cres", GATE_TOKEN},
        {"Bearer S3CRET", GATE_TOKEN},
        {"Basic s3cret", GATE_TOKEN},
        {"Bearer  s3cret", GATE_TOKEN},
        {"s3cret", GATE_TOKEN},
        {"Bearer s3crets3cret", GATE_TOKEN},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct gate_request r = {.host = "localhost",
                                 .authorization = cases[i].authorization};

        cr_expect_eq(change("127.0.0.1:9900", "s3cret", "127.0.0.1:1", r), cases[i].want,
                     "%s", cases[i].authorization);
        cr_expect_eq(change("unix:/a", "s3cret", "unix:/p", r), cases[i].want);
        r.host = "admin.example";
        cr_expect_eq(change("0.0.0.0:9900", "s3cret", "10.0.0.1:1", r), cases[i].want);
    }
}

Test(gate, a_page_of_another_origin_changes_nothing_even_with_the_token)
{
    struct gate_request r = {.host = "localhost:9900", .authorization = "Bearer t"};

    r.origin = "http://localhost:9900";
    cr_expect_eq(change("127.0.0.1:9900", "t", "127.0.0.1:1", r), GATE_OPEN);
    r.origin = "http://localhost:8000";
    cr_expect_eq(change("127.0.0.1:9900", "t", "127.0.0.1:1", r), GATE_ORIGIN);
    r.origin = "https://evil.example";
    cr_expect_eq(change("127.0.0.1:9900", "t", "127.0.0.1:1", r), GATE_ORIGIN);
    r.origin = "null";
    cr_expect_eq(change("127.0.0.1:9900", "t", "127.0.0.1:1", r), GATE_ORIGIN);
    cr_expect_eq(change("127.0.0.1:9900", "", "127.0.0.1:1", r), GATE_ORIGIN);
    r.host = NULL;
    cr_expect_eq(change("127.0.0.1:9900", "", "127.0.0.1:1", r), GATE_ORIGIN);
}

Test(gate, each_verdict_has_its_status_and_words)
{
    cr_expect_eq(gate_status(GATE_OPEN), 200);
    cr_expect_eq(gate_status(GATE_TOKEN), 401);
    cr_expect_eq(gate_status(GATE_REMOTE), 403);
    cr_expect_eq(gate_status(GATE_HOST), 403);
    cr_expect_eq(gate_status(GATE_ORIGIN), 403);
    cr_expect_str_not_empty(gate_text(GATE_REMOTE));
}
