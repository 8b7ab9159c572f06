#include "proxy/errpage.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "proxy/edge.h"
#include "proxy/edge/accept.h"
#include "proxy/edge/named.h"
#include "proxy/lex.h"

#define RETRY_AFTER_MAX_S 3600
#define REALM_MAX         256

/* ---- which --------------------------------------------------------------------------- */

static bool is_for(const struct edge_page *p, unsigned status)
{
    for (size_t i = 0; i < p->cfg->n_statuses; i++)
        if (status >= p->cfg->statuses[i].from && status <= p->cfg->statuses[i].to)
            return true;
    return false;
}

/* How much the client wants that type; all types alike where it does not say. */
static unsigned weight(const struct msg *request, const struct edge_page *p)
{
    struct accept_media a = {.type = p->cfg->content_type, .len = p->type_len};
    const struct field *f = named_first(request, "accept");

    if (f == NULL)
        return ACCEPT_ONE;
    for (; f != NULL; f = named_next(request, "accept", f))
        accept_media_add(&a, msg_value(request, f), f->value_len);
    return a.weight;
}

static const struct edge_page *choose(const struct edge_pages *pages,
                                      const struct msg *request, unsigned status,
                                      bool intercepting)
{
    const struct edge_page *best = NULL;
    unsigned most = 0;

    for (size_t i = 0; i < pages->n; i++) {
        const struct edge_page *p = &pages->list[i];
        unsigned w;

        if (!is_for(p, status) || (intercepting && !p->cfg->intercept))
            continue;
        w = weight(request, p);
        if (best == NULL || w > most) {
            best = p;
            most = w;
        }
    }
    return best;
}

static const struct edge_page *find_page(const struct exchange *x, unsigned status,
                                         bool intercepting)
{
    const struct edge_set *set = x->pin->topology->edge;
    const struct edge_page *p = NULL;

    if (set == NULL || status == 304)
        return NULL;
    for (int i = 1; x->route != NULL && p == NULL && i >= 0; i--)
        p = choose(&edge_rules(x)->rules[i]->pages, &x->head, status, intercepting);
    return p != NULL ? p : choose(&set->pages, &x->head, status, intercepting);
}

/* ---- heads --------------------------------------------------------------------------- */

static void add(struct msg *m, const char *name, const char *value)
{
    CHECK(msg_add(m, FIELD_OTHER, name, value, strlen(value)));
}

/* In quotes (RFC 9110, 5.6.4). */
static size_t put_quoted(char *out, const char *s)
{
    size_t n = 0;

    out[n++] = '"';
    for (; *s != 0 && n < 2 * REALM_MAX; s++) {
        if (*s == '"' || *s == '\\')
            out[n++] = '\\';
        out[n++] = *s;
    }
    out[n++] = '"';
    out[n] = 0;
    return n;
}

/* RFC 7617, 2 and 2.1; RFC 6750, 3. */
static void add_challenge(struct msg *m, const struct edge *e)
{
    const struct cfg_auth *cfg = e->rules->auth.cfg;
    char realm[2 * REALM_MAX + 4], text[2 * REALM_MAX + 256];

    if (e->challenge == EDGE_BASIC) {
        put_quoted(realm, cfg->basic.realm);
        snprintf(text, sizeof(text), "Basic realm=%s, charset=\"UTF-8\"", realm);
    } else {
        put_quoted(realm, cfg->jwt.realm);
        snprintf(text, sizeof(text), "Bearer realm=%s%s%s%s", realm,
                 e->challenge == EDGE_BEARER ? "" : ", error=\"",
                 e->challenge == EDGE_BEARER ? "" : e->wrong,
                 e->challenge == EDGE_BEARER ? "" : "\"");
    }
    add(m, "WWW-Authenticate", text);
}

static void add_retry_after(struct msg *m, double seconds)
{
    char number[32];

    snprintf(number, sizeof(number), "%.0f", fmin(ceil(seconds), RETRY_AFTER_MAX_S));
    add(m, "Retry-After", number);
}

/* ---- answers of ours ----------------------------------------------------------------- */

/* Of a head without a body, and then the body. */
static void send_answer(struct exchange *x, struct stream *down, struct msg *m,
                        const void *body, size_t len)
{
    bool headless = x->head.method_id == METHOD_HEAD;
    bool end = headless || len == 0;

    m->flags |= MSG_HAS_LENGTH;
    m->content_length = len;
    m->body = end ? BODY_NONE : BODY_LENGTH;
    down->framed_out = false;
    down->ops->head(down, m, end);
    if (end)
        return;
    x->bytes_down += len;
    down->ops->data(down, body, len);
    down->ops->end(down, NULL);
}

