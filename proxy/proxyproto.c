#include "proxy/proxyproto.h"

#include <arpa/inet.h>
#include <string.h>

#include "proxy/lex.h"

#define LINE_MAX_BYTES 107 /* with its end */
#define FIXED_BYTES    16  /* of version 2, up to its length */
#define INET_BYTES     12  /* two addresses and two ports */
#define INET6_BYTES    36
#define UNIX_BYTES     216
#define TLV_CRC32C     3
#define CRC_BYTES      4

static const uint8_t signature[12] = {'\r', '\n', '\r', '\n', 0,   '\r',
                                      '\n', 'Q',  'U',  'I',  'T', '\n'};
static const uint8_t line_start[6] = {'P', 'R', 'O', 'X', 'Y', ' '};

enum state {
    S_START,
    S_LINE,  /* version 1 */
    S_FIXED, /* version 2 up to its length */
    S_ADDRESSES,
    S_TLV_HEAD,
    S_TLV_VALUE,
    S_SKIP, /* the rest says nothing */
};

static enum proxyproto_verdict bad(struct proxyproto *p, const char *reason)
{
    p->reason = reason;
    return PROXYPROTO_BAD;
}

/* ---- version 1 ----------------------------------------------------------------------- */

/* A word up to the next space or the end; *at moves behind the space.  NULL: there is
 * none. */
static const char *next_word(const char **at, const char *end, size_t *len)
{
    const char *word = *at, *space;

    *len = 0;
    if (word == NULL)
        return NULL;
    space = memchr(word, ' ', (size_t)(end - word));
    *len = (size_t)((space != NULL ? space : end) - word);
    *at = space != NULL ? space + 1 : NULL;
    return word;
}

static bool take_address(const char *word, size_t len, int family,
                         union proxyproto_addr *out)
{
    char text[INET6_ADDRSTRLEN];

    if (word == NULL || len >= sizeof(text))
        return false;
    memcpy(text, word, len);
    text[len] = 0;
    if (strlen(text) != len)
        return false;
    out->any.sa_family = (sa_family_t)family;
    return family == AF_INET ? inet_pton(AF_INET, text, &out->ip4.sin_addr) == 1
                             : inet_pton(AF_INET6, text, &out->ip6.sin6_addr) == 1;
}

/* Leading zeroes are not allowed. */
static bool take_port(const char *word, size_t len, in_port_t *out)
{
    uint64_t port;

    if (word == NULL || len > 5 || (len > 1 && word[0] == '0') ||
        !lex_number(word, len, &port) || port > UINT16_MAX)
        return false;
    *out = htons((uint16_t)port);
    return true;
}

static in_port_t *port_of(union proxyproto_addr *a)
{
    return a->any.sa_family == AF_INET ? &a->ip4.sin_port : &a->ip6.sin6_port;
}

static bool take_ends(struct proxyproto *p, const char *at, const char *end, int family)
{
    struct proxyproto_ends *e = &p->ends;
    const char *word;
    size_t len;

    word = next_word(&at, end, &len);
    if (!take_address(word, len, family, &e->from))
        return false;
    word = next_word(&at, end, &len);
    if (!take_address(word, len, family, &e->to))
        return false;
    word = next_word(&at, end, &len);
    if (!take_port(word, len, port_of(&e->from)))
        return false;
    word = next_word(&at, end, &len);
    return take_port(word, len, port_of(&e->to)) && at == NULL;
}

/* The whole line is there. */
static enum proxyproto_verdict take_line(struct proxyproto *p)
{
    const char *at = (const char *)p->head + sizeof(line_start);
    const char *end = (const char *)p->head + p->seen - 2, *word;
    size_t len;

    word = next_word(&at, end, &len);
    if (len == 7 && memcmp(word, "UNKNOWN", 7) == 0)
        return PROXYPROTO_DONE; /* whatever follows */
    if (len != 4 || (memcmp(word, "TCP4", 4) != 0 && memcmp(word, "TCP6", 4) != 0))
        return bad(p, "unknown protocol");
    if (!take_ends(p, at, end, word[3] == '4' ? AF_INET : AF_INET6))
        return bad(p, "bad address");
    p->told = true;
    return PROXYPROTO_DONE;
}

