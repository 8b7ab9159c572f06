#include "conf/cfg_table_edge.h"

/* ---- compression -------------------------------------------------------------------- */

static const char *const coding_words[] = {"zstd", "br", "gzip", NULL};

#define S cfg_compression
static const struct cfg_key compression_keys[] = {
    BOOL("enabled", enabled, "true", "Whether to compress at all."),
    LIST_ROW("algorithms", algorithms,
             "Content codings, best first: of those that a client likes best, the first is "
             "taken.",
             .elem = &(const struct cfg_key){.type = CFG_T_ENUM, .words = coding_words},
             .def = "zstd, br, gzip"),
    SIZE("min_size", min_bytes, "1k", "0", "16m",
         "Answers that say they are shorter are left alone."),
    COUNT("zstd_level", level[CFG_CODING_ZSTD], "3", "1", "12", "Effort of zstd."),
    COUNT("br_level", level[CFG_CODING_BR], "4", "0", "6", "Effort of Brotli."),
    COUNT("gzip_level", level[CFG_CODING_GZIP], "4", "1", "9", "Effort of gzip."),
    LIST("types", types, TEXT,
         "Media types that are compressed; `text/*` is all of one kind.",
         .def = "text/html, text/plain, text/css, text/xml, text/javascript, "
                "application/javascript, application/json, application/xml, "
                "application/xhtml+xml, application/rss+xml, application/atom+xml, "
                "application/manifest+json, application/problem+json, application/wasm, "
                "image/svg+xml"),
};
const struct cfg_section cfg_table_edge_compression = {
    KEYS(compression_keys),
    .title = "compression",
    .optional = true,
    .spreads = true,
    .shorthand = "enabled",
    .doc =
        "Of a service or a route; a route's goes in place of its service's, as a whole.  "
        "Levels, memory and what is never compressed: docs/edge.md."};
#undef S

/* ---- error pages -------------------------------------------------------------------- */

#define S cfg_error_page
static const struct cfg_key errors_keys[] = {
    LIST("status", statuses, STATUS, "Which answers.", .required = true,
         .example = "[ 404, 5xx ]"),
    STRING("file", TEXT, file, NULL, "The page, at most 64 KiB; it is read at load.",
           .required = true, .example = "/etc/tidegate/sorry.html"),
    STRING("content_type", TEXT, content_type, "",
           "Its media type; by default from the file's name.  Of several pages for one "
           "status the client's `Accept` chooses.",
           .example = "application/json"),
    COUNT("status_out", status_out, "same", "0", "599", "Sent in place of the status.",
          .zero = "same", .example = "503"),
    BOOL("intercept", intercept, "false",
         "Whether it also stands for answers of the service itself."),
};
const struct cfg_section cfg_table_edge_errors = {
    KEYS(errors_keys), .title = "errors[]",
    .doc = "At the top, of a service or of a route.  A route's pages are looked at before "
           "its service's, and these before those at the top."};
#undef S

/* ---- rate limits -------------------------------------------------------------------- */

#define S cfg_rate_limit
static const struct cfg_key limit_keys[] = {
    RATE("rate", rate, NULL, "1/h", "1000000/s", "How many requests, on the average.",
         .required = true, .example = "100/s"),
    COUNT("burst", burst, "auto", "0", "10000000",
          "How many at once after a pause; `auto` is what comes in a second, at least 1.",
          .zero = "auto", .example = "20"),
    ROW("key", LIMIT_KEY, key, struct cfg_limit_key, .def = "client",
        .doc =
            "What is counted apart: the `client`'s address (of IPv6 its /64), the `user` "
            "that `auth` found, or the value of a header or cookie.",
        .example = "header:x-api-key"),
    COUNT("status", status, "429", "400", "599", "Sent to who asks too often."),
    COUNT("clients", entries, "65536", "64", "16777216",
          "Keys remembered at once, 16 bytes each; beyond, those that asked least lately "
          "are forgotten."),
};
const struct cfg_section cfg_table_edge_limit = {
    KEYS(limit_keys), .title = "rate_limit[]", .shorthand = "rate",
    .doc = "Of a service, over all of its routes, or of a route.  A token bucket for each "
           "key, shared by all workers."};
#undef S

/* ---- authentication ----------------------------------------------------------------- */

#define S cfg_basic
static const struct cfg_key basic_keys[] = {
    LIST("users", users, USER,
         "Who may ask: `name:HASH` as in an htpasswd file, or the path of such a file, "
         "which is read again when it changes.",
         .required = true, .example = "/etc/tidegate/htpasswd"),
    STRING("realm", TEXT, realm, "tidegate", "What browsers show beside the question."),
};
static const struct cfg_section basic = {
    KEYS(basic_keys), .title = "auth.basic", .optional = true, .shorthand = "users",
    .doc = "Name and password (RFC 7617).  Hashes: bcrypt, yescrypt, sha512-crypt, "
           "sha256-crypt, md5-crypt, apr1 and {SHA}."};
#undef S

#define S cfg_claim
static const struct cfg_key claim_keys[] = {
    LIST("values", values, TEXT, "One of these.", .required = true,
         .example = "[ admin, editor ]"),
};
static const struct cfg_section claim = {
    KEYS(claim_keys), .title = "auth.jwt.claims.NAME",
    .name_offset = offsetof(struct S, name), .shorthand = "values",
    .doc = "NAME is a claim; where no claim has that name, its dots lead into objects: "
           "`realm_access.roles`."};
