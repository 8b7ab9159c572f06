#include "proxy/zip.h"

#include <string.h>

#include "base/check.h"
#include "proxy/edge.h"
#include "proxy/edge/accept.h"
#include "proxy/edge/coder.h"
#include "proxy/edge/named.h"
#include "proxy/lex.h"

/* ---- the stream ---------------------------------------------------------------------- */

static struct zip *zip_of(struct stream *s)
{
    return CONTAINER_OF(s, struct zip, stream);
}

static struct buf_pool *bufs(const struct zip *z)
{
    return &z->x->w->bufs;
}

/* Gives on what was made. */
static void push(struct zip *z)
{
    uint32_t n = z->out->to - z->sent;

    if (n == 0)
        return;
    STATS_ADD(z->x->stats->edge.coded_bytes[0], n);
    z->x->bytes_down += n;
    z->blocked = !z->next->ops->data(z->next, z->out->data + z->sent, n);
    z->sent = z->out->to;
}

/* The block is full: what is borrowed from it must be sent before it is written again. */
static void turn_over(struct zip *z)
{
    push(z);
    sock_uncork(z->x->w);
    z->out->to = z->sent = 0;
}

static void step(struct zip *z, enum coder_op op, const uint8_t *in, size_t n)
{
    struct coder_io io = {.in = in, .n_in = n};
    bool done;

    do {
        if (z->out->to == BUF_BLOCK_BYTES)
            turn_over(z);
        io.out = z->out->data + z->out->to;
        io.n_out = BUF_BLOCK_BYTES - z->out->to;
        done = coder_step(z->coder, op, &io);
        z->out->to = (uint32_t)(io.out - z->out->data);
    } while (!done || io.n_in > 0);
}

/* The turn is over. */
static void on_ready(struct loop_ready *r)
{
    struct zip *z = CONTAINER_OF(r, struct zip, ready);

    if (z->unflushed)
        step(z, CODER_FLUSH, NULL, 0);
    z->unflushed = false;
    push(z);
    sock_uncork(z->x->w);
}

static void op_head(struct stream *s, const struct msg *m, bool end)
{
    struct zip *z = zip_of(s);

    z->next->ops->head(z->next, m, end);
}

static bool op_data(struct stream *s, const uint8_t *p, size_t n)
{
    struct zip *z = zip_of(s);

    STATS_ADD(z->x->stats->edge.plain_bytes[0], n);
    z->x->bytes_down -= n; /* the client gets what is made of them */
    step(z, CODER_RUN, p, n);
    z->unflushed = true;
    loop_ready_add(z->x->w->loop, &z->ready);
    return !z->blocked;
}

/* Sums over the bytes as they were (RFC 9530 and its forerunners). */
static const char *const digests[] = {"content-digest", "repr-digest", "digest",
                                      "content-md5"};

static void op_end(struct stream *s, const struct msg *trailers)
{
    struct zip *z = zip_of(s);
    struct msg kept;

    if (trailers != NULL) {
        kept = *trailers;
        for (size_t i = 0; i < N_ELEMS(digests); i++)
            named_drop(&kept, digests[i]);
        trailers = &kept;
    }
    step(z, CODER_END, NULL, 0);
    push(z);
    z->next->ops->end(z->next, trailers);
    z->unflushed = false;
    loop_ready_cancel(&z->ready);
}

static void op_reset(struct stream *s, enum stream_fault why)
{
    struct zip *z = zip_of(s);

    z->next->ops->reset(z->next, why);
}

static void op_release(struct stream *s)
{
    struct zip *z = zip_of(s);

    z->next->ops->release(z->next);
}

static void op_resume(struct stream *s)
{
    struct zip *z = zip_of(s);

    z->next->ops->resume(z->next);
}

static void op_check(struct stream *s)
{
    struct zip *z = zip_of(s);

    z->next->ops->check(z->next);
}

static const struct stream_ops zip_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_resume,
    .check = op_check,
};

