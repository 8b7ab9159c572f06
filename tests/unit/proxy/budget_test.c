#include <criterion/criterion.h>
#include <pthread.h>

#include "proxy/budget.h"

static int spend_all(_Atomic int64_t *tokens)
{
    int n = 0;

    while (budget_retry(tokens))
        n++;
    return n;
}

Test(budget, ten_retries_are_there_from_the_start)
{
    _Atomic int64_t tokens;

    budget_init(&tokens);
    cr_assert_eq(spend_all(&tokens), 10);
}

Test(budget, twenty_percent_allow_twenty_retries_per_hundred_requests)
{
    _Atomic int64_t tokens;
    int retries = 0;

    budget_init(&tokens);
    spend_all(&tokens);
    for (int i = 0; i < 100; i++) {
        budget_request(&tokens, 0.2);
        retries += budget_retry(&tokens);
    }
    cr_assert_eq(retries, 20);
}

Test(budget, a_part_of_a_retry_is_none)
{
    _Atomic int64_t tokens;

    budget_init(&tokens);
    spend_all(&tokens);
    for (int i = 0; i < 4; i++)
        budget_request(&tokens, 0.2);
    cr_assert_not(budget_retry(&tokens));
    budget_request(&tokens, 0.2);
    cr_assert(budget_retry(&tokens));
}

Test(budget, a_quiet_day_does_not_pay_for_a_storm)
{
    _Atomic int64_t tokens;

    budget_init(&tokens);
    for (int i = 0; i < 1000000; i++)
        budget_request(&tokens, 0.2);
    cr_assert_eq(spend_all(&tokens), 1000);
}

static void *spend_in_thread(void *tokens)
{
    return (void *)(intptr_t)spend_all(tokens);
}

Test(budget, workers_together_spend_what_there_is)
{
    _Atomic int64_t tokens;
    pthread_t threads[4];
    intptr_t total = 0;

    budget_init(&tokens);
    for (int i = 0; i < 5000; i++)
        budget_request(&tokens, 0.2);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, spend_in_thread, &tokens);
    for (int i = 0; i < 4; i++) {
        void *n;

        pthread_join(threads[i], &n);
        total += (intptr_t)n;
    }
    cr_assert_eq(total, 1000);
}
