#include "proxy/auth_forward.h"

#include <string.h>

#include "base/check.h"
#include "proxy/auth.h"
#include "proxy/edge/named.h"
#include "proxy/forward.h"
#include "proxy/subreq.h"

#define FIELD_NAME_MAX 256 /* of those that are copied, and a terminator */

/* ---- the question ------------------------------------------------------------------ */

/* About the request's body, or about a copy that the client may have. */
static bool is_left_out(const struct msg *m, const struct field *f)
{
    static const char *const names[] = {
        "content-type",
        "content-encoding",
        "content-length",
        "content-language",
        "expect",
        "range",
        "if-range",
        "if-match",
        "if-none-match",
        "trailer",
        "if-modified-since",
        "if-unmodified-since",
        "content-digest",
        "max-forwards",
    };

    for (size_t i = 0; i < N_ELEMS(names); i++)
        if (named_is(m, f, names[i]))
            return true;
    return false;
}

/* Fields that hop.c made say where the request is from: those always go along. */
static bool is_forwarded(const struct field *f)
{
    return f->id == FIELD_FORWARDED || f->id == FIELD_X_FORWARDED_FOR ||
           f->id == FIELD_X_FORWARDED_PROTO || f->id == FIELD_X_FORWARDED_PORT ||
           f->id == FIELD_X_REAL_IP || f->id == FIELD_X_REQUEST_ID || f->id == FIELD_VIA;
}

static bool is_wanted(const struct cfg_forward_auth *cfg, const struct msg *m,
                      const struct field *f)
{
    if (is_forwarded(f))
        return true;
    for (size_t i = 0; i < cfg->n_request_headers; i++)
        if (named_is(m, f, cfg->request_headers[i]))
            return true;
    return cfg->n_request_headers == 0 && !is_left_out(m, f);
}

static void add(struct msg *m, enum field_id id, const char *name, const char *value,
                size_t len)
{
    CHECK(msg_add(m, id, name, value, len));
}

static void put_span(struct msg *m, const char *name, const struct msg *from, struct span s)
{
    add(m, FIELD_OTHER, name, msg_at(from, s), s.len);
}

/* Made anew: its text is hardly longer than the request's, which fits. */
static struct msg make_question(struct exchange *x, const struct cfg_forward_auth *cfg)
{
    const struct msg *from = &x->head;
    struct msg m = edge_head_room(x->w);

    m.version = from->version;
    m.method_id = METHOD_GET;
    m.flags = MSG_KEEP_ALIVE;
    CHECK(msg_append(&m, "GET", 3, &m.method));
    CHECK(msg_append(&m, cfg->path, strlen(cfg->path), &m.target));
    CHECK(msg_append(&m, msg_at(from, from->authority), from->authority.len, &m.authority));
    for (size_t i = 0; i < from->n_fields; i++) {
        const struct field *f = &from->fields[i];
        char name[FIELD_NAME_MAX];

        if (f->drop || f->id == FIELD_HOST || f->name_len >= sizeof(name) ||
            !is_wanted(cfg, from, f))
            continue;
        memcpy(name, from->text + f->name, f->name_len);
        name[f->name_len] = 0;
        add(&m, (enum field_id)f->id, name, msg_value(from, f), f->value_len);
    }
    named_drop_alike(&m, "x-forwarded-method");
    named_drop_alike(&m, "x-forwarded-uri");
    named_drop_alike(&m, "x-forwarded-host");
    put_span(&m, "X-Forwarded-Method", from, from->method);
    put_span(&m, "X-Forwarded-Uri", from, from->target);
    if (from->authority.len > 0)
        put_span(&m, "X-Forwarded-Host", from, from->authority);
    return m;
}

/* ---- the answer -------------------------------------------------------------------- */

/* All fields of that name. */
static void copy_field(struct exchange *x, const struct msg *answer, const char *name)
{
    const struct field *f = NULL;

    while ((f = named_next(answer, name, f)) != NULL)
        auth_add_field(x, name, msg_value(answer, f), f->value_len);
}

static void go_on(struct exchange *x, const struct msg *answer)
{
    const struct cfg_forward_auth *cfg = &x->edge->rules->auth.cfg->forward;
    const struct field *user;

    for (size_t i = 0; i < cfg->n_response_headers; i++)
        named_drop_alike(&x->head, cfg->response_headers[i]);
    for (size_t i = 0; i < cfg->n_response_headers; i++)
        copy_field(x, answer, cfg->response_headers[i]);
    user = cfg->user_from[0] != 0 ? named_first(answer, cfg->user_from) : NULL;
    if (user != NULL)
        edge_set_user(x, msg_value(answer, user), user->value_len);
    edge_authenticated(x);
}

static void give_answer(struct exchange *x, void *ctx)
{
    struct subreq *s = ctx;
    struct stream *down = x->down;
    bool end = s->body.len == 0 || x->head.method_id == METHOD_HEAD;
    struct msg m = s->answer;
    struct iovec iov[8];
    size_t offset = 0;

    m.flags |= MSG_HAS_LENGTH;
    m.content_length = s->body.len;
    m.body = end ? BODY_NONE : BODY_LENGTH;
    down->framed_out = false;
    down->ops->head(down, &m, end);
    while (!end && offset < s->body.len) {
        int n = bufq_iov(&s->body, offset, iov, (int)N_ELEMS(iov));

        for (int i = 0; i < n; i++) {
            down->ops->data(down, iov[i].iov_base, iov[i].iov_len);
            offset += iov[i].iov_len;
        }
    }
    if (!end)
        down->ops->end(down, NULL);
    x->bytes_down += offset;
    sock_uncork(x->w); /* it borrows from s->body */
}

static void on_done(struct subreq *s)
{
    struct exchange *x = s->ctx;
    struct worker *w = s->w;

    x->edge->ask = NULL;
    if (s->how != SUBREQ_ANSWERED || s->answer.status < 200) {
        edge_deny(x, DENIAL_AUTH_FAILED, 503, "the request could not be authorised", 1);
    } else if (s->answer.status < 300) {
        go_on(x, &s->answer);
    } else {
        STATS_INC(x->stats->edge.denied[DENIAL_AUTH_SERVICE]);
        forward_answer_with(x, s->answer.status, give_answer, s);
    }
    sock_uncork(w);
    subreq_free(s);
}

void auth_forward_ask(struct exchange *x)
{
    const struct cfg_forward_auth *cfg = &x->edge->rules->auth.cfg->forward;
    struct msg m = make_question(x, cfg);
    const struct subreq_spec spec = {.parent = x,
                                     .service = cfg->service,
                                     .head = &m,
                                     .keep = true,
                                     .max_bytes = cfg->max_bytes,
                                     .timeout_ms = cfg->timeout_ms,
                                     .done = on_done,
                                     .ctx = x};

    STATS_INC(x->stats->edge.auth_checked[0]);
    x->edge->ask = subreq_new(&spec);
}

void auth_forward_forget(struct exchange *x)
{
    struct subreq *s = x->edge->ask;

    x->edge->ask = NULL;
    if (s != NULL)
        subreq_free(s);
}
