#include "base/logread.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMBINED                                                                           \
    "192.0.2.7 - alice [10/Oct/2000:13:55:36 -0700] \"GET /a/b?q=1 HTTP/1.1\" 200 2326 "   \
    "\"http://example.com/\" \"Mozilla/5.0 (X11; \\\"q\\\") x\""

#define JSON                                                                               \
    "{\"time\":\"2026-11-24T12:19:54.123456Z\",\"client\":\"192.0.2.7\",\"method\":"       \
    "\"GET\","                                                                             \
    "\"host\":\"www.example\",\"path\":\"/a/"                                              \
    "b\",\"query\":\"q=1\",\"status\":200,\"bytes_out\":"                                  \
    "2326,\"total_ms\":30.250,\"user\":\"00000000000000ff\",\"user_agent\":\"a "           \
    "\\\"b\\u00e9\"}"

static enum logread_verdict parse(enum logread_format f, const char *line,
                                  struct logread_line *out)
{
    struct logread lr;

    logread_init(&lr, f);
    return logread_parse(&lr, line, strlen(line), out);
}

static void expect_text(struct logread_text got, const char *want)
{
    cr_expect(got.len == strlen(want) &&
                  (got.len == 0 || memcmp(got.p, want, got.len) == 0),
              "%.*s, not %s", (int)got.len, got.len > 0 ? got.p : "", want);
}

Test(logread, a_combined_line_is_read_in_full)
{
    struct logread_line l;

    cr_assert_eq(parse(LOGREAD_COMBINED, COMBINED, &l), LOGREAD_LINE);
    cr_expect_eq(l.at, 971211336000);
    expect_text(l.addr, "192.0.2.7");
    expect_text(l.user, "alice");
    expect_text(l.path, "/a/b");
    expect_text(l.host, "");
    expect_text(l.agent, "Mozilla/5.0 (X11; \\\"q\\\") x");
    cr_expect_eq(l.method, OBS_GET);
    cr_expect_eq(l.status, 200);
    cr_expect_eq(l.bytes, 2326);
}

Test(logread, a_common_line_has_no_agent)
{
    struct logread_line l;

    cr_assert_eq(
        parse(LOGREAD_COMMON,
              "host.example - - [01/Jan/1970:00:00:01 +0000] \"POST / HTTP/1.0\" 404 -",
              &l),
        LOGREAD_LINE);
    cr_expect_eq(l.at, 1000);
    expect_text(l.user, "");
    expect_text(l.agent, "");
    cr_expect_eq(l.method, OBS_POST);
    cr_expect_eq(l.bytes, 0);
}

Test(logread, a_tab_separated_line_has_the_usual_columns)
{
    struct logread_line l;

    cr_assert_eq(
        parse(LOGREAD_TSV, "807256800.25\tu1\tGET\t/x?y\t200\t17\tagent \"x\"", &l),
        LOGREAD_LINE);
    cr_expect_eq(l.at, 807256800250);
    expect_text(l.user, "u1");
    expect_text(l.path, "/x");
    expect_text(l.agent, "agent \"x\"");
    cr_expect_eq(l.bytes, 17);
}

Test(logread, a_header_names_the_columns)
{
    const char *header = "path\tuser_id\tother\tservice_us\tepoch_seconds\thost";
    const char *line = "/p\t-\tz\t1500\t12\twww.example";
    struct logread_line l;
    struct logread lr;

    logread_init(&lr, LOGREAD_AUTO);
    cr_assert_eq(logread_parse(&lr, header, strlen(header), &l), LOGREAD_NOTHING);
    cr_expect_eq(lr.format, LOGREAD_TSV);
    cr_assert_eq(logread_parse(&lr, line, strlen(line), &l), LOGREAD_LINE);
    cr_expect_eq(l.at, 12000);
    cr_expect_eq(l.latency_us, 1500);
    expect_text(l.user, "");
    expect_text(l.host, "www.example");
    cr_expect_eq(l.status, 0);
}

Test(logread, the_format_is_found_by_itself)
{
    static const struct {
        const char *line;
        enum logread_format want;
    } cases[] = {
        {COMBINED, LOGREAD_COMBINED},
        {"h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1", LOGREAD_COMMON},
        {"5\tu\tGET\t/\t200\t1\t-", LOGREAD_TSV},
        {"nonsense", LOGREAD_AUTO},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logread_line l;
        struct logread lr;

        logread_init(&lr, LOGREAD_AUTO);
        logread_parse(&lr, cases[i].line, strlen(cases[i].line), &l);
        cr_expect_eq(lr.format, cases[i].want, "%s", cases[i].line);
    }
}

