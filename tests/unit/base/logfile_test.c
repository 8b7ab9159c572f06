#include "base/logfile.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];

static void setup(void)
{
    int fd;

    snprintf(path, sizeof(path), "/tmp/logfile_test.XXXXXX");
    fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
}

static void teardown(void)
{
    unlink(path);
}

static void write_file(const char *text, size_t len, const char *mode)
{
    gzFile f = gzopen(path, mode);

    cr_assert_not_null(f);
    cr_assert_eq(gzwrite(f, text, (unsigned)len), (int)len);
    cr_assert_eq(gzclose(f), Z_OK);
}

/* All lines joined by '|'. */
static void expect_lines(const char *want)
{
    char got[256] = "";
    struct logfile *f;
    const char *line;
    struct why w;
    size_t len;

    cr_assert_eq(logfile_open(path, &f, &w), RC_OK, "%s", w.text);
    while (logfile_next(f, &line, &len)) {
        strncat(got, line, len);
        strncat(got, "|", 2);
    }
    cr_expect_str_eq(got, want);
    cr_expect(logfile_ok(f, &w));
    logfile_close(f);
}

Test(logfile, plain_lines_come_one_by_one, .init = setup, .fini = teardown)
{
    write_file("one\n\ntwo\nlast", 13, "wT");
    expect_lines("one||two|last|");
}

Test(logfile, gzip_is_known_by_its_content, .init = setup, .fini = teardown)
{
    write_file("one\ntwo\n", 8, "w");
    expect_lines("one|two|");
}

Test(logfile, a_line_that_is_too_long_is_skipped_and_counted, .init = setup,
     .fini = teardown)
{
    size_t long_len = 700000, len = 0;
    char *text = malloc(long_len + 100);
    struct logfile *f;
    const char *line;
    size_t n;

    memcpy(text, "a\n", 2);
    memset(text + 2, 'x', long_len);
    memcpy(text + 2 + long_len, "\nb\n", 3);
    len = 2 + long_len + 3;
    write_file(text, len, "wT");
    cr_assert_eq(logfile_open(path, &f, NULL), RC_OK);
    cr_assert(logfile_next(f, &line, &n) && n == 1 && line[0] == 'a');
    cr_assert(logfile_next(f, &line, &n) && n == 1 && line[0] == 'b');
    cr_expect_not(logfile_next(f, &line, &n));
    cr_expect_eq(logfile_skipped(f), 1);
    logfile_close(f);
    free(text);
}

Test(logfile, the_longest_line_is_still_read, .init = setup, .fini = teardown)
{
    char *text = malloc(3 * (LOGFILE_LINE_MAX + 1));
    struct logfile *f;
    const char *line;
    size_t n;

    memset(text, 'x', 3 * (LOGFILE_LINE_MAX + 1));
    for (size_t i = 1; i <= 3; i++)
        text[i * (LOGFILE_LINE_MAX + 1) - 1] = '\n';
    write_file(text, 3 * (LOGFILE_LINE_MAX + 1), "wT");
    cr_assert_eq(logfile_open(path, &f, NULL), RC_OK);
    for (int i = 0; i < 3; i++)
        cr_expect(logfile_next(f, &line, &n) && n == LOGFILE_LINE_MAX);
    cr_expect_not(logfile_next(f, &line, &n));
    cr_expect_eq(logfile_skipped(f), 0);
    logfile_close(f);
    free(text);
}

Test(logfile, a_truncated_gzip_file_gives_its_lines_and_says_so, .init = setup,
     .fini = teardown)
{
    struct logfile *f;
    const char *line;
    char text[4000];
    struct stat st;
    struct why w;
    size_t n;

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 40 == 39 ? '\n' : (char)('a' + i * i % 23);
    write_file(text, sizeof(text), "w");
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(truncate(path, st.st_size / 2), 0);
    cr_assert_eq(logfile_open(path, &f, NULL), RC_OK);
    while (logfile_next(f, &line, &n))
        ;
    cr_expect_not(logfile_ok(f, &w));
    logfile_close(f);
}

Test(logfile, a_missing_file_and_a_directory_are_reported)
{
    struct logfile *f;
    struct why w;

    cr_expect_eq(logfile_open("/nonexistent/log", &f, &w), RC_SYS);
    cr_expect_null(f);
    cr_expect_eq(logfile_open("/tmp", &f, &w), RC_SYS);
    cr_expect_null(f);
}
