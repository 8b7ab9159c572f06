#include "proxy/lex.h"

#include <endian.h>

#define TOKEN_ONLY LEX_TCHAR
#define NAME       (LEX_TCHAR | LEX_UNRESERVED)

const uint8_t lex_table[256] = {
    ['\t'] = LEX_OWS,     [' '] = LEX_OWS,      ['!'] = TOKEN_ONLY,
    ['#'] = TOKEN_ONLY,   ['$'] = TOKEN_ONLY,   ['%'] = TOKEN_ONLY,
    ['&'] = TOKEN_ONLY,   ['\''] = TOKEN_ONLY,  ['*'] = TOKEN_ONLY,
    ['+'] = TOKEN_ONLY,   ['^'] = TOKEN_ONLY,   ['`'] = TOKEN_ONLY,
    ['|'] = TOKEN_ONLY,   ['-'] = NAME,         ['.'] = NAME,
    ['_'] = NAME,         ['~'] = NAME,         ['0' ... '9'] = NAME | LEX_DIGIT,
    ['A' ... 'Z'] = NAME, ['a' ... 'z'] = NAME,
};

bool lex_same(const char *s, const char *lower, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lex_lower(s[i]) != lower[i])
            return false;
    return true;
}

bool lex_number(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;

    if (len == 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(s[i] - '0');

        if (!lex_is(s[i], LEX_DIGIT) || v > (INT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

size_t lex_decimal(uint64_t v, char *out)
{
    char digits[20];
    size_t n = 0;

    do {
        digits[sizeof(digits) - ++n] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    memcpy(out, digits + sizeof(digits) - n, n);
    return n;
}

bool lex_next(struct lex_list *l)
{
    const char *comma, *stop;

    if (l->at == NULL)
        return false;
    comma = memchr(l->at, ',', (size_t)(l->end - l->at));
    stop = comma != NULL ? comma : l->end;
    l->item = l->at;
    while (l->item < stop && lex_is(*l->item, LEX_OWS))
        l->item++;
    while (stop > l->item && lex_is(stop[-1], LEX_OWS))
        stop--;
    l->len = (size_t)(stop - l->item);
    l->at = comma != NULL ? comma + 1 : NULL;
    return true;
}

bool lex_has(const char *value, size_t len, const char *lower)
{
    struct lex_list l = {.at = value, .end = value + len};
    size_t want = strlen(lower);

    while (lex_next(&l))
        if (l.len == want && lex_same(l.item, lower, want))
            return true;
    return false;
}

/*
 * Eight bytes at a time.  In (x - n) & ~x the top bit of a byte is set when the
 * byte is below n; a borrow can only spoil bytes above the first such one, and
 * the first is all that is asked for.
 */
#define EACH(byte) (0x0101010101010101u * (uint64_t)(byte))
#define TOP        EACH(0x80)

static inline uint64_t load8(const char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return le64toh(x);
}

static inline uint64_t below(uint64_t x, uint8_t n)
{
    return (x - EACH(n)) & ~x & TOP;
}

static inline bool is_control(char c)
{
    return ((uint8_t)c < 0x20 && c != '\t') || c == 0x7f;
}

const char *lex_value_end(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t x = load8(p);
        uint64_t hit = below(x, 0x20) | below(x ^ EACH(0x7f), 1);

        if (hit == 0) {
            p += 8;
            continue;
        }
        p += __builtin_ctzll(hit) / 8;
        if (*p != '\t')
            return p;
        p++;
    }
    while (p < end && !is_control(*p))
        p++;
    return p;
}

const char *lex_visible_end(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t x = load8(p);
        uint64_t hit = below(x, 0x21) | below(x ^ EACH(0x7f), 1) | (x & TOP);

        if (hit != 0)
            return p + __builtin_ctzll(hit) / 8;
        p += 8;
    }
    while (p<end && * p> 0x20 && *p < 0x7f)
        p++;
    return p;
}