static void zip_begin(struct exchange *x, struct coder *coder)
{
    struct zip *z = &x->edge->zip;

    z->stream = (struct stream){.ops = &zip_ops, .x = x};
    z->next = x->down;
    z->x = x;
    z->coder = coder;
    z->out = buf_get(&x->w->bufs);
    z->sent = 0;
    z->unflushed = z->blocked = false;
    loop_ready_init(&z->ready, on_ready);
    x->down->framed_out = false;
    x->down = &z->stream;
}

void zip_room(struct zip *z)
{
    z->blocked = false;
}

void zip_free(struct zip *z)
{
    if (z->coder == NULL)
        return;
    loop_ready_cancel(&z->ready);
    if (z->out->to > 0)
        sock_uncork(z->x->w); /* it may borrow from the block */
    buf_put(bufs(z), z->out);
    coder_put(z->x->w->edge->coders, z->coder);
    z->coder = NULL;
}

/* ---- whether ------------------------------------------------------------------------- */

static bool is_listed_type(const struct cfg_compression *cfg, const struct msg *m)
{
    const struct field *f = named_first(m, "content-type");

    for (size_t i = 0; f != NULL && i < cfg->n_types; i++)
        if (accept_is_type(msg_value(m, f), f->value_len, cfg->types[i]))
            return true;
    return false;
}

static bool is_encoded(const struct msg *m)
{
    const struct field *f = named_first(m, "content-encoding");

    return f != NULL && !LEX_IS(msg_value(m, f), f->value_len, "identity");
}

/* Here, or to come behind the body. */
static bool has_digest(const struct msg *m)
{
    for (size_t i = 0; i < N_ELEMS(digests); i++)
        if (named_first(m, digests[i]) != NULL || named_says(m, "trailer", digests[i]))
            return true;
    return false;
}

static bool is_short(const struct cfg_compression *cfg, const struct msg *m)
{
    bool known = m->body == BODY_LENGTH || (m->flags & MSG_HAS_LENGTH) != 0;

    return known && m->content_length < cfg->min_bytes;
}

#define NO_BYPASS N_BYPASSES

/* What is against it, whatever the client understands. */
static enum stats_bypass obstacle(const struct cfg_compression *cfg, const struct msg *m)
{
    if (m->status == 206 || named_first(m, "content-range") != NULL)
        return BYPASS_RANGE;
    if (!is_listed_type(cfg, m) || named_grpc(m))
        return BYPASS_TYPE;
    if (is_short(cfg, m))
        return BYPASS_SMALL;
    if (is_encoded(m))
        return BYPASS_ENCODED;
    if (named_says(m, "cache-control", "no-transform"))
        return BYPASS_NO_TRANSFORM;
    if (has_digest(m))
        return BYPASS_DIGEST;
    return NO_BYPASS;
}

/* The coding for this client, or -1.  In HTTP/1.0 the answer could not be delimited. */
static int coding_for(const struct exchange *x, const struct cfg_compression *cfg)
{
    struct accept_codings a = {.listed = 0};
    const struct msg *m = &x->head;
    const struct field *f = NULL;

    if (m->version == HTTP_10)
        return -1;
    while ((f = named_next(m, "accept-encoding", f)) != NULL)
        accept_codings_add(&a, msg_value(m, f), f->value_len);
    return accept_codings_choose(&a, cfg->algorithms, cfg->n_algorithms);
}

/* ---- the head ------------------------------------------------------------------------ */

static void add(struct msg *m, const char *name, const char *value, size_t len)
{
    CHECK(msg_add(m, FIELD_OTHER, name, value, len));
}

#define ADD(m, name, literal) add((m), (name), (literal), sizeof(literal) - 1)

static void add_vary(struct msg *m)
{
    if (!named_says(m, "vary", "accept-encoding") && !named_says(m, "vary", "*"))
        ADD(m, "Vary", "Accept-Encoding");
}

/* NULL: there is none, or a weak one. */
static const struct field *strong_etag(const struct msg *m)
{
    const struct field *f = named_first(m, "etag");

    return f == NULL || (f->value_len >= 2 && memcmp(msg_value(m, f), "W/", 2) == 0) ? NULL
                                                                                     : f;
}

