#include "proxy/edge/jwt.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "proxy/edge/b64.h"
#include "proxy/lex.h"

#define PART_MAX     B64_BYTES(JWT_TOKEN_MAX)
#define PATH_MAX_LEN 200

const char *const jwt_verdict_text[JWT_N_VERDICTS] = {
#define X(sym, text) text,
    JWT_VERDICTS(X)
#undef X
};

/* In the order of enum cfg_jwt_alg. */
static const char *const alg_names[CFG_JWT_ALGS] = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "EdDSA", "HS256", "HS384", "HS512",
};

struct part {
    const char *text;
    size_t len;
};

/* ---- the form ------------------------------------------------------------------------ */

/* Three parts with dots between (RFC 7515, 7.1). */
static bool split(const char *token, size_t len, struct part parts[3])
{
    const char *end = token + len;

    if (len > JWT_TOKEN_MAX)
        return false;
    for (int i = 0; i < 3; i++) {
        const char *dot = memchr(token, '.', (size_t)(end - token));

        if ((dot == NULL) != (i == 2))
            return false;
        parts[i] = (struct part){token, dot != NULL ? (size_t)(dot - token)
                                                    : (size_t)(end - token)};
        if (parts[i].len == 0)
            return false;
        token = dot != NULL ? dot + 1 : end;
    }
    return true;
}

/* The object that a part is; NULL: it is none. */
static json_t *object_of(struct part p)
{
    uint8_t bytes[PART_MAX];
    json_t *o;
    size_t n;

    if (!b64_url_decode(p.text, p.len, bytes, &n))
        return NULL;
    o = json_loadb((const char *)bytes, n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(o))
        return o;
    json_decref(o);
    return NULL;
}

/* ---- the signature ------------------------------------------------------------------- */

static int allowed_alg(const struct cfg_jwt *cfg, const json_t *header)
{
    const char *name = json_string_value(json_object_get(header, "alg"));

    for (size_t i = 0; name != NULL && i < cfg->n_algorithms; i++)
        if (strcmp(alg_names[cfg->algorithms[i]], name) == 0)
            return (int)cfg->algorithms[i];
    return -1;
}

static enum jwt_verdict verify(const struct jwt_rules *r, const struct part parts[3],
                               const json_t *header)
{
    const json_t *kid = json_object_get(header, "kid");
    uint8_t signature[PART_MAX];
    struct jwk_signed what = {.kid = json_string_value(kid),
                              .text = (const uint8_t *)parts[0].text,
                              .text_len = parts[0].len + 1 + parts[1].len,
                              .signature = signature};
    int alg = allowed_alg(r->cfg, header);

    if (json_object_get(header, "crit") != NULL || (kid != NULL && what.kid == NULL))
        return JWT_MALFORMED;
    if (alg < 0)
        return JWT_ALGORITHM;
    if (!b64_url_decode(parts[2].text, parts[2].len, signature, &what.signature_len))
        return JWT_MALFORMED;
    switch (jwk_verify(r->keys, (enum cfg_jwt_alg)alg, &what)) {
    case JWK_GOOD:
        return JWT_GOOD;
    case JWK_NO_KEY:
        return JWT_KEY;
    case JWK_BAD:
        break;
    }
    return JWT_SIGNATURE;
}

static enum jwt_verdict check_signature(const struct jwt_rules *r, const char *token,
                                        size_t len, const struct part parts[3])
{
    struct memo_key key = {0};
    enum jwt_verdict verdict = JWT_MALFORMED;
    json_t *header;

    if (r->memo != NULL) {
        key = memo_key(r->memo, token, len);
        if (memo_find(r->memo, key) == MEMO_GOOD) {
            if (r->known != NULL)
                *r->known = true;
            return JWT_GOOD;
        }
    }
    header = object_of(parts[0]);
    if (header != NULL)
        verdict = verify(r, parts, header);
    json_decref(header);
    if (verdict == JWT_GOOD && r->memo != NULL)
        memo_put(r->memo, key, true);
    return verdict;
}

/* ---- what it says -------------------------------------------------------------------- */

/* Seconds since 1970, with a fraction perhaps (RFC 7519, 2).  False: it is no number. */
static bool date_of(const json_t *claims, const char *name, double *out, bool *there)
{
    const json_t *v = json_object_get(claims, name);

    *there = v != NULL;
    *out = json_number_value(v);
    return v == NULL || json_is_number(v);
}

static enum jwt_verdict check_dates(const struct cfg_jwt *cfg, const json_t *claims,
                                    wall_ms now_ms)
{
    double now = (double)now_ms / MS_PER_S, leeway = (double)cfg->leeway_ms / MS_PER_S;
    double exp, nbf, iat;
    bool has_exp, has_nbf, has_iat;

    if (!date_of(claims, "exp", &exp, &has_exp) ||
        !date_of(claims, "nbf", &nbf, &has_nbf) || !date_of(claims, "iat", &iat, &has_iat))
        return JWT_MALFORMED;
    if (has_exp ? now >= exp + leeway : cfg->require_exp)
        return JWT_EXPIRED;
    if ((has_nbf && now < nbf - leeway) || (has_iat && now < iat - leeway))
        return JWT_EARLY;
    return JWT_GOOD;
}

