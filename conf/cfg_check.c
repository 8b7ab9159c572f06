#include "conf/cfg_check.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"
#include "conf/cfg_access.h"
#include "conf/cfg_fill.h"
#include "conf/nearest.h"

#define PROFILER_KEY_MIN     16
#define TLS_TICKET_FILES_MAX 8
#define GRPC_SERVICE_MAX     255
#define ZONE_DIR             "/usr/share/zoneinfo"

struct check {
    const struct cfg *cfg;
    const char *file;
    const struct cfg_places *places;
    struct cfg_errors *errs;
};

/* ---- places ------------------------------------------------------------------------- */

/* True when the text sets the field, rightly or wrongly. */
static bool given(const struct check *c, const void *field)
{
    return cfg_places_find(c->places, field) != NULL;
}

/* False: it was not understood, which has been said. */
static bool understood(const struct check *c, const void *object)
{
    return cfg_places_find_object(c->places, object) != NULL;
}

/* Where the field was set, or else where the object around it begins. */
static struct cfg_at place(const struct check *c, const void *field, const void *object)
{
    const struct cfg_at *at = cfg_places_find(c->places, field);

    if (at == NULL)
        at = cfg_places_find_object(c->places, object);
    return at != NULL ? *at : (struct cfg_at){c->file, 0, 0};
}

/* Nothing is said about a field whose own value was refused. */
static void fault(const struct check *c, const void *field, const void *object,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void fault(const struct check *c, const void *field, const void *object,
                  const char *fmt, ...)
{
    char text[512];
    va_list ap;

    if (cfg_places_spoiled(c->places, field))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cfg_errors_add(c->errs, place(c, field, object), "%s", text);
}

/* ---- access logs -------------------------------------------------------------------- */

static bool is_off(const struct cfg_access_log *l)
{
    return strcmp(l->path, CFG_LOG_OFF) == 0;
}

static void check_syslog(const struct check *c, const struct cfg_access_log *l)
{
    const char *text = l->path + strlen("syslog:");
    struct addr a;
    struct why why;

    if (addr_parse(text, &a, &why) != RC_OK)
        fault(c, &l->path, l, "path: '%s': %s", text, why.text);
    else if (a.kind == ADDR_NAME)
        fault(c, &l->path, l, "path: syslog: needs an IP address or unix:PATH, not a name");
}

static void check_format(const struct check *c, const struct cfg_access_log *l)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest near;

    if (cfg_access_format_of(&l->format) != CFG_ACCESS_UNKNOWN)
        return;
    nearest_init(&near, l->format.source);
    for (int f = 0; f < CFG_ACCESS_CUSTOM; f++)
        nearest_offer(&near, cfg_access_format_name((enum cfg_access_format)f));
    fault(c, &l->format, l,
          "format: '%s' is not common, combined, httplog or json, and has no {variable}%s",
          l->format.source, nearest_hint(&near, hint));
}

static void check_names(const struct check *c, const struct cfg_access_log *l,
                        char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (names[i] != NULL && strlen(names[i]) > CFG_LOG_HEADER_NAME)
            fault(c, &names[i], l, "'%.20s...' is longer than %d characters", names[i],
                  CFG_LOG_HEADER_NAME);
}

static void check_access_log(const struct check *c, const struct cfg_access_log *l)
{
    if (strncmp(l->path, "syslog:", 7) == 0)
        check_syslog(c, l);
    check_format(c, l);
    check_names(c, l, l->request_headers, l->n_request_headers);
    check_names(c, l, l->response_headers, l->n_response_headers);
}

/* How often a template has a variable. */
static size_t count_of(const struct cfg_template *t, unsigned id)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_pieces; i++)
        n += t->pieces[i].var != NULL && t->pieces[i].var->id == id;
    return n;
}

/* A record has room for so many values, whichever log of the list asks for them. */
static void check_room(const struct check *c, const struct cfg_access_log *list, size_t n)
{
    size_t asked = 0, answered = 0;

    for (size_t i = 0; i < n; i++) {
        const struct cfg_access_log *l = &list[i];

        asked += l->n_request_headers + count_of(&l->format, CFG_ACCESS_V_REQUEST_HEADER);
        answered +=
            l->n_response_headers + count_of(&l->format, CFG_ACCESS_V_RESPONSE_HEADER);
        if (asked <= CFG_LOG_HEADERS_MAX && answered <= CFG_LOG_HEADERS_MAX)
            continue;
        fault(c, &l->path, l, "one list may ask for at most %d fields of %s",
              CFG_LOG_HEADERS_MAX, asked > CFG_LOG_HEADERS_MAX ? "requests" : "answers");
        return;
    }
}

