#include "proxy/access/access_text.h"

#include <arpa/inet.h>

#include "base/date.h"
#include "conf/utf8.h"

#define PUT ACCESS_TEXT_LITERAL

static const char hex_upper[] = "0123456789ABCDEF", hex_lower[] = "0123456789abcdef";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* ---- numbers ---- */

void access_text_number(struct access_text *t, uint64_t v)
{
    char digits[20];
    size_t i = sizeof(digits);

    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    access_text_put(t, digits + i, sizeof(digits) - i);
}

/* With leading zeros. */
static void put_padded(struct access_text *t, uint64_t v, int width)
{
    char digits[20];

    for (int i = width; i-- > 0; v /= 10)
        digits[i] = (char)('0' + v % 10);
    access_text_put(t, digits, (size_t)width);
}

void access_text_hex16(struct access_text *t, uint64_t v)
{
    char digits[16];

    for (int i = 16; i-- > 0; v >>= 4)
        digits[i] = hex_lower[v & 15];
    access_text_put(t, digits, sizeof(digits));
}

void access_text_ms(struct access_text *t, mono_us us)
{
    access_text_number(t, (uint64_t)(us / US_PER_MS));
    access_text_char(t, '.');
    put_padded(t, (uint64_t)(us % US_PER_MS), 3);
}

void access_text_whole_ms(struct access_text *t, mono_us us)
{
    if (us < 0)
        PUT(t, "-1");
    else
        access_text_number(t, (uint64_t)(us / US_PER_MS));
}

/* ---- escaping ---- */

/* What may stand as it is: bits 1 << enum access_escape, and one for JSON. */
#define NGINX   (1 << ACCESS_ESCAPE_NGINX)
#define WORD    (1 << ACCESS_ESCAPE_WORD)
#define HAPROXY (1 << ACCESS_ESCAPE_HAPROXY)
#define CAPTURE (1 << ACCESS_ESCAPE_CAPTURE)
#define JSON    (1 << (ACCESS_ESCAPE_CAPTURE + 1))

#define UNLESS(cond, set) ((cond) ? 0 : (set))
#define CLEAN(c)                                                                           \
    UNLESS((c) < ' ' || (c) >= 0x7f || (c) == '"',                                         \
           UNLESS((c) == '\\', NGINX | JSON) |                                             \
               UNLESS((c) == '\\' || (c) == ' ' || (c) == '[' || (c) == ']', WORD) |       \
               UNLESS((c) == '#', HAPROXY) |                                               \
               UNLESS((c) == '#' || (c) == '{' || (c) == '|' || (c) == '}', CAPTURE))
#define CLEAN4(c)  CLEAN(c), CLEAN((c) + 1), CLEAN((c) + 2), CLEAN((c) + 3)
#define CLEAN16(c) CLEAN4(c), CLEAN4((c) + 4), CLEAN4((c) + 8), CLEAN4((c) + 12)
#define CLEAN64(c) CLEAN16(c), CLEAN16((c) + 16), CLEAN16((c) + 32), CLEAN16((c) + 48)

static const uint8_t clean[256] = {CLEAN64(0), CLEAN64(64)}; /* none from 128 on */

/* Bytes of [s, s + n) that may stand as they are, from the first on. */
static size_t clean_length(const char *s, size_t n, uint8_t set)
{
    size_t i = 0;

    while (i < n && (clean[(uint8_t)s[i]] & set) != 0)
        i++;
    return i;
}

static void put_hex_byte(struct access_text *t, unsigned char c)
{
    access_text_char(t, hex_upper[c >> 4]);
    access_text_char(t, hex_upper[c & 15]);
}

void access_text_escaped(struct access_text *t, enum access_escape how, const char *s,
                         size_t n)
{
    bool nginx = how == ACCESS_ESCAPE_NGINX || how == ACCESS_ESCAPE_WORD;
    const char *end = s + n;

    for (;; s++) {
        n = clean_length(s, (size_t)(end - s), (uint8_t)(1 << how));
        access_text_put(t, s, n);
        s += n;
        if (s == end)
            return;
        if (nginx)
            PUT(t, "\\x");
        else
            access_text_char(t, '#');
        put_hex_byte(t, (unsigned char)*s);
    }
}

/* "\u00e9" */
static void put_unicode(struct access_text *t, unsigned code)
{
    PUT(t, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        access_text_char(t, hex_lower[code >> shift & 15]);
}

static void put_json_ascii(struct access_text *t, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = c != 0 ? strchr(from, c) : NULL;

    if (known == NULL) {
        put_unicode(t, (unsigned char)c);
        return;
    }
    access_text_char(t, '\\');
    access_text_char(t, to[known - from]);
}

/* One character that is not plain ASCII; how many bytes of it were used. */
static size_t put_json_char(struct access_text *t, const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;
    size_t len = utf8_length(s, n);

    if (len == 0) {
        PUT(t, "\\ufffd");
        return 1;
    }
    if (len == 1)
        put_json_ascii(t, *s);
    else if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) /* C1 controls, NEL among them */
        put_unicode(t, p[1]);
    else if (len == 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9))
        put_unicode(t, 0x2000u | (p[2] - 0x80u)); /* line and paragraph separator */
    else
        access_text_put(t, s, len);
    return len;
}

