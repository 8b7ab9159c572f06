#include "profiler/session.h"

#include <criterion/criterion.h>

Test(session, a_pause_longer_than_the_gap_ends_it)
{
    struct session s = {0};

    cr_expect(session_is_over(&s, 1000, 30), "none has begun");
    session_begin(&s, 1000);
    session_add(&s, 1000, 5);
    cr_expect_not(session_is_over(&s, 1030, 30));
    cr_expect(session_is_over(&s, 1031, 30));
    session_add(&s, 1030, 6);
    cr_expect_not(session_is_over(&s, 1060, 30));
    cr_expect_eq(s.requests, 2);
    cr_expect_eq(s.start_s, 1000);
}

Test(session, a_late_request_does_not_turn_time_back)
{
    struct session s = {0};

    session_begin(&s, 1000);
    session_add(&s, 1000, 5);
    cr_expect_not(session_is_over(&s, 10, 30));
    session_add(&s, 10, 6);
    cr_expect_eq(s.last_s, 1000);
    cr_expect_eq(s.requests, 2);
}

Test(session, the_history_begins_with_the_start_and_keeps_the_last_tokens)
{
    struct session s = {0};

    session_begin(&s, 1);
    session_add(&s, 1, 5);
    cr_expect(s.n_history == 2 && s.history[0] == 0 && s.history[1] == 5);
    session_add(&s, 2, 6);
    session_add(&s, 3, 7);
    cr_expect(s.n_history == 3 && s.history[0] == 5 && s.history[2] == 7);
}
