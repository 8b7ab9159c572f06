/* Mirrors the state machines of proxy/exchange.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

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

Test(exchange, a_head_that_grows_stays_the_same)
{
    static struct exchange x;
    char value[3000];

    memset(value, 'v', sizeof(value));
    x.head = (struct msg){.fields = x.fields,
                          .fields_room = EXCHANGE_INLINE_FIELDS,
                          .text = x.text,
                          .text_room = EXCHANGE_INLINE_TEXT};
    cr_assert(msg_add(&x.head, FIELD_HOST, NULL, "a", 1));
    for (int i = 0; i < 20; i++) {
        cr_assert(exchange_make_room(&x, 1, sizeof(value) + 10));
        cr_assert(msg_add(&x.head, FIELD_OTHER, "x", value, sizeof(value)));
    }
    cr_expect_eq(x.head.n_fields, 21);
    cr_expect_eq(*msg_value(&x.head, &x.head.fields[0]), 'a');
    for (int i = 1; i < 21; i++)
        cr_expect_eq(memcmp(msg_value(&x.head, &x.head.fields[i]), value, sizeof(value)),
                     0);
    free(x.head_mem);
}

/* What a codec sends of it has to fit into the text of a cork. */
Test(exchange, a_head_does_not_grow_without_end)
{
    static struct exchange x;
    char value[1000];
    int n = 0;

    memset(value, 'v', sizeof(value));
    x.head = (struct msg){.fields = x.fields,
                          .fields_room = EXCHANGE_INLINE_FIELDS,
                          .text = x.text,
                          .text_room = EXCHANGE_INLINE_TEXT};
    while (n < 1000 && exchange_make_room(&x, 1, sizeof(value) + 10)) {
        cr_assert(msg_add(&x.head, FIELD_OTHER, "x", value, sizeof(value)));
        n++;
    }
    cr_expect(n > 60 && n < 72, "%d", n);
    cr_expect_lt(x.head.text_len + 4u * x.head.n_fields + 600, CORK_TEXT);
    free(x.head_mem);
}
