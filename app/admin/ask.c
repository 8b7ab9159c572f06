#include "app/admin/ask.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/check.h"
#include "base/mem.h"

#define ASK_NUMBER_DIGITS 15 /* of ASK_NUMBER_MAX */

struct ask {
    struct evhttp_request *req;
    char *path; /* libevent's memory */
    struct evkeyvalq query;
    bool answered;
};

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},        {400, "Bad Request"},         {401, "Unauthorized"},
        {403, "Forbidden"}, {404, "Not Found"},           {405, "Method Not Allowed"},
        {409, "Conflict"},  {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < N_ELEMS(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    CHECK(!"a status without its reason");
    return "";
}

/* The path, decoded; NULL: there is none, or it has a zero byte. */
static char *decoded_path(struct evhttp_request *req)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
    const char *raw = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    size_t len = 0;
    char *path;

    if (raw == NULL)
        return NULL;
    path = evhttp_uridecode(raw, 0, &len);
    if (path != NULL && strlen(path) == len)
        return path;
    free(path);
    return NULL;
}

/* An unreadable query is an error of the client, not an empty one. */
static bool read_target(struct ask *a)
{
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(a->req);
    const char *query;

    a->path = decoded_path(a->req);
    if (a->path == NULL)
        return false;
    query = evhttp_uri_get_query(uri);
    return query == NULL || query[0] == 0 || evhttp_parse_query_str(query, &a->query) == 0;
}

struct ask *ask_new(struct evhttp_request *req)
{
    struct ask *a = MEM_NEW(struct ask);

    a->req = req;
    TAILQ_INIT(&a->query);
    if (read_target(a))
        return a;
    ask_reply_problem(a, 400, "the target cannot be read");
    ask_free(a);
    return NULL;
}

void ask_free(struct ask *a)
{
    CHECK(a->answered);
    evhttp_clear_headers(&a->query);
    free(a->path);
    free(a);
}

enum ask_method ask_method(const struct ask *a)
{
    enum evhttp_cmd_type type = evhttp_request_get_command(a->req);

    if (type == EVHTTP_REQ_GET)
        return ASK_GET;
    if (type == EVHTTP_REQ_HEAD)
        return ASK_HEAD;
    return type == EVHTTP_REQ_POST ? ASK_POST : ASK_OTHER;
}

const char *ask_path(const struct ask *a)
{
    return a->path;
}

const char *ask_field(const struct ask *a, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(a->req), name);
}

const char *ask_text(const struct ask *a, const char *name)
{
    const char *value = evhttp_find_header(&a->query, name);

    return value != NULL ? value : "";
}

int ask_number(const struct ask *a, const char *name, long absent, long max, long *out)
{
    const char *text = ask_text(a, name);
    size_t n = strlen(text);

    *out = absent;
    if (n == 0)
        return RC_OK;
    if (n > ASK_NUMBER_DIGITS || strspn(text, "0123456789") != n)
        return RC_INVALID;
    *out = strtol(text, NULL, 10);
    return *out >= 1 && *out <= max ? RC_OK : RC_INVALID;
}

json_t *ask_body(const struct ask *a, struct why *w)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(a->req);
    size_t len = evbuffer_get_length(in);
    json_error_t err;
    json_t *body;

    if (len == 0)
        return json_object();
    body = json_loadb((const char *)evbuffer_pullup(in, -1), len, JSON_REJECT_DUPLICATES,
                      &err);
    if (body == NULL) {
        why_set(w, RC_INVALID, "the body is not JSON: line %d: %s", err.line, err.text);
        return NULL;
    }
    if (json_is_object(body))
        return body;
    json_decref(body);
    why_set(w, RC_INVALID, "the body is not a JSON object");
    return NULL;
}

/* ---- answers ---- */

json_t *ask_string(const char *text)
{
    json_t *string = json_string(text);
    char *ascii;

    if (string != NULL)
        return string;
    ascii = mem_str(text);
    for (char *c = ascii; *c != 0; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    string = json_string(ascii);
    free(ascii);
    return string;
}

void ask_header(struct ask *a, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(a->req), name, value);
}

/* libevent writes the length itself except for HEAD, whose body stays here. */
void ask_reply(struct ask *a, int status, const char *type, const char *text, size_t len)
{
    struct evbuffer *out = evbuffer_new();
    char length[24];

    CHECK(out != NULL && !a->answered);
    a->answered = true;
    ask_header(a, "Content-Type", type);
    ask_header(a, "Cache-Control", "no-store");
    ask_header(a, "X-Content-Type-Options", "nosniff");
    if (ask_method(a) == ASK_HEAD) {
        snprintf(length, sizeof(length), "%zu", len);
        ask_header(a, "Content-Length", length);
    } else {
        evbuffer_add(out, text, len);
    }
    evhttp_send_reply(a->req, status, reason(status), out);
    evbuffer_free(out);
}

static void reply_json_as(struct ask *a, int status, const char *type, json_t *json_take)
{
    char *text = json_dumps(json_take, JSON_COMPACT | JSON_REAL_PRECISION(10));
    size_t len;

    CHECK(text != NULL);
    len = strlen(text);
    text[len] = '\n'; /* for people at a terminal, in the terminator's place */
    ask_reply(a, status, type, text, len + 1);
    free(text);
    json_decref(json_take);
}

void ask_reply_json(struct ask *a, int status, json_t *json_take)
{
    reply_json_as(a, status, "application/json", json_take);
}

void ask_reply_problem(struct ask *a, int status, const char *fmt, ...)
{
    char detail[640];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(detail, sizeof(detail), fmt, ap);
    va_end(ap);
    reply_json_as(a, status, "application/problem+json",
                  json_pack("{s:s, s:i, s:o}", "title", reason(status), "status", status,
                            "detail", ask_string(detail)));
}