/* One list; `object` is what it is in. */
static void check_access_logs(const struct check *c, struct cfg_access_log *const *list,
                              size_t n, const void *object)
{
    if (n > CFG_LOGS_MAX)
        fault(c, list, object, "access_log: at most %d in one list", CFG_LOGS_MAX);
    check_room(c, *list, n);
    for (size_t i = 0; i < n; i++) {
        const struct cfg_access_log *l = &(*list)[i];

        if (!understood(c, l))
            continue;
        if (is_off(l) && n > 1)
            fault(c, &l->path, l, "path: 'off' stands alone");
        else
            check_access_log(c, l);
    }
}

/* ---- listeners ---------------------------------------------------------------------- */

static void check_bind(const struct check *c, const struct addr *bind, const void *object)
{
    if (bind->kind == ADDR_NAME)
        cfg_errors_add(c->errs, place(c, bind, object),
                       "bind: needs an IP address or unix:PATH, not a name");
}

/* Port 0 is a new port each time. */
static bool same_bind(const struct addr *a, const struct addr *b)
{
    return a->text[0] != 0 && addr_equal(a, b) && (a->port != 0 || a->kind == ADDR_UNIX);
}

static void check_same_bind(const struct check *c, const struct cfg_listener *l)
{
    const struct cfg_listener *first = c->cfg->listeners;

    for (const struct cfg_listener *o = first; o < l; o++)
        if (same_bind(&o->bind, &l->bind))
            fault(c, &l->bind, l, "bind: %s is taken by the listener in line %u",
                  l->bind.text, place(c, &o->bind, o).line);
}

static const char *listener_name(const struct cfg_listener *l)
{
    return l->name[0] != 0 ? l->name : l->bind.text;
}

static void check_same_name(const struct check *c, const struct cfg_listener *l)
{
    const struct cfg_listener *first = c->cfg->listeners;

    for (const struct cfg_listener *o = first; given(c, &l->name) && o < l; o++)
        if (strcmp(listener_name(o), l->name) == 0)
            fault(c, &l->name, l, "name: '%s' is taken by the listener in line %u", l->name,
                  place(c, &o->name, o).line);
}

static void check_tls_listener(const struct check *c, const struct cfg_listener_tls *t)
{
    const struct cfg_tls_clients *clients = &t->clients;

    if (t->min_version > t->max_version)
        fault(c, &t->min_version, t, "min_version: is above max_version");
    if (clients->verify != CFG_TLS_VERIFY_NONE && clients->ca[0] == 0)
        fault(c, &clients->verify, clients, "verify: needs a `ca`");
    if (clients->verify == CFG_TLS_VERIFY_NONE && given(c, &clients->ca))
        fault(c, &clients->ca, clients, "ca: means nothing with `verify: none`");
    if (clients->crl[0] != 0 && clients->ca[0] == 0)
        fault(c, &clients->crl, clients, "crl: needs a `ca`");
    if (t->tickets.n_files > TLS_TICKET_FILES_MAX)
        fault(c, &t->tickets.files, &t->tickets, "files: at most %d", TLS_TICKET_FILES_MAX);
}

static void check_listener(const struct check *c, const struct cfg_listener *l)
{
    check_bind(c, &l->bind, l);
    check_access_logs(c, &l->access_log, l->n_access_log, l);
    check_same_bind(c, l);
    check_same_name(c, l);
    if (l->max_target_bytes > l->max_head_bytes)
        fault(c, &l->max_target_bytes, l,
              "limits.target: is more than limits.head, which holds it");
    if (l->h2.only && !l->h2.enabled)
        fault(c, &l->h2.only, &l->h2, "h2.only: means nothing without h2.enabled");
    if (l->n_proxy_from > 0 && !l->proxy_protocol)
        fault(c, &l->proxy_from, l, "proxy_from: means nothing without proxy_protocol");
    if (l->tls.present && understood(c, &l->tls))
        check_tls_listener(c, &l->tls);
}

