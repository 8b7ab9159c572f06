/* Mirrors base/metrics.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/metrics.h"

static struct metrics out;

static void fini(void)
{
    free(out.text);
    out = (struct metrics){0};
}

TestSuite(metrics, .fini = fini);

static void expect(const char *want)
{
    cr_expect_eq(out.len, strlen(want));
    cr_expect(strncmp(out.text, want, out.len) == 0, "got:\n%.*s\nwant:\n%s", (int)out.len,
              out.text, want);
}

Test(metrics, a_family_says_what_it_is_and_of_which_type)
{
    metrics_family(&out, "a_total", METRICS_COUNTER, "What it counts");
    metrics_family(&out, "b", METRICS_GAUGE, "");
    metrics_family(&out, "c_seconds", METRICS_HISTOGRAM, "x");
    expect("# HELP a_total What it counts\n# TYPE a_total counter\n"
           "# HELP b \n# TYPE b gauge\n"
           "# HELP c_seconds x\n# TYPE c_seconds histogram\n");
}

Test(metrics, help_escapes_backslash_and_newline_but_no_quote)
{
    metrics_family(&out, "a", METRICS_GAUGE, "one\\two\n\"three\"");
    expect("# HELP a one\\\\two\\n\"three\"\n# TYPE a gauge\n");
}

Test(metrics, label_values_escape_backslash_newline_and_quote)
{
    struct metrics_labels l = {.n = 0};

    metrics_label_add(&l, "a", "x\\y\nz\"");
    metrics_label_add(&l, "b", "");
    metrics_sample(&out, "m", &l, 1);
    expect("m{a=\"x\\\\y\\nz\\\"\",b=\"\"} 1\n");
}

Test(metrics, a_value_is_written_as_prometheus_reads_it)
{
    static const struct {
        double v;
        const char *text;
    } cases[] = {
        {0, "m 0\n"},
        {-1, "m -1\n"},
        {0.25, "m 0.25\n"},
        {1795496906.5, "m 1795496906.5\n"},
        {9007199254740992.0, "m 9007199254740992\n"},
        {1e300, "m 1e+300\n"},
        {NAN, "m NaN\n"},
        {INFINITY, "m +Inf\n"},
        {-INFINITY, "m -Inf\n"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        metrics_sample(&out, "m", &(struct metrics_labels){.n = 0}, cases[i].v);
        expect(cases[i].text);
        fini();
    }
}

Test(metrics, the_buckets_of_a_histogram_add_up)
{
    struct metrics_labels l = {.n = 0};
    struct hist_view h = {.sum_us = 12500000};

    h.n[0] = 1;                /* up to 0.5 ms */
    h.n[2] = 2;                /* up to 2.5 ms */
    h.n[HIST_BUCKETS - 2] = 3; /* up to 10 s */
    h.n[HIST_BUCKETS - 1] = 4; /* beyond */
    metrics_label_add(&l, "t", "x");
    metrics_hist(&out, "m", &l, &h);
    expect("m_bucket{t=\"x\",le=\"0.0005\"} 1\n"
           "m_bucket{t=\"x\",le=\"0.001\"} 1\n"
           "m_bucket{t=\"x\",le=\"0.0025\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.005\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.01\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.025\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.05\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.1\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.25\"} 3\n"
           "m_bucket{t=\"x\",le=\"0.5\"} 3\n"
           "m_bucket{t=\"x\",le=\"1\"} 3\n"
           "m_bucket{t=\"x\",le=\"2.5\"} 3\n"
           "m_bucket{t=\"x\",le=\"5\"} 3\n"
           "m_bucket{t=\"x\",le=\"10\"} 6\n"
           "m_bucket{t=\"x\",le=\"+Inf\"} 10\n"
           "m_sum{t=\"x\"} 12.5\n"
           "m_count{t=\"x\"} 10\n");
}

Test(metrics, text_of_any_length_fits)
{
    struct metrics_labels l = {.n = 0};
    size_t line = strlen("m{a=\"\"} 1\n") + 50;
    char value[51];

    memset(value, 'v', 50);
    value[50] = 0;
    metrics_label_add(&l, "a", value);
    for (int i = 0; i < 2000; i++)
        metrics_sample(&out, "m", &l, 1);
    cr_expect_eq(out.len, 2000 * line);
    for (size_t i = 0; i < 2000; i++)
        cr_assert(memcmp(out.text, out.text + i * line, line) == 0);
}
