#include "conf/cfg_edge.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "conf/cfg.h"
#include "conf/cfg_check_edge.h"

static void lower(char *s)
{
    for (; *s != 0; s++)
        *s = (char)tolower((unsigned char)*s);
}

static void lower_all(char **list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        lower(list[i]);
}

static void finish_pages(struct cfg_error_page *pages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (pages[i].content_type[0] != 0)
            continue;
        free(pages[i].content_type);
        pages[i].content_type = mem_str(cfg_check_edge_type(pages[i].file));
    }
}

static void finish_edge(struct cfg_edge *e)
{
    lower_all(e->compression.types, e->compression.n_types);
    finish_pages(e->errors, e->n_errors);
    for (size_t i = 0; i < e->n_limits; i++)
        if (e->limits[i].burst == 0)
            e->limits[i].burst = (uint32_t)fmax(1, ceil(e->limits[i].rate));
}

static void finish_auth(struct cfg_auth *a)
{
    lower(a->user_header);
    lower(a->forward.user_from);
    lower_all(a->forward.request_headers, a->forward.n_request_headers);
    lower_all(a->forward.response_headers, a->forward.n_response_headers);
    for (size_t i = 0; i < a->jwt.n_forward; i++)
        lower(a->jwt.forward[i].header);
}

const struct cfg_compression *cfg_edge_compression(const struct cfg *c,
                                                   const struct cfg_route *r)
{
    const struct cfg_compression *own = &r->edge.compression;

    if (!own->present)
        own = &c->services[r->service].edge.compression;
    return own->present && own->enabled ? own : NULL;
}

static bool intercepts(const struct cfg_error_page *pages, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pages[i].intercept)
            return true;
    return false;
}

static bool guards(const struct cfg_edge *e)
{
    return e->n_allow + e->n_deny + e->n_limits > 0 || intercepts(e->errors, e->n_errors);
}

/* Fields that are set from `auth` on one route are dropped on its service's others. */
static bool service_has_auth(const struct cfg *c, uint16_t service)
{
    for (size_t i = 0; i < c->n_routes; i++)
        if (c->routes[i].service == service && c->routes[i].auth.present)
            return true;
    return false;
}

static bool is_edged(const struct cfg *c, const struct cfg_route *r)
{
    return r->mirror.present || guards(&r->edge) || guards(&c->services[r->service].edge) ||
           intercepts(c->errors, c->n_errors) || cfg_edge_compression(c, r) != NULL ||
           service_has_auth(c, r->service);
}

void cfg_edge_finish(struct cfg *c)
{
    finish_pages(c->errors, c->n_errors);
    for (size_t i = 0; i < c->n_services; i++)
        finish_edge(&c->services[i].edge);
    for (size_t i = 0; i < c->n_routes; i++) {
        finish_edge(&c->routes[i].edge);
        finish_auth(&c->routes[i].auth);
        c->routes[i].edged = is_edged(c, &c->routes[i]);
    }
}
