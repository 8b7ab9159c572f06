/*
 * ask.h - one request to the admin endpoint as its handlers see it, and their answer.
 *
 * Each request is answered exactly once, by one of the ask_reply functions, before its
 * handler returns.  Main thread.
 */
#ifndef APP_ADMIN_ASK_H
#define APP_ADMIN_ASK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/rc.h"

struct ask;
struct evhttp_request;

enum ask_method { ASK_GET, ASK_HEAD, ASK_POST, ASK_OTHER };

#define ASK_BODY_MAX   65536
#define ASK_NUMBER_MAX 999999999999999

/* NULL: the target cannot be read; the request was answered. */
struct ask *ask_new(struct evhttp_request *req);
void ask_free(struct ask *a); /* it must have been answered */

enum ask_method ask_method(const struct ask *a);
const char *ask_path(const struct ask *a);                    /* percent-decoded */
const char *ask_field(const struct ask *a, const char *name); /* NULL: none */

/* A query parameter, percent-decoded; "" when there is none. */
const char *ask_text(const struct ask *a, const char *name);
/* A whole number from 1 to max; `absent` when there is none.  RC_INVALID. */
int ask_number(const struct ask *a, const char *name, long absent, long max, long *out);

/* The body as a JSON object, a new reference; an empty body is {}.  NULL with the reason
 * in *w. */
json_t *ask_body(const struct ask *a, struct why *w);

/* ---- answers ---- */

/* Text from elsewhere; bytes that are not UTF-8 become question marks. */
json_t *ask_string(const char *text);

/* Added to the answer that follows. */
void ask_header(struct ask *a, const char *name, const char *value);

void ask_reply(struct ask *a, int status, const char *type, const char *text, size_t len);
void ask_reply_json(struct ask *a, int status, json_t *json_take);
/* As RFC 9457 describes problems. */
void ask_reply_problem(struct ask *a, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
