/*
 * msg.h - the head of a request or a response, whatever the HTTP version.
 *
 * A msg is a table of fields and a few facts; all text lies in one block that the
 * caller owns and may move (offsets, not pointers).  Codecs fill it and emit it,
 * hop.c edits it, nothing in it knows a connection.
 */
#ifndef PROXY_MSG_H
#define PROXY_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Fields that the proxy itself reads, drops or writes.  Names in lower case. */
#define MSG_FIELDS(X)                                                                      \
    X(HOST, "host")                                                                        \
    X(CONTENT_LENGTH, "content-length")                                                    \
    X(TRANSFER_ENCODING, "transfer-encoding")                                              \
    X(CONNECTION, "connection")                                                            \
    X(KEEP_ALIVE, "keep-alive")                                                            \
    X(PROXY_CONNECTION, "proxy-connection")                                                \
    X(TE, "te")                                                                            \
    X(TRAILER, "trailer")                                                                  \
    X(UPGRADE, "upgrade")                                                                  \
    X(HTTP2_SETTINGS, "http2-settings")                                                    \
    X(EXPECT, "expect")                                                                    \
    X(MAX_FORWARDS, "max-forwards")                                                        \
    X(VIA, "via")                                                                          \
    X(FORWARDED, "forwarded")                                                              \
    X(X_FORWARDED_FOR, "x-forwarded-for")                                                  \
    X(X_FORWARDED_PROTO, "x-forwarded-proto")                                              \
    X(X_FORWARDED_HOST, "x-forwarded-host")                                                \
    X(X_FORWARDED_PORT, "x-forwarded-port")                                                \
    X(X_REAL_IP, "x-real-ip")                                                              \
    X(X_REQUEST_ID, "x-request-id")                                                        \
    X(COOKIE, "cookie")                                                                    \
    X(USER_AGENT, "user-agent")                                                            \
    X(SEC_GPC, "sec-gpc")                                                                  \
    X(DATE, "date")                                                                        \
    X(SERVER, "server")                                                                    \
    X(RETRY_AFTER, "retry-after")

enum field_id {
    FIELD_OTHER,
#define X(sym, name) FIELD_##sym,
    MSG_FIELDS(X)
#undef X
        N_FIELD_IDS
};

enum http_version { HTTP_10, HTTP_11, HTTP_2 };

enum http_method {
    METHOD_OTHER,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT,
    METHOD_PATCH,
};

/* How the body that follows is delimited. */
enum body_kind {
    BODY_NONE,
    BODY_LENGTH,  /* msg.content_length bytes */
    BODY_CHUNKED, /* length unknown, the end is marked (h1 chunks, h2 END_STREAM) */
    BODY_CLOSE,   /* h1 response that ends with the connection */
    BODY_TUNNEL,  /* 101 or 2xx to CONNECT: bytes both ways, no framing */
};

struct span {
    uint32_t off, len;
};

struct field {
    uint32_t name, value; /* offsets into msg.text */
    uint32_t value_len;
    uint16_t name_len;
    uint8_t id;   /* enum field_id */
    uint8_t drop; /* not to be sent on; set by hop.c */
};

enum msg_flag {
    MSG_KEEP_ALIVE = 1 << 0, /* h1: the connection stays after this message */
    MSG_EXPECT = 1 << 1,     /* Expect: 100-continue, in HTTP/1.1 */
    MSG_UPGRADE = 1 << 2,    /* Connection lists upgrade and Upgrade is there */
    MSG_TE_TRAILERS = 1 << 3,
    MSG_HAS_LENGTH =
        1 << 4, /* Content-Length was there (a HEAD or 304 answer may have it) */
    MSG_HTTPS_TARGET = 1 << 5, /* h1 request: for "https://..." in so many words */
};

struct msg {
    char *text;
    uint32_t text_len, text_room; /* room >= len; more may be appended */
    struct field *fields;
    uint16_t n_fields, fields_room;
    uint16_t status; /* response */
    uint8_t version; /* enum http_version */
    uint8_t method_id;
    uint8_t body;  /* enum body_kind */
    uint8_t flags; /* enum msg_flag */
    uint64_t content_length;
    struct span method;
    struct span target;    /* request: what goes into the request line or :path */
    struct span authority; /* request: host[:port]; from the target, else from Host */
    struct span reason;    /* h1 response */
    struct span upgrade;   /* value of Upgrade when MSG_UPGRADE */
};

/* Empties m, keeping its storage. */
void msg_reset(struct msg *m);

/* Id of a field name in any case; FIELD_OTHER when it is none of ours. */
enum field_id msg_field_id(const char *name, size_t len);
/*
 * Id of the field for which some readers take a name: those that know "_" and "-" as
 * the same, as in the variables of CGI.  FIELD_OTHER when it is none of ours.
 */
enum field_id msg_field_taken_for(const char *name, size_t len);
const char *msg_field_name(enum field_id id); /* lower case */
enum http_method msg_method_id(const char *name, size_t len);
bool msg_idempotent(uint8_t method_id); /* RFC 9110, 9.2.2 */

/* First field that is not dropped, or NULL.  `name` is lower case. */
const struct field *msg_find(const struct msg *m, enum field_id id);
const struct field *msg_find_name(const struct msg *m, const char *name, size_t len);

static inline const char *msg_value(const struct msg *m, const struct field *f)
{
    return m->text + f->value;
}

static inline const char *msg_at(const struct msg *m, struct span s)
{
    return m->text + s.off;
}

/* Appends text or a field; false: no room, nothing changed. */
bool msg_append(struct msg *m, const char *s, size_t len, struct span *out);
/* `name` may be NULL when the id has a name. */
bool msg_add(struct msg *m, enum field_id id, const char *name, const char *value,
             size_t value_len);

/*
 * A field whose value is made of pieces: begin, any number of puts, end.  Once a
 * piece had no room, msg_end() returns false and m is as it was before
 * msg_begin().  m must be left alone in between.
 */
struct msg_value {
    struct msg *m;
    char *name, *value, *at, *end; /* private; in m's text */
    enum field_id id;
    bool fits;
};

struct msg_value msg_begin(struct msg *m, enum field_id id);
bool msg_end(struct msg_value *v);

static inline void msg_put(struct msg_value *v, const char *s, size_t len)
{
    if (len > (size_t)(v->end - v->at)) {
        v->fits = false;
        return;
    }
    memcpy(v->at, s, len);
    v->at += len;
}

/*
 * Copies head facts, fields and text to `to`, whose storage must be large enough:
 * fields_room >= from->n_fields and text_room >= from->text_len.
 */
void msg_copy(struct msg *to, const struct msg *from);

/* Reason phrase for a status we send ourselves; "" when there is none. */
const char *msg_reason(unsigned status);

#endif
