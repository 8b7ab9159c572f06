/*
 * hop_fuzz.c - a request that was read, edited and written is read as one again, with
 * nothing left in it that was for one connection, and nothing that a stranger claimed.
 *
 * Input: one byte (bit 0: the peer is trusted, bit 1: IPv6); then the head.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/h1/emit.h"
#include "proxy/h1/head.h"
#include "proxy/hop.h"
#include "proxy/lex.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define FIELDS_ROOM 128
#define TEXT_ROOM   32768

static const struct head_limits limits = {
    .max_head_bytes = TEXT_ROOM, .max_target_bytes = TEXT_ROOM, .max_fields = FIELDS_ROOM};

/* 10.0.0.1 and fd00::1, or two strangers. */
static void set_peer(struct sockaddr_storage *peer, bool trusted, bool ip6)
{
    struct sockaddr_in *v4 = (void *)peer;
    struct sockaddr_in6 *v6 = (void *)peer;

    memset(peer, 0, sizeof(*peer));
    peer->ss_family = ip6 ? AF_INET6 : AF_INET;
    if (ip6)
        inet_pton(AF_INET6, trusted ? "fd00::1" : "2001:db8::1", &v6->sin6_addr);
    else
        inet_pton(AF_INET, trusted ? "10.0.0.1" : "192.0.2.1", &v4->sin_addr);
}

static size_t count(const struct msg *m, enum field_id id)
{
    size_t n = 0;

    for (size_t i = 0; i < m->n_fields; i++)
        n += m->fields[i].id == id;
    return n;
}

/* Only what emit.c writes from the facts is left of these. */
static void check_hop_by_hop(const struct msg *m)
{
    const struct field *f = msg_find(m, FIELD_CONNECTION);

    MUST(count(m, FIELD_KEEP_ALIVE) == 0 && count(m, FIELD_PROXY_CONNECTION) == 0);
    MUST(count(m, FIELD_HTTP2_SETTINGS) == 0 && count(m, FIELD_CONNECTION) <= 1);
    MUST(count(m, FIELD_CONTENT_LENGTH) + count(m, FIELD_TRANSFER_ENCODING) <= 1);
    MUST(count(m, FIELD_TE) <= 1 && count(m, FIELD_UPGRADE) <= 1);
    if (f != NULL)
        MUST(LEX_IS(msg_value(m, f), f->value_len, "te") ||
             LEX_IS(msg_value(m, f), f->value_len, "te, upgrade") ||
             LEX_IS(msg_value(m, f), f->value_len, "upgrade"));
}

static void check_claims(const struct msg *m, bool trusted, bool ip6)
{
    static const enum field_id ours[] = {FIELD_X_FORWARDED_FOR, FIELD_FORWARDED,
                                         FIELD_X_REAL_IP};
    const char *stranger = ip6 ? "2001:db8::1" : "192.0.2.1";
    const struct field *f = msg_find(m, FIELD_X_FORWARDED_FOR);

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        MUST(count(m, ours[i]) == 1);
    MUST(count(m, FIELD_VIA) >= 1);
    if (trusted)
        return;
    MUST(f->value_len == strlen(stranger) &&
         lex_same(msg_value(m, f), stranger, f->value_len));
    MUST(count(m, FIELD_X_FORWARDED_PROTO) == 1 && count(m, FIELD_X_REQUEST_ID) == 1);
    MUST(count(m, FIELD_X_FORWARDED_PORT) == 1);
}

static bool pass(struct msg *m, bool trusted, bool ip6)
{
    static struct addr_block blocks[2];
    struct sockaddr_storage peer;
    struct hop_request h = {.peer = (const struct sockaddr *)&peer,
                            .trusted = blocks,
                            .n_trusted = 2,
                            .scheme = "https",
                            .port = 443,
                            .via = "tidegate",
                            .request_id = "id"};

    MUST(addr_block_parse("10.0.0.0/8", &blocks[0], NULL) == RC_OK);
    MUST(addr_block_parse("fd00::/8", &blocks[1], NULL) == RC_OK);
    set_peer(&peer, trusted, ip6);
    return hop_request(m, &h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char in[TEXT_ROOM], own[TEXT_ROOM], out[TEXT_ROOM];
    static struct field in_fields[FIELDS_ROOM], own_fields[FIELDS_ROOM];
    struct msg m = {.fields = in_fields, .fields_room = FIELDS_ROOM};
    struct msg copy = {.text = own,
                       .text_room = TEXT_ROOM,
                       .fields = own_fields,
                       .fields_room = FIELDS_ROOM};
    struct head_fault fault;
    size_t seen = 0, n;
    bool trusted, ip6;

    if (size < 1 || size > 8192)
        return 0;
    trusted = (data[0] & 1) != 0;
    ip6 = (data[0] & 2) != 0;
    memcpy(in, data + 1, size - 1);
    if (head_request(in, size - 1, &seen, &limits, &m, &fault) != HEAD_DONE)
        return 0;
    msg_copy(&copy, &m);
    if (!pass(&copy, trusted, ip6))
        return 0;
    n = emit_request(&copy, "own", out, sizeof(out));
    MUST(n > 0);
    seen = 0;
    MUST(head_request(out, n, &seen, &limits, &m, &fault) == HEAD_DONE && m.text_len == n);
    MUST(m.body == copy.body && m.content_length == copy.content_length);
    check_hop_by_hop(&m);
    check_claims(&m, trusted, ip6);
    return 0;
}
