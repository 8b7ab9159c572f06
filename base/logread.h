/*
 * logread.h - what does a line of an access log say?
 *
 * Pure: a line in, a record of views out, into that line or (JSON) into the reader.  Opens
 * nothing (that is logfile.h) and decides nothing about users or services.  A line that
 * makes no sense is DAMAGED, never fatal.
 *
 *   common    host ident user [day/Mon/year:h:m:s zone] "request" status bytes
 *   combined  ... "referer" "user agent"
 *   tsv       tab-separated columns, named by a header line; without one:
 *             epoch_seconds user_id method path status bytes user_agent
 *   json      one object a line, with the keys that tidegate's own access log has
 */
#ifndef BASE_LOGREAD_H
#define BASE_LOGREAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/handover.h"

enum logread_format {
    LOGREAD_AUTO,
    LOGREAD_COMMON,
    LOGREAD_COMBINED,
    LOGREAD_TSV,
    LOGREAD_JSON,
};
#define LOGREAD_FORMATS (LOGREAD_JSON + 1)

/* -1: no such name.  Names: auto, common, combined, tsv, json. */
int logread_format_from(const char *name, enum logread_format *out);
const char *logread_format_name(enum logread_format f);

#define LOGREAD_COLUMNS_MAX 32

/* Plain data; one per file. */
struct logread {
    enum logread_format format;          /* AUTO until the first good line has told */
    uint8_t column[LOGREAD_COLUMNS_MAX]; /* private: what each column holds */
    size_t n_columns;                    /* private */
    struct json_t *object;               /* private: the newest line */
};

struct logread_text { /* a view; len 0: not known */
    const char *p;
    size_t len;
};

struct logread_line {
    wall_ms at;
    struct logread_text user; /* who, by name */
    uint64_t key;             /* who, by the key of a profile; 0: not known */
    struct logread_text addr; /* the client's address or host name */
    struct logread_text host; /* what was asked for: Host, lower or upper case as logged */
    struct logread_text path; /* without query and fragment; never empty */
    struct logread_text agent;
    enum obs_method method;
    uint16_t status;     /* 0: not known */
    uint64_t bytes;      /* of the answer; 0: none or not known */
    uint32_t latency_us; /* 0: not known */
};

enum logread_verdict {
    LOGREAD_LINE, /* *out is set; its views live as long as the line, and until the next */
    LOGREAD_NOTHING, /* empty, a comment, a header, or no request */
    LOGREAD_DAMAGED,
};

void logread_init(struct logread *lr, enum logread_format format);
void logread_fini(struct logread *lr);

/* `line` is without its end.  O(len). */
enum logread_verdict logread_parse(struct logread *lr, const char *line, size_t len,
                                   struct logread_line *out);

#endif
