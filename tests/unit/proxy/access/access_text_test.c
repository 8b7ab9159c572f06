/* Mirrors proxy/access/access_text.c. */
#include "proxy/access/access_text.h"

#include <criterion/criterion.h>
#include <time.h>

#include "base/check.h"

static char room[256];

static struct access_text begin(size_t n)
{
    memset(room, '~', sizeof(room));
    return (struct access_text){room, room + n};
}

static void expect(const struct access_text *t, const char *want)
{
    size_t n = (size_t)(t->at - room);

    cr_expect(n == strlen(want) && memcmp(room, want, n) == 0, "%.*s, not %s", (int)n, room,
              want);
}

Test(access_text, numbers)
{
    static const struct {
        uint64_t v;
        const char *text;
    } cases[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct access_text t = begin(64);

        access_text_number(&t, cases[i].v);
        expect(&t, cases[i].text);
    }
}

Test(access_text, microseconds_as_milliseconds)
{
    static const struct {
        mono_us us;
        const char *exact, *whole;
    } cases[] = {{0, "0.000", "0"},
                 {999, "0.999", "0"},
                 {1001, "1.001", "1"},
                 {90061000999, "90061000.999", "90061000"}};
    struct access_text t;

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        t = begin(64);
        access_text_ms(&t, cases[i].us);
        expect(&t, cases[i].exact);
        t = begin(64);
        access_text_whole_ms(&t, cases[i].us);
        expect(&t, cases[i].whole);
    }
    t = begin(64);
    access_text_whole_ms(&t, -1);
    expect(&t, "-1");
}

Test(access_text, what_finds_no_room_is_cut)
{
    struct access_text t = begin(5);

    access_text_put(&t, "abc", 3);
    access_text_number(&t, 4567);
    expect(&t, "abc45");
    access_text_char(&t, 'x');
    access_text_escaped(&t, ACCESS_ESCAPE_NGINX, "\n\n", 2);
    access_text_json(&t, "\n\xff", 2);
    expect(&t, "abc45");
    cr_expect_eq(room[5], '~');
}

Test(access_text, times_of_all_kinds)
{
    int64_t us = 1795522794123456;
    struct access_text t = begin(64);

    access_text_time_rfc3339(&t, us);
    expect(&t, "2026-11-24T12:19:54.123456Z");
    t = begin(64);
    access_text_time_haproxy(&t, us, 3600);
    expect(&t, "24/Nov/2026:13:19:54.123");
    t = begin(64);
    access_text_time_clf(&t, us, -3 * 3600);
    expect(&t, "24/Nov/2026:09:19:54 -0300");
    t = begin(64);
    access_text_time_unix(&t, us);
    expect(&t, "1795522794.123");
    t = begin(64);
    access_text_time_syslog(&t, us, 0);
    expect(&t, "Nov 24 12:19:54");
    t = begin(64);
    access_text_time_syslog(&t, us - (int64_t)20 * 86400 * US_PER_S, 0);
    expect(&t, "Nov  4 12:19:54");
}

/* The C library agrees, whatever the day. */
Test(access_text, days_are_the_c_librarys)
{
    for (int64_t s = 0; s < 4102444800; s += 86400 * 29 + 3607) {
        struct access_text t = begin(64);
        char want[64];
        struct tm tm;
        time_t at = (time_t)s;

        gmtime_r(&at, &tm);
        strftime(want, sizeof(want), "%d/%b/%Y:%H:%M:%S +0000", &tm);
        access_text_time_clf(&t, s * US_PER_S, 0);
        expect(&t, want);
    }
}