void access_text_json(struct access_text *t, const char *s, size_t n)
{
    const char *end = s + n;

    for (;;) {
        n = clean_length(s, (size_t)(end - s), JSON);
        access_text_put(t, s, n);
        s += n;
        if (s == end)
            return;
        s += put_json_char(t, s, (size_t)(end - s));
    }
}

/* ---- addresses ---- */

static void put_ip4(struct access_text *t, const uint8_t ip[4], bool mask)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            access_text_char(t, '.');
        access_text_number(t, i == 3 && mask ? 0 : ip[i]);
    }
}

static void put_ip6(struct access_text *t, struct in6_addr ip, bool mask)
{
    char text[INET6_ADDRSTRLEN];

    if (IN6_IS_ADDR_V4MAPPED(&ip)) {
        put_ip4(t, ip.s6_addr + 12, mask);
        return;
    }
    if (mask)
        memset(ip.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &ip, text, sizeof(text));
    access_text_put(t, text, strlen(text));
}

void access_text_address(struct access_text *t, const struct sockaddr *sa, bool mask)
{
    if (sa->sa_family == AF_INET)
        put_ip4(t,
                (const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr,
                mask);
    else if (sa->sa_family == AF_INET6)
        put_ip6(t, ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, mask);
    else
        PUT(t, "unix:");
}

/* ---- times ---- */

static void put_clock(struct access_text *t, const struct date *d)
{
    put_padded(t, (uint64_t)d->hour, 2);
    access_text_char(t, ':');
    put_padded(t, (uint64_t)d->min, 2);
    access_text_char(t, ':');
    put_padded(t, (uint64_t)d->sec, 2);
}

static void put_month(struct access_text *t, const struct date *d)
{
    access_text_put(t, months + 3 * (d->month - 1), 3);
}

/* "24/Nov/2026:12:19:54" */
static void put_clf(struct access_text *t, const struct date *d)
{
    put_padded(t, (uint64_t)d->day, 2);
    access_text_char(t, '/');
    put_month(t, d);
    access_text_char(t, '/');
    put_padded(t, (uint64_t)d->year, 4);
    access_text_char(t, ':');
    put_clock(t, d);
}

void access_text_time_rfc3339(struct access_text *t, int64_t wall_us)
{
    struct date d = date_of(wall_us / US_PER_S);

    put_padded(t, (uint64_t)d.year, 4);
    access_text_char(t, '-');
    put_padded(t, (uint64_t)d.month, 2);
    access_text_char(t, '-');
    put_padded(t, (uint64_t)d.day, 2);
    access_text_char(t, 'T');
    put_clock(t, &d);
    access_text_char(t, '.');
    put_padded(t, (uint64_t)(wall_us % US_PER_S), 6);
    access_text_char(t, 'Z');
}

void access_text_time_clf(struct access_text *t, int64_t wall_us, int zone_s)
{
    struct date d = date_of(wall_us / US_PER_S + zone_s);
    unsigned minutes = (unsigned)(zone_s < 0 ? -zone_s : zone_s) / 60;

    put_clf(t, &d);
    access_text_char(t, ' ');
    access_text_char(t, zone_s < 0 ? '-' : '+');
    put_padded(t, minutes / 60, 2);
    put_padded(t, minutes % 60, 2);
}

void access_text_time_haproxy(struct access_text *t, int64_t wall_us, int zone_s)
{
    struct date d = date_of(wall_us / US_PER_S + zone_s);

    put_clf(t, &d);
    access_text_char(t, '.');
    put_padded(t, (uint64_t)(wall_us / US_PER_MS % MS_PER_S), 3);
}

void access_text_time_unix(struct access_text *t, int64_t wall_us)
{
    access_text_number(t, (uint64_t)(wall_us / US_PER_S));
    access_text_char(t, '.');
    put_padded(t, (uint64_t)(wall_us / US_PER_MS % MS_PER_S), 3);
}

void access_text_time_syslog(struct access_text *t, int64_t wall_us, int zone_s)
{
    struct date d = date_of(wall_us / US_PER_S + zone_s);

    put_month(t, &d);
    access_text_char(t, ' ');
    if (d.day < 10)
        access_text_char(t, ' ');
    access_text_number(t, (uint64_t)d.day);
    access_text_char(t, ' ');
    put_clock(t, &d);
}
