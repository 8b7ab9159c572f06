/*
 * head_fuzz.c - heads cut anywhere read the same; what was read lies in the input;
 * what is written again is read again, and written the same.
 *
 * Input: kind of head, method of the request that a response answers, where to cut
 * (two bytes); then the head.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define FIELDS_ROOM 64

enum kind { REQUEST, RESPONSE, TRAILERS, N_KINDS };

static const struct head_limits tight = {
    .max_head_bytes = 1024, .max_target_bytes = 256, .max_fields = 32};
static const struct head_limits wide = {
    .max_head_bytes = 65536, .max_target_bytes = 65536, .max_fields = FIELDS_ROOM};

struct result {
    enum head_verdict verdict;
    struct head_fault fault;
    size_t seen;
    struct msg m;
    struct field fields[FIELDS_ROOM];
};

static uint8_t kind, method;

static void read_head(struct result *r, char *in, size_t len, const struct head_limits *lim)
{
    r->m.fields = r->fields;
    r->m.fields_room = FIELDS_ROOM;
    r->m.method_id = method;
    if (kind == REQUEST)
        r->verdict = head_request(in, len, &r->seen, lim, &r->m, &r->fault);
    else if (kind == RESPONSE)
        r->verdict = head_response(in, len, &r->seen, lim, &r->m, &r->fault);
    else
        r->verdict = head_trailers(in, len, &r->seen, lim, &r->m, &r->fault);
}

/* A copy that ends where its memory ends. */
static char *exact(const void *data, size_t len)
{
    char *p = malloc(len > 0 ? len : 1);

    MUST(p != NULL);
    memcpy(p, data, len);
    return p;
}

static void inside(const struct msg *m, uint32_t off, uint32_t len)
{
    MUST(off <= m->text_len && len <= m->text_len - off);
}

static void check_done(const struct result *r, size_t len)
{
    const struct msg *m = &r->m;

    MUST(m->text_len <= len && m->text_len <= tight.max_head_bytes);
    inside(m, m->method.off, m->method.len);
    inside(m, m->target.off, m->target.len);
    inside(m, m->authority.off, m->authority.len);
    inside(m, m->reason.off, m->reason.len);
    inside(m, m->upgrade.off, m->upgrade.len);
    for (size_t i = 0; i < m->n_fields; i++) {
        inside(m, m->fields[i].name, m->fields[i].name_len);
        inside(m, m->fields[i].value, m->fields[i].value_len);
        MUST(memchr(msg_value(m, &m->fields[i]), '\n', m->fields[i].value_len) == NULL);
    }
}

static void check_same(const struct result *a, const struct result *b)
{
    MUST(a->verdict == b->verdict);
    if (a->verdict == HEAD_BAD)
        MUST(a->fault.status == b->fault.status && a->fault.reason == b->fault.reason);
    if (a->verdict != HEAD_DONE)
        return;
    MUST(a->m.text_len == b->m.text_len && a->m.n_fields == b->m.n_fields);
    MUST(a->m.body == b->m.body && a->m.flags == b->m.flags);
    MUST(a->m.content_length == b->m.content_length && a->m.status == b->m.status);
    MUST(memcmp(a->fields, b->fields, a->m.n_fields * sizeof(a->fields[0])) == 0);
    MUST(memcmp(a->m.text, b->m.text, a->m.text_len) == 0);
}

static size_t emit(const struct msg *m, char *out, size_t room)
{
    if (kind == REQUEST)
        return emit_request(m, "own", out, room);
    if (kind == RESPONSE)
        return emit_response(m, (struct emit_to){.version = HTTP_11}, out, room);
    return emit_chunk_end(m, out, room);
}

static void check_written(const struct msg *m)
{
    static char first[16384], second[16384];
    size_t n = emit(m, first, sizeof(first)), skip = kind == TRAILERS ? 3 : 0;
    struct result again = {.seen = 0};
    char *in;

    MUST(n > 0);
    in = exact(first + skip, n - skip);
    read_head(&again, in, n - skip, &wide);
    MUST(again.verdict == HEAD_DONE && again.m.text_len == n - skip);
    MUST(again.m.body == m->body && again.m.status == m->status);
    MUST(emit(&again.m, second, sizeof(second)) == n && memcmp(first, second, n) == 0);
    free(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result whole = {.seen = 0}, parts = {.seen = 0};
    char *in, *first, *second;
    size_t cut;

    if (size < 4 || size > 8192)
        return 0;
    kind = data[0] % N_KINDS;
    method = data[1] % (METHOD_PATCH + 1);
    cut = (size_t)(data[2] << 8 | data[3]) % (size - 3);
    data += 4;
    size -= 4;
    in = exact(data, size);
    first = exact(data, cut < size ? cut : size);
    second = exact(data, size);
    read_head(&whole, in, size, &tight);
    read_head(&parts, first, cut, &tight);
    if (parts.verdict == HEAD_MORE)
        read_head(&parts, second, size, &tight);
    check_same(&whole, &parts);
    if (whole.verdict == HEAD_DONE) {
        check_done(&whole, size);
        /* A head of 1.0 is not one of 1.1 before hop.c has been over it. */
        if (kind != REQUEST || whole.m.version == HTTP_11)
            check_written(&whole.m);
    }
    free(in);
    free(first);
    free(second);
    return 0;
}
