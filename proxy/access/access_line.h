/*
 * access_line.h - what a line is written from, and the writers of each format.
 *
 * A record in, a line with its end out.  Pure: what time it is and what else goes on comes
 * in with the line.
 */
#ifndef PROXY_ACCESS_LINE_H
#define PROXY_ACCESS_LINE_H

#include <stdbool.h>

#include "proxy/access/access_record.h"
#include "proxy/access/access_text.h"

/* Names of the fields whose values the records of a list have, in lower case. */
struct access_fields {
    const char *names[CFG_LOG_HEADERS_MAX];
    size_t n;
};

/* What the process did when the line was written; httplog shows it. */
struct access_load {
    uint32_t connections; /* of clients */
    uint32_t listener;    /* of them, on the record's listener */
    uint32_t service;     /* requests that its service has, waiting ones included */
};

struct access_line {
    const struct access_record *r;
    const char *text[N_ACCESS_TEXTS]; /* r->len[i] bytes each */
    int64_t wall_us;                  /* when it began, since 1970 */
    int zone_s;
    const struct access_load *load;
    const struct cfg_access_log *how;
    const struct access_fields *request_fields, *response_fields; /* of the list */
};

/* `record` is what lies in a ring; the views last as long as it does. */
void access_line_view(struct access_line *l, const struct access_record *record);

/* A line with its newline; needs at most ACCESS_LINE_MAX bytes, and is cut to them. */
void access_line_put(struct access_text *to, const struct access_line *l);

/* Every fixed format fits, whatever the texts are: each byte may become six. */
#define ACCESS_LINE_MAX 147456

/* The texts of a record that every format needs, in pieces. */
struct access_piece {
    const char *p;
    size_t len;
};

struct access_piece access_line_text(const struct access_line *l, enum access_text_id id);
/* With its query unless that is left out. */
struct access_piece access_line_target(const struct access_line *l);
struct access_piece access_line_path(const struct access_line *l);
struct access_piece access_line_query(const struct access_line *l);
/* The value of a configured field; len 0: it was not there.  `name` is in lower case. */
struct access_piece access_line_request_field(const struct access_line *l,
                                              const char *name);
struct access_piece access_line_response_field(const struct access_line *l,
                                               const char *name);
const char *access_line_protocol(const struct access_line *l);
/* NULL: no connection to a backend came about. */
const char *access_line_backend_protocol(const struct access_line *l);
/* "GET /path HTTP/1.1", or the first line of what could not be read. */
void access_line_request(struct access_text *to, const struct access_line *l,
                         enum access_escape how);
/* The four characters of HAProxy's termination state. */
void access_line_state(const struct access_line *l, char out[4]);
const char *access_line_ending(const struct access_line *l); /* the word */
/* As nginx has it: 499 when the client left before anything was sent. */
void access_line_status(struct access_text *to, const struct access_line *l);

#endif
