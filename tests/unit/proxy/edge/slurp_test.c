/* Mirrors proxy/edge/slurp.c. */
#include "proxy/edge/slurp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[64];

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");

    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void setup(void)
{
    snprintf(file, sizeof(file), "/tmp/slurp-test-%d", (int)getpid());
    unlink(file);
}

static void teardown(void)
{
    unlink(file);
}

TestSuite(slurp, .init = setup, .fini = teardown);

Test(slurp, a_file_is_read_whole_up_to_the_limit)
{
    struct slurp s;
    struct why w;

    write_file("12345");
    cr_assert_eq(slurp_file(file, 5, &s, &w), RC_OK);
    cr_expect_str_eq(s.text, "12345");
    cr_expect_eq(s.len, 5);
    free(s.text);
    cr_expect_eq(slurp_file(file, 4, &s, &w), RC_TOO_BIG);
    cr_expect(strstr(w.text, "more than 4 bytes") != NULL, "%s", w.text);
    cr_expect_null(s.text);
    write_file("");
    cr_assert_eq(slurp_file(file, 4, &s, &w), RC_OK);
    cr_expect_str_eq(s.text, "");
    free(s.text);
}

Test(slurp, what_cannot_be_read_is_named)
{
    struct slurp s;
    struct why w;

    cr_expect_eq(slurp_file(file, 4, &s, &w), RC_SYS);
    cr_expect(strstr(w.text, file) != NULL && strstr(w.text, "No such file") != NULL, "%s",
              w.text);
    cr_expect_eq(slurp_file("/tmp", 4, &s, &w), RC_SYS);
    cr_expect_str_eq(w.text, "/tmp: is no file");
}

Test(slurp, a_change_is_seen_and_a_file_that_went_is_none)
{
    struct slurp s;

    write_file("one");
    cr_assert_eq(slurp_file(file, 100, &s, NULL), RC_OK);
    free(s.text);
    cr_expect_not(slurp_changed(file, &s.mark));
    write_file("longer");
    cr_expect(slurp_changed(file, &s.mark));
    cr_expect_not(slurp_changed(file, &s.mark), "told already");
    unlink(file);
    cr_expect_not(slurp_changed(file, &s.mark));
}
