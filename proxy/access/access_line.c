#include "proxy/access/access_line.h"

#include <string.h>

#include "base/check.h"
#include "conf/cfg_access.h"
#include "proxy/access/access_clf.h"
#include "proxy/access/access_custom.h"
#include "proxy/access/access_httplog.h"
#include "proxy/access/access_json.h"
#include "proxy/msg.h"

void access_line_view(struct access_line *l, const struct access_record *record)
{
    const char *at = (const char *)(record + 1);

    l->r = record;
    for (int i = 0; i < N_ACCESS_TEXTS; i++) {
        l->text[i] = at;
        at += record->len[i];
    }
}

struct access_piece access_line_text(const struct access_line *l, enum access_text_id id)
{
    return (struct access_piece){l->text[id], l->r->len[id]};
}

/* ---- the request line ---- */

static struct access_piece up_to(struct access_piece whole, char stop)
{
    const char *hit = memchr(whole.p, stop, whole.len);

    if (hit != NULL)
        whole.len = (size_t)(hit - whole.p);
    return whole;
}

struct access_piece access_line_path(const struct access_line *l)
{
    return up_to(access_line_text(l, ACCESS_TARGET), '?');
}

struct access_piece access_line_target(const struct access_line *l)
{
    return l->how->query ? access_line_text(l, ACCESS_TARGET) : access_line_path(l);
}

struct access_piece access_line_query(const struct access_line *l)
{
    struct access_piece whole = access_line_text(l, ACCESS_TARGET);
    size_t path = access_line_path(l).len;

    if (path == whole.len || !l->how->query)
        return (struct access_piece){whole.p, 0};
    return (struct access_piece){whole.p + path + 1, whole.len - path - 1};
}

static const char *const version_name[] = {
    [HTTP_10] = "HTTP/1.0", [HTTP_11] = "HTTP/1.1", [HTTP_2] = "HTTP/2.0"};

const char *access_line_protocol(const struct access_line *l)
{
    CHECK(l->r->version < N_ELEMS(version_name));
    return version_name[l->r->version];
}

const char *access_line_backend_protocol(const struct access_line *l)
{
    if (!l->r->reached)
        return NULL;
    return version_name[l->r->h2_up ? HTTP_2 : HTTP_11];
}

static void put_piece(struct access_text *to, enum access_escape how, struct access_piece p)
{
    access_text_escaped(to, how, p.p, p.len);
}

void access_line_request(struct access_text *to, const struct access_line *l,
                         enum access_escape how)
{
    if (l->r->unread) {
        put_piece(to, how, access_line_target(l));
        return;
    }
    put_piece(to, how, access_line_text(l, ACCESS_METHOD));
    access_text_char(to, ' ');
    if (l->r->absolute) {
        put_piece(to, how,
                  l->r->https_target ? (struct access_piece){"https://", 8}
                                     : (struct access_piece){"http://", 7});
        put_piece(to, how, access_line_text(l, ACCESS_HOST));
    }
    put_piece(to, how, access_line_target(l));
    access_text_char(to, ' ');
    access_text_put(to, access_line_protocol(l), sizeof("HTTP/1.1") - 1);
}

/* ---- configured fields ---- */

/* The values stand in the order of the names. */
static struct access_piece field(struct access_piece all, const struct access_fields *f,
                                 const char *name)
{
    struct access_piece one = {all.p, 0};

    for (size_t i = 0; i < f->n && all.len >= 2; i++) {
        one.p = all.p + 2;
        one.len = (size_t)((uint8_t)all.p[0] << 8 | (uint8_t)all.p[1]);
        CHECK(one.len + 2 <= all.len);
        if (strcmp(f->names[i], name) == 0)
            return one;
        all.p += 2 + one.len;
        all.len -= 2 + one.len;
    }
    return (struct access_piece){all.p, 0};
}

struct access_piece access_line_request_field(const struct access_line *l, const char *name)
{
    return field(access_line_text(l, ACCESS_REQUEST_FIELDS), l->request_fields, name);
}

struct access_piece access_line_response_field(const struct access_line *l,
                                               const char *name)
{
    return field(access_line_text(l, ACCESS_RESPONSE_FIELDS), l->response_fields, name);
}

/* ---- the end ---- */

void access_line_state(const struct access_line *l, char out[4])
{
    out[0] = ending_facts[l->r->ending].cause;
    out[1] = (char)l->r->phase;
    out[2] = out[3] = '-'; /* cookies are not our business */
}

const char *access_line_ending(const struct access_line *l)
{
    return ending_facts[l->r->ending].word;
}

void access_line_status(struct access_text *to, const struct access_line *l)
{
    char cause = ending_facts[l->r->ending].cause;

    if (l->r->status != 0)
        access_text_number(to, l->r->status);
    else if (cause == 'C' || cause == 'c')
        ACCESS_TEXT_LITERAL(to, "499");
    else
        ACCESS_TEXT_LITERAL(to, "000");
}

/* ---- all formats ---- */

void access_line_put(struct access_text *to, const struct access_line *l)
{
    struct access_text line = {to->at, to->end - 1}; /* the newline has a place */

    switch (cfg_access_format_of(&l->how->format)) {
    case CFG_ACCESS_COMMON:
        access_clf_put(&line, l, false);
        break;
    case CFG_ACCESS_COMBINED:
        access_clf_put(&line, l, true);
        break;
    case CFG_ACCESS_HTTPLOG:
        access_httplog_put(&line, l);
        break;
    case CFG_ACCESS_JSON:
        access_json_put(&line, l);
        break;
    case CFG_ACCESS_CUSTOM:
        access_custom_put(&line, l);
        break;
    case CFG_ACCESS_UNKNOWN:
        break;
    }
    *line.at++ = '\n';
    to->at = line.at;
}
