#include "proxy/msg.h"

#include <string.h>

#include "proxy/lex.h"

#define X(sym, name) [FIELD_##sym] = {name, name ": ", sizeof(name) - 1},
static const struct {
    const char *text, *start; /* the name alone; as a line begins with it */
    size_t len;               /* of `text` */
} names[N_FIELD_IDS] = {[FIELD_OTHER] = {"", ": ", 0}, MSG_FIELDS(X)};
#undef X

/*
 * The length and the last letter but one tell the names apart, so that one look
 * finds the only candidate.  A unit test looks up every name.
 */
#define NAME_LEN_MAX 17
#define KEY(letter)  ((letter)&31)

static const uint8_t candidate[NAME_LEN_MAX + 1][32] = {
    [2] = {[KEY('t')] = FIELD_TE},
    [3] = {[KEY('i')] = FIELD_VIA},
    [4] = {[KEY('s')] = FIELD_HOST, [KEY('t')] = FIELD_DATE},
    [6] = {[KEY('c')] = FIELD_EXPECT, [KEY('i')] = FIELD_COOKIE, [KEY('e')] = FIELD_SERVER},
    [7] = {[KEY('e')] = FIELD_TRAILER,
           [KEY('d')] = FIELD_UPGRADE,
           [KEY('p')] = FIELD_SEC_GPC},
    [9] = {[KEY('e')] = FIELD_FORWARDED, [KEY('i')] = FIELD_X_REAL_IP},
    [10] = {[KEY('o')] = FIELD_CONNECTION,
            [KEY('v')] = FIELD_KEEP_ALIVE,
            [KEY('n')] = FIELD_USER_AGENT},
    [11] = {[KEY('e')] = FIELD_RETRY_AFTER},
    [12] = {[KEY('d')] = FIELD_MAX_FORWARDS, [KEY('i')] = FIELD_X_REQUEST_ID},
    [14] = {[KEY('t')] = FIELD_CONTENT_LENGTH, [KEY('g')] = FIELD_HTTP2_SETTINGS},
    [15] = {[KEY('o')] = FIELD_X_FORWARDED_FOR},
    [16] = {[KEY('o')] = FIELD_PROXY_CONNECTION,
            [KEY('s')] = FIELD_X_FORWARDED_HOST,
            [KEY('r')] = FIELD_X_FORWARDED_PORT},
    [17] = {[KEY('n')] = FIELD_TRANSFER_ENCODING, [KEY('t')] = FIELD_X_FORWARDED_PROTO},
};

static enum field_id candidate_for(const char *name, size_t len)
{
    if (len < 2 || len > NAME_LEN_MAX)
        return FIELD_OTHER;
    return candidate[len][KEY(name[len - 2])];
}

enum field_id msg_field_id(const char *name, size_t len)
{
    enum field_id id = candidate_for(name, len);

    return lex_same(name, names[id].text, names[id].len) ? id : FIELD_OTHER;
}

enum field_id msg_field_taken_for(const char *name, size_t len)
{
    enum field_id id = candidate_for(name, len);

    for (size_t i = 0; i < names[id].len; i++) {
        char ch = name[i] == '_' ? '-' : lex_lower(name[i]);

        if (ch != names[id].text[i])
            return FIELD_OTHER;
    }
    return id;
}

const char *msg_field_name(enum field_id id)
{
    return names[id].text;
}

#define IS(s, len, literal)                                                                \
    ((len) == sizeof(literal) - 1 && memcmp((s), (literal), sizeof(literal) - 1) == 0)

/* Methods are case-sensitive (RFC 9110, 9.1). */
enum http_method msg_method_id(const char *name, size_t len)
{
    static const struct {
        const char *text;
        size_t len;
        enum http_method id;
    } rare[] = {
        {"PUT", 3, METHOD_PUT},       {"HEAD", 4, METHOD_HEAD},
        {"DELETE", 6, METHOD_DELETE}, {"OPTIONS", 7, METHOD_OPTIONS},
        {"PATCH", 5, METHOD_PATCH},   {"CONNECT", 7, METHOD_CONNECT},
        {"TRACE", 5, METHOD_TRACE},
    };

    if (IS(name, len, "GET"))
        return METHOD_GET;
    if (IS(name, len, "POST"))
        return METHOD_POST;
    for (size_t i = 0; i < sizeof(rare) / sizeof(rare[0]); i++)
        if (len == rare[i].len && memcmp(name, rare[i].text, len) == 0)
            return rare[i].id;
    return METHOD_OTHER;
}

