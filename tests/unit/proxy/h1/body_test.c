/* Mirrors proxy/h1/body.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/h1/body.h"

struct fed {
    enum body_verdict last;
    size_t used, passed;
};

static struct fed feed(struct body *b, const char *in)
{
    struct fed f = {.last = BODY_V_MORE};
    size_t len = strlen(in);

    while (f.used < len && (f.last == BODY_V_MORE || f.last == BODY_V_DATA)) {
        const uint8_t *p;
        size_t used, n;

        f.last = body_next(b, (const uint8_t *)in + f.used, len - f.used, &used, &p, &n);
        f.used += used;
        if (f.last == BODY_V_DATA)
            f.passed += n;
    }
    return f;
}

Test(body, a_length_ends_where_it_says_and_leaves_the_rest)
{
    struct msg head = {.body = BODY_LENGTH, .content_length = 5};
    struct body b;
    struct fed f;

    body_init(&b, &head);
    f = feed(&b, "helloGET");
    cr_expect_eq(f.passed, 5u);
    cr_expect_eq(f.last, BODY_V_END);
    cr_expect_eq(f.used, 5u);
}

Test(body, no_body_uses_nothing)
{
    struct msg head = {.body = BODY_NONE};
    struct body b;
    struct fed f;

    body_init(&b, &head);
    f = feed(&b, "GET");
    cr_expect_eq(f.last, BODY_V_END);
    cr_expect_eq(f.used, 0u);
}

Test(body, chunks_end_before_the_trailers)
{
    struct msg head = {.body = BODY_CHUNKED};
    struct body b;
    struct fed f;

    body_init(&b, &head);
    f = feed(&b, "3\r\nabc\r\n0\r\nX: 1\r\n");
    cr_expect_eq(f.last, BODY_V_TRAILERS);
    cr_expect_eq(f.used, 11u);
    cr_expect_eq(body_received(&b), 3u);
}

Test(body, framed_chunks_are_passed_with_their_framing)
{
    struct msg head = {.body = BODY_CHUNKED};
    struct body b;
    struct fed f;

    body_init(&b, &head);
    b.framed = true;
    f = feed(&b, "3\r\nabc\r\n0\r\n");
    cr_expect_eq(f.passed, 8u);
    cr_expect_eq(f.last, BODY_V_TRAILERS);
}

Test(body, only_an_answers_sizes_may_be_padded)
{
    struct msg head = {.body = BODY_CHUNKED};
    struct body b;

    body_init(&b, &head);
    cr_expect_eq(feed(&b, "3 \r\nabc\r\n0\r\n").last, BODY_V_BAD);
    head.status = 200;
    body_init(&b, &head);
    cr_expect_eq(feed(&b, "3 \r\nabc\r\n0\r\n").last, BODY_V_TRAILERS);
}

Test(body, until_close_takes_everything)
{
    struct msg head = {.body = BODY_CLOSE};
    struct body b;

    body_init(&b, &head);
    cr_expect_eq(feed(&b, "abc").passed, 3u);
    cr_expect_eq(feed(&b, "def").last, BODY_V_DATA);
}
