#include "proxy/access/access_httplog.h"

#include "base/check.h"

static void put_text(struct access_text *to, struct access_piece p)
{
    access_text_escaped(to, ACCESS_ESCAPE_HAPROXY, p.p, p.len);
}

static void put_client(struct access_text *to, const struct access_line *l)
{
    const struct access_record *r = l->r;
    uint16_t port = 0;

    if (r->client.family == AF_INET || r->client.family == AF_INET6) {
        /* sin6_port lies where sin_port does */
        port = ntohs(r->client.ip4.sin_port);
        access_text_address(to, (const struct sockaddr *)&r->client, l->how->mask_address);
    } else {
        ACCESS_TEXT_LITERAL(to, "unix");
    }
    access_text_char(to, ':');
    access_text_number(to, port);
}

/* Frontend, backend and server. */
static void put_way(struct access_text *to, const struct access_line *l)
{
    struct access_piece front = access_line_text(l, ACCESS_LISTENER);
    struct access_piece service = access_line_text(l, ACCESS_SERVICE);
    struct access_piece server = access_line_text(l, ACCESS_BACKEND);

    put_text(to, front);
    if (l->r->tls)
        access_text_char(to, '~');
    access_text_char(to, ' ');
    put_text(to, service.len > 0 ? service : front);
    access_text_char(to, '/');
    if (server.len > 0)
        put_text(to, server);
    else
        ACCESS_TEXT_LITERAL(to, "<NOSRV>");
}

/* TR/Tw/Tc/Tr/Ta */
static void put_timers(struct access_text *to, const struct access_record *r)
{
    const mono_us times[] = {r->head_us, r->queue_us, r->connect_us, r->answer_us,
                             r->total_us};

    for (size_t i = 0; i < N_ELEMS(times); i++) {
        if (i > 0)
            access_text_char(to, '/');
        access_text_whole_ms(to, times[i]);
    }
}

static void put_result(struct access_text *to, const struct access_line *l)
{
    char state[4];

    if (l->r->status != 0)
        access_text_number(to, l->r->status);
    else
        ACCESS_TEXT_LITERAL(to, "-1");
    access_text_char(to, ' ');
    access_text_number(to, l->r->bytes_sent);
    ACCESS_TEXT_LITERAL(to, " - - "); /* cookies */
    access_line_state(l, state);
    access_text_put(to, state, sizeof(state));
}

/* ac/fc/bc/sc/rc sq/bq */
static void put_counts(struct access_text *to, const struct access_line *l)
{
    const struct access_record *r = l->r;
    const uint32_t counts[] = {l->load->connections, l->load->listener, l->load->service,
                               r->backend_inflight};

    for (size_t i = 0; i < N_ELEMS(counts); i++) {
        access_text_number(to, counts[i]);
        access_text_char(to, '/');
    }
    if (r->elsewhere)
        access_text_char(to, '+');
    access_text_number(to, r->attempts > 1 ? r->attempts - 1u : 0);
    ACCESS_TEXT_LITERAL(to, " 0/"); /* only the service has a queue */
    access_text_number(to, r->queue_position);
}

static void put_field(struct access_text *to, bool first, struct access_piece p)
{
    if (first)
        ACCESS_TEXT_LITERAL(to, " {");
    else
        access_text_char(to, '|');
    access_text_escaped(to, ACCESS_ESCAPE_CAPTURE, p.p, p.len);
}

/* {value|value}; nothing at all where none is configured. */
static void put_fields(struct access_text *to, const struct access_line *l)
{
    const struct cfg_access_log *how = l->how;

    for (size_t i = 0; i < how->n_request_headers; i++)
        put_field(to, i == 0, access_line_request_field(l, how->request_headers[i]));
    if (how->n_request_headers > 0)
        access_text_char(to, '}');
    for (size_t i = 0; i < how->n_response_headers; i++)
        put_field(to, i == 0, access_line_response_field(l, how->response_headers[i]));
    if (how->n_response_headers > 0)
        access_text_char(to, '}');
}

void access_httplog_put(struct access_text *to, const struct access_line *l)
{
    put_client(to, l);
    ACCESS_TEXT_LITERAL(to, " [");
    access_text_time_haproxy(to, l->wall_us, l->zone_s);
    ACCESS_TEXT_LITERAL(to, "] ");
    put_way(to, l);
    access_text_char(to, ' ');
    put_timers(to, l->r);
    access_text_char(to, ' ');
    put_result(to, l);
    access_text_char(to, ' ');
    put_counts(to, l);
    put_fields(to, l);
    ACCESS_TEXT_LITERAL(to, " \"");
    if (l->r->unread)
        ACCESS_TEXT_LITERAL(to, "<BADREQ>");
    else
        access_line_request(to, l, ACCESS_ESCAPE_HAPROXY);
    access_text_char(to, '"');
}
