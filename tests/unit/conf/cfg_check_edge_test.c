/* Mirrors conf/cfg_check_edge.c: settings of the edge that do not fit one another. */
#include "conf/cfg_check_edge.h"

#include "base/check.h"
#include "tests/unit/conf/loading.h"

/* A service with more and a route with more, each in a line of its own. */
#define SERVICE(more)                                                                      \
    "listeners: 127.0.0.1:80\n"                                                            \
    "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } },\n" more " } }\n"     \
    "routes: { service: s }\n"
#define ROUTE(more)                                                                        \
    "listeners: 127.0.0.1:80\n"                                                            \
    "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 } } } }\n"                \
    "routes: { service: s,\n" more " }\n"

Test(cfg_check_edge, what_is_compressed_is_a_media_type)
{
    loading_expect(
        SERVICE("compression: { types: [ text/html, text, '/x', text/*, 'a/b;c', "
                "'*/*' ] }"),
        "t:3:36: types: 'text' is not a media type\n"
        "t:3:42: types: '/x' is not a media type\n"
        "t:3:56: types: 'a/b;c' is not a media type\n"
        "t:3:65: types: '*/*' is not a media type\n");
    loading_expect(ROUTE("compression: { algorithms: [ br, gzip, br ] }"),
                   "t:4:40: algorithms: the same is given twice\n");
    loading_expect(ROUTE("compression: { algorithms: [ gzpi ] }"),
                   "t:4:30: entry: 'gzpi' is not one of zstd, br, gzip; did you mean "
                   "'gzip'?\n");
}

Test(cfg_check_edge, a_page_has_a_type_and_a_status_that_may_have_one)
{
    loading_expect(ROUTE("errors: { status: 404, file: page }"),
                   "t:4:30: file: its name tells no type; a content_type must\n");
    loading_expect(ROUTE("errors: { status: 404, file: a.html, content_type: html }"),
                   "t:4:52: content_type: 'html' is not a media type\n");
    loading_expect(ROUTE("errors: { status: 404, file: a.html, status_out: 304 }"),
                   "t:4:50: status_out: an answer with 304 has no page\n");
    loading_expect(ROUTE("errors: { file: a.html }"), "t:4:9: 'status' is required here\n");
}

Test(cfg_check_edge, a_user_can_be_counted_where_one_is_known)
{
    loading_expect(ROUTE("rate_limit: { rate: 1/s, key: user }"),
                   "t:4:31: key: a user is known on a route with `auth` only\n");
    loading_expect(SERVICE("rate_limit: { rate: 1/s, key: user }"),
                   "t:3:31: key: a user is known on a route with `auth` only\n");
    loading_expect(ROUTE("auth: { forward: s }, rate_limit: { rate: 1/s, key: user }"),
                   "t:4:53: key: a user is known on a route with `auth` only\n");
    cfg_unref(loading_good(
        ROUTE("auth: { basic: 'a:b' }, rate_limit: { rate: 1/s, key: user }")));
    loading_expect(ROUTE("rate_limit: { burst: 1 }"), "t:4:13: 'rate' is required here\n");
    loading_expect(ROUTE("rate_limit: [ 1/s, 2/s, 3/s, 4/s, 5/s ]"),
                   "t:4:35: rate_limit: at most 4\n");
}

Test(cfg_check_edge, a_request_is_authenticated_in_one_way)
{
    static const char *const one_of = "auth: needs exactly one of basic, jwt and forward\n";
    static const char *const wrong[] = {"auth: { }", "auth: { basic: 'a:b', jwt: k.json }",
                                        "auth: { jwt: k.json, forward: s }"};

    for (size_t i = 0; i < N_ELEMS(wrong); i++) {
        char text[512], errors[128];

        snprintf(text, sizeof(text), ROUTE("%s"), wrong[i]);
        snprintf(errors, sizeof(errors), "t:4:1: %s", one_of);
        loading_expect(text, errors);
    }
    loading_expect(ROUTE("auth: { jwt: { keys: k.json, from: [ address ] } }"),
                   "t:4:38: from: a token is in a header or a cookie\n");
    loading_expect(ROUTE("auth: { forward: s, user_header: X-User }"),
                   "t:4:34: user_header: needs a forward.user_from\n");
    loading_expect(ROUTE("auth: { forward: t }"),
                   "t:4:18: no service is named 't'; did you mean 's'?\n");
}

Test(cfg_check_edge, what_frames_a_message_is_not_set_from_a_token)
{
    loading_expect(ROUTE("auth: { basic: 'a:b', user_header: Content-Length }"),
                   "t:4:36: user_header: 'Content-Length' is not to be set\n");
    loading_expect(ROUTE("auth: { jwt: { keys: k, forward: { a: Host, b: X-B } } }"),
                   "t:4:39: forward: 'Host' is not to be set\n");
    loading_expect(
        ROUTE("auth: { forward: { service: s, response_headers: [ A, x-real-ip ] } }"),
        "t:4:55: response_headers: 'x-real-ip' is not to be set\n");
    loading_expect(ROUTE("auth: { jwt: { keys: k, claims: { \"a\\nb\": x } } }"),
                   "t:4:35: claims: a name cannot be like this\n");
}

Test(cfg_check_edge, a_mirror_names_its_service)
{
    loading_expect(ROUTE("mirror: { share: 10% }"), "t:4:1: 'service' is required here\n");
    loading_expect(ROUTE("mirror: { service: s, share: 101% }"),
                   "t:4:30: share: '101%' is not between 0% and 100%\n");
}
