/*
 * h1_bench.c - what a request costs in the HTTP/1 codecs, without sockets.
 *
 * One JSON line for each: name, how often it ran, nanoseconds a run.  The time is
 * the best of many short rounds: on a machine that others use too, the best is the
 * one that was not interrupted.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/h1/chunk.h"
#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"
#include "proxy/hop.h"
#include "proxy/uri.h"

#define ROUNDS      200
#define RUNS        2000 /* a round */
#define FIELDS_ROOM 100

static const char request_head[] =
    "GET /catalogue/product/8813?from=search&page=2 HTTP/1.1\r\n"
    "Host: shop.example\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Referer: http://shop.example/search\r\n"
    "Cookie: session=8f2b6c0d4e1a97; theme=dark\r\n"
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "X-Tab: 17\r\n"
    "\r\n";

static const char response_head[] = "HTTP/1.1 200 OK\r\n"
                                    "Server: app\r\n"
                                    "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
                                    "Content-Type: text/html; charset=utf-8\r\n"
                                    "Content-Length: 5120\r\n"
                                    "Cache-Control: private\r\n"
                                    "Connection: keep-alive\r\n"
                                    "\r\n";

static const struct head_limits limits = {
    .max_head_bytes = 32768, .max_target_bytes = 8192, .max_fields = FIELDS_ROOM};

static struct field in_fields[FIELDS_ROOM], own_fields[FIELDS_ROOM];
static char in[4096], own[4096], out[4096];
static uint8_t chunks[16 * 1034 + 8];
static size_t chunks_len;
static struct addr_block trusted;
static struct sockaddr_in peer;

static struct msg parsed = {.fields = in_fields, .fields_room = FIELDS_ROOM};
static struct msg copy = {.text = own,
                          .text_room = sizeof(own),
                          .fields = own_fields,
                          .fields_room = FIELDS_ROOM};
static struct msg ready; /* parsed, copied and passed through hop */
static struct field ready_fields[FIELDS_ROOM];
static char ready_text[4096];

static void check(bool good)
{
    if (!good)
        abort();
}

static void parse_request(void)
{
    struct head_fault fault;
    size_t seen = 0;

    check(head_request(in, sizeof(request_head) - 1, &seen, &limits, &parsed, &fault) ==
          HEAD_DONE);
}

static void copy_head(void)
{
    msg_copy(&copy, &parsed);
}

static void copy_and_hop(void)
{
    const struct hop_request h = {.peer = (const struct sockaddr *)&peer,
                                  .trusted = &trusted,
                                  .n_trusted = 1,
                                  .scheme = "http",
                                  .port = 8080,
                                  .via = "tidegate",
                                  .request_id = "0123456789abcdef0123456789abcdef"};

    msg_copy(&copy, &parsed);
    check(hop_request(&copy, &h));
}

static void emit_head(void)
{
    check(emit_request(&ready, "own", out, sizeof(out)) > 0);
}

static void whole_request(void)
{
    parse_request();
    copy_and_hop();
    check(emit_request(&copy, "own", out, sizeof(out)) > 0);
}

static void response(void)
{
    struct head_fault fault;
    size_t seen = 0;
    struct msg m = {
        .fields = in_fields, .fields_room = FIELDS_ROOM, .method_id = METHOD_GET};

    check(head_response(in + 2048, sizeof(response_head) - 1, &seen, &limits, &m, &fault) ==
          HEAD_DONE);
    check(hop_response(&m));
    check(emit_response(&m, (struct emit_to){.version = HTTP_11}, out, sizeof(out)) > 0);
}

static void normal_path(void)
{
    check(uri_normal_path("/catalogue/product/8813?from=search", 35, out, sizeof(out)) ==
          23);
}

static void decode(bool framed)
{
    struct chunk c = {.framed = framed};
    const uint8_t *at = chunks, *p;
    size_t left = chunks_len, used, n;
    enum chunk_verdict v;

    do {
        v = chunk_next(&c, at, left, &used, &p, &n);
        at += used;
        left -= used;
    } while (v == CHUNK_DATA);
    check(v == CHUNK_END);
}

static void chunks_framed(void)
{
    decode(true);
}

static void chunks_apart(void)
{
    decode(false);
}

static void set_up(void)
{
    memcpy(in, request_head, sizeof(request_head));
    memcpy(in + 2048, response_head, sizeof(response_head));
    for (int i = 0; i < 16; i++) {
        memcpy(chunks + chunks_len, "400\r\n", 5);
        memset(chunks + chunks_len + 5, 'x', 1024);
        memcpy(chunks + chunks_len + 1029, "\r\n", 2);
        chunks_len += 1031;
    }
    memcpy(chunks + chunks_len, "0\r\n", 3);
    chunks_len += 3;
    check(addr_block_parse("10.0.0.0/8", &trusted, NULL) == RC_OK);
    peer.sin_family = AF_INET;
    check(inet_pton(AF_INET, "192.0.2.17", &peer.sin_addr) == 1);
    parse_request();
    copy_and_hop();
    ready.text = ready_text;
    ready.text_room = sizeof(ready_text);
    ready.fields = ready_fields;
    ready.fields_room = FIELDS_ROOM;
    msg_copy(&ready, &copy);
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(const char *name, void (*run)(void))
{
    double best = 1e18;

    for (int i = 0; i < ROUNDS; i++) {
        double start = now_ns(), took;

        for (int k = 0; k < RUNS; k++)
            run();
        took = (now_ns() - start) / RUNS;
        if (took < best)
            best = took;
    }
    printf("{\"name\": \"%s\", \"n\": %d, \"ns_per_op\": %.1f}\n", name, ROUNDS * RUNS,
           best);
}

int main(void)
{
    set_up();
    measure("h1_request_head", parse_request);
    measure("h1_request_copy", copy_head);
    measure("h1_request_copy_hop", copy_and_hop);
    measure("h1_request_emit", emit_head);
    measure("h1_request_through", whole_request);
    measure("h1_response_through", response);
    measure("h1_chunks_framed_16k", chunks_framed);
    measure("h1_chunks_apart_16k", chunks_apart);
    measure("uri_normal_path", normal_path);
    return 0;
}
