#include "app/admin/change.h"

#include <stdbool.h>
#include <string.h>

#include "app/admin/ask.h"
#include "app/admin/parts.h"
#include "base/check.h"
#include "base/log.h"
#include "scaler/plan.h"

void change_reload(const struct parts *p, struct ask *a)
{
    struct wire *w = p->wire;
    int rc = wire_reload(w);

    log_info("admin", "reload asked for result=%s", rc == RC_OK ? "ok" : "failed");
    if (rc == RC_OK)
        ask_reply_json(a, 200, json_pack("{s:b}", "reloaded", 1));
    else
        ask_reply_problem(a, 409, "the old configuration stays: %s", w->reload_error);
}

/* The thread that writes them does it; how it went is in the figures. */
void change_reopen_logs(const struct parts *p, struct ask *a)
{
    log_info("admin", "access logs are opened again");
    proxy_reopen_logs_mt(p->wire->proxy);
    ask_reply_json(a, 200, json_pack("{s:b}", "reopening", 1));
}

/* The body, or NULL when it was answered. */
static json_t *body_of(struct ask *a)
{
    struct why why;
    json_t *body = ask_body(a, &why);

    if (body == NULL)
        ask_reply_problem(a, 400, "%s", why.text);
    return body;
}

static void drain(const struct parts *p, struct ask *a, json_t *body)
{
    const char *service, *backend;
    json_error_t err;
    int on;

    if (json_unpack_ex(body, &err, 0, "{s:s, s:s, s:b!}", "service", &service, "backend",
                       &backend, "drain", &on) != 0) {
        ask_reply_problem(a, 400, "%s", err.text);
        return;
    }
    if (proxy_drain_backend(p->wire->proxy, service, backend, on) != RC_OK) {
        ask_reply_problem(a, 404, "service '%s' has no backend '%s'", service, backend);
        return;
    }
    log_info("admin", "backend %s %s service=%s", backend, on ? "drains" : "is taken back",
             service);
    ask_reply_json(
        a, 200,
        json_pack("{s:s, s:s, s:b}", "service", service, "backend", backend, "drain", on));
}

void change_drain(const struct parts *p, struct ask *a)
{
    json_t *body = body_of(a);

    if (body != NULL)
        drain(p, a, body);
    json_decref(body);
}

static bool mode_from(const char *name, enum cfg_mode *out)
{
    for (size_t i = 0; i < N_ELEMS(plan_mode_name); i++)
        if (strcmp(name, plan_mode_name[i]) == 0) {
            *out = (enum cfg_mode)i;
            return true;
        }
    return false;
}

static void set_mode(const struct parts *p, struct ask *a, json_t *body)
{
    const char *service, *name;
    enum cfg_mode mode;
    json_error_t err;

    if (json_unpack_ex(body, &err, 0, "{s:s, s:s!}", "service", &service, "mode", &name) !=
        0) {
        ask_reply_problem(a, 400, "%s", err.text);
        return;
    }
    if (!mode_from(name, &mode)) {
        ask_reply_problem(a, 400, "mode is live, shadow, off or reactive");
        return;
    }
    if (scaler_set_mode_mt(p->wire->scaler, service, mode) != RC_OK) {
        ask_reply_problem(a, 404, "no service '%s'", service);
        return;
    }
    log_info("admin", "mode %s service=%s", name, service[0] != 0 ? service : "(all)");
    ask_reply_json(a, 200, json_pack("{s:s, s:s}", "service", service, "mode", name));
}

void change_mode(const struct parts *p, struct ask *a)
{
    json_t *body = body_of(a);

    if (body != NULL)
        set_mode(p, a, body);
    json_decref(body);
}
