#include "profiler/pipeline.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "profiler/identity.h"

#define AREA         "profiler"
#define WINDOW_MS    2000      /* of real time: how late an observation may be in order */
#define WAITING_MAX  (1 << 18) /* observations, 16 MiB */
#define ORDER        3
#define CONTEXTS_MAX 65536
#define STEP_MS      60000 /* between outlooks, when a log is replayed */
#define STEP_LIVE_MS 10000
#define STEP_REAL_MS 500 /* and not oftener than this in real time */
#define WALK         64  /* users whose habits are looked at in a step */
#define WALK_LIVE    8192
#define JUDGE_ALL    20000 /* guesses; from here on one user in 16 stands for all */
#define JUDGE_SAMPLE 16
#define SEQUENCE     "sequence" /* names of what is stored */
#define OUTLOOK      "outlook"

/* ---- an observation ---- */

static bool was_answered(const struct observation *o)
{
    return o->status >= 200 && o->status < 400 && !(o->flags & OBS_FAILED);
}

static void close_session(struct pipeline *p, struct user *user)
{
    outlook_close(p->outlook, user);
    keeper_session_over(p->keeper, user, p->now_s);
    users_retire(p->users, user);
}

/* The one not seen for longest goes. */
static void make_room(struct pipeline *p)
{
    struct user *user = users_oldest_idle(p->users);

    if (user == NULL) {
        user = users_oldest_active(p->users);
        close_session(p, user);
    }
    keeper_leaves(p->keeper, user, p->now_s);
    users_remove(p->users, user);
}

static struct user *get_user(struct pipeline *p, uint64_t key)
{
    struct user *user = users_find(p->users, key);

    if (user != NULL)
        return user;
    while ((user = users_add(p->users, key)) == NULL)
        make_room(p);
    switch (keeper_read_user(p->keeper, key, &user->profile)) {
    case KEEPER_FOUND:
    case KEEPER_NONE:
        break;
    case KEEPER_UNREACHABLE:
        user->unread = true;
        break;
    }
    return user;
}

static bool is_judged(const struct pipeline *p, const struct user *user)
{
    return p->judged < JUDGE_ALL || user->key % JUDGE_SAMPLE == 0;
}

/* Asks the model before it learns, so that its record is honest. */
static void judge(struct pipeline *p, const struct session *s, uint16_t token)
{
    struct markov_guess best;

    if (markov_top(p->sequence, s->history, s->n_history, &best, 1) == 0)
        return;
    p->judged++;
    p->right += best.token == token;
    if (p->judged >= 2 * JUDGE_ALL) {
        p->judged /= 2;
        p->right /= 2;
    }
}

static void follow_sequence(struct pipeline *p, const struct user *user, bool is_new,
                            uint16_t token)
{
    static const uint16_t start[] = {TOKEN_START};
    const struct session *s = &user->profile.session;

    if (is_new) {
        markov_learn(p->sequence, start, 1, token);
        return;
    }
    if (is_judged(p, user))
        judge(p, s, token);
    markov_learn(p->sequence, s->history, s->n_history, token);
}

static void note_in_profile(struct pipeline *p, struct user *user,
                            const struct observation *o, uint16_t token)
{
    struct profile_event e = {.at_s = (uint32_t)(o->start / MS_PER_S),
                              .token = token,
                              .status = o->status,
                              .flags = o->flags,
                              .device = o->device,
                              .latency_us = o->latency_us};
    bool is_new = session_is_over(&user->profile.session, e.at_s, p->gap_s);

    e.hour = profile_hour_at(e.at_s, zone_offset_s(p->zone[o->service], e.at_s));
    if (is_new && user->active)
        outlook_close(p->outlook, user);
    follow_sequence(p, user, is_new, token);
    p->sessions += profile_note(&user->profile, &e, p->gap_s);
    outlook_note(p->outlook, user, e.at_s, o->service);
    if (is_new || user->profile.requests % 16 == 0)
        busiest_note(&p->busiest, user->key, user->profile.requests);
}

/* A repeat after a failure is the same wish again, and already noted. */
static void on_observation(void *ctx, const struct observation *o)
{
    struct pipeline *p = ctx;
    struct user *user;
    uint16_t token;

    if (o->user == 0 || o->service >= p->n_services || o->start <= 0)
        return;
    p->observations++;
    if (o->flags & OBS_REPEAT)
        return;
    token = template_token(p->templates, o->service, o->path, o->user, was_answered(o));
    user = get_user(p, o->user);
    note_in_profile(p, user, o, token);
    users_activate(p->users, user);
    keeper_changed(p->keeper, user, p->now_s);
}

void pipeline_path(struct pipeline *p, const struct path_text *t)
{
    if (t->service < p->n_services)
        template_path(p->templates, t->service, t->path, t->text, t->len);
}

