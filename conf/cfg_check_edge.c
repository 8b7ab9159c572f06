#include "conf/cfg_check_edge.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

#define LIMITS_MAX     4 /* rate limits of one route or service */
#define NAME_BYTES_MAX 200

struct check {
    const struct cfg *cfg;
    const char *file;
    const struct cfg_places *places;
    struct cfg_errors *errs;
};

/* At the field, or else at the object around it.  Nothing is said about a field whose own
 * value was refused. */
static void fault(const struct check *c, const void *field, const void *object,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void fault(const struct check *c, const void *field, const void *object,
                  const char *fmt, ...)
{
    const struct cfg_at *at = cfg_places_find(c->places, field);
    char text[512];
    va_list ap;

    if (cfg_places_spoiled(c->places, field))
        return;
    if (at == NULL)
        at = cfg_places_find_object(c->places, object);
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cfg_errors_add(c->errs, at != NULL ? *at : (struct cfg_at){c->file, 0, 0}, "%s", text);
}

/* False: it was not understood, which has been said. */
static bool understood(const struct check *c, const void *object)
{
    return cfg_places_find_object(c->places, object) != NULL;
}

/* ---- words -------------------------------------------------------------------------- */

static bool is_name(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && strchr("!#$&^_.+-", s[i]) == NULL)
            return false;
    return n > 0;
}

/* type/subtype (RFC 6838, 4.2), the subtype perhaps a star; parameters only if allowed. */
static bool is_media_type(const char *s, bool star, bool parameters)
{
    size_t type = strcspn(s, "/"), sub;

    if (s[type] != '/' || !is_name(s, type))
        return false;
    s += type + 1;
    if (star && strcmp(s, "*") == 0)
        return true;
    sub = strcspn(s, "; ");
    return is_name(s, sub) && (s[sub] == 0 || parameters);
}

const char *cfg_check_edge_type(const char *file)
{
    static const struct {
        const char *suffix, *type;
    } known[] = {
        {".html", "text/html; charset=utf-8"}, {".htm", "text/html; charset=utf-8"},
        {".txt", "text/plain; charset=utf-8"}, {".json", "application/json"},
        {".xml", "application/xml"},           {".svg", "image/svg+xml"},
    };
    const char *dot = strrchr(file, '.');

    for (size_t i = 0; dot != NULL && i < N_ELEMS(known); i++)
        if (strcasecmp(dot, known[i].suffix) == 0)
            return known[i].type;
    return NULL;
}

/* Fields that frame and route a message, or that tidegate sets itself. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
        "expect",
        "max-forwards",
        "via",
        "forwarded",
        "x-forwarded-for",
        "x-real-ip",
        "x-forwarded-proto",
        "x-forwarded-host",
        "x-request-id",
        "x-forwarded-port",
    };

    for (size_t i = 0; i < N_ELEMS(ours); i++)
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    return false;
}

static void check_field(const struct check *c, const char *key, char *const *name,
                        const void *object)
{
    if (*name != NULL && is_ours(*name))
        fault(c, name, object, "%s: '%s' is not to be set", key, *name);
}

/* ---- what services and routes share ------------------------------------------------- */

static void check_twice(const struct check *c, const char *key, const unsigned *list,
                        size_t n, const void *object)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++)
            if (list[i] == list[k] && !cfg_places_spoiled(c->places, &list[k]))
                fault(c, &list[i], object, "%s: the same is given twice", key);
}

static void check_compression(const struct check *c, const struct cfg_compression *z)
{
    check_twice(c, "algorithms", z->algorithms, z->n_algorithms, z);
    for (size_t i = 0; i < z->n_types; i++)
        if (z->types[i] != NULL && !is_media_type(z->types[i], true, false))
            fault(c, &z->types[i], z, "types: '%s' is not a media type", z->types[i]);
}

/* What is put into a head must leave room for the rest of it. */
static void check_length(const struct check *c, const char *key, char *const *text,
                         const void *object)
{
    if (*text != NULL && strlen(*text) > NAME_BYTES_MAX)
        fault(c, text, object, "%s: is longer than %d bytes", key, NAME_BYTES_MAX);
}

static void check_page(const struct check *c, const struct cfg_error_page *p)
{
    unsigned out = p->status_out;

    check_length(c, "content_type", &p->content_type, p);
    if (p->content_type[0] != 0 && !is_media_type(p->content_type, false, true))
        fault(c, &p->content_type, p, "content_type: '%s' is not a media type",
              p->content_type);
    if (p->content_type[0] == 0 && p->file[0] != 0 && cfg_check_edge_type(p->file) == NULL)
        fault(c, &p->file, p, "file: its name tells no type; a content_type must");
    if (out != 0 && (out < 200 || out == 204 || out == 205 || out == 304))
        fault(c, &p->status_out, p, "status_out: an answer with %u has no page", out);
}

