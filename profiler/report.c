#include "profiler/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "profiler/device.h"

#define GUESSES 5

static double rounded(double v)
{
    return round(v * 1000) / 1000;
}

static void set_int(json_t *o, const char *name, json_int_t v)
{
    json_object_set_new(o, name, json_integer(v));
}

static void set_real(json_t *o, const char *name, double v)
{
    json_object_set_new(o, name, json_real(rounded(v)));
}

static void set_text(json_t *o, const char *name, const char *text)
{
    json_object_set_new(o, name, json_string(text));
}

static void set_key(json_t *o, uint64_t key)
{
    char text[17];

    snprintf(text, sizeof(text), "%016" PRIx64, key);
    set_text(o, "user", text);
}

static const char *service_name(const struct pipeline *p, uint16_t token)
{
    int service = token_service(p->tokens, token);

    return service >= 0 ? p->service[service] : "";
}

/* What a token stands for today; the start of a session is written so. */
static json_t *resource(const struct pipeline *p, uint16_t token)
{
    json_t *o = json_object();

    token = token_now(p->tokens, token);
    set_text(o, "service", service_name(p, token));
    set_text(o, "resource",
             token == TOKEN_START ? "(start)" : token_text(p->tokens, token));
    return o;
}

/* ---- the parts of a profile ---- */

static json_t *session_of(const struct session *s, bool open)
{
    json_t *o = json_object();

    set_int(o, "start", s->start_s);
    set_int(o, "last", s->last_s);
    set_int(o, "requests", s->requests);
    json_object_set_new(o, "open", json_boolean(open));
    return o;
}

static json_t *rates_of(const struct profile *p)
{
    json_t *o = json_object();

    set_real(o, "requests_per_session", p->session_requests);
    set_real(o, "session_seconds", p->session_s);
    set_real(o, "pause_seconds", p->pause_s);
    set_real(o, "latency_ms", p->latency_us / 1000);
    return o;
}

static json_t *aborts_of(const struct profile *p)
{
    json_t *o = json_object();

    set_int(o, "waiting", p->count[PROFILE_ABORTED_WAITING]);
    set_int(o, "later", p->count[PROFILE_ABORTED_LATER]);
    set_int(o, "failed", p->count[PROFILE_FAILED]);
    set_int(o, "held", p->count[PROFILE_HELD]);
    return o;
}

