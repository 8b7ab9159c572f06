#include "conf/cfg_load.h"

#include <ctype.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/cfg_check.h"
#include "conf/cfg_check_edge.h"
#include "conf/cfg_fill.h"
#include "conf/cfg_origin.h"

/* ---- what is computed from the rest ------------------------------------------------- */

/* As many as the processors this process may run on. */
static uint32_t auto_workers(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

/* With a host before without; then the longer path; then by text, so that the order
 * does not depend on the file's. */
static int by_specificity(const void *a, const void *b)
{
    const struct cfg_route *x = a, *y = b;
    size_t nx = strlen(x->path), ny = strlen(y->path);

    if ((x->host[0] == 0) != (y->host[0] == 0))
        return x->host[0] == 0 ? 1 : -1;
    if (nx != ny)
        return nx > ny ? -1 : 1;
    if (strcmp(x->host, y->host) != 0)
        return strcmp(x->host, y->host);
    return strcmp(x->path, y->path);
}

/* What is known of where a route was written moves with it. */
static void sort_routes(struct cfg *c)
{
    struct cfg_route *old = c->routes, *routes;
    size_t size = sizeof(*old);

    routes = MEM_NEW_N(struct cfg_route, c->n_routes);
    for (size_t i = 0; i < c->n_routes; i++)
        old[i].index = (uint16_t)i;
    memcpy(routes, old, c->n_routes * size);
    qsort(routes, c->n_routes, size, by_specificity);
    for (size_t i = 0; i < c->n_routes; i++) {
        cfg_places_move(&c->origin->places, &old[routes[i].index], &routes[i], size);
        routes[i].index = (uint16_t)i;
    }
    free(old);
    c->routes = routes;
}

static void finish_routes(struct cfg *c)
{
    for (size_t i = 0; i < c->n_routes; i++) {
        char *path = c->routes[i].path;
        size_t n = strlen(path);

        if (n > 1 && path[n - 1] == '/')
            path[n - 1] = 0;
    }
    sort_routes(c);
}

static void lower_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (char *p = names[i]; *p != 0; p++)
            *p = (char)tolower((unsigned char)*p);
}

static void finish_access_logs(struct cfg_access_log *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        lower_names(list[i].request_headers, list[i].n_request_headers);
        lower_names(list[i].response_headers, list[i].n_response_headers);
    }
}

static void finish_health(struct cfg_health *h)
{
    if (h->tcp)
        h->kind = CFG_HEALTH_TCP;
    else if (strcmp(h->grpc, CFG_HEALTH_NO_GRPC) != 0)
        h->kind = CFG_HEALTH_GRPC;
    else
        h->kind = CFG_HEALTH_HTTP;
    h->enabled = h->enabled && (h->kind != CFG_HEALTH_HTTP || h->path[0] != 0);
}

static void finish(struct cfg *c)
{
    for (char *p = c->client_subject_header; *p != 0; p++)
        *p = (char)tolower((unsigned char)*p);
    if (c->workers == 0)
        c->workers = auto_workers();
    finish_access_logs(c->access_log, c->n_access_log);
    for (size_t i = 0; i < c->n_listeners; i++) {
        struct cfg_listener *l = &c->listeners[i];

        l->index = (uint16_t)i;
        finish_access_logs(l->access_log, l->n_access_log);
        if (l->name[0] != 0)
            continue;
        free(l->name);
        l->name = mem_str(l->bind.text);
    }
    for (size_t i = 0; i < c->n_services; i++) {
        struct cfg_service *s = &c->services[i];

        s->index = (uint16_t)i;
        finish_access_logs(s->access_log, s->n_access_log);
        finish_health(&s->health);
    }
    c->admin.enabled = c->admin.bind.text[0] != 0;
    finish_routes(c);
    cfg_edge_finish(c);
}

/* ---- loading ------------------------------------------------------------------------ */

static struct cfg *cfg_new(const char *file)
{
    struct cfg *c = MEM_NEW(struct cfg);

    c->refs = 1;
    c->file = mem_str(file);
    c->origin = cfg_origin_new();
    return c;
}

/* Consumes c and the tree, which may be NULL and was made from the files of c's origin. */
static int load_tree(struct cfg *c, struct yaml_node *tree, struct cfg **out,
                     struct cfg_errors *errs)
{
    struct cfg_places *places = &c->origin->places;

    *out = NULL;
    if (tree != NULL) {
        cfg_fill(tree, c, places, errs);
        cfg_check(c, c->file, places, errs);
        cfg_check_edge(c, c->file, places, errs);
    }
    yaml_free(tree);
    if (tree == NULL || errs->n > 0) {
        cfg_errors_sort(errs);
        cfg_unref(c);
        return RC_INVALID;
    }
    finish(c);
    *out = c;
    return RC_OK;
}

int cfg_load(const char *file, struct cfg **out, struct cfg_errors *errs)
{
    struct cfg *c = cfg_new(file);

    return load_tree(c, cfg_files_read(&c->origin->files, file, errs), out, errs);
}

int cfg_load_text(const char *name, const char *text, size_t len, struct cfg **out,
                  struct cfg_errors *errs)
{
    struct cfg *c = cfg_new(name);

    return load_tree(c, cfg_files_parse(&c->origin->files, name, text, len, errs), out,
                     errs);
}