static void check_pages(const struct check *c, const struct cfg_error_page *pages, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (understood(c, &pages[i]))
            check_page(c, &pages[i]);
}

static void check_limits(const struct check *c, const struct cfg_edge *e, bool has_user)
{
    for (size_t i = 0; i < e->n_limits; i++) {
        const struct cfg_rate_limit *l = &e->limits[i];

        if (i == LIMITS_MAX)
            fault(c, l, l, "rate_limit: at most %d", LIMITS_MAX);
        if (understood(c, l) && l->key.kind == CFG_LIMIT_USER && !has_user)
            fault(c, &l->key, l, "key: a user is known on a route with `auth` only");
    }
}

static void check_edge(const struct check *c, const struct cfg_edge *e, bool has_user)
{
    if (e->compression.present && understood(c, &e->compression))
        check_compression(c, &e->compression);
    check_pages(c, e->errors, e->n_errors);
    check_limits(c, e, has_user);
}

/* ---- authentication ----------------------------------------------------------------- */

static bool is_claim_name(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return false;
    return n > 0 && n <= NAME_BYTES_MAX;
}

static void check_jwt(const struct check *c, const struct cfg_jwt *j)
{
    check_length(c, "realm", &j->realm, j);
    check_length(c, "user_claim", &j->user_claim, j);
    check_twice(c, "algorithms", j->algorithms, j->n_algorithms, j);
    for (size_t i = 0; i < j->n_from; i++)
        if (j->from[i].name != NULL && j->from[i].kind == CFG_ID_ADDRESS)
            fault(c, &j->from[i], j, "from: a token is in a header or a cookie");
    for (size_t i = 0; i < j->n_claims; i++)
        if (!is_claim_name(j->claims[i].name))
            fault(c, &j->claims[i], &j->claims[i], "claims: a name cannot be like this");
    for (size_t i = 0; i < j->n_forward; i++) {
        const struct cfg_claim_header *f = &j->forward[i];

        if (!is_claim_name(f->name))
            fault(c, f, f, "forward: a name cannot be like this");
        if (understood(c, f)) {
            check_field(c, "forward", &f->header, f);
            check_length(c, "forward", &f->header, f);
        }
    }
}

static void check_forward(const struct check *c, const struct cfg_forward_auth *f)
{
    check_length(c, "path", &f->path, f);
    for (size_t i = 0; i < f->n_response_headers; i++)
        check_field(c, "response_headers", &f->response_headers[i], f);
}

static void check_auth(const struct check *c, const struct cfg_auth *a)
{
    int kinds = a->basic.present + a->jwt.present + a->forward.present;

    if (kinds != 1)
        fault(c, a, a, "auth: needs exactly one of basic, jwt and forward");
    check_field(c, "user_header", &a->user_header, a);
    check_length(c, "user_header", &a->user_header, a);
    if (a->basic.present)
        check_length(c, "realm", &a->basic.realm, &a->basic);
    if (a->jwt.present && understood(c, &a->jwt))
        check_jwt(c, &a->jwt);
    if (a->forward.present && understood(c, &a->forward))
        check_forward(c, &a->forward);
    if (a->forward.present && a->user_header[0] != 0 && a->forward.user_from[0] == 0)
        fault(c, &a->user_header, a, "user_header: needs a forward.user_from");
}

/* Without it a limit by user would hold all users together. */
static bool has_user(const struct cfg_auth *a)
{
    return a->present && (!a->forward.present || a->forward.user_from[0] != 0);
}

void cfg_check_edge(const struct cfg *cfg, const char *file,
                    const struct cfg_places *places, struct cfg_errors *errs)
{
    const struct check c = {cfg, file, places, errs};

    check_pages(&c, cfg->errors, cfg->n_errors);
    for (size_t i = 0; i < cfg->n_services; i++)
        if (understood(&c, &cfg->services[i]))
            check_edge(&c, &cfg->services[i].edge, false);
    for (size_t i = 0; i < cfg->n_routes; i++) {
        const struct cfg_route *r = &cfg->routes[i];

        if (!understood(&c, r))
            continue;
        check_edge(&c, &r->edge, has_user(&r->auth));
        if (r->auth.present && understood(&c, &r->auth))
            check_auth(&c, &r->auth);
    }
}