/* Other bytes than those it was made for: equal in meaning only (RFC 9110, 8.8.1). */
static void weaken_etag(struct msg *m)
{
    const struct field *f = strong_etag(m);
    char tag[1024];
    size_t n;

    if (f == NULL)
        return;
    n = f->value_len;
    if (n + 2 <= sizeof(tag)) {
        memcpy(tag, "W/", 2);
        memcpy(tag + 2, msg_value(m, f), n);
    }
    named_drop(m, "etag");
    if (n + 2 <= sizeof(tag))
        add(m, "ETag", tag, n + 2);
}

/* Is a tag among those of a list, as a weak one? */
static bool lists_weak(const char *list, size_t len, const char *tag, size_t n)
{
    const char *end = list + len, *p = list;

    while ((p = memmem(p, (size_t)(end - p), tag, n)) != NULL) {
        if (p - list >= 2 && memcmp(p - 2, "W/", 2) == 0)
            return true;
        p++;
    }
    return false;
}

/* What the client has and asks about came from here, compressed: the answer that it is good
 * yet has the tag which that had (RFC 9110, 15.4.5). */
static void confirm(const struct exchange *x, struct msg *m)
{
    const struct field *tag = strong_etag(m), *f = NULL;

    if (tag == NULL || tag->value_len == 0)
        return;
    while ((f = named_next(&x->head, "if-none-match", f)) != NULL)
        if (lists_weak(msg_value(&x->head, f), f->value_len, msg_value(m, tag),
                       tag->value_len)) {
            weaken_etag(m);
            add_vary(m);
            return;
        }
}

static void edit_head(struct msg *m, int coding, bool end)
{
    const char *name = stats_coding_name[coding];

    named_drop(m, "content-encoding");
    named_drop(m, "accept-ranges");
    weaken_etag(m);
    add(m, "Content-Encoding", name, strlen(name));
    m->flags &= (uint8_t)~MSG_HAS_LENGTH;
    m->content_length = 0;
    m->body = end ? BODY_NONE : BODY_CHUNKED;
}

/* ---- answers ------------------------------------------------------------------------- */

bool zip_concerns(const struct exchange *x, const struct msg *head)
{
    bool empty =
        head->body == BODY_NONE || (head->body == BODY_LENGTH && head->content_length == 0);

    if (x->edge->rules->compression == NULL || head->status < 200 || head->status == 204 ||
        head->body == BODY_TUNNEL)
        return false;
    return !empty || x->head.method_id == METHOD_HEAD || head->status == 304;
}

static void bypass(const struct exchange *x, enum stats_bypass why)
{
    if (x->head.method_id != METHOD_HEAD)
        STATS_INC(x->stats->edge.bypassed[why]);
}

/* The coding; negative: it was counted why there is none. */
static int decide(const struct exchange *x, const struct cfg_compression *cfg,
                  struct msg *head)
{
    enum stats_bypass why = obstacle(cfg, head);
    int coding = -1;

    if (why == NO_BYPASS) {
        add_vary(head);
        coding = coding_for(x, cfg);
        why = coding < 0                                              ? BYPASS_CLIENT
              : named_says(&x->head, "cache-control", "no-transform") ? BYPASS_NO_TRANSFORM
                                                                      : NO_BYPASS;
    }
    if (why == NO_BYPASS)
        return coding;
    bypass(x, why);
    return -1;
}

void zip_response(struct exchange *x, struct msg *head, bool end)
{
    const struct cfg_compression *cfg = x->edge->rules->compression;
    struct coder *coder = NULL;
    int coding;

    if (head->status == 304) {
        confirm(x, head);
        return;
    }
    coding = decide(x, cfg, head);
    if (coding < 0)
        return;
    if (!end)
        coder = coder_get(edge_worker(x->w)->coders, (enum cfg_coding)coding,
                          cfg->level[coding], x->pin->topology->cfg->compression_bytes);
    if (!end && coder == NULL) {
        bypass(x, BYPASS_MEMORY);
        return;
    }
    edit_head(head, coding, end);
    if (end)
        return;
    STATS_INC(x->stats->edge.compressed[coding]);
    zip_begin(x, coder);
}
