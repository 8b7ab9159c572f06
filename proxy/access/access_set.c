#include "proxy/access/access_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "conf/cfg_access.h"

/* ---- what a line needs to know ---- */

#define BIT(id) (1u << ACCESS_##id)

#define CLF_TEXTS (BIT(METHOD) | BIT(TARGET) | BIT(REMOTE_USER))

static uint32_t texts_of_variable(unsigned v)
{
    static const uint32_t texts[N_CFG_ACCESS_VARIABLES] = {
        [CFG_ACCESS_V_LISTENER] = BIT(LISTENER),
        [CFG_ACCESS_V_REQUEST] = BIT(METHOD) | BIT(TARGET),
        [CFG_ACCESS_V_METHOD] = BIT(METHOD),
        [CFG_ACCESS_V_TARGET] = BIT(TARGET),
        [CFG_ACCESS_V_PATH] = BIT(TARGET),
        [CFG_ACCESS_V_QUERY] = BIT(TARGET),
        [CFG_ACCESS_V_HOST] = BIT(HOST),
        [CFG_ACCESS_V_SERVICE] = BIT(SERVICE),
        [CFG_ACCESS_V_BACKEND] = BIT(BACKEND),
        [CFG_ACCESS_V_FAULT] = BIT(FAULT),
        [CFG_ACCESS_V_TLS_VERSION] = BIT(TLS_VERSION),
        [CFG_ACCESS_V_TLS_CIPHER] = BIT(TLS_CIPHER),
        [CFG_ACCESS_V_TLS_NAME] = BIT(TLS_NAME),
        [CFG_ACCESS_V_TLS_SUBJECT] = BIT(TLS_SUBJECT),
        [CFG_ACCESS_V_REQUEST_ID] = BIT(REQUEST_ID),
        [CFG_ACCESS_V_TRACE_ID] = BIT(TRACE_ID),
        [CFG_ACCESS_V_REMOTE_USER] = BIT(REMOTE_USER),
        [CFG_ACCESS_V_USER_AGENT] = BIT(USER_AGENT),
        [CFG_ACCESS_V_REFERER] = BIT(REFERER),
    };

    return texts[v];
}

static uint32_t texts_of_template(const struct cfg_template *t)
{
    uint32_t texts = 0;

    for (size_t i = 0; i < t->n_pieces; i++)
        if (t->pieces[i].var != NULL)
            texts |= texts_of_variable(t->pieces[i].var->id);
    return texts;
}

static uint32_t texts_of(const struct cfg_access_log *how)
{
    switch (cfg_access_format_of(&how->format)) {
    case CFG_ACCESS_COMMON:
        return CLF_TEXTS;
    case CFG_ACCESS_COMBINED:
        return CLF_TEXTS | BIT(REFERER) | BIT(USER_AGENT);
    case CFG_ACCESS_HTTPLOG:
        return BIT(LISTENER) | BIT(SERVICE) | BIT(BACKEND) | BIT(METHOD) | BIT(TARGET);
    case CFG_ACCESS_JSON:
        return ~BIT(REMOTE_USER);
    case CFG_ACCESS_CUSTOM:
        return texts_of_template(&how->format);
    case CFG_ACCESS_UNKNOWN:
        break;
    }
    return 0;
}

static void add_field(struct access_fields *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->names[i], name) == 0)
            return;
    CHECK(f->n < CFG_LOG_HEADERS_MAX); /* cfg_check.c saw to it */
    f->names[f->n++] = name;
}

static void add_fields(struct access_list *l, const struct cfg_access_log *how)
{
    const struct cfg_template *t = &how->format;

    for (size_t i = 0; i < how->n_request_headers; i++)
        add_field(&l->request_fields, how->request_headers[i]);
    for (size_t i = 0; i < how->n_response_headers; i++)
        add_field(&l->response_fields, how->response_headers[i]);
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct cfg_template_piece *p = &t->pieces[i];

        if (p->var != NULL && p->var->id == CFG_ACCESS_V_REQUEST_HEADER)
            add_field(&l->request_fields, p->text);
        if (p->var != NULL && p->var->id == CFG_ACCESS_V_RESPONSE_HEADER)
            add_field(&l->response_fields, p->text);
    }
}

/* ---- lists ---- */

static bool is_off(const struct cfg_access_log *logs, size_t n)
{
    return n == 1 && strcmp(logs->path, CFG_LOG_OFF) == 0;
}

