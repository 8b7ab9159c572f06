#include "proxy/access/access_json.h"

#include "base/check.h"

#define PUT ACCESS_TEXT_LITERAL

/* A key is written with what stands before it: `,"name":`. */
#define KEY(to, name) PUT((to), ",\"" name "\":")

static void put_text(struct access_text *to, struct access_piece p)
{
    if (p.len == 0) {
        PUT(to, "null");
        return;
    }
    access_text_char(to, '"');
    access_text_json(to, p.p, p.len);
    access_text_char(to, '"');
}

/* A word of our own: nothing to escape. */
static void put_word(struct access_text *to, const char *s, size_t n)
{
    access_text_char(to, '"');
    access_text_put(to, s, n);
    access_text_char(to, '"');
}

static void put_ms(struct access_text *to, mono_us us)
{
    if (us < 0)
        PUT(to, "null");
    else
        access_text_ms(to, us);
}

/* ---- parts of the object, in its order ---- */

static void put_client(struct access_text *to, const struct access_line *l)
{
    const struct access_record *r = l->r;
    bool ip = r->client.family == AF_INET || r->client.family == AF_INET6;

    PUT(to, "{\"time\":\"");
    access_text_time_rfc3339(to, l->wall_us);
    PUT(to, "\",\"client\":\"");
    access_text_address(to, (const struct sockaddr *)&r->client, l->how->mask_address);
    PUT(to, "\",\"client_port\":");
    access_text_number(to, ip ? ntohs(r->client.ip4.sin_port) : 0);
    KEY(to, "listener");
    put_text(to, access_line_text(l, ACCESS_LISTENER));
}

static void put_request(struct access_text *to, const struct access_line *l)
{
    bool unread = l->r->unread;
    struct access_piece none = {NULL, 0};

    KEY(to, "method");
    put_text(to, access_line_text(l, ACCESS_METHOD));
    KEY(to, "host");
    put_text(to, access_line_text(l, ACCESS_HOST));
    KEY(to, "path");
    put_text(to, unread ? none : access_line_path(l));
    KEY(to, "query");
    put_text(to, unread ? none : access_line_query(l));
    KEY(to, "protocol");
    if (unread)
        PUT(to, "null");
    else
        put_word(to, access_line_protocol(l), strlen(access_line_protocol(l)));
}

static void put_sizes(struct access_text *to, const struct access_record *r)
{
    KEY(to, "status");
    access_text_number(to, r->status);
    KEY(to, "bytes_in");
    access_text_number(to, r->bytes_in);
    KEY(to, "bytes_out");
    access_text_number(to, r->bytes_out);
    KEY(to, "bytes_sent");
    access_text_number(to, r->bytes_sent);
}

static void put_times(struct access_text *to, const struct access_record *r)
{
    KEY(to, "head_ms");
    put_ms(to, r->head_us);
    KEY(to, "queue_ms");
    put_ms(to, r->queue_us);
    KEY(to, "hold_ms");
    put_ms(to, r->hold_us);
    KEY(to, "connect_ms");
    put_ms(to, r->connect_us);
    KEY(to, "first_byte_ms");
    put_ms(to, r->first_byte_us);
    KEY(to, "total_ms");
    put_ms(to, r->total_us);
}

static void put_way(struct access_text *to, const struct access_line *l)
{
    const struct access_record *r = l->r;
    const char *protocol = access_line_backend_protocol(l);

    KEY(to, "service");
    put_text(to, access_line_text(l, ACCESS_SERVICE));
    KEY(to, "tier");
    if (r->tier < N_TIERS)
        put_word(to, tier_name[r->tier], strlen(tier_name[r->tier]));
    else
        PUT(to, "null");
    KEY(to, "backend");
    put_text(to, access_line_text(l, ACCESS_BACKEND));
    KEY(to, "backend_protocol");
    if (protocol != NULL)
        put_word(to, protocol, strlen(protocol));
    else
        PUT(to, "null");
    KEY(to, "attempts");
    access_text_number(to, r->attempts);
}

static void put_end(struct access_text *to, const struct access_line *l)
{
    const char *word = access_line_ending(l);
    char state[4];

    access_line_state(l, state);
    KEY(to, "ending");
    put_word(to, word, strlen(word));
    KEY(to, "state");
    put_word(to, state, sizeof(state));
    KEY(to, "fault");
    put_text(to, access_line_text(l, ACCESS_FAULT));
    KEY(to, "request");
    put_text(to, l->r->unread ? access_line_target(l) : (struct access_piece){NULL, 0});
}

static void put_tls(struct access_text *to, const struct access_line *l)
{
    KEY(to, "tls_version");
    put_text(to, access_line_text(l, ACCESS_TLS_VERSION));
    KEY(to, "tls_cipher");
    put_text(to, access_line_text(l, ACCESS_TLS_CIPHER));
    KEY(to, "tls_name");
    put_text(to, access_line_text(l, ACCESS_TLS_NAME));
    KEY(to, "tls_subject");
    put_text(to, access_line_text(l, ACCESS_TLS_SUBJECT));
}

static void put_ids(struct access_text *to, const struct access_line *l)
{
    KEY(to, "request_id");
    put_text(to, access_line_text(l, ACCESS_REQUEST_ID));
    KEY(to, "trace_id");
    put_text(to, access_line_text(l, ACCESS_TRACE_ID));
    KEY(to, "user");
    if (l->r->user != 0) {
        access_text_char(to, '"');
        access_text_hex16(to, l->r->user);
        access_text_char(to, '"');
    } else {
        PUT(to, "null");
    }
    KEY(to, "user_agent");
    put_text(to, access_line_text(l, ACCESS_USER_AGENT));
    KEY(to, "referer");
    put_text(to, access_line_text(l, ACCESS_REFERER));
}

/* ---- configured fields ---- */

/* {"name":"value"} */
static void put_fields(struct access_text *to, const struct access_line *l,
                       struct access_piece (*find)(const struct access_line *l,
                                                   const char *name),
                       char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        access_text_char(to, i == 0 ? '{' : ',');
        put_word(to, names[i], strlen(names[i]));
        access_text_char(to, ':');
        put_text(to, find(l, names[i]));
    }
    access_text_char(to, '}');
}

void access_json_put(struct access_text *to, const struct access_line *l)
{
    const struct cfg_access_log *how = l->how;

    put_client(to, l);
    put_request(to, l);
    put_sizes(to, l->r);
    put_times(to, l->r);
    put_way(to, l);
    put_end(to, l);
    put_tls(to, l);
    put_ids(to, l);
    if (how->n_request_headers > 0) {
        KEY(to, "request_headers");
        put_fields(to, l, access_line_request_field, how->request_headers,
                   how->n_request_headers);
    }
    if (how->n_response_headers > 0) {
        KEY(to, "response_headers");
        put_fields(to, l, access_line_response_field, how->response_headers,
                   how->n_response_headers);
    }
    access_text_char(to, '}');
}