/* A string or a number of one of the values, or a list with one in it. */
static bool is_one_of(const json_t *v, char *const *values, size_t n)
{
    char text[64];
    const char *s = json_string_value(v);

    for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++)
        if (!json_is_array(json_array_get(v, i)) &&
            is_one_of(json_array_get(v, i), values, n))
            return true;
    if (json_is_integer(v)) {
        snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        s = text;
    } else if (json_is_boolean(v)) {
        s = json_is_true(v) ? "true" : "false";
    }
    for (size_t i = 0; s != NULL && i < n; i++)
        if (strcmp(s, values[i]) == 0)
            return true;
    return false;
}

static const json_t *claim_at(const json_t *claims, const char *name)
{
    const json_t *v = json_object_get(claims, name);
    char part[PATH_MAX_LEN + 1];

    if (v != NULL || strchr(name, '.') == NULL)
        return v;
    v = claims;
    while (v != NULL && *name != 0) {
        size_t n = strcspn(name, ".");

        if (n > PATH_MAX_LEN)
            return NULL;
        memcpy(part, name, n);
        part[n] = 0;
        v = json_object_get(v, part);
        name += n + (name[n] == '.');
    }
    return v;
}

static enum jwt_verdict check_claims(const struct cfg_jwt *cfg, const json_t *claims,
                                     wall_ms now)
{
    enum jwt_verdict verdict = check_dates(cfg, claims, now);

    if (verdict != JWT_GOOD)
        return verdict;
    if (cfg->n_issuer > 0 &&
        (!json_is_string(json_object_get(claims, "iss")) ||
         !is_one_of(json_object_get(claims, "iss"), cfg->issuer, cfg->n_issuer)))
        return JWT_ISSUER;
    if (cfg->n_audience > 0 &&
        !is_one_of(json_object_get(claims, "aud"), cfg->audience, cfg->n_audience))
        return JWT_AUDIENCE;
    for (size_t i = 0; i < cfg->n_claims; i++)
        if (!is_one_of(claim_at(claims, cfg->claims[i].name), cfg->claims[i].values,
                       cfg->claims[i].n_values))
            return JWT_CLAIM;
    return JWT_GOOD;
}

enum jwt_verdict jwt_check(const struct jwt_rules *r, const char *token, size_t len,
                           wall_ms now, json_t **claims)
{
    struct part parts[3];
    enum jwt_verdict verdict;
    json_t *o;

    *claims = NULL;
    if (!split(token, len, parts))
        return JWT_MALFORMED;
    verdict = check_signature(r, token, len, parts);
    if (verdict != JWT_GOOD)
        return verdict;
    o = object_of(parts[1]);
    if (o == NULL)
        return JWT_MALFORMED;
    verdict = check_claims(r->cfg, o, now);
    if (verdict == JWT_GOOD || verdict == JWT_CLAIM)
        *claims = o;
    else
        json_decref(o);
    return verdict;
}

/* ---- claims as text ------------------------------------------------------------------ */

struct out {
    char *at, *end;
    bool fits;
};

static void put(struct out *o, const char *s, size_t n)
{
    o->fits = o->fits && n <= (size_t)(o->end - o->at);
    if (!o->fits)
        return;
    memcpy(o->at, s, n);
    o->at += n;
}

/* May it stand in a field, and in a list with commas? */
static bool is_sayable(const char *s, size_t n, bool in_list)
{
    if (n > 0 && (lex_is(s[0], LEX_OWS) || lex_is(s[n - 1], LEX_OWS)))
        return false;
    return lex_value_end(s, s + n) == s + n && (!in_list || memchr(s, ',', n) == NULL);
}

/* False: it cannot be said. */
static bool put_scalar(struct out *o, const json_t *v, bool in_list)
{
    char text[64];
    int n = 0;

    if (json_is_string(v)) {
        put(o, json_string_value(v), json_string_length(v));
        return is_sayable(json_string_value(v), json_string_length(v), in_list);
    }
    if (json_is_integer(v))
        n = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v))
        n = snprintf(text, sizeof(text), "%.17g", json_real_value(v));
    else if (json_is_boolean(v))
        n = snprintf(text, sizeof(text), "%s", json_is_true(v) ? "true" : "false");
    put(o, text, (size_t)n);
    return n > 0;
}

size_t jwt_text(const json_t *claims, const char *name, char *out, size_t room)
{
    const json_t *v = claim_at(claims, name);
    struct out o = {out, out + room, true};
    bool good = true;

    if (!json_is_array(v))
        good = put_scalar(&o, v, false);
    for (size_t i = 0; good && i < json_array_size(v); i++) {
        if (i > 0)
            put(&o, ",", 1);
        good = put_scalar(&o, json_array_get(v, i), true);
    }
    return good && o.fits ? (size_t)(o.at - out) : 0;
}