/* NULL for "off" and for nothing. */
static const struct access_list *add_list(struct access_set *s,
                                          const struct cfg_access_log *logs, size_t n)
{
    struct access_list *l = &s->lists[s->n_lists];

    if (n == 0 || is_off(logs, n))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        l->logs[i].how = &logs[i];
        l->texts |= texts_of(&logs[i]);
        l->load |= cfg_access_format_of(&logs[i].format) == CFG_ACCESS_HTTPLOG;
        add_fields(l, &logs[i]);
    }
    if (l->request_fields.n > 0)
        l->texts |= BIT(REQUEST_FIELDS);
    if (l->response_fields.n > 0)
        l->texts |= BIT(RESPONSE_FIELDS);
    l->n = n;
    s->n_lists++;
    return l;
}

static void add_all(struct access_set *s, const struct cfg *cfg)
{
    bool *own = MEM_NEW_N(bool, cfg->n_services);

    s->lists = MEM_NEW_N(struct access_list, 1 + cfg->n_listeners + cfg->n_services);
    s->listeners = MEM_NEW_N(const struct access_list *, cfg->n_listeners);
    s->services = MEM_NEW_N(const struct access_list *, cfg->n_services);
    s->own = own;
    s->top = add_list(s, cfg->access_log, cfg->n_access_log);
    for (size_t i = 0; i < cfg->n_listeners; i++) {
        const struct cfg_listener *l = &cfg->listeners[i];

        s->listeners[i] =
            l->n_access_log > 0 ? add_list(s, l->access_log, l->n_access_log) : s->top;
    }
    for (size_t i = 0; i < cfg->n_services; i++) {
        const struct cfg_service *v = &cfg->services[i];

        own[i] = v->n_access_log > 0;
        s->services[i] = add_list(s, v->access_log, v->n_access_log);
    }
}

struct access_set *access_set_new(struct cfg *cfg)
{
    struct access_set *s = MEM_NEW(struct access_set);

    add_all(s, cfg);
    s->cfg = cfg_ref(cfg);
    list_init(&s->node);
    atomic_store_explicit(&s->refs, 1, memory_order_relaxed);
    if (s->n_lists > 0)
        return s;
    access_set_free(s);
    return NULL;
}

void access_set_free(struct access_set *s)
{
    if (s == NULL)
        return;
    cfg_unref(s->cfg);
    free(s->lists);
    free(s->listeners);
    free(s->services);
    free((void *)(uintptr_t)s->own);
    free(s);
}

struct access_set *access_set_ref(struct access_set *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void access_set_unref(struct access_set *s)
{
    atomic_fetch_sub_explicit(&s->refs, 1, memory_order_release);
}

bool access_set_is_left(const struct access_set *s)
{
    return atomic_load_explicit(&s->refs, memory_order_acquire) == 0;
}

const struct access_list *access_set_of_listener(const struct access_set *s,
                                                 const struct cfg_listener *l)
{
    if (l->index < s->cfg->n_listeners && l == &s->cfg->listeners[l->index])
        return s->listeners[l->index];
    for (size_t i = 0; i < s->cfg->n_listeners; i++)
        if (addr_equal(&s->cfg->listeners[i].bind, &l->bind))
            return s->listeners[i];
    return s->top;
}

/* ---- who wants it ---- */

static bool is_ordinary(const struct access_case *c)
{
    return (c->ending == ENDING_COMPLETE || c->ending == ENDING_LOCAL) &&
           c->attempts <= 1 && c->status < 500;
}

static bool wants(const struct cfg_access_log *how, const struct access_case *c)
{
    bool slow =
        how->slower_than_ms > 0 && c->total_us >= (mono_us)how->slower_than_ms * US_PER_MS;

    if (c->empty && !how->empty_connections)
        return false;
    if (how->only == CFG_LOG_ERRORS)
        return slow || !is_ordinary(c);
    return slow || how->slower_than_ms == 0;
}

uint8_t access_set_want(const struct access_list *l, const struct access_case *c,
                        struct rng *rng)
{
    uint8_t want = 0;

    for (size_t i = 0; i < l->n; i++) {
        const struct cfg_access_log *how = l->logs[i].how;

        if (wants(how, c) && (how->sample >= 1 || rng_unit(rng) < how->sample))
            want |= (uint8_t)(1u << i);
    }
    return want;
}