/* The line ends with CR LF, and neither stands alone. */
static enum proxyproto_verdict line_byte(struct proxyproto *p, uint8_t b)
{
    bool after_cr = p->seen > 0 && p->head[p->seen - 1] == '\r';

    if (p->seen < sizeof(line_start) && b != line_start[p->seen])
        return bad(p, "no header");
    if (after_cr != (b == '\n'))
        return bad(p, "bad end of line");
    if (p->seen == LINE_MAX_BYTES)
        return bad(p, "line too long");
    p->head[p->seen++] = b;
    return b == '\n' ? take_line(p) : PROXYPROTO_MORE;
}

/* ---- the checksum -------------------------------------------------------------------- */

/* CRC32c (RFC 4960, appendix B), half a byte at a time. */
static uint32_t crc_add(uint32_t crc, uint8_t b)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

    crc ^= b;
    crc = crc >> 4 ^ table[crc & 15];
    return crc >> 4 ^ table[crc & 15];
}

/* ---- version 2 ----------------------------------------------------------------------- */

static enum proxyproto_verdict at_end(struct proxyproto *p)
{
    if (p->summed && (p->crc ^ UINT32_MAX) != p->sum)
        return bad(p, "wrong checksum");
    return PROXYPROTO_DONE;
}

/* Passes over what is left. */
static enum proxyproto_verdict skip_rest(struct proxyproto *p)
{
    p->state = S_SKIP;
    return p->left == 0 ? PROXYPROTO_DONE : PROXYPROTO_MORE;
}

static enum proxyproto_verdict begin_tlv(struct proxyproto *p)
{
    p->n_tlv = 0;
    p->state = S_TLV_HEAD;
    return p->left == 0 ? at_end(p) : PROXYPROTO_MORE;
}

static void set_inet(union proxyproto_addr *a, const uint8_t *ip, const uint8_t *port)
{
    a->ip4.sin_family = AF_INET;
    memcpy(&a->ip4.sin_addr, ip, 4);
    memcpy(&a->ip4.sin_port, port, 2);
}

static void set_inet6(union proxyproto_addr *a, const uint8_t *ip, const uint8_t *port)
{
    a->ip6.sin6_family = AF_INET6;
    memcpy(&a->ip6.sin6_addr, ip, 16);
    memcpy(&a->ip6.sin6_port, port, 2);
}

/* The addresses are there as a whole. */
static enum proxyproto_verdict take_addresses(struct proxyproto *p)
{
    const uint8_t *at = p->head + FIXED_BYTES;
    struct proxyproto_ends *e = &p->ends;

    p->told = true;
    switch (p->need - FIXED_BYTES) {
    case INET_BYTES:
        set_inet(&e->from, at, at + 8);
        set_inet(&e->to, at + 4, at + 10);
        break;
    case INET6_BYTES:
        set_inet6(&e->from, at, at + 32);
        set_inet6(&e->to, at + 16, at + 34);
        break;
    default: /* the paths of unix sockets are of no use */
        e->from.any.sa_family = e->to.any.sa_family = AF_UNIX;
        break;
    }
    p->crc = UINT32_MAX;
    for (size_t i = 0; p->left > 0 && i < p->seen; i++)
        p->crc = crc_add(p->crc, p->head[i]);
    return begin_tlv(p);
}

/* How long the addresses of a family are; 0: not one of the specification's. */
static uint16_t address_bytes(unsigned family)
{
    static const uint16_t bytes[] = {0, INET_BYTES, INET6_BYTES, UNIX_BYTES};

    return family < sizeof(bytes) / sizeof(bytes[0]) ? bytes[family] : 0;
}

