#include "proxy/probe_h1.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/h1/head.h"

#define HEAD_MAX   16384
#define FIELDS_MAX 128

struct probe_h1 {
    struct probe_talk talk; /* first */
    const struct probe_plan *plan;
    char *request; /* NULL: it was sent */
    char *sent;    /* ... and this is it */
    size_t got, seen;
    char head[HEAD_MAX];
};

static struct probe_h1 *h1_of(struct probe_talk *t)
{
    return (struct probe_h1 *)(void *)t;
}

/* Up to where more is needed. */
static void read_head(struct probe_h1 *h)
{
    const struct head_limits limits = {
        .max_head_bytes = HEAD_MAX, .max_target_bytes = HEAD_MAX, .max_fields = FIELDS_MAX};
    struct field fields[FIELDS_MAX];
    struct msg m = {.fields = fields, .fields_room = FIELDS_MAX};
    struct head_fault fault;

    for (;;) {
        m.method_id = METHOD_GET;
        switch (head_response(h->head, h->got, &h->seen, &limits, &m, &fault)) {
        case HEAD_MORE:
            if (h->got == HEAD_MAX)
                probe_talk_end(&h->talk, false, "answer too long");
            return;
        case HEAD_BAD:
            probe_talk_end(&h->talk, false, "bad answer: %s", fault.reason);
            return;
        case HEAD_DONE:
            break;
        }
        if (m.status >= 200) {
            probe_talk_judge(&h->talk, h->plan, m.status);
            return;
        }
        memmove(h->head, h->head + m.text_len, h->got - m.text_len);
        h->got -= m.text_len;
        h->seen = 0;
        msg_reset(&m);
    }
}

static void h1_input(struct probe_talk *t, const uint8_t *p, size_t n)
{
    struct probe_h1 *h = h1_of(t);

    while (n > 0 && !t->over) {
        size_t room = HEAD_MAX - h->got, k = n < room ? n : room;

        memcpy(h->head + h->got, p, k);
        h->got += k;
        p += k;
        n -= k;
        read_head(h);
    }
}

static size_t h1_output(struct probe_talk *t, const uint8_t **p)
{
    struct probe_h1 *h = h1_of(t);

    if (h->request == NULL)
        return 0;
    h->sent = h->request;
    h->request = NULL;
    *p = (const uint8_t *)h->sent;
    return strlen(h->sent);
}

static void h1_free(struct probe_talk *t)
{
    struct probe_h1 *h = h1_of(t);

    free(h->request);
    free(h->sent);
    free(h);
}

static const struct probe_talk_ops h1_ops = {h1_input, h1_output, h1_free};

struct probe_talk *probe_h1_new(const struct probe_plan *plan)
{
    struct probe_h1 *h = MEM_NEW(struct probe_h1);

    h->talk.ops = &h1_ops;
    h->plan = plan;
    h->request = mem_printf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tidegate-probe\r\n"
                            "Accept: */*\r\nConnection: close\r\n\r\n",
                            plan->path, plan->host);
    return &h->talk;
}