Test(logread, time_zones_and_leap_days_are_kept)
{
    static const struct {
        const char *time;
        wall_ms want;
    } cases[] = {
        {"29/Feb/2000:00:00:00 +0000", 951782400000},
        {"01/Mar/2000:00:00:00 +0000", 951868800000},
        {"01/Mar/2000:05:30:00 +0530", 951868800000},
        {"31/Dec/2024:23:59:59 +0000", 1735689599000},
        {"28/Feb/2100:12:00:00 +0000", 4107499200000},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logread_line l;
        char line[128];

        snprintf(line, sizeof(line), "h - - [%s] \"GET / HTTP/1.1\" 200 1", cases[i].time);
        cr_assert_eq(parse(LOGREAD_COMMON, line, &l), LOGREAD_LINE, "%s", line);
        cr_expect_eq(l.at, cases[i].want, "%s: %lld", line, (long long)l.at);
    }
}

Test(logread, an_absolute_target_gives_the_host)
{
    struct logread_line l;

    cr_assert_eq(parse(LOGREAD_TSV, "1\tu\tGET\thttp://www.example:80/a?b\t200\t1\t-", &l),
                 LOGREAD_LINE);
    expect_text(l.host, "www.example:80");
    expect_text(l.path, "/a");
}

Test(logread, a_target_with_a_space_is_kept_whole)
{
    struct logread_line l;

    cr_assert_eq(parse(LOGREAD_COMMON,
                       "h - - [10/Oct/2000:13:55:36 -0700] \"GET /a b HTTP/1.0\" 200 1",
                       &l),
                 LOGREAD_LINE);
    expect_text(l.path, "/a b");
}

Test(logread, empty_lines_and_comments_are_nothing)
{
    struct logread_line l;

    cr_expect_eq(parse(LOGREAD_AUTO, "", &l), LOGREAD_NOTHING);
    cr_expect_eq(parse(LOGREAD_AUTO, "\r", &l), LOGREAD_NOTHING);
    cr_expect_eq(parse(LOGREAD_COMMON, "# hello", &l), LOGREAD_NOTHING);
}

Test(logread, damaged_lines_are_told_apart)
{
    static const struct {
        enum logread_format f;
        const char *line;
    } cases[] = {
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\""},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"GET /"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"\\x16\\x03\" 400 1"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"-\" 408 1"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 99 1"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 x"},
        {LOGREAD_COMMON, "h - - [10/Okt/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000:24:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMMON, "h - - [10/Oct/2000 13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMMON, "h [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMMON, " - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMBINED, "h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"},
        {LOGREAD_COMBINED,
         "h - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1 \"-\" \"cut"},
        {LOGREAD_TSV, "5\tu\tGET\t/\t200\t1"},
        {LOGREAD_TSV, "5x\tu\tGET\t/\t200\t1\t-"},
        {LOGREAD_TSV, "5\tu\t\t/\t200\t1\t-"},
        {LOGREAD_TSV, "5\tu\tGET\t\t200\t1\t-"},
        {LOGREAD_TSV, "5\tu\tGET\tno-slash\t200\t1\t-"},
        {LOGREAD_TSV, "5\tu\tGET\t/\t2000\t1\t-"},
        {LOGREAD_TSV, "99999999999999999999\tu\tGET\t/\t200\t1\t-"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logread_line l;

        cr_expect_eq(parse(cases[i].f, cases[i].line, &l), LOGREAD_DAMAGED, "%s",
                     cases[i].line);
    }
}

/* The line ends at a page that may not be read, and is cut at every place. */
Test(logread, no_byte_beyond_the_line_is_read)
{
    static const char *const lines[] = {
        COMBINED, JSON, "807256800.25\tu1\tGET\thttp://h/x?y\t200\t17\tagent",
        "epoch_seconds\tuser_id\tmethod\tpath\tstatus\tbytes\tuser_agent\thost\tservice_"
        "us"};
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_eq(mprotect(map + page, page, PROT_NONE), 0);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        for (size_t cut = 0; cut <= strlen(lines[i]); cut++)
            for (int f = LOGREAD_AUTO; f <= LOGREAD_JSON; f++) {
                struct logread_line l;
                struct logread lr;

                memcpy(map + page - cut, lines[i], cut);
                logread_init(&lr, (enum logread_format)f);
                logread_parse(&lr, map + page - cut, cut, &l);
                logread_fini(&lr);
            }
    munmap(map, 2 * page);
}