static void check_admin(const struct check *c)
{
    const struct cfg_admin *a = &c->cfg->admin;

    check_bind(c, &a->bind, a);
    for (size_t i = 0; i < c->cfg->n_listeners; i++)
        if (same_bind(&a->bind, &c->cfg->listeners[i].bind))
            fault(c, &a->bind, a, "bind: %s is taken by a listener", a->bind.text);
    if (strchr(a->token, ' ') != NULL)
        fault(c, &a->token, a, "token: must not have spaces");
    if (a->token[0] != 0 && a->bind.text[0] == 0 && !given(c, &a->bind))
        fault(c, &a->token, a, "token: needs a bind");
}

static bool asks_grpc(const struct cfg_health *h)
{
    return strcmp(h->grpc, CFG_HEALTH_NO_GRPC) != 0;
}

/* ---- pools and providers ------------------------------------------------------------ */

/* A name to ask for and to check comes from somewhere, or nothing is checked. */
static void check_tls_name(const struct check *c, const struct cfg_pool *p,
                           const struct cfg_backend *b)
{
    bool on =
        b->tls == CFG_BACKEND_TLS_ON || (b->tls == CFG_BACKEND_TLS_AUTO && p->tls.present);

    if (on && b->addr.kind == ADDR_UNIX && p->tls.verify && b->server_name[0] == 0 &&
        p->tls.server_name[0] == 0)
        fault(c, &b->addr, b,
              "a certificate from %s cannot be checked without a server_name",
              b->addr.text);
    if (!on && b->server_name[0] != 0)
        fault(c, &b->server_name, b, "server_name: means nothing without tls");
}

static void check_backends(const struct check *c, const struct cfg_pool *p)
{
    for (size_t i = 0; i < p->n_backends; i++) {
        const struct cfg_backend *b = &p->backends[i];

        if (b->addr.text[0] == 0)
            continue;
        if (b->addr.kind != ADDR_UNIX && b->addr.port == 0)
            fault(c, &b->addr, b, "address: port 0 cannot be reached");
        check_tls_name(c, p, b);
        for (size_t k = 0; k < i; k++)
            if (addr_equal(&p->backends[k].addr, &b->addr))
                fault(c, &b->addr, b, "backend %s is given twice", b->addr.text);
    }
}

static void check_provider(const struct check *c, const struct cfg_service *s,
                           const struct cfg_pool *p)
{
    if (strcmp(p->provider, "local") != 0 || !s->local.present)
        fault(c, &p->provider, p,
              "provider: '%s' is not under the providers of service '%s'", p->provider,
              s->name);
    if (p->max == 0)
        fault(c, &p->max, p, "max: a pool with a provider needs one, 1 or more");
    else if (p->min > p->max)
        fault(c, &p->min, p, "min: is more than max, %u", p->max);
    else if (p->reserve > p->max)
        fault(c, &p->reserve, p, "reserve: is more than max, %u", p->max);
}

/* What only means something where there is a provider. */
static void check_no_provider(const struct check *c, const struct cfg_pool *p)
{
    const struct {
        const char *name;
        const uint32_t *field;
    } needy[] = {{"min", &p->min}, {"max", &p->max}, {"reserve", &p->reserve}};

    for (size_t i = 0; i < N_ELEMS(needy); i++)
        if (*needy[i].field != 0)
            cfg_errors_add(c->errs, place(c, needy[i].field, p),
                           "%s: means nothing without a provider", needy[i].name);
    if (p->n_backends == 0 && !given(c, &p->backends) && !given(c, &p->provider))
        fault(c, &p->backends, p, "this pool needs backends or a provider");
}

static void check_pool(const struct check *c, const struct cfg_service *s, enum tier tier)
{
    const struct cfg_pool *p = &s->pools[tier];

    if (!p->present || !understood(c, p))
        return;
    check_backends(c, p);
    if (p->provider[0] != 0)
        check_provider(c, s, p);
    else
        check_no_provider(c, p);
    if (p->tls.key[0] != 0 && p->tls.cert[0] == 0)
        fault(c, &p->tls.key, &p->tls, "key: needs a `cert`");
    if (p->reserve != 0 && tier != TIER_BURST)
        fault(c, &p->reserve, p, "reserve: is for the burst pool");
}

/* The words between braces in a command; one that nobody replaces is a slip. */
static void check_command(const struct check *c, const struct cfg_provider_local *l)
{
    static const char *const known[] = {"{port}", "{service}", "{tier}", "{id}"};
    const char *p = l->command;

    if (p[0] != 0 && strstr(p, "{port}") == NULL)
        fault(c, &l->command, l, "command: {port} must be in it");
    while ((p = strchr(p, '{')) != NULL) {
        size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_") + 2;
        bool ok = n == 2 || p[n - 1] != '}';

        for (size_t i = 0; !ok && i < N_ELEMS(known); i++)
            ok = strncmp(p, known[i], n) == 0 && known[i][n] == 0;
        if (!ok)
            fault(c, &l->command, l,
                  "command: %.*s is none of {port}, {service}, {tier}, {id}", (int)n, p);
        p++;
    }
}