bool errpage_answer(struct exchange *x, unsigned *status, const char *why,
                    double retry_after_s)
{
    const struct edge_page *page = find_page(x, *status, false);
    const struct edge *e = x->edge;
    char text[2048], line[256];
    struct field fields[8];
    struct msg m = {.text = text,
                    .text_room = sizeof(text),
                    .fields = fields,
                    .fields_room = N_ELEMS(fields),
                    .version = HTTP_11};

    if (page == NULL && (e == NULL || e->challenge == EDGE_NO_CHALLENGE))
        return false;
    if (page != NULL && page->cfg->status_out != 0)
        *status = page->cfg->status_out;
    m.status = (uint16_t)*status;
    add(&m, "Content-Type", page != NULL ? page->cfg->content_type : "text/plain");
    add(&m, "Cache-Control", "no-store");
    if (*status == 405)
        add(&m, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (retry_after_s > 0)
        add_retry_after(&m, retry_after_s);
    if (e != NULL && e->challenge != EDGE_NO_CHALLENGE)
        add_challenge(&m, e);
    snprintf(line, sizeof(line), "%s\n", why);
    if (page != NULL && x->stats != NULL)
        STATS_INC(x->stats->edge.pages[0]);
    send_answer(x, x->down, &m, page != NULL ? page->body : line,
                page != NULL ? page->len : strlen(line));
    sock_uncork(x->w); /* the page may go with the exchange */
    return true;
}

/* ---- answers of the service ---------------------------------------------------------- */

static struct errpage_cover *cover_of(struct stream *s)
{
    return CONTAINER_OF(s, struct errpage_cover, stream);
}

static void op_head(struct stream *s, const struct msg *m, bool end)
{
    struct errpage_cover *c = cover_of(s);
    struct msg head = *m;

    (void)end;
    send_answer(s->x, c->next, &head, c->page->body, c->page->len);
    sock_uncork(c->w);
}

static bool op_data(struct stream *s, const uint8_t *p, size_t n)
{
    (void)p;
    s->x->bytes_down -= n; /* the client gets the page instead */
    return true;
}

static void op_end(struct stream *s, const struct msg *trailers)
{
    (void)s;
    (void)trailers;
}

/* The service's answer broke off: the client has a whole one. */
static void op_reset(struct stream *s, enum stream_fault why)
{
    struct errpage_cover *c = cover_of(s);

    (void)why;
    c->next->ops->release(c->next);
}

static void op_release(struct stream *s)
{
    struct errpage_cover *c = cover_of(s);

    c->next->ops->release(c->next);
}

static void op_resume(struct stream *s)
{
    struct errpage_cover *c = cover_of(s);

    c->next->ops->resume(c->next);
}

static void op_check(struct stream *s)
{
    struct errpage_cover *c = cover_of(s);

    c->next->ops->check(c->next);
}

static const struct stream_ops cover_ops = {
    .head = op_head,
    .data = op_data,
    .end = op_end,
    .reset = op_reset,
    .release = op_release,
    .resume = op_resume,
    .check = op_check,
};

const struct edge_page *errpage_intercepting(const struct exchange *x, unsigned status)
{
    return find_page(x, status, true);
}

/* Fields that speak of the content that is not sent. */
static bool is_about_content(const char *name, size_t len)
{
    static const char *const others[] = {"etag",        "last-modified", "accept-ranges",
                                         "repr-digest", "digest",        "trailer"};

    if (len > 8 && lex_same(name, "content-", 8))
        return true;
    for (size_t i = 0; i < N_ELEMS(others); i++)
        if (strlen(others[i]) == len && lex_same(name, others[i], len))
            return true;
    return false;
}

void errpage_cover(struct exchange *x, const struct edge_page *page, struct msg *head)
{
    struct errpage_cover *c = &x->edge->cover;

    for (size_t i = 0; i < head->n_fields; i++) {
        struct field *f = &head->fields[i];

        if (is_about_content(head->text + f->name, f->name_len))
            f->drop = true;
    }
    add(head, "Content-Type", page->cfg->content_type);
    if (page->cfg->status_out != 0) {
        head->status = (uint16_t)page->cfg->status_out;
        head->reason.len = 0;
    }
    *c = (struct errpage_cover){
        .stream = {.ops = &cover_ops, .x = x}, .next = x->down, .page = page, .w = x->w};
    x->down = &c->stream;
    STATS_INC(x->stats->edge.pages[0]);
}