#undef S

#define S cfg_claim_header
static const struct cfg_key claim_header_keys[] = {
    STRING("header", TOKEN, header, NULL, "The field.", .required = true,
           .example = "X-User"),
};
static const struct cfg_section claim_header = {
    KEYS(claim_header_keys), .title = "auth.jwt.forward.NAME",
    .name_offset = offsetof(struct S, name), .shorthand = "header",
    .doc = "NAME is a claim, as under `claims`.  A list is sent with commas, what is no "
           "text, number or list of these not at all."};
#undef S

static const char *const alg_words[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                        "PS512", "ES256", "ES384", "EdDSA", "HS256",
                                        "HS384", "HS512", NULL};

#define S cfg_jwt
static const struct cfg_key jwt_keys[] = {
    STRING("keys", TEXT, keys, NULL,
           "File of the issuer's keys: a JWKS (RFC 7517), or public keys or certificates "
           "in PEM.  Read again when it changes.",
           .required = true, .example = "/etc/tidegate/jwks.json"),
    LIST("issuer", issuer, TEXT, "Whose tokens are taken (`iss`); without it anybody's.",
         .example = "https://id.example"),
    LIST("audience", audience, TEXT,
         "Whom tokens must be for (`aud`), one of these; without it anybody.",
         .example = "shop"),
    LIST_ROW("algorithms", algorithms,
             "Signatures that are taken, of a key of their own kind.",
             .elem = &(const struct cfg_key){.type = CFG_T_ENUM, .words = alg_words},
             .def = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA"),
    LIST("from", from, IDENTITY,
         "Where the token is, tried in order.  In `header:authorization` it follows "
         "`Bearer`, elsewhere it stands alone.",
         .def = "header:authorization",
         .example = "[ header:authorization, cookie:token ]"),
    DURATION("leeway", leeway_ms, "30s", "0s", "1h", "How far clocks may be apart."),
    BOOL("require_exp", require_exp, "true", "Whether a token must say when it ends."),
    MAP("claims", claims, claim, "What else a token must say; if not, 403."),
    MAP("forward", forward, claim_header, "Claims that are told to the service."),
    STRING("user_claim", TEXT, user_claim, "sub", "The claim that names the user."),
    STRING("realm", TEXT, realm, "tidegate", "Named in the refusal."),
};
static const struct cfg_section jwt = {KEYS(jwt_keys), .title = "auth.jwt",
                                       .optional = true, .shorthand = "keys",
                                       .doc = "Signed tokens (RFC 7519)."};
#undef S

#define S cfg_forward_auth
static const struct cfg_key forward_keys[] = {
    SERVICE("service", service, "Who is asked.", .required = true, .example = "gate"),
    STRING("path", PATH, path, "/", "What it is asked for, with GET.",
           .example = "/verify"),
    DURATION("timeout", timeout_ms, "5s", "1ms", "5m",
             "Until its whole answer is there; then 503."),
    LIST("request_headers", request_headers, TOKEN,
         "Fields of the request that it gets; without it all but those that are about the "
         "body or a cached copy.",
         .example = "[ Authorization, Cookie ]"),
    LIST("response_headers", response_headers, TOKEN,
         "Fields of its answer that go on with the request.",
         .example = "[ X-User, X-Groups ]"),
    STRING("user_from", TOKEN, user_from, "", "Field of its answer that names the user.",
           .example = "X-User"),
    SIZE("max_body", max_bytes, "64k", "0", "1m",
         "Of its answer, when that goes to the client; a longer one is a failure."),
};
static const struct cfg_section forward = {
    KEYS(forward_keys), .title = "auth.forward", .optional = true, .shorthand = "service",
    .doc = "Another service decides.  2xx: the request goes on; anything else is the "
           "client's answer; no answer is 503."};
#undef S

#define S cfg_auth
static const struct cfg_key auth_keys[] = {
    SECTION("basic", basic, basic, "Name and password."),
    SECTION("jwt", jwt, jwt, "A signed token."),
    SECTION("forward", forward, forward, "Another service decides."),
    STRING("user_header", TOKEN, user_header, "",
           "Field that tells the service the user's name.", .example = "X-Remote-User"),
    BOOL("remove_authorization", remove_authorization, "false",
         "Whether `Authorization` is kept from the service."),
};
const struct cfg_section cfg_table_edge_auth = {
    KEYS(auth_keys), .title = "auth", .optional = true,
    .doc = "Exactly one of `basic`, `jwt` and `forward`.  Fields that one route of a "
           "service sets from this are dropped when a client sends them, on all routes of "
           "that service."};
#undef S

/* ---- mirrors ------------------------------------------------------------------------ */

#define S cfg_mirror
static const struct cfg_key mirror_keys[] = {
    SERVICE("service", service, "Who gets the copies.", .required = true,
            .example = "canary"),
    SHARE("share", share, "100%", "0%", "100%", "Of the requests."),
    SIZE("max_body", max_bytes, "64k", "0", "1m",
         "Requests with a longer body are not copied."),
    COUNT("max_requests", max_requests, "256", "1", "65535",
          "Copies at once, over all workers; beyond, none is made."),
};
const struct cfg_section cfg_table_edge_mirror = {
    KEYS(mirror_keys), .title = "mirror", .optional = true, .shorthand = "service",
    .doc = "Copies of requests, whose answers nobody sees.  They are load on that service "
           "and count there as arrivals; they never wait for a slot."};
#undef S