static json_t *recent_of(const struct pipeline *p, const struct profile *profile)
{
    json_t *a = json_array();

    for (unsigned i = profile->n_recent; i-- > 0;) {
        json_t *o = resource(p, profile->recent_token[i]);

        set_int(o, "at", profile->recent_s[i]);
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *mix_of(const struct pipeline *p, const struct profile *profile)
{
    json_t *a = json_array();
    double all = 0;

    for (unsigned i = 0; i < PROFILE_MIX; i++)
        all += profile->mix_weight[i];
    for (unsigned i = 0; i < PROFILE_MIX; i++) {
        json_t *o;

        if (profile->mix_weight[i] == 0)
            continue;
        o = resource(p, profile->mix_token[i]);
        set_real(o, "share", profile->mix_weight[i] / all);
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *services_of(const struct pipeline *p, const struct profile *profile)
{
    json_t *o = json_object();
    double all = 0;

    for (unsigned i = 0; i < PROFILE_MIX; i++)
        all += profile->mix_weight[i];
    for (unsigned i = 0; i < PROFILE_MIX; i++) {
        const char *name = service_name(p, profile->mix_token[i]);
        double before = json_real_value(json_object_get(o, name));

        if (profile->mix_weight[i] > 0 && name[0] != '\0')
            json_object_set_new(o, name, json_real(before + profile->mix_weight[i] / all));
    }
    return o;
}

static json_t *moves_of(const struct pipeline *p, const struct profile *profile)
{
    json_t *a = json_array();

    for (unsigned i = 0; i < PROFILE_MOVES; i++) {
        double all = 0;
        json_t *o;

        if (profile->move_weight[i] == 0)
            continue;
        for (unsigned j = 0; j < PROFILE_MOVES; j++)
            if (profile->move_from[j] == profile->move_from[i])
                all += profile->move_weight[j];
        o = json_object();
        json_object_set_new(o, "from", resource(p, profile->move_from[i]));
        json_object_set_new(o, "to", resource(p, profile->move_to[i]));
        set_real(o, "share", profile->move_weight[i] / all);
        set_real(o, "weight", (double)profile->move_weight[i] / PROFILE_ONE);
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *week_of(const struct profile *p)
{
    json_t *a = json_array();

    for (unsigned i = 0; i < PROFILE_HOURS; i++)
        json_array_append_new(a, json_real(rounded(profile_hour(p, i, p->hour))));
    return a;
}

static json_t *gaps_of(const struct profile *p)
{
    json_t *a = json_array();

    for (unsigned i = 0; i < PROFILE_GAPS; i++) {
        json_t *o = json_object();

        if (i < PROFILE_GAPS - 1)
            set_int(o, "below_seconds", 1 << i);
        set_int(o, "weight", p->gaps[i]);
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *devices_of(const struct profile *p)
{
    json_t *o = json_object();

    for (unsigned i = 0; i < PROFILE_DEVICES; i++)
        if (p->devices[i] > 0)
            set_int(o, device_name((enum obs_device)i), p->devices[i]);
    return o;
}

static json_t *next_of(struct pipeline *p, const struct session *s)
{
    struct markov_guess guess[GUESSES];
    size_t n = markov_top(p->sequence, s->history, s->n_history, guess, GUESSES);
    json_t *a = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *o = resource(p, guess[i].token);

        set_real(o, "p", guess[i].p);
        json_array_append_new(a, o);
    }
    return a;
}

/* ---- answers ---- */

static json_t *summary(uint64_t key, const struct profile *profile, const struct user *user)
{
    json_t *o = json_object();

    set_key(o, key);
    json_object_set_new(o, "active", json_boolean(user != NULL && user->active));
    set_text(o, "device", device_name(profile_device(profile)));
    set_int(o, "first_seen", profile->first_s);
    set_int(o, "last_seen", profile->session.last_s);
    set_int(o, "requests", profile->requests);
    set_int(o, "sessions", profile->sessions);
    return o;
}

json_t *report_user(struct pipeline *p, uint64_t key, const struct profile *profile,
                    const struct user *user)
{
    json_t *o = summary(key, profile, user);

    json_object_set_new(o, "session",
                        session_of(&profile->session, user != NULL && user->active));
    json_object_set_new(o, "rates", rates_of(profile));
    json_object_set_new(o, "aborts", aborts_of(profile));
    json_object_set_new(o, "next", next_of(p, &profile->session));
    json_object_set_new(o, "recent", recent_of(p, profile));
    json_object_set_new(o, "mix", mix_of(p, profile));
    json_object_set_new(o, "services", services_of(p, profile));
    json_object_set_new(o, "transitions", moves_of(p, profile));
    json_object_set_new(o, "gaps", gaps_of(profile));
    json_object_set_new(o, "devices", devices_of(profile));
    json_object_set_new(o, "week", week_of(profile));
    return o;
}

/* The list's counts lag behind; the users' own decide. */
static size_t busiest_now(const struct pipeline *p, struct busiest_user *out)
{
    size_t n = 0;

    for (size_t i = 0; i < p->busiest.n; i++) {
        const struct user *user = users_find(p->users, p->busiest.user[i].key);

        if (user != NULL)
            out[n++] = (struct busiest_user){user->key, user->profile.requests};
    }
    busiest_sort(out, n);
    return n;
}

json_t *report_users(struct pipeline *p, size_t top)
{
    struct busiest_user list[BUSIEST_MAX];
    size_t n = busiest_now(p, list);
    json_t *a = json_array();

    for (size_t i = 0; i < n && i < top; i++) {
        const struct user *user = users_find(p->users, list[i].key);

        json_array_append_new(a, summary(user->key, &user->profile, user));
    }
    return a;
}

json_t *report_templates(struct pipeline *p, uint16_t service)
{
    json_t *a = json_array();

    for (size_t i = 1; i <= token_count(p->tokens); i++) {
        uint16_t token = (uint16_t)i;
        json_t *o;

        if (token_service(p->tokens, token) != service ||
            token_now(p->tokens, token) != token)
            continue;
        o = json_object();
        set_int(o, "token", token);
        set_text(o, "resource", token_text(p->tokens, token));
        set_int(o, "requests", markov_count(p->sequence, token));
        json_array_append_new(a, o);
    }
    return a;
}
