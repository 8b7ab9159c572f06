#include "proxy/auth_basic.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/auth.h"
#include "proxy/edge/b64.h"
#include "proxy/edge/hasher.h"
#include "proxy/edge/htpasswd.h"
#include "proxy/edge/memo.h"

#define PAIR_MAX (EDGE_USER_MAX + 1 + HTPASSWD_PASSWORD_MAX)
#define TEXT_MAX ((PAIR_MAX + 2) / 3 * 4)

/* A password that is being checked on another thread. */
struct auth_basic {
    struct hasher_job job; /* first */
    struct exchange *x;    /* NULL: nobody waits any more */
    struct edge_set *set;  /* a reference: memo and hash are in it */
    struct memo *memo;
    struct memo_key key;
    const char *hash;
    bool known; /* the name */
    bool right;
    size_t name_len;
    char pair[PAIR_MAX + 1]; /* name and password, each terminated */
};

/* What a client said. */
struct pair {
    char text[B64_BYTES(TEXT_MAX) + 1];
    size_t len, name_len; /* text[name_len] is the colon */
};

/* ---- what the client says ------------------------------------------------------------ */

static bool read_pair(const char *p, size_t len, struct pair *out)
{
    const char *colon;

    if (len > TEXT_MAX || !b64_decode(p, len, (uint8_t *)out->text, &out->len) ||
        memchr(out->text, 0, out->len) != NULL)
        return false;
    out->text[out->len] = 0;
    colon = strchr(out->text, ':');
    if (colon == NULL)
        return false;
    out->name_len = (size_t)(colon - out->text);
    return out->name_len > 0 && out->name_len <= EDGE_USER_MAX &&
           out->len - out->name_len - 1 <= HTPASSWD_PASSWORD_MAX;
}

static void refuse(struct exchange *x, enum stats_denial why)
{
    x->edge->challenge = EDGE_BASIC;
    edge_deny(x, why, 401, "unauthorized", 0);
}

/* ---- on the hasher's thread -------------------------------------------------------- */

/* A page of many parts asks many times at once: the first of them computes. */
static void on_work(struct hasher_job *j)
{
    struct auth_basic *c = (struct auth_basic *)(void *)j;
    enum memo_verdict v = memo_find(c->memo, c->key);

    if (v == MEMO_UNKNOWN) {
        bool match = htpasswd_check(c->hash, c->pair + c->name_len + 1);

        c->right = match && c->known;
        memo_put(c->memo, c->key, c->right);
    } else {
        c->right = v == MEMO_GOOD;
    }
    OPENSSL_cleanse(c->pair + c->name_len + 1, sizeof(c->pair) - c->name_len - 1);
}

static void auth_basic_free(struct auth_basic *c)
{
    OPENSSL_cleanse(c->pair, sizeof(c->pair));
    edge_set_unref(c->set);
    free(c);
}

/* Back in the worker. */
static void on_done(struct loop_mail *m)
{
    struct auth_basic *c = (struct auth_basic *)(void *)m;
    struct exchange *x = c->x;

    if (x != NULL) {
        struct worker *w = x->w;

        x->edge->check = NULL;
        if (!c->job.done) {
            edge_deny(x, DENIAL_AUTH_FAILED, 503, "passwords cannot be checked now", 1);
        } else if (c->right) {
            edge_set_user(x, c->pair, c->name_len);
            edge_authenticated(x);
        } else {
            refuse(x, DENIAL_PASSWORD);
        }
        sock_uncork(w);
    }
    auth_basic_free(c);
}

static void check_elsewhere(struct exchange *x, const struct pair *p, struct memo_key key,
                            const char *hash, bool known)
{
    struct auth_basic *c = MEM_NEW(struct auth_basic);

    *c = (struct auth_basic){
        .job = {.mail = {.fn = on_done}, .loop = x->w->loop, .work = on_work},
        .x = x,
        .set = edge_set_ref(x->pin->topology->edge),
        .memo = x->edge->rules->auth.memo,
        .key = key,
        .hash = hash,
        .known = known,
        .name_len = p->name_len,
    };
    memcpy(c->pair, p->text, p->len + 1);
    c->pair[p->name_len] = 0;
    x->edge->check = c;
    if (hasher_submit_mt(x->w->shared->hasher, &c->job))
        return;
    x->edge->check = NULL;
    auth_basic_free(c);
    edge_deny(x, DENIAL_AUTH_FAILED, 503, "too many passwords to check", 1);
}

void auth_basic_forget(struct exchange *x)
{
    if (x->edge->check != NULL)
        x->edge->check->x = NULL;
    x->edge->check = NULL;
}

/* ---- checking ------------------------------------------------------------------------ */

static enum memo_verdict check_here(const struct edge_auth *a, const struct pair *p,
                                    struct memo_key key, const char *hash, bool known)
{
    bool right = htpasswd_check(hash, p->text + p->name_len + 1) && known;

    memo_put(a->memo, key, right);
    return right ? MEMO_GOOD : MEMO_BAD;
}

/* True: the password is right. */
static bool check_pair(struct exchange *x, const struct pair *p)
{
    const struct edge_auth *a = &x->edge->rules->auth;
    struct memo_key key = memo_key(a->memo, p->text, p->len);
    enum memo_verdict v = memo_find(a->memo, key);
    const char *hash;
    bool known;

    if (v != MEMO_UNKNOWN) {
        STATS_INC(x->stats->edge.auth_known[0]);
    } else {
        STATS_INC(x->stats->edge.auth_checked[0]);
        hash = htpasswd_hash(a->users, p->text, p->name_len, &known);
        if (hash != NULL && htpasswd_is_slow(hash)) {
            check_elsewhere(x, p, key, hash, known);
            return false;
        }
        v = hash != NULL ? check_here(a, p, key, hash, known) : MEMO_BAD;
    }
    if (v != MEMO_GOOD)
        refuse(x, DENIAL_PASSWORD);
    else
        edge_set_user(x, p->text, p->name_len);
    return v == MEMO_GOOD;
}

bool auth_basic_check(struct exchange *x)
{
    struct pair p;
    size_t len;
    const char *credentials = auth_credentials(&x->head, "basic", &len);
    bool right;

    if (credentials == NULL) {
        refuse(x, DENIAL_NO_CREDENTIALS);
        return false;
    }
    if (!read_pair(credentials, len, &p)) {
        refuse(x, DENIAL_PASSWORD);
        return false;
    }
    right = check_pair(x, &p);
    OPENSSL_cleanse(&p, sizeof(p));
    return right;
}
