/* Mirrors app/progress.c. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/progress.h"

#define S US_PER_S

static const char *text_of(const struct progress_at *at, mono_us took)
{
    static char out[80];

    return progress_text(at, took, out, sizeof(out));
}

Test(progress, share_count_speed_and_damage_are_told)
{
    struct progress_at at = {"access.log", .425, 30000, 7};

    cr_expect_str_eq(text_of(&at, 2 * S),
                     " 42 %  30000 lines  15000 lines/s  7 damaged  access.log");
}

Test(progress, what_is_not_known_is_no_number)
{
    struct progress_at at = {"-", -1, 10, 0};

    cr_expect_str_eq(text_of(&at, S), "  ? %  10 lines  10 lines/s  0 damaged  -");
}

Test(progress, a_file_that_grows_meanwhile_is_all_read_and_no_more)
{
    struct progress_at at = {"log", 1.7, 10, 0};

    cr_expect_str_eq(text_of(&at, S), "100 %  10 lines  10 lines/s  0 damaged  log");
}

Test(progress, before_any_time_has_passed_there_is_a_speed_too)
{
    struct progress_at at = {"log", 0, 0, 0};

    cr_expect_str_eq(text_of(&at, 0), "  0 %  0 lines  0 lines/s  0 damaged  log");
}

Test(progress, a_name_does_not_command_the_terminal_and_is_cut)
{
    struct progress_at at = {"a\033[2J\n\177b", 0, 0, 0};
    char out[16];

    cr_expect_str_eq(text_of(&at, S), "  0 %  0 lines  0 lines/s  0 damaged  a?[2J??b");
    cr_expect_str_eq(progress_text(&at, S, out, sizeof(out)), "  0 %  0 lines ");
}

Test(progress, where_no_person_looks_nothing_is_drawn)
{
    struct progress_at at = {"log", 0, 0, 0};
    FILE *pipe_end;
    struct progress p;
    int ends[2];
    char c;

    cr_assert_eq(pipe(ends), 0);
    pipe_end = fdopen(ends[1], "w");
    cr_assert_not_null(pipe_end);
    progress_init(&p, pipe_end, S);
    cr_expect_not(progress_due(&p, 9 * S));
    progress_draw(&p, &at, 9 * S);
    progress_clear(&p);
    fclose(pipe_end);
    cr_expect_eq(read(ends[0], &c, 1), 0);
    close(ends[0]);
}

Test(progress, it_is_drawn_at_once_and_then_five_times_a_second)
{
    struct progress_at at = {"log", 0, 0, 0};
    char *text = NULL;
    size_t n = 0;
    struct progress p = {.to = open_memstream(&text, &n), .began = S};

    cr_expect(progress_due(&p, S));
    progress_draw(&p, &at, S);
    cr_expect_not(progress_due(&p, S + S / 5 - 1));
    cr_expect(progress_due(&p, S + S / 5));
    progress_clear(&p);
    fclose(p.to);
    cr_expect_str_eq(text, "\r\033[K  0 %  0 lines  0 lines/s  0 damaged  log\r\033[K");
    free(text);
}