/* Version, command, family, transport and length are there. */
static enum proxyproto_verdict take_fixed(struct proxyproto *p)
{
    const uint8_t *h = p->head + sizeof(signature);
    unsigned command = h[0] & 15u, family = h[1] >> 4, transport = h[1] & 15u;
    uint16_t addresses = address_bytes(family);

    p->left = (uint16_t)(h[2] << 8 | h[3]);
    if (p->left > PROXYPROTO_MAX - FIXED_BYTES)
        return bad(p, "header too long");
    if (command == 0) /* LOCAL: whatever stands there */
        return skip_rest(p);
    if (command != 1)
        return bad(p, "unknown command");
    if (h[1] == 0)
        return skip_rest(p);
    if (addresses == 0 || transport < 1 || transport > 2)
        return bad(p, "unknown family");
    if (p->left < addresses)
        return bad(p, "addresses too short");
    p->need = (uint16_t)(FIXED_BYTES + addresses);
    p->left = (uint16_t)(p->left - addresses);
    p->state = S_ADDRESSES;
    return PROXYPROTO_MORE;
}

static enum proxyproto_verdict fixed_byte(struct proxyproto *p, uint8_t b)
{
    if (p->seen < sizeof(signature) && b != signature[p->seen])
        return bad(p, "no header");
    if (p->seen == sizeof(signature) && b >> 4 != 2)
        return bad(p, "unknown version");
    p->head[p->seen++] = b;
    return p->seen == FIXED_BYTES ? take_fixed(p) : PROXYPROTO_MORE;
}

static enum proxyproto_verdict address_byte(struct proxyproto *p, uint8_t b)
{
    p->head[p->seen++] = b;
    return p->seen == p->need ? take_addresses(p) : PROXYPROTO_MORE;
}

static bool in_checksum(const struct proxyproto *p)
{
    return p->tlv[0] == TLV_CRC32C;
}

static enum proxyproto_verdict take_tlv_head(struct proxyproto *p)
{
    p->value_left = (uint16_t)(p->tlv[1] << 8 | p->tlv[2]);
    if (p->value_left > p->left)
        return bad(p, "value too long");
    if (in_checksum(p) && (p->value_left != CRC_BYTES || p->summed))
        return bad(p, "bad checksum");
    p->summed = p->summed || in_checksum(p);
    p->state = S_TLV_VALUE;
    return p->value_left == 0 ? begin_tlv(p) : PROXYPROTO_MORE;
}

static enum proxyproto_verdict tlv_head_byte(struct proxyproto *p, uint8_t b)
{
    p->left--;
    p->crc = crc_add(p->crc, b);
    p->tlv[p->n_tlv++] = b;
    if (p->n_tlv == sizeof(p->tlv))
        return take_tlv_head(p);
    return p->left == 0 ? bad(p, "value cut off") : PROXYPROTO_MORE;
}

/* The checksum is that of a header in which it is zero. */
static enum proxyproto_verdict tlv_value_byte(struct proxyproto *p, uint8_t b)
{
    p->left--;
    if (in_checksum(p)) {
        p->sum = p->sum << 8 | b;
        b = 0;
    }
    p->crc = crc_add(p->crc, b);
    return --p->value_left == 0 ? begin_tlv(p) : PROXYPROTO_MORE;
}

static enum proxyproto_verdict skip_byte(struct proxyproto *p)
{
    return --p->left == 0 ? PROXYPROTO_DONE : PROXYPROTO_MORE;
}

/* ---- either -------------------------------------------------------------------------- */

static enum proxyproto_verdict first_byte(struct proxyproto *p, uint8_t b)
{
    p->state = b == signature[0] ? S_FIXED : S_LINE;
    return p->state == S_FIXED ? fixed_byte(p, b) : line_byte(p, b);
}

static enum proxyproto_verdict take_byte(struct proxyproto *p, uint8_t b)
{
    switch ((enum state)p->state) {
    case S_START:
        return first_byte(p, b);
    case S_LINE:
        return line_byte(p, b);
    case S_FIXED:
        return fixed_byte(p, b);
    case S_ADDRESSES:
        return address_byte(p, b);
    case S_TLV_HEAD:
        return tlv_head_byte(p, b);
    case S_TLV_VALUE:
        return tlv_value_byte(p, b);
    case S_SKIP:
        break;
    }
    return skip_byte(p);
}

