#include "docker/sample-service/sample.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_MAX = 8 << 20 };

static bool starts(const char *s, const char *with, const char **rest)
{
    size_t n = strlen(with);

    if (strncmp(s, with, n) != 0)
        return false;
    *rest = s + n;
    return true;
}

uint64_t sample_number(const char *s)
{
    return strtoull(s, NULL, 10);
}

static void read_path(struct request *r, const char *path)
{
    const char *rest = "";

    if (starts(path, "/size/", &rest))
        r->answer_bytes = sample_number(rest);
    else if (starts(path, "/chunked/", &rest))
        r->answer_bytes = sample_number(rest), r->chunked_out = true;
    else if (starts(path, "/slow/", &rest))
        r->extra_us = sample_number(rest) * US_PER_MS;
    else if (starts(path, "/status/", &rest))
        r->status = (int)sample_number(rest);
    else if (starts(path, "/product/", &rest))
        r->answer_bytes = 2048 + sample_number(rest) % 4096;
    else if (starts(path, "/echo", &rest))
        r->kind = KIND_ECHO;
    else if (starts(path, "/upgrade", &rest))
        r->kind = KIND_UPGRADE;
    else if (starts(path, "/abort", &rest))
        r->kind = KIND_ABORT;
    else if (starts(path, "/healthz", &rest))
        r->kind = KIND_HEALTH;
    else if (starts(path, "/stats", &rest))
        r->kind = KIND_STATS;
}

static bool field_is(const char *line, const char *name, const char **value)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    *value = line + n + 1 + strspn(line + n + 1, " \t");
    return true;
}

static void read_field(struct request *r, const char *line)
{
    const char *v = "";

    if (field_is(line, "content-length", &v))
        r->body_left = sample_number(v);
    else if (field_is(line, "transfer-encoding", &v))
        r->chunked_in = strcasestr(v, "chunked") != NULL;
    else if (field_is(line, "connection", &v))
        r->close = r->close || strcasestr(v, "close") != NULL;
    else if (field_is(line, "expect", &v))
        r->expects = true;
    else if (field_is(line, "x-sample-status", &v))
        r->status = (int)sample_number(v);
    else if (field_is(line, "x-sample-bytes", &v))
        r->answer_bytes = sample_number(v);
}

bool sample_read_head(struct request *r, char *head)
{
    char *save = NULL, *line = strtok_r(head, "\r\n", &save);
    char *path = line != NULL ? strchr(line, ' ') : NULL;

    *r = (struct request){.status = 200, .answer_bytes = 1024};
    if (path == NULL)
        return false;
    *path++ = '\0';
    r->head_only = strcmp(line, "HEAD") == 0;
    r->close = strstr(path, " HTTP/1.0") != NULL;
    read_path(r, path);
    while ((line = strtok_r(NULL, "\r\n", &save)) != NULL)
        read_field(r, line);
    return true;
}

void sample_take_in(struct conn *c, size_t n)
{
    c->in_len -= n;
    memmove(c->in, c->in + n, c->in_len);
}

static bool keep_body(struct conn *c, const char *bytes, size_t n)
{
    stats.bytes_in += n;
    if (c->req.kind != KIND_ECHO)
        return true;
    if (c->body_len + n > BODY_MAX)
        return false;
    if (c->body_len + n > c->body_cap) {
        c->body_cap = (c->body_len + n) * 2;
        c->body = realloc(c->body, c->body_cap);
        if (c->body == NULL)
            abort();
    }
    memcpy(c->body + c->body_len, bytes, n);
    c->body_len += n;
    return true;
}

static enum progress read_data(struct conn *c)
{
    size_t n = c->in_len < c->req.body_left ? c->in_len : (size_t)c->req.body_left;

    if (!keep_body(c, c->in, n))
        return PROGRESS_BAD;
    c->req.body_left -= n;
    sample_take_in(c, n);
    return c->req.body_left == 0 ? PROGRESS_DONE : PROGRESS_MORE;
}

/* One line of the framing: a size, the end of a chunk's data, a trailer, the end. */
static enum progress read_chunk_line(struct conn *c)
{
    char *end = memmem(c->in, c->in_len, "\r\n", 2);
    bool empty = end == c->in;
    enum progress done = c->req.last_chunk && empty ? PROGRESS_DONE : PROGRESS_MORE;

    if (end == NULL)
        return c->in_len < IN_MAX ? PROGRESS_MORE : PROGRESS_BAD;
    if (!empty && !c->req.last_chunk) {
        c->req.body_left = strtoull(c->in, NULL, 16);
        c->req.last_chunk = c->req.body_left == 0;
    }
    sample_take_in(c, (size_t)(end - c->in) + 2);
    return done;
}

static enum progress read_chunked(struct conn *c)
{
    size_t before;
    enum progress p;

    do {
        before = c->in_len;
        if (c->req.body_left > 0)
            p = read_data(c) == PROGRESS_BAD ? PROGRESS_BAD : PROGRESS_MORE;
        else
            p = read_chunk_line(c);
    } while (p == PROGRESS_MORE && c->in_len < before);
    return p;
}

enum progress sample_read_body(struct conn *c)
{
    return c->req.chunked_in ? read_chunked(c) : read_data(c);
}