/* Instances are asked either way, or nobody knows when they can serve. */
static void check_ready(const struct check *c, const struct cfg_service *s)
{
    const struct cfg_provider_local *l = &s->local;
    bool told = !understood(c, l) || cfg_places_spoiled(c->places, &l->ready);

    if (l->ready[0] == 0 && !told && !asks_grpc(&s->health) && !s->health.tcp)
        fault(c, l, l, "'ready' is required here");
}

static void check_ports(const struct check *c, const struct cfg_service *s)
{
    const struct cfg_provider_local *l = &s->local;
    uint64_t room = (uint64_t)l->port_to - l->port_from + 1, need = 0;

    for (enum tier t = 0; t < N_TIERS; t++)
        if (s->pools[t].present && strcmp(s->pools[t].provider, "local") == 0)
            need += s->pools[t].max;
    if (need > room)
        fault(c, &l->port_from, l,
              "ports: %u-%u are too few for the %lu instances of the pools' max",
              l->port_from, l->port_to, (unsigned long)need);
    for (const struct cfg_service *o = c->cfg->services; o < s; o++)
        if (o->local.present && o->local.port_from <= l->port_to &&
            l->port_from <= o->local.port_to)
            fault(c, &l->port_from, l, "ports: %u-%u overlap those of service '%s'",
                  l->port_from, l->port_to, o->name);
}

/* ---- services ----------------------------------------------------------------------- */