Test(logread, a_json_line_is_read_in_full)
{
    struct logread_line l;
    struct logread lr;

    logread_init(&lr, LOGREAD_AUTO);
    cr_assert_eq(logread_parse(&lr, JSON, strlen(JSON), &l), LOGREAD_LINE);
    cr_expect_eq(lr.format, LOGREAD_JSON);
    cr_expect_eq(l.at, 1795522794123);
    expect_text(l.addr, "192.0.2.7");
    expect_text(l.host, "www.example");
    expect_text(l.path, "/a/b");
    expect_text(l.agent, "a \"b\xc3\xa9");
    cr_expect_eq(l.key, 255u);
    cr_expect_eq(l.method, OBS_GET);
    cr_expect_eq(l.status, 200);
    cr_expect_eq(l.bytes, 2326u);
    cr_expect_eq(l.latency_us, 30250u);
    logread_fini(&lr);
}

Test(logread, json_times_have_fractions_and_zones)
{
    static const struct {
        const char *time;
        wall_ms at;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:01.5Z", 1500},
        {"1970-01-01T00:00:01.1239Z", 1123},
        {"1970-01-01T01:00:00+01:00", 0},
        {"1970-01-01T00:00:00-07:30", 27000000},
        {"1970-01-01T00:00:00", -1},
        {"1970-01-01T00:00:00z", -1},
        {"1970-01-01 00:00:00Z", -1},
        {"1970-13-01T00:00:00Z", -1},
        {"1970-01-01T24:00:00Z", -1},
        {"1970-01-01T00:00:00+0100", -1},
        {"1970-01-01T00:00:00Zx", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[200];
        struct logread_line l;
        struct logread lr;
        enum logread_verdict v;

        snprintf(line, sizeof(line), "{\"time\":\"%s\",\"method\":\"GET\",\"path\":\"/\"}",
                 cases[i].time);
        logread_init(&lr, LOGREAD_JSON);
        v = logread_parse(&lr, line, strlen(line), &l);
        cr_expect_eq(v, cases[i].at >= 0 ? LOGREAD_LINE : LOGREAD_DAMAGED, "%s", line);
        if (v == LOGREAD_LINE)
            cr_expect_eq(l.at, cases[i].at, "%s", line);
        logread_fini(&lr);
    }
}

Test(logread, json_without_a_request_is_nothing_and_nonsense_is_damaged)
{
#define TIME "{\"time\":\"2026-11-24T12:19:54Z\","
    static const struct {
        const char *line;
        enum logread_verdict v;
    } cases[] = {
        {TIME "\"method\":null,\"path\":null,\"request\":\"a\\u0000b\"}", LOGREAD_NOTHING},
        {TIME "\"method\":\"GET\",\"path\":\"/\"}", LOGREAD_LINE},
        {TIME "\"method\":\"GET\",\"path\":\"/\",\"user\":7,\"status\":\"x\"}",
         LOGREAD_LINE},
        {TIME "\"method\":\"GET\",\"path\":\"nothing\"}", LOGREAD_DAMAGED},
        {TIME "\"method\":\"G T\",\"path\":\"/\"}", LOGREAD_DAMAGED},
        {TIME "\"method\":\"GET\",\"path\":\"/\",\"status\":9}", LOGREAD_DAMAGED},
        {TIME "\"method\":\"GET\",\"path\":\"/\"", LOGREAD_DAMAGED},
        {"[1]", LOGREAD_DAMAGED},
        {"\"text\"", LOGREAD_DAMAGED},
        {"{}", LOGREAD_DAMAGED},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logread_line l;
        struct logread lr;

        logread_init(&lr, LOGREAD_JSON);
        cr_expect_eq(logread_parse(&lr, cases[i].line, strlen(cases[i].line), &l),
                     cases[i].v, "%s", cases[i].line);
        logread_fini(&lr);
    }
}

Test(logread, only_a_whole_key_is_one)
{
    static const struct {
        const char *user;
        uint64_t key;
    } cases[] = {{"0123456789abcdef", 0x0123456789abcdef},
                 {"0123456789ABCDEF", 0},
                 {"0123456789abcde", 0},
                 {"0123456789abcdef0", 0},
                 {"alice", 0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logread_line l;
        struct logread lr;
        char line[200];

        snprintf(line, sizeof(line),
                 TIME "\"method\":\"GET\",\"path\":\"/\",\"user\":\"%s\"}", cases[i].user);
        logread_init(&lr, LOGREAD_JSON);
        cr_assert_eq(logread_parse(&lr, line, strlen(line), &l), LOGREAD_LINE);
        cr_expect_eq(l.key, cases[i].key, "%s", line);
        logread_fini(&lr);
    }
}
