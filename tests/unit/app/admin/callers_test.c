#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/admin/callers.h"

static struct callers callers;
static int ours[CALLERS_MAX + 1], theirs[CALLERS_MAX + 1];

static void setup(void)
{
    callers = (struct callers){0};
    for (int i = 0; i <= CALLERS_MAX; i++) {
        int pair[2];

        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        ours[i] = pair[0];
        theirs[i] = pair[1];
    }
}

TestSuite(callers, .init = setup);

static bool ended(int i)
{
    char byte;

    return recv(theirs[i], &byte, 1, 0) == 0;
}

static void add(int from, int to)
{
    for (int i = from; i < to; i++)
        callers_add(&callers, ours[i]);
}

Test(callers, as_many_as_are_allowed_stay)
{
    add(0, CALLERS_MAX);
    for (int i = 0; i < CALLERS_MAX; i++)
        cr_expect_not(ended(i), "%d", i);
}

Test(callers, for_one_more_the_oldest_goes)
{
    add(0, CALLERS_MAX + 1);
    cr_expect(ended(0));
    for (int i = 1; i <= CALLERS_MAX; i++)
        cr_expect_not(ended(i), "%d", i);
}

Test(callers, one_that_was_closed_makes_room)
{
    add(0, CALLERS_MAX);
    close(ours[5]);
    add(CALLERS_MAX, CALLERS_MAX + 1);
    cr_expect_not(ended(0));
    cr_expect_not(ended(CALLERS_MAX));
}

Test(callers, what_has_a_callers_number_by_now_is_left_alone)
{
    int pair[2];

    add(0, CALLERS_MAX);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    dup2(pair[0], ours[0]); /* the number goes on, the connection does not */
    theirs[0] = pair[1];
    close(pair[0]);
    add(CALLERS_MAX, CALLERS_MAX + 1); /* takes the place of the one that is gone */
    callers_add(&callers, ours[0]);    /* and now the second one is the oldest */
    cr_expect_not(ended(0));
    cr_expect(ended(1));
    cr_expect_not(ended(2));
}
