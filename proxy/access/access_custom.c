#include "proxy/access/access_custom.h"

#include "conf/cfg_access.h"

/* What is not known is "-", as nginx has it. */
static void put_piece(struct access_text *to, struct access_piece p)
{
    if (p.len == 0)
        access_text_char(to, '-');
    else
        access_text_escaped(to, ACCESS_ESCAPE_NGINX, p.p, p.len);
}

static void put_ms(struct access_text *to, mono_us us)
{
    if (us < 0)
        access_text_char(to, '-');
    else
        access_text_ms(to, us);
}

static void put_word(struct access_text *to, const char *word)
{
    access_text_put(to, word, strlen(word));
}

/* Of what could not be read there is a first line and nothing else. */
static struct access_piece of_target(const struct access_line *l, struct access_piece part)
{
    return l->r->unread ? (struct access_piece){part.p, 0} : part;
}

static void put_port(struct access_text *to, const struct access_record *r)
{
    bool ip = r->client.family == AF_INET || r->client.family == AF_INET6;

    access_text_number(to, ip ? ntohs(r->client.ip4.sin_port) : 0);
}

static void put_state(struct access_text *to, const struct access_line *l)
{
    char state[4];

    access_line_state(l, state);
    access_text_put(to, state, sizeof(state));
}

static void put_protocol(struct access_text *to, const struct access_line *l)
{
    const char *word = access_line_backend_protocol(l);

    put_word(to, word != NULL ? word : "-");
}

static void put_user(struct access_text *to, uint64_t user)
{
    if (user == 0)
        access_text_char(to, '-');
    else
        access_text_hex16(to, user);
}

/* ---- what each variable is worth ---- */

#define TEXT(id)      put_piece(to, access_line_text(l, ACCESS_##id))
#define TARGET(part)  put_piece(to, of_target(l, access_line_##part(l)))
#define MS(field)     put_ms(to, l->r->field)
#define NUMBER(field) access_text_number(to, l->r->field)

/* X(variable, statement) - `to`, `l` and the template's piece `p` are at hand. */
#define VALUES(X)                                                                          \
    X(TIME, access_text_time_rfc3339(to, l->wall_us))                                      \
    X(TIME_LOCAL, access_text_time_clf(to, l->wall_us, l->zone_s))                         \
    X(TIME_UNIX, access_text_time_unix(to, l->wall_us))                                    \
    X(CLIENT, access_text_address(to, (const struct sockaddr *)&l->r->client,              \
                                  l->how->mask_address))                                   \
    X(CLIENT_PORT, put_port(to, l->r))                                                     \
    X(LISTENER, TEXT(LISTENER))                                                            \
    X(REQUEST, access_line_request(to, l, ACCESS_ESCAPE_NGINX))                            \
    X(METHOD, TEXT(METHOD))                                                                \
    X(TARGET, TARGET(target))                                                              \
    X(PATH, TARGET(path))                                                                  \
    X(QUERY, TARGET(query))                                                                \
    X(PROTOCOL, put_word(to, l->r->unread ? "-" : access_line_protocol(l)))                \
    X(HOST, TEXT(HOST))                                                                    \
    X(STATUS, access_line_status(to, l))                                                   \
    X(BYTES_IN, NUMBER(bytes_in))                                                          \
    X(BYTES_OUT, NUMBER(bytes_out))                                                        \
    X(BYTES_SENT, NUMBER(bytes_sent))                                                      \
    X(HEAD_MS, MS(head_us))                                                                \
    X(QUEUE_MS, MS(queue_us))                                                              \
    X(HOLD_MS, MS(hold_us))                                                                \
    X(CONNECT_MS, MS(connect_us))                                                          \
    X(FIRST_BYTE_MS, MS(first_byte_us))                                                    \
    X(TOTAL_MS, MS(total_us))                                                              \
    X(SERVICE, TEXT(SERVICE))                                                              \
    X(TIER, put_word(to, l->r->tier < N_TIERS ? tier_name[l->r->tier] : "-"))              \
    X(BACKEND, TEXT(BACKEND))                                                              \
    X(BACKEND_PROTOCOL, put_protocol(to, l))                                               \
    X(ATTEMPTS, NUMBER(attempts))                                                          \
    X(ENDING, put_word(to, access_line_ending(l)))                                         \
    X(STATE, put_state(to, l))                                                             \
    X(FAULT, TEXT(FAULT))                                                                  \
    X(TLS_VERSION, TEXT(TLS_VERSION))                                                      \
    X(TLS_CIPHER, TEXT(TLS_CIPHER))                                                        \
    X(TLS_NAME, TEXT(TLS_NAME))                                                            \
    X(TLS_SUBJECT, TEXT(TLS_SUBJECT))                                                      \
    X(REQUEST_ID, TEXT(REQUEST_ID))                                                        \
    X(TRACE_ID, TEXT(TRACE_ID))                                                            \
    X(USER, put_user(to, l->r->user))                                                      \
    X(REMOTE_USER, TEXT(REMOTE_USER))                                                      \
    X(USER_AGENT, TEXT(USER_AGENT))                                                        \
    X(REFERER, TEXT(REFERER))                                                              \
    X(REQUEST_HEADER, put_piece(to, access_line_request_field(l, p->text)))                \
    X(RESPONSE_HEADER, put_piece(to, access_line_response_field(l, p->text)))

#define X(sym, statement)                                                                  \
    static void put_##sym(struct access_text *to, const struct access_line *l,             \
                          const struct cfg_template_piece *p)                              \
    {                                                                                      \
        (void)to, (void)l, (void)p;                                                        \
        statement;                                                                         \
    }
VALUES(X)
#undef X

static void (*const put[N_CFG_ACCESS_VARIABLES])(struct access_text *to,
                                                 const struct access_line *l,
                                                 const struct cfg_template_piece *p) = {
#define X(sym, name, argument, doc) [CFG_ACCESS_V_##sym] = put_##sym,
    CFG_ACCESS_VARIABLES(X)
#undef X
};

void access_custom_put(struct access_text *to, const struct access_line *l)
{
    const struct cfg_template *t = &l->how->format;

    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct cfg_template_piece *p = &t->pieces[i];

        if (p->var == NULL)
            access_text_put(to, p->text, p->len);
        else
            put[p->var->id](to, l, p);
    }
}