static void check_name(const struct check *c, const struct cfg_service *s)
{
    size_t n = strlen(s->name);

    if (n == 0 || n >= NAME_MAX_LEN ||
        strspn(s->name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != n)
        fault(c, &s->name, s,
              "a service's name has 1 to %d of the characters a-z 0-9 . _ -",
              NAME_MAX_LEN - 1);
}

/* What is asked can be answered by the backends of the pool. */
static bool speaks_h2(const struct cfg_pool *p)
{
    bool all_tls = p->tls.present;

    for (size_t i = 0; i < p->n_backends; i++)
        all_tls = all_tls && p->backends[i].tls != CFG_BACKEND_TLS_OFF;
    return p->protocol == CFG_PROTOCOL_H2 || (p->protocol == CFG_PROTOCOL_AUTO && all_tls);
}

static void check_grpc(const struct check *c, const struct cfg_service *s)
{
    const struct cfg_health *h = &s->health;

    if (h->tcp)
        fault(c, &h->grpc, s, "health.grpc: means nothing with health.tcp");
    if (strlen(h->grpc) > GRPC_SERVICE_MAX)
        fault(c, &h->grpc, s, "health.grpc: a name has at most %d bytes", GRPC_SERVICE_MAX);
    for (enum tier t = 0; t < N_TIERS; t++)
        if (s->pools[t].present && !speaks_h2(&s->pools[t]))
            fault(
                c, &h->grpc, s,
                "health.grpc: needs HTTP/2, which pool '%s' does not speak (protocol: h2)",
                tier_name[t]);
}

static void check_health(const struct check *c, const struct cfg_health *h,
                         const void *service)
{
    if (h->timeout_ms > h->interval_ms)
        fault(c, &h->timeout_ms, service, "health.timeout: is longer than health.interval");
}

static void check_time_zone(const struct check *c, const struct cfg_service *s)
{
    char path[256];
    int n = snprintf(path, sizeof(path), ZONE_DIR "/%s", s->time_zone);

    if (strcmp(s->time_zone, "UTC") == 0)
        return;
    if (n < 0 || (size_t)n >= sizeof(path) || strstr(s->time_zone, "..") != NULL ||
        !isalpha((unsigned char)s->time_zone[0]) || access(path, R_OK) != 0)
        fault(c, &s->time_zone, s, "time_zone: this system knows no '%s'", s->time_zone);
}

static void check_service(const struct check *c, const struct cfg_service *s)
{
    bool any = false;

    check_name(c, s);
    for (enum tier t = 0; t < N_TIERS; t++) {
        check_pool(c, s, t);
        any = any || s->pools[t].present;
    }
    if (!any)
        fault(c, &s->name, s, "service '%s' needs a pool", s->name);
    if (asks_grpc(&s->health))
        check_grpc(c, s);
    if (s->local.present) {
        check_ready(c, s);
        check_command(c, &s->local);
        check_ports(c, s);
    }
    check_health(c, &s->health, s);
    if (s->ejection.base_ms > s->ejection.max_ms)
        fault(c, &s->ejection.base_ms, s, "ejection.base: is longer than ejection.max");
    check_time_zone(c, s);
    check_access_logs(c, &s->access_log, s->n_access_log, s);
}

/* ---- routes ------------------------------------------------------------------------- */

/* A slash at the end makes no difference to a prefix of whole segments. */
static size_t path_length(const char *path)
{
    size_t n = strlen(path);

    return n > 1 && path[n - 1] == '/' ? n - 1 : n;
}

static bool same_route(const struct cfg_route *a, const struct cfg_route *b)
{
    size_t n = path_length(a->path);

    return n == path_length(b->path) && memcmp(a->path, b->path, n) == 0 &&
           strcmp(a->host, b->host) == 0;
}

static void check_route(const struct check *c, const struct cfg_route *r)
{
    if (strpbrk(r->path, "?#") != NULL)
        fault(c, &r->path, r, "path: has no query and no fragment");
    if (strstr(r->path, "//") != NULL || strstr(r->path, "/./") != NULL ||
        strstr(r->path, "/../") != NULL)
        fault(c, &r->path, r, "path: has an empty or dotted segment");
    for (const struct cfg_route *o = c->cfg->routes; o < r; o++)
        if (same_route(o, r))
            fault(c, &r->path, r, "the route in line %u is for the same host and path",
                  place(c, &o->path, o).line);
}

/* ---- the process -------------------------------------------------------------------- */

static void check_profiler(const struct check *c)
{
    const struct cfg_profiler *p = &c->cfg->profiler;

    if (p->key[0] != 0 && strlen(p->key) < PROFILER_KEY_MIN)
        fault(c, &p->key, p, "key: needs at least %d bytes", PROFILER_KEY_MIN);
    for (size_t i = 0; i < p->n_identity; i++)
        for (size_t k = 0; k < i; k++)
            if (p->identity[i].kind == p->identity[k].kind && p->identity[i].name != NULL &&
                p->identity[k].name != NULL &&
                strcmp(p->identity[i].name, p->identity[k].name) == 0)
                fault(c, &p->identity[i], p, "identity: the same is given twice");
}

static bool is_ip(const char *text)
{
    struct addr a;

    return addr_parse(text, &a, NULL) == RC_OK && a.port != 0 &&
           (a.kind == ADDR_IP4 || a.kind == ADDR_IP6);
}

/* An IP address, with a port or without. */
static bool is_server(const char *text)
{
    char *v4 = mem_printf("%s:53", text), *v6 = mem_printf("[%s]:53", text);
    bool ok = is_ip(text) || is_ip(v4) || is_ip(v6);

    free(v4);
    free(v6);
    return ok;
}

static void check_resolver(const struct check *c)
{
    const struct cfg_resolver *r = &c->cfg->resolver;

    for (size_t i = 0; i < r->n_servers; i++)
        if (r->servers[i] != NULL && !is_server(r->servers[i]))
            fault(c, &r->servers[i], r,
                  "servers: '%s' is not an IP address, with or without a port",
                  r->servers[i]);
    if (r->min_ttl_ms > r->max_ttl_ms)
        fault(c, &r->min_ttl_ms, r, "resolver.min_ttl: is longer than resolver.max_ttl");
}

void cfg_check(const struct cfg *cfg, const char *file, const struct cfg_places *places,
               struct cfg_errors *errs)
{
    const struct check c = {cfg, file, places, errs};

    for (size_t i = 0; i < cfg->n_listeners; i++)
        if (understood(&c, &cfg->listeners[i]))
            check_listener(&c, &cfg->listeners[i]);
    for (size_t i = 0; i < cfg->n_services; i++)
        if (understood(&c, &cfg->services[i]))
            check_service(&c, &cfg->services[i]);
    for (size_t i = 0; i < cfg->n_routes; i++)
        if (understood(&c, &cfg->routes[i]))
            check_route(&c, &cfg->routes[i]);
    check_access_logs(&c, &cfg->access_log, cfg->n_access_log, cfg);
    check_admin(&c);
    check_profiler(&c);
    check_resolver(&c);
}