enum proxyproto_verdict proxyproto_next(struct proxyproto *p, const uint8_t *in, size_t len,
                                        size_t *used)
{
    enum proxyproto_verdict v = PROXYPROTO_MORE;
    size_t n = 0;

    while (n < len && v == PROXYPROTO_MORE)
        v = take_byte(p, in[n++]);
    *used = n;
    p->done = v == PROXYPROTO_DONE;
    return v;
}

bool proxyproto_began(const struct proxyproto *p)
{
    return p->state != S_START;
}

/* ---- writing ------------------------------------------------------------------------- */

/* Both ends are IP addresses of the same family: that one; else 0. */
static int family_of(const struct proxyproto_ends *e)
{
    int family;

    if (e == NULL || e->from.any.sa_family != e->to.any.sa_family)
        return 0;
    family = e->from.any.sa_family;
    return family == AF_INET || family == AF_INET6 ? family : 0;
}

static uint8_t *put(uint8_t *at, const void *p, size_t n)
{
    memcpy(at, p, n);
    return at + n;
}

static uint8_t *put_address(uint8_t *at, const union proxyproto_addr *a)
{
    const void *ip = a->any.sa_family == AF_INET ? (const void *)&a->ip4.sin_addr
                                                 : (const void *)&a->ip6.sin6_addr;

    *at++ = ' ';
    inet_ntop(a->any.sa_family, ip, (char *)at, INET6_ADDRSTRLEN);
    return at + strlen((char *)at);
}

static in_port_t port_at(const union proxyproto_addr *a)
{
    return a->any.sa_family == AF_INET ? a->ip4.sin_port : a->ip6.sin6_port;
}

static uint8_t *put_port(uint8_t *at, const union proxyproto_addr *a)
{
    char digits[20];

    *at++ = ' ';
    return put(at, digits, lex_decimal(ntohs(port_at(a)), digits));
}

static size_t write_line(const struct proxyproto_ends *e, uint8_t *out)
{
    int family = family_of(e);
    uint8_t *at = put(out, line_start, sizeof(line_start));

    if (family == 0)
        return (size_t)(put(at, "UNKNOWN\r\n", 9) - out);
    at = put(at, family == AF_INET ? "TCP4" : "TCP6", 4);
    at = put_address(at, &e->from);
    at = put_address(at, &e->to);
    at = put_port(at, &e->from);
    at = put_port(at, &e->to);
    return (size_t)(put(at, "\r\n", 2) - out);
}

static uint8_t *put_pair(uint8_t *at, const void *from, const void *to, size_t n)
{
    return put(put(at, from, n), to, n);
}

static size_t write_binary(const struct proxyproto_ends *e, uint8_t *out)
{
    int family = family_of(e);
    uint8_t *at = put(out, signature, sizeof(signature));
    in_port_t ports[2];

    if (family == 0)
        return (size_t)(put(at, "\x20\0\0\0", 4) - out);
    at = put(at, family == AF_INET ? "\x21\x11\0\x0c" : "\x21\x21\0\x24", 4);
    if (family == AF_INET)
        at = put_pair(at, &e->from.ip4.sin_addr, &e->to.ip4.sin_addr, 4);
    else
        at = put_pair(at, &e->from.ip6.sin6_addr, &e->to.ip6.sin6_addr, 16);
    ports[0] = port_at(&e->from);
    ports[1] = port_at(&e->to);
    return (size_t)(put(at, ports, sizeof(ports)) - out);
}

size_t proxyproto_write(unsigned version, const struct proxyproto_ends *e,
                        uint8_t out[PROXYPROTO_OUT_MAX])
{
    return version == 1 ? write_line(e, out) : write_binary(e, out);
}
