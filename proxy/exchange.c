#include "proxy/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/edge.h"

#define Q(s) (1u << REQUEST_##s)
#define P(s) (1u << RESPONSE_##s)
#define A(s) (1u << ATTEMPT_##s)

/* Row: from.  Bits: where it may go.  The drawing in exchange.h, as data. */
static const unsigned request_to[N_REQUEST_STATES] = {
    [REQUEST_HEAD] = Q(BODY) | Q(DONE) | Q(RESET),
    [REQUEST_BODY] = Q(DONE) | Q(RESET),
    [REQUEST_DONE] = Q(BODY), /* a tunnel begins */
};

static const unsigned response_to[N_RESPONSE_STATES] = {
    [RESPONSE_NONE] = P(INFORMATIONAL) | P(HEAD) | P(RESET),
    [RESPONSE_INFORMATIONAL] = P(INFORMATIONAL) | P(HEAD) | P(RESET),
    [RESPONSE_HEAD] = P(BODY) | P(DONE) | P(RESET),
    [RESPONSE_BODY] = P(DONE) | P(RESET),
};

static const unsigned attempt_to[N_ATTEMPT_STATES] = {
    [ATTEMPT_NONE] = A(QUEUED) | A(CONNECTING) | A(ACTIVE) | A(CLOSED),
    [ATTEMPT_QUEUED] = A(CONNECTING) | A(ACTIVE) | A(CLOSED),
    [ATTEMPT_CONNECTING] = A(ACTIVE) | A(CLOSED),
    [ATTEMPT_ACTIVE] = A(CLOSED),
    [ATTEMPT_CLOSED] = A(QUEUED) | A(CONNECTING) | A(ACTIVE),
};

bool exchange_request_may(enum request_state from, enum request_state to)
{
    return (request_to[from] & (1u << to)) != 0;
}

bool exchange_response_may(enum response_state from, enum response_state to)
{
    return (response_to[from] & (1u << to)) != 0;
}

bool exchange_attempt_may(enum attempt_state from, enum attempt_state to)
{
    return (attempt_to[from] & (1u << to)) != 0;
}

void exchange_request_go(struct exchange *x, enum request_state to)
{
    CHECK(exchange_request_may(x->request, to));
    x->request = (uint8_t)to;
}

void exchange_response_go(struct exchange *x, enum response_state to)
{
    CHECK(exchange_response_may(x->response, to));
    x->response = (uint8_t)to;
}

void exchange_attempt_go(struct exchange *x, enum attempt_state to)
{
    CHECK(exchange_attempt_may(x->attempt, to));
    x->attempt = (uint8_t)to;
}

static uint8_t phase_of(const struct exchange *x, enum ending why)
{
    if (ending_facts[why].phase != 0)
        return (uint8_t)ending_facts[why].phase;
    if (x->response >= RESPONSE_HEAD)
        return ENDING_IN_DATA;
    switch ((enum attempt_state)x->attempt) {
    case ATTEMPT_QUEUED:
        return ENDING_IN_QUEUE;
    case ATTEMPT_CONNECTING:
        return ENDING_IN_CONNECT;
    case ATTEMPT_ACTIVE:
        /* As HAProxy has it: a client that leaves its own body unfinished. */
        return why == ENDING_CLIENT_ABORT && x->request == REQUEST_BODY ? ENDING_IN_DATA
                                                                        : ENDING_IN_HEAD;
    case ATTEMPT_NONE:
    case ATTEMPT_CLOSED:
    case N_ATTEMPT_STATES:
        break;
    }
    return ENDING_IN_REQUEST;
}

void exchange_ends(struct exchange *x, enum ending why)
{
    if (x->ending != ENDING_COMPLETE)
        return;
    x->phase = phase_of(x, why);
    x->ending = (uint8_t)why;
}

/* Storage for the head: inline, or one block for an unusually large one. */
static void give_storage(struct exchange *x, const struct msg *head)
{
    uint32_t fields = head->n_fields + EXCHANGE_SPARE_FIELDS;
    uint32_t text = head->text_len + EXCHANGE_SPARE_TEXT;

    x->head.fields = x->fields;
    x->head.fields_room = EXCHANGE_INLINE_FIELDS;
    x->head.text = x->text;
    x->head.text_room = EXCHANGE_INLINE_TEXT;
    if (fields <= EXCHANGE_INLINE_FIELDS && text <= EXCHANGE_INLINE_TEXT)
        return;
    x->head_mem = mem_grow(NULL, fields * sizeof(struct field) + text, 1);
    x->head.fields = x->head_mem;
    x->head.fields_room = (uint16_t)fields;
    x->head.text = (char *)x->head_mem + fields * sizeof(struct field);
    x->head.text_room = text;
}

bool exchange_make_room(struct exchange *x, size_t fields, size_t text)
{
    struct msg *m = &x->head, to = {.fields = NULL};
    char *mem;

    if (m->n_fields + fields <= m->fields_room && m->text_len + text <= m->text_room)
        return true;
    fields += m->n_fields + EXCHANGE_SPARE_FIELDS;
    text += m->text_len + EXCHANGE_SPARE_TEXT;
    if (fields > EXCHANGE_FIELDS_MAX || text > EXCHANGE_TEXT_MAX + EXCHANGE_SPARE_TEXT)
        return false;
    mem = mem_grow(NULL, fields * sizeof(struct field) + text, 1);
    to.fields = (struct field *)(void *)mem;
    to.fields_room = (uint16_t)fields;
    to.text = mem + fields * sizeof(struct field);
    to.text_room = (uint32_t)text;
    msg_copy(&to, m);
    *m = to;
    free(x->head_mem);
    x->head_mem = mem;
    return true;
}

struct exchange *exchange_new(struct worker *w, struct stream *down, const struct msg *head)
{
    struct exchange *x = worker_exchange_get(w);

    memset(x, 0, offsetof(struct exchange, fields));
    x->magic = EXCHANGE_MAGIC;
    x->w = w;
    x->down = down;
    give_storage(x, head);
    msg_copy(&x->head, head);
    x->asked = head->target;
    x->body_is_whole = true;
    x->start = loop_now(w->loop);
    x->phase = '-';
    list_init(&x->wait);
    loop_timer_init(&x->timer, NULL);
    worker_exchange_add(w, x);
    down->x = x;
    return x;
}

void exchange_keep_trailers(struct exchange *x, const struct msg *trailers)
{
    size_t fields = trailers->n_fields * sizeof(struct field);
    struct msg *m = mem_grow(NULL, sizeof(*m) + fields + trailers->text_len, 1);

    CHECK(x->trailers == NULL);
    m->fields = (void *)(m + 1);
    m->fields_room = trailers->n_fields;
    m->text = (char *)m->fields + fields;
    m->text_room = trailers->text_len;
    msg_copy(m, trailers);
    x->trailers = m;
}

void exchange_free(struct exchange *x)
{
    CHECK(exchange_request_over(x) && exchange_response_over(x));
    CHECK(x->attempt != ATTEMPT_QUEUED && x->backend == NULL && list_empty(&x->wait));
    if (x->down != NULL)
        x->down->x = NULL;
    if (x->up != NULL)
        x->up->x = NULL;
    if (x->edge != NULL)
        edge_free(x);
    loop_timer_remove(&x->timer);
    bufq_clear(&x->w->bufs, &x->body);
    if (x->answer_fields != NULL)
        buf_put(&x->w->bufs, x->answer_fields);
    if (x->pin != NULL)
        worker_unpin(x->w, x->pin);
    free(x->head_mem);
    free(x->trailers);
    OBJ_DEAD(x);
    worker_exchange_put(x->w, x);
}
