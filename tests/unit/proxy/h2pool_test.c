#include "proxy/h2pool.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "proxy/worker.h"

static struct worker w;
static struct h2pool *pool;
static struct h2pool_pages pages;
static nghttp2_session *session;

static void begin(void)
{
    nghttp2_session_callbacks *none;

    pool = h2pool_of(&w);
    nghttp2_session_callbacks_new(&none);
    pages = (struct h2pool_pages){0};
    pool->making = &pages;
    cr_assert(nghttp2_session_client_new3(&session, none, NULL, NULL, &pool->mem) == 0);
    pool->making = NULL;
    nghttp2_session_callbacks_del(none);
}

static void end(void)
{
    nghttp2_session_del(session);
    h2pool_end(pool, &pages);
    for (int i = 0; i < N_H2POOL_PAGES; i++)
        cr_expect_null(pages.at[i]);
    h2pool_free(pool);
    w.h2 = NULL;
}

/* Bytes that it has to send. */
static size_t sends(void)
{
    const uint8_t *p;
    ssize_t n;
    size_t all = 0;

    while ((n = nghttp2_session_mem_send(session, &p)) > 0)
        all += (size_t)n;
    cr_assert_eq(n, 0);
    return all;
}

static void ask(void)
{
    nghttp2_nv nv[] = {
        {(uint8_t *)":method", (uint8_t *)"GET", 7, 3, 0},
        {(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
        {(uint8_t *)":path", (uint8_t *)"/a/path/that/is/not/in/any/table", 5, 32, 0},
        {(uint8_t *)"x-field", (uint8_t *)"a value that is remembered", 7, 26, 0}};

    cr_assert(nghttp2_submit_request(session, NULL, nv, 4, NULL, NULL) > 0);
}

static size_t resident(const void *at, size_t bytes)
{
    unsigned char in[16];
    size_t n = 0;

    cr_assert(mincore((void *)(uintptr_t)at, bytes, in) == 0);
    for (size_t i = 0; i < bytes / 4096; i++)
        n += in[i] & 1;
    return n;
}

Test(h2pool, a_session_goes_on_after_its_rest)
{
    uint8_t before[H2POOL_SESSION_BYTES];
    size_t first, second;

    begin();
    cr_assert_not_null(pages.at[H2POOL_SESSION]);
    ask();
    first = sends();
    memcpy(before, pages.at[H2POOL_SESSION], sizeof(before));
    cr_expect_eq(resident(pages.at[H2POOL_SESSION], H2POOL_SESSION_BYTES), 2);
    h2pool_rest(&pages);
    h2pool_rest(&pages);
    cr_expect_eq(resident(pages.at[H2POOL_SESSION], H2POOL_SESSION_BYTES), 0);
    cr_expect_eq(resident(pages.at[H2POOL_FRAMES], H2POOL_FRAMES_BYTES), 0);
    h2pool_rouse(&pages);
    h2pool_rouse(&pages);
    cr_expect_arr_eq(pages.at[H2POOL_SESSION], before, sizeof(before));
    ask();
    second = sends();
    cr_expect(second > 0 && second < first / 2, "%zu, %zu: the table is lost", first,
              second);
    end();
}

Test(h2pool, a_session_may_end_at_rest)
{
    begin();
    ask();
    sends();
    h2pool_rest(&pages);
    cr_expect_not_null(pages.packed);
    h2pool_rouse(&pages);
    end();
}

/* More than one run of pages holds; what went back is used again, empty. */
Test(h2pool, pages_are_used_again)
{
    enum { N = 150 };
    static struct h2pool_pages many[N];
    static nghttp2_session *s[N];

    begin();
    for (int i = 0; i < N; i++) {
        nghttp2_session_callbacks *none;

        nghttp2_session_callbacks_new(&none);
        pool->making = &many[i];
        cr_assert(nghttp2_session_client_new3(&s[i], none, NULL, NULL, &pool->mem) == 0);
        pool->making = NULL;
        nghttp2_session_callbacks_del(none);
    }
    for (int i = 0; i < N; i++) {
        nghttp2_session_del(s[i]);
        h2pool_end(pool, &many[i]);
    }
    nghttp2_session_del(session);
    h2pool_end(pool, &pages);
    begin();
    ask();
    cr_expect(sends() > 0);
    end();
}
