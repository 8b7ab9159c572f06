#include "proxy/auth.h"

#include <string.h>

#include "proxy/auth_basic.h"
#include "proxy/auth_forward.h"
#include "proxy/edge/cookie.h"
#include "proxy/edge/jwt.h"
#include "proxy/edge/named.h"
#include "proxy/lex.h"

#define CLAIM_TEXT_MAX 4096

/* ---- credentials --------------------------------------------------------------------- */

const char *auth_credentials(const struct msg *m, const char *scheme, size_t *len)
{
    const struct field *f = named_only(m, "authorization");
    size_t n = strlen(scheme);
    const char *p, *end;

    if (f == NULL || f->value_len <= n || !lex_same(msg_value(m, f), scheme, n))
        return NULL;
    p = msg_value(m, f) + n;
    end = msg_value(m, f) + f->value_len;
    if (*p != ' ')
        return NULL;
    while (p < end && *p == ' ')
        p++;
    *len = (size_t)(end - p);
    return p;
}

void auth_add_field(struct exchange *x, const char *name, const char *value, size_t len)
{
    x->edge->overfull = x->edge->overfull ||
                        !exchange_make_room(x, 1, strlen(name) + len + 8) ||
                        !msg_add(&x->head, FIELD_OTHER, name, value, len);
}

/* ---- tokens -------------------------------------------------------------------------- */

static const char *token_in(const struct msg *m, const struct cfg_identity *from,
                            size_t *len)
{
    const struct field *f;

    if (from->kind == CFG_ID_COOKIE)
        return cookie_value(m, from->name, len);
    if (strcmp(from->name, "authorization") == 0)
        return auth_credentials(m, "bearer", len);
    f = named_only(m, from->name);
    if (f == NULL)
        return NULL;
    *len = f->value_len;
    return msg_value(m, f);
}

static const char *find_token(const struct exchange *x, const struct cfg_jwt *cfg,
                              size_t *len)
{
    const char *token = NULL;

    for (size_t i = 0; token == NULL && i < cfg->n_from; i++)
        token = token_in(&x->head, &cfg->from[i], len);
    return token;
}

static enum stats_denial denial_of(enum jwt_verdict v)
{
    switch (v) {
    case JWT_ALGORITHM:
        return DENIAL_TOKEN_ALGORITHM;
    case JWT_KEY:
        return DENIAL_TOKEN_KEY;
    case JWT_SIGNATURE:
        return DENIAL_TOKEN_SIGNATURE;
    case JWT_EXPIRED:
    case JWT_EARLY:
        return DENIAL_TOKEN_TIME;
    case JWT_ISSUER:
        return DENIAL_TOKEN_ISSUER;
    case JWT_AUDIENCE:
        return DENIAL_TOKEN_AUDIENCE;
    case JWT_CLAIM:
        return DENIAL_TOKEN_CLAIM;
    case JWT_GOOD:
    case JWT_MALFORMED:
    case JWT_N_VERDICTS:
        break;
    }
    return DENIAL_TOKEN_FORM;
}

/* RFC 6750, 3.1: a token that is good but not enough is 403. */
static void refuse_token(struct exchange *x, enum jwt_verdict v)
{
    bool enough = v != JWT_CLAIM;

    x->edge->challenge = EDGE_BEARER_WRONG;
    x->edge->wrong = enough ? "invalid_token" : "insufficient_scope";
    edge_deny(x, denial_of(v), enough ? 401 : 403, enough ? "unauthorized" : "forbidden",
              0);
}

static void forward_claims(struct exchange *x, const struct cfg_jwt *cfg,
                           const json_t *claims)
{
    char text[CLAIM_TEXT_MAX];
    size_t n;

    for (size_t i = 0; i < cfg->n_forward; i++) {
        n = jwt_text(claims, cfg->forward[i].name, text, sizeof(text));
        if (n > 0)
            auth_add_field(x, cfg->forward[i].header, text, n);
    }
    n = jwt_text(claims, cfg->user_claim, text, sizeof(text));
    edge_set_user(x, text, n);
}

static bool check_token(struct exchange *x)
{
    const struct edge_auth *a = &x->edge->rules->auth;
    const struct cfg_jwt *cfg = &a->cfg->jwt;
    bool known = false;
    struct jwt_rules rules = {
        .cfg = cfg, .keys = a->keys, .memo = a->memo, .known = &known};
    size_t len;
    const char *token = find_token(x, cfg, &len);
    enum jwt_verdict v;
    json_t *claims;

    if (token == NULL) {
        x->edge->challenge = EDGE_BEARER;
        edge_deny(x, DENIAL_NO_CREDENTIALS, 401, "unauthorized", 0);
        return false;
    }
    v = jwt_check(&rules, token, len, clock_wall(), &claims);
    if (known)
        STATS_INC(x->stats->edge.auth_known[0]);
    else
        STATS_INC(x->stats->edge.auth_checked[0]);
    if (v == JWT_GOOD)
        forward_claims(x, cfg, claims);
    json_decref(claims);
    if (v != JWT_GOOD)
        refuse_token(x, v);
    return v == JWT_GOOD;
}

bool auth_check(struct exchange *x)
{
    const struct cfg_auth *cfg = x->edge->rules->auth.cfg;

    if (cfg->basic.present)
        return auth_basic_check(x);
    if (cfg->jwt.present)
        return check_token(x);
    auth_forward_ask(x);
    return false;
}
