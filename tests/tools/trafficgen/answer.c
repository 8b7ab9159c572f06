#include "tests/tools/trafficgen/answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void answer_begin(struct answer *a, bool to_head)
{
    a->step = ANSWER_HEAD;
    a->status = 0;
    a->to_head = to_head;
    a->close = a->last_chunk = a->has_length = a->chunked = false;
    a->left = a->body_bytes = 0;
    a->line_len = 0;
}

static const char *value_of(const char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

static void read_status(struct answer *a)
{
    if (strncmp(a->line, "HTTP/1.", 7) != 0 || a->line_len < 12) {
        a->step = ANSWER_BAD;
        return;
    }
    a->close = a->line[7] == '0';
    a->status = (unsigned)strtoul(a->line + 9, NULL, 10);
}

static void read_field(struct answer *a)
{
    const char *v;

    if ((v = value_of(a->line, "content-length")) != NULL) {
        a->has_length = true;
        a->left = strtoull(v, NULL, 10);
    } else if ((v = value_of(a->line, "transfer-encoding")) != NULL) {
        a->chunked = strcasestr(v, "chunked") != NULL;
    } else if ((v = value_of(a->line, "connection")) != NULL) {
        a->close = a->close || strcasestr(v, "close") != NULL;
    }
}

/* RFC 9112 section 6.3. */
static void end_of_head(struct answer *a)
{
    if (a->status / 100 == 1 && a->status != 101) {
        answer_begin(a, a->to_head);
    } else if (a->to_head || a->status == 204 || a->status == 304) {
        a->step = ANSWER_DONE;
    } else if (a->chunked) {
        a->step = ANSWER_CHUNK_LINE;
    } else if (a->has_length) {
        a->step = a->left > 0 ? ANSWER_LENGTH : ANSWER_DONE;
    } else {
        a->close = true;
        a->step = ANSWER_UNTIL_CLOSE;
    }
}

static void end_of_chunk_line(struct answer *a)
{
    if (a->line_len == 0 && a->last_chunk) {
        a->step = ANSWER_DONE;
    } else if (a->line_len > 0 && !a->last_chunk) {
        a->left = strtoull(a->line, NULL, 16);
        a->last_chunk = a->left == 0;
        a->step = a->last_chunk ? ANSWER_CHUNK_LINE : ANSWER_CHUNK_DATA;
    }
}

static void end_of_line(struct answer *a)
{
    if (a->line_len > 0 && a->line[a->line_len - 1] == '\r')
        a->line_len--;
    a->line[a->line_len] = '\0';
    if (a->step == ANSWER_CHUNK_LINE)
        end_of_chunk_line(a);
    else if (a->status == 0)
        read_status(a);
    else if (a->line_len > 0)
        read_field(a);
    else
        end_of_head(a);
    a->line_len = 0;
}

static size_t take_line(struct answer *a, const char *bytes, size_t n)
{
    const char *lf = memchr(bytes, '\n', n);
    size_t used = lf != NULL ? (size_t)(lf - bytes) : n;

    if (a->line_len + used >= ANSWER_LINE_MAX) {
        a->step = ANSWER_BAD;
        return n;
    }
    memcpy(a->line + a->line_len, bytes, used);
    a->line_len += used;
    if (lf == NULL)
        return n;
    end_of_line(a);
    return used + 1;
}

static size_t take_data(struct answer *a, size_t n)
{
    size_t used = a->step == ANSWER_UNTIL_CLOSE || n < a->left ? n : (size_t)a->left;

    a->body_bytes += used;
    if (a->step == ANSWER_UNTIL_CLOSE)
        return used;
    a->left -= used;
    if (a->left == 0)
        a->step = a->step == ANSWER_LENGTH ? ANSWER_DONE : ANSWER_CHUNK_LINE;
    return used;
}

size_t answer_take(struct answer *a, const char *bytes, size_t n)
{
    size_t used = 0;

    while (used < n && a->step < ANSWER_DONE) {
        bool line = a->step == ANSWER_HEAD || a->step == ANSWER_CHUNK_LINE;

        used += line ? take_line(a, bytes + used, n - used) : take_data(a, n - used);
    }
    return used;
}

void answer_eof(struct answer *a)
{
    a->step = a->step == ANSWER_UNTIL_CLOSE ? ANSWER_DONE : ANSWER_BAD;
}