void pipeline_put(struct pipeline *p, const struct observation *o)
{
    reorder_put(p->reorder, o);
}

/* ---- time ---- */

static void close_sessions(struct pipeline *p, uint32_t now_s)
{
    struct user *user;

    while ((user = users_oldest_active(p->users)) != NULL &&
           session_is_over(&user->profile.session, now_s, p->gap_s))
        close_session(p, user);
}

static void step(struct pipeline *p, struct outlook *out)
{
    reorder_release(p->reorder, p->next_step);
    close_sessions(p, (uint32_t)(p->next_step / MS_PER_S));
    outlook_step(p->outlook, p->users, p->next_step, out);
    p->next_step += p->step_ms;
}

/* With nobody active nothing happens until the next observation. */
static void skip_quiet_time(struct pipeline *p, wall_ms until)
{
    wall_ms next = until;

    if (users_active(p->users) > 0)
        return;
    if (reorder_earliest(p->reorder) < next)
        next = reorder_earliest(p->reorder);
    if (next > p->next_step)
        p->next_step = next;
}

bool pipeline_advance(struct pipeline *p, wall_ms now, uint32_t mono_s, struct outlook *out)
{
    wall_ms until = now - p->window_ms;
    bool made = false;

    p->now_s = mono_s;
    if (p->next_step == 0)
        p->next_step = until + p->step_ms;
    while (p->next_step <= until) {
        skip_quiet_time(p, until);
        step(p, out);
        made = true;
    }
    reorder_release(p->reorder, until);
    return made;
}

void pipeline_expire(struct pipeline *p, wall_ms now)
{
    wall_ms keep = (wall_ms)p->cfg->profiler.keep_ms;

    if (keep > 0 && now > keep)
        expiry_step(&p->expiry, p->users, p->keeper, (uint32_t)((now - keep) / MS_PER_S));
}

void pipeline_drain(struct pipeline *p)
{
    reorder_release_all(p->reorder);
}

/* ---- what is stored ---- */

void pipeline_keep_models(struct pipeline *p)
{
    uint8_t *bytes;
    size_t len;

    markov_save(p->sequence, &bytes, &len);
    keeper_put(p->keeper, SEQUENCE, bytes, len);
    outlook_save(p->outlook, &bytes, &len);
    keeper_put(p->keeper, OUTLOOK, bytes, len);
}

static void load_model(struct pipeline *p, const char *name,
                       int (*load)(struct pipeline *p, const uint8_t *in, size_t len))
{
    uint8_t *bytes;
    size_t len;

    if (!keeper_get(p->keeper, name, &bytes, &len))
        return;
    if (load(p, bytes, len) != RC_OK)
        log_warn(AREA, "a stored model is damaged, begins anew model=%s", name);
    free(bytes);
}

static int load_sequence(struct pipeline *p, const uint8_t *in, size_t len)
{
    return markov_load(p->sequence, in, len);
}

static int load_outlook(struct pipeline *p, const uint8_t *in, size_t len)
{
    return outlook_load(p->outlook, in, len);
}

/* When users were last seen; as many as fit are loaded, the latest first. */
struct seen {
    uint32_t *last_s;
    size_t n, cap;
};

static bool note_seen(void *ctx, uint64_t key, const struct profile *profile)
{
    struct seen *s = ctx;

    (void)key;
    if (s->n == s->cap) {
        s->cap = s->cap > 0 ? 2 * s->cap : 1024;
        s->last_s = mem_grow(s->last_s, s->cap, sizeof(s->last_s[0]));
    }
    s->last_s[s->n++] = profile->session.last_s;
    return true;
}

static int latest_first(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x < y) - (x > y);
}

struct loading {
    struct pipeline *p;
    uint32_t since_s;
};

static bool load_user(void *ctx, uint64_t key, const struct profile *profile)
{
    struct loading *l = ctx;
    struct user *user;

    if (key == 0 || profile->session.last_s < l->since_s ||
        users_find(l->p->users, key) != NULL)
        return true;
    user = users_add(l->p->users, key);
    if (user == NULL)
        return false;
    user->profile = *profile;
    busiest_note(&l->p->busiest, key, profile->requests);
    return true;
}

static void load_users(struct pipeline *p)
{
    struct seen seen = {0};
    struct loading loading = {p, 0};

    keeper_each_user(p->keeper, note_seen, &seen);
    if (seen.n > p->cfg->profiler.max_users) {
        qsort(seen.last_s, seen.n, sizeof(seen.last_s[0]), latest_first);
        loading.since_s = seen.last_s[p->cfg->profiler.max_users - 1];
    }
    free(seen.last_s);
    keeper_each_user(p->keeper, load_user, &loading);
    users_sort_idle(p->users);
}

/* ---- life ---- */

