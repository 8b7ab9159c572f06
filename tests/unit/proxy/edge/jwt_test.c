/* Mirrors proxy/edge/jwt.c. */
#include "proxy/edge/jwt.h"

#include <stdlib.h>

#include "tests/unit/guard.h"
#include "tests/unit/proxy/edge/jws.h"

#define SECRET "a secret that is long enough for all of HS256"
#define SECRET_KEY                                                                         \
    "{\"kty\":\"oct\",\"k\":"                                                              \
    "\"YSBzZWNyZXQgdGhhdCBpcyBsb25nIGVub3VnaCBmb3IgYWxsIG9mIEhTMjU2\"}"

static const struct jws_how hs256 = {.secret = SECRET, .digest = "SHA256"};

static unsigned all_algs[CFG_JWT_ALGS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static struct cfg_jwt cfg;
static struct jwt_rules rules;

static void use_keys(const char *text)
{
    struct jwk_set *s;
    struct why w = {0};

    cr_assert_eq(jwk_set_read(text, strlen(text), &s, &w), RC_OK, "%s", w.text);
    jwk_set_free((struct jwk_set *)rules.keys);
    rules.keys = s;
}

static void setup(void)
{
    cfg = (struct cfg_jwt){
        .algorithms = all_algs, .n_algorithms = N_ELEMS(all_algs), .require_exp = true};
    rules = (struct jwt_rules){.cfg = &cfg};
    use_keys(SECRET_KEY);
}

static void teardown(void)
{
    jwk_set_free((struct jwk_set *)rules.keys);
}

TestSuite(jwt, .init = setup, .fini = teardown);

static enum jwt_verdict check_at(const char *token, wall_ms now)
{
    size_t len = strlen(token);
    enum jwt_verdict v;
    json_t *claims;

    v = jwt_check(&rules, guard_put(token, len), len, now, &claims);
    cr_expect_eq(claims != NULL, v == JWT_GOOD || v == JWT_CLAIM);
    json_decref(claims);
    return v;
}

static enum jwt_verdict check(const char *token)
{
    return check_at(token, JWS_NOW);
}

/* Of a token with that payload, well signed. */
static enum jwt_verdict says(const char *payload)
{
    return check(jws_token(&hs256, "{\"alg\":\"HS256\"}", payload));
}

#define EXPECT(verdict, want)                                                              \
    do {                                                                                   \
        enum jwt_verdict got_ = (verdict);                                                 \
        cr_expect_eq(got_, want, "%s: '%s'", #verdict, jwt_verdict_text[got_]);            \
    } while (0)

Test(jwt, the_examples_of_rfc_7515_are_good_until_they_expire)
{
    static const char *const keys[] = {JWS_A1_KEY, JWS_A2_KEY, JWS_A3_KEY};
    static const char *const tokens[] = {JWS_A1, JWS_A2, JWS_A3};

    for (size_t i = 0; i < N_ELEMS(keys); i++) {
        use_keys(keys[i]);
        EXPECT(check(tokens[i]), JWT_GOOD);
        EXPECT(check_at(tokens[i], (wall_ms)1300819379 * 1000), JWT_GOOD);
        EXPECT(check_at(tokens[i], (wall_ms)1300819380 * 1000), JWT_EXPIRED);
        EXPECT(check(tokens[(i + 1) % N_ELEMS(tokens)]), JWT_KEY);
    }
}

/* RFC 7519, 6.1. */
Test(jwt, an_unsecured_token_is_no_token)
{
    EXPECT(check("eyJhbGciOiJub25lIn0." JWS_PAYLOAD "."), JWT_MALFORMED);
    EXPECT(check("eyJhbGciOiJub25lIn0." JWS_PAYLOAD ".AAAA"), JWT_ALGORITHM);
    EXPECT(check(jws_token(&hs256, "{\"alg\":\"None\"}", "{}")), JWT_ALGORITHM);
    EXPECT(check(jws_token(&hs256, "{\"alg\":\"\"}", "{}")), JWT_ALGORITHM);
    EXPECT(check(jws_token(&hs256, "{}", "{}")), JWT_ALGORITHM);
    EXPECT(check(jws_token(&hs256, "{\"alg\":5}", "{}")), JWT_ALGORITHM);
    EXPECT(check(jws_token(&hs256, "{\"alg\":[\"HS256\"]}", "{}")), JWT_ALGORITHM);
}

Test(jwt, a_public_key_as_a_secret_signs_nothing)
{
    struct jws_how how = {.secret = JWS_A2_KEY, .digest = "SHA256"};

    use_keys(JWS_A2_KEY);
    EXPECT(check(jws_token(&how, "{\"alg\":\"HS256\"}", "{\"exp\":9999999999}")), JWT_KEY);
    EXPECT(check(jws_token(&how, "{\"alg\":\"RS256\"}", "{\"exp\":9999999999}")),
           JWT_SIGNATURE);
}

Test(jwt, only_algorithms_that_are_configured_are_taken)
{
    cfg.n_algorithms = 9; /* none of HS */
    EXPECT(says("{\"exp\":9999999999}"), JWT_ALGORITHM);
    use_keys(JWS_A2_KEY);
    EXPECT(check(JWS_A2), JWT_GOOD);
}

Test(jwt, any_change_to_a_token_makes_it_another)
{
    size_t len = strlen(JWS_A1), dot = strcspn(JWS_A1, ".");
    char *token = strdup(JWS_A1);

    use_keys(JWS_A1_KEY);
    for (size_t i = 0; i < len; i++) {
        char was = token[i];

        token[i] = was == 'A' ? 'B' : 'A';
        cr_expect_neq(check(token), JWT_GOOD, "changed at %zu", i);
        token[i] = was;
    }
    for (size_t cut = 0; cut < len; cut++) {
        char was = token[cut];

        token[cut] = 0;
        cr_expect_neq(check(token), JWT_GOOD, "cut at %zu", cut);
        token[cut] = was;
    }
    cr_expect_eq(check(token), JWT_GOOD);
    token[dot] = '_';
    cr_expect_eq(check(token), JWT_MALFORMED);
    free(token);
}

Test(jwt, what_has_another_form_is_malformed)
{
    static const char *const wrong[] = {
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        JWS_A1 ".",
        "." JWS_A1,
        " " JWS_A1,
        JWS_A1 "=",
        JWS_A1 " ",
        JWS_A1 "\n",
        /* a header that is no object, has a member twice, or is no JSON at all */
        "W10." JWS_PAYLOAD ".AAAA",
        "bnVsbA." JWS_PAYLOAD ".AAAA",
        "eyJhbGciOiJIUzI1NiIsImFsZyI6IkhTMjU2In0." JWS_PAYLOAD ".AAAA",
        "eyJhbGciOiJIUzI1NiJ9IA." JWS_PAYLOAD ".AAAA" + 1,
    };

    for (size_t i = 0; i < N_ELEMS(wrong); i++)
        cr_expect_eq(check(wrong[i]), JWT_MALFORMED, "%s: '%s'", wrong[i],
                     jwt_verdict_text[check(wrong[i])]);
}

Test(jwt, a_payload_is_an_object_with_each_member_once)
{
    EXPECT(says("[]"), JWT_MALFORMED);
    EXPECT(says("5"), JWT_MALFORMED);
    EXPECT(says(""), JWT_MALFORMED);
    EXPECT(says("{\"exp\":9999999999,\"exp\":1}"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":9999999999} x"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":9999999999,\"sub\":\"a\\u0000b\"}"), JWT_MALFORMED);
}

Test(jwt, extensions_that_must_be_understood_are_not)
{
    EXPECT(check(jws_token(&hs256, "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}",
                           "{\"exp\":9999999999}")),
           JWT_MALFORMED);
    EXPECT(check(jws_token(&hs256, "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
                           "{\"exp\":9999999999}")),
           JWT_MALFORMED);
    EXPECT(
        check(jws_token(&hs256, "{\"alg\":\"HS256\",\"kid\":7}", "{\"exp\":9999999999}")),
        JWT_MALFORMED);
}

Test(jwt, times_hold_within_the_leeway)
{
    EXPECT(says("{\"exp\":1300819001}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1300819000}"), JWT_EXPIRED);
    EXPECT(says("{\"exp\":1300819000.5}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1300819001,\"nbf\":1300819000}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1300819001,\"nbf\":1300819001}"), JWT_EARLY);
    EXPECT(says("{\"exp\":1300819001,\"iat\":1300819001}"), JWT_EARLY);
    cfg.leeway_ms = 30000;
    EXPECT(says("{\"exp\":1300818971}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1300818970}"), JWT_EXPIRED);
    EXPECT(says("{\"exp\":1300819001,\"nbf\":1300819030,\"iat\":1300819030}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1300819001,\"nbf\":1300819031}"), JWT_EARLY);
}

Test(jwt, a_time_is_a_number_and_an_end_is_asked_for)
{
    EXPECT(says("{\"exp\":\"9999999999\"}"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":null}"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":9999999999,\"nbf\":\"0\"}"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":9999999999,\"iat\":{}}"), JWT_MALFORMED);
    EXPECT(says("{\"exp\":1e300}"), JWT_GOOD);
    EXPECT(says("{\"exp\":-1e300}"), JWT_EXPIRED);
    EXPECT(says("{}"), JWT_EXPIRED);
    cfg.require_exp = false;
    EXPECT(says("{}"), JWT_GOOD);
    EXPECT(says("{\"exp\":1}"), JWT_EXPIRED);
}

Test(jwt, issuer_and_audience_are_those_that_are_wanted)
{
    static char joe[] = "joe", ann[] = "ann", shop[] = "shop";
    char *issuers[] = {joe, ann}, *audience[] = {shop};

    cfg.require_exp = false;
    cfg.issuer = issuers;
    cfg.n_issuer = 2;
    EXPECT(says("{\"iss\":\"ann\"}"), JWT_GOOD);
    EXPECT(says("{\"iss\":\"Ann\"}"), JWT_ISSUER);
    EXPECT(says("{\"iss\":[\"ann\"]}"), JWT_ISSUER);
    EXPECT(says("{}"), JWT_ISSUER);
    cfg.n_issuer = 0;
    cfg.audience = audience;
    cfg.n_audience = 1;
    EXPECT(says("{\"aud\":\"shop\"}"), JWT_GOOD);
    EXPECT(says("{\"aud\":[\"api\",\"shop\"]}"), JWT_GOOD);
    EXPECT(says("{\"aud\":[\"api\"]}"), JWT_AUDIENCE);
    EXPECT(says("{\"aud\":[[\"shop\"]]}"), JWT_AUDIENCE);
    EXPECT(says("{\"aud\":\"shopping\"}"), JWT_AUDIENCE);
    EXPECT(says("{}"), JWT_AUDIENCE);
}

Test(jwt, other_claims_are_compared_as_text)
{
    static char admin[] = "admin", seven[] = "7", yes[] = "true", name[] = "a.role";
    char *roles[] = {admin, seven, yes};
    struct cfg_claim claims[] = {{.name = name, .values = roles, .n_values = 3}};

    cfg.require_exp = false;
    cfg.claims = claims;
    cfg.n_claims = 1;
    EXPECT(says("{\"a\":{\"role\":\"admin\"}}"), JWT_GOOD);
    EXPECT(says("{\"a.role\":\"admin\"}"), JWT_GOOD);
    EXPECT(says("{\"a.role\":\"user\",\"a\":{\"role\":\"admin\"}}"), JWT_CLAIM);
    EXPECT(says("{\"a\":{\"role\":[\"user\",\"admin\"]}}"), JWT_GOOD);
    EXPECT(says("{\"a\":{\"role\":7}}"), JWT_GOOD);
    EXPECT(says("{\"a\":{\"role\":true}}"), JWT_GOOD);
    EXPECT(says("{\"a\":{\"role\":\"Admin\"}}"), JWT_CLAIM);
    EXPECT(says("{\"a\":{\"role\":{\"admin\":1}}}"), JWT_CLAIM);
    EXPECT(says("{\"a\":\"role\"}"), JWT_CLAIM);
    EXPECT(says("{}"), JWT_CLAIM);
}

/* The signature is checked once; what the token says, each time. */
Test(jwt, a_remembered_signature_does_not_make_a_token_last_longer)
{
    struct memo *m = memo_new(64);
    const char *token;

    rules.memo = m;
    token = jws_token(&hs256, "{\"alg\":\"HS256\"}", "{\"exp\":1300819001}");
    EXPECT(check(token), JWT_GOOD);
    cr_expect_eq(memo_find(m, memo_key(m, token, strlen(token))), MEMO_GOOD);
    use_keys(JWS_A2_KEY); /* would be no key of it */
    EXPECT(check(token), JWT_GOOD);
    EXPECT(check_at(token, (wall_ms)1300819001 * 1000), JWT_EXPIRED);
    token = jws_token(&hs256, "{\"alg\":\"HS256\"}", "{\"exp\":1300819002}");
    EXPECT(check(token), JWT_KEY);
    memo_free(m);
}

Test(jwt, a_token_has_a_bounded_length)
{
    char payload[7000];

    cfg.require_exp = false;
    snprintf(payload, sizeof(payload), "{\"a\":\"%5900d\"}", 1);
    EXPECT(says(payload), JWT_GOOD);
    snprintf(payload, sizeof(payload), "{\"a\":\"%6200d\"}", 1);
    EXPECT(says(payload), JWT_MALFORMED);
}

static const char *text_of(const char *claims, const char *name)
{
    static char out[33];
    json_t *o = json_loads(claims, 0, NULL);
    size_t n = jwt_text(o, name, out, sizeof(out) - 1);

    cr_assert_not_null(o);
    json_decref(o);
    out[n] = 0;
    return out;
}

Test(jwt, a_claim_is_told_as_text_if_it_can_be)
{
    cr_expect_str_eq(text_of("{\"a\":\"anna\"}", "a"), "anna");
    cr_expect_str_eq(text_of("{\"a\":{\"b\":\"x\"}}", "a.b"), "x");
    cr_expect_str_eq(text_of("{\"a.b\":\"y\",\"a\":{\"b\":\"x\"}}", "a.b"), "y");
    cr_expect_str_eq(text_of("{\"a\":42}", "a"), "42");
    cr_expect_str_eq(text_of("{\"a\":1.5}", "a"), "1.5");
    cr_expect_str_eq(text_of("{\"a\":false}", "a"), "false");
    cr_expect_str_eq(text_of("{\"a\":[\"x\",2,true]}", "a"), "x,2,true");
    cr_expect_str_eq(text_of("{\"a\":\"gr\xc3\xbc\xc3\x9f\"}", "a"), "gr\xc3\xbc\xc3\x9f");
    cr_expect_str_eq(text_of("{\"a\":\"x, y\"}", "a"), "x, y");
    /* it cannot */
    cr_expect_str_eq(text_of("{\"a\":\"x\\r\\nX-Admin: 1\"}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":\"x\\u0001\"}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":\" x\"}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":[\"x,admin\"]}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":[\"x\",[\"y\"]]}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":{\"b\":1}}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":null}", "a"), "");
    cr_expect_str_eq(text_of("{\"a\":\"123456789012345678901234567890123\"}", "a"), "");
    cr_expect_str_eq(text_of("{}", "a"), "");
    cr_expect_str_eq(text_of("{}", "a.b.c"), "");
}