bool msg_idempotent(uint8_t method_id)
{
    const unsigned set = 1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_PUT |
                         1u << METHOD_DELETE | 1u << METHOD_OPTIONS | 1u << METHOD_TRACE;

    return (set >> method_id & 1) != 0;
}

void msg_reset(struct msg *m)
{
    *m = (struct msg){
        .text = m->text,
        .text_room = m->text_room,
        .fields = m->fields,
        .fields_room = m->fields_room,
    };
}

const struct field *msg_find(const struct msg *m, enum field_id id)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (m->fields[i].id == id && !m->fields[i].drop)
            return &m->fields[i];
    return NULL;
}

const struct field *msg_find_name(const struct msg *m, const char *name, size_t len)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];

        if (f->name_len == len && !f->drop && lex_same(m->text + f->name, name, len))
            return f;
    }
    return NULL;
}

bool msg_append(struct msg *m, const char *s, size_t len, struct span *out)
{
    if (len > m->text_room - m->text_len)
        return false;
    memcpy(m->text + m->text_len, s, len);
    if (out != NULL)
        *out = (struct span){.off = m->text_len, .len = (uint32_t)len};
    m->text_len += (uint32_t)len;
    return true;
}

/*
 * Added fields stand in the text as they stand in a head, "name: value\r\n", so
 * that neighbours can be written out in one piece.
 */
static struct msg_value begin(struct msg *m, enum field_id id)
{
    char *at = m->text + m->text_len;

    return (struct msg_value){.m = m,
                              .name = at,
                              .at = at,
                              .end = m->text + m->text_room,
                              .id = id,
                              .fits = true};
}

struct msg_value msg_begin(struct msg *m, enum field_id id)
{
    struct msg_value v = begin(m, id);

    msg_put(&v, names[id].start, names[id].len + 2);
    v.value = v.at;
    return v;
}

bool msg_end(struct msg_value *v)
{
    struct msg *m = v->m;
    char *stop = v->at;

    msg_put(v, "\r\n", 2);
    if (!v->fits || m->n_fields == m->fields_room)
        return false;
    m->fields[m->n_fields++] = (struct field){
        .name = m->text_len,
        .value = m->text_len + (uint32_t)(v->value - v->name),
        .value_len = (uint32_t)(stop - v->value),
        .name_len = (uint16_t)(v->value - v->name - 2),
        .id = (uint8_t)v->id,
    };
    m->text_len += (uint32_t)(v->at - v->name);
    return true;
}

bool msg_add(struct msg *m, enum field_id id, const char *name, const char *value,
             size_t value_len)
{
    struct msg_value v = begin(m, id);

    if (name == NULL) {
        msg_put(&v, names[id].start, names[id].len + 2);
    } else {
        msg_put(&v, name, strlen(name));
        msg_put(&v, ": ", 2);
    }
    v.value = v.at;
    msg_put(&v, value, value_len);
    return msg_end(&v);
}

void msg_copy(struct msg *to, const struct msg *from)
{
    struct msg copy = *from;

    copy.text = to->text;
    copy.text_room = to->text_room;
    copy.fields = to->fields;
    copy.fields_room = to->fields_room;
    memcpy(copy.text, from->text, from->text_len);
    memcpy(copy.fields, from->fields, from->n_fields * sizeof(from->fields[0]));
    *to = copy;
}

const char *msg_reason(unsigned status)
{
    switch (status) {
#define R(code, text)                                                                      \
    case code:                                                                             \
        return text
        R(100, "Continue");
        R(101, "Switching Protocols");
        R(200, "OK");
        R(204, "No Content");
        R(301, "Moved Permanently");
        R(302, "Found");
        R(303, "See Other");
        R(304, "Not Modified");
        R(307, "Temporary Redirect");
        R(308, "Permanent Redirect");
        R(400, "Bad Request");
        R(401, "Unauthorized");
        R(403, "Forbidden");
        R(404, "Not Found");
        R(405, "Method Not Allowed");
        R(408, "Request Timeout");
        R(413, "Content Too Large");
        R(414, "URI Too Long");
        R(417, "Expectation Failed");
        R(421, "Misdirected Request");
        R(429, "Too Many Requests");
        R(431, "Request Header Fields Too Large");
        R(500, "Internal Server Error");
        R(501, "Not Implemented");
        R(502, "Bad Gateway");
        R(503, "Service Unavailable");
        R(504, "Gateway Timeout");
        R(505, "HTTP Version Not Supported");
#undef R
    default:
        return "";
    }
}