static int open_zones(struct pipeline *p, struct why *w)
{
    int rc = RC_OK;

    p->zone = MEM_NEW_N(struct zone *, p->n_services);
    for (size_t i = 0; i < p->n_services; i++) {
        const char *name = p->cfg->services[i].time_zone;

        if (strcmp(name, "UTC") != 0 && zone_open(name, &p->zone[i], w) != RC_OK)
            rc = RC_INVALID;
    }
    return rc;
}

static int set_services(struct pipeline *p, struct cfg *cfg, struct why *w)
{
    p->cfg = cfg_ref(cfg);
    p->n_services = cfg->n_services;
    p->gap_s = cfg->profiler.session_gap_ms / MS_PER_S;
    p->service = MEM_NEW_N(const char *, p->n_services);
    for (size_t i = 0; i < p->n_services; i++)
        p->service[i] = cfg->services[i].name;
    return open_zones(p, w);
}

static void free_services(struct pipeline *p)
{
    for (size_t i = 0; i < p->n_services; i++)
        zone_free(p->zone[i]);
    free(p->zone);
    free(p->service);
    cfg_unref(p->cfg);
}

static struct outlook_model *new_outlook(const struct pipeline *p)
{
    struct outlook_setup setup = {p->n_services, p->service, p->zone, p->tokens, p->walk};

    return outlook_new(&setup);
}

static struct template_limits limits_of(const struct cfg *cfg)
{
    return (struct template_limits){cfg->profiler.max_templates,
                                    cfg->profiler.template_users, 0};
}

static void open_parts(struct pipeline *p)
{
    struct template_limits limits = limits_of(p->cfg);

    rng_secret(&limits.secret, sizeof(limits.secret));
    p->templates = template_new(&limits, p->tokens, p->service, p->n_services);
    p->users = users_new(p->cfg->profiler.max_users);
    p->sequence = markov_new(ORDER, CONTEXTS_MAX);
    p->walk = WALK;
    p->outlook = new_outlook(p);
    p->window_ms = WINDOW_MS;
    p->step_ms = STEP_MS;
    p->reorder = reorder_new(WINDOW_MS, WAITING_MAX, on_observation, p);
}

int pipeline_new(struct cfg *cfg, struct kv *kv, struct pipeline **out, struct why *w)
{
    struct pipeline *p = MEM_NEW(struct pipeline);

    *out = NULL;
    if (set_services(p, cfg, w) != RC_OK) {
        pipeline_free(p);
        return RC_INVALID;
    }
    p->tokens = token_new(p->service, p->n_services);
    p->keeper = keeper_new(kv, p->tokens);
    keeper_load_tokens(p->keeper);
    open_parts(p);
    p->secret = cfg->profiler.key[0] != '\0' ? identity_secret(cfg->profiler.key)
                                             : keeper_secret(p->keeper);
    load_model(p, SEQUENCE, load_sequence);
    load_model(p, OUTLOOK, load_outlook);
    load_users(p);
    *out = p;
    return RC_OK;
}

/* The models know services by number: they go through their stored form, which has names.
 */
void pipeline_reconfigure(struct pipeline *p, struct cfg *cfg)
{
    struct pipeline before = *p;
    struct template_limits limits = limits_of(cfg);
    uint8_t *bytes;
    struct why w;
    size_t len;

    pipeline_drain(p);
    outlook_save(p->outlook, &bytes, &len);
    outlook_free(p->outlook);
    if (set_services(p, cfg, &w) != RC_OK)
        log_warn(AREA, "%s; taken for UTC", w.text);
    token_set_services(p->tokens, p->service, p->n_services);
    template_set_services(p->templates, &limits, p->service, p->n_services);
    users_set_max(p->users, cfg->profiler.max_users);
    p->outlook = new_outlook(p);
    CHECK(outlook_load(p->outlook, bytes, len) == RC_OK);
    free(bytes);
    free_services(&before);
}

void pipeline_free(struct pipeline *p)
{
    if (p == NULL)
        return;
    reorder_free(p->reorder);
    outlook_free(p->outlook);
    markov_free(p->sequence);
    template_free(p->templates);
    keeper_free(p->keeper);
    users_free(p->users);
    token_free(p->tokens);
    free_services(p);
    free(p);
}

void pipeline_go_live(struct pipeline *p, double speed)
{
    reorder_release_all(p->reorder);
    reorder_free(p->reorder);
    p->window_ms = (wall_ms)(WINDOW_MS * speed);
    p->reorder = reorder_new((uint32_t)p->window_ms, WAITING_MAX, on_observation, p);
    p->step_ms = (wall_ms)(STEP_REAL_MS * speed);
    if (p->step_ms < STEP_LIVE_MS)
        p->step_ms = STEP_LIVE_MS;
    p->walk = WALK_LIVE;
    outlook_set_walk(p->outlook, p->walk);
}
