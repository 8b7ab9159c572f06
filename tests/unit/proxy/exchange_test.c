/* Mirrors the state machines of proxy/exchange.c. */
#include <criterion/criterion.h>

#include "proxy/exchange.h"

Test(exchange, an_informational_answer_may_repeat_before_the_final_one)
{
    cr_expect(exchange_response_may(RESPONSE_NONE, RESPONSE_INFORMATIONAL));
    cr_expect(exchange_response_may(RESPONSE_INFORMATIONAL, RESPONSE_INFORMATIONAL));
    cr_expect(exchange_response_may(RESPONSE_INFORMATIONAL, RESPONSE_HEAD));
    cr_expect_not(exchange_response_may(RESPONSE_HEAD, RESPONSE_INFORMATIONAL));
}

Test(exchange, a_final_head_is_sent_once)
{
    cr_expect_not(exchange_response_may(RESPONSE_HEAD, RESPONSE_HEAD));
    cr_expect_not(exchange_response_may(RESPONSE_BODY, RESPONSE_HEAD));
}

Test(exchange, what_is_over_stays_over)
{
    for (int to = 0; to < N_RESPONSE_STATES; to++) {
        cr_expect_not(exchange_response_may(RESPONSE_DONE, (enum response_state)to));
        cr_expect_not(exchange_response_may(RESPONSE_RESET, (enum response_state)to));
    }
    for (int to = 0; to < N_REQUEST_STATES; to++)
        cr_expect_not(exchange_request_may(REQUEST_RESET, (enum request_state)to));
}

Test(exchange, only_a_tunnel_reopens_a_complete_request)
{
    cr_expect(exchange_request_may(REQUEST_DONE, REQUEST_BODY));
    cr_expect_not(exchange_request_may(REQUEST_DONE, REQUEST_HEAD));
    cr_expect_not(exchange_request_may(REQUEST_DONE, REQUEST_RESET));
}

Test(exchange, a_closed_attempt_can_be_followed_by_another)
{
    cr_expect(exchange_attempt_may(ATTEMPT_CLOSED, ATTEMPT_CONNECTING));
    cr_expect(exchange_attempt_may(ATTEMPT_CLOSED, ATTEMPT_QUEUED));
    cr_expect_not(exchange_attempt_may(ATTEMPT_ACTIVE, ATTEMPT_CONNECTING));
    cr_expect_not(exchange_attempt_may(ATTEMPT_ACTIVE, ATTEMPT_QUEUED));
}
