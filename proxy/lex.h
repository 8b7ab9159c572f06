/*
 * lex.h - characters, tokens, numbers and lists of HTTP (RFC 9110, 5.6).
 *
 * Pure.  Views in, views out; nothing is copied and nothing needs a terminator.
 */
#ifndef PROXY_LEX_H
#define PROXY_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum lex_class {
    LEX_TCHAR = 1 << 0,      /* RFC 9110, 5.6.2 */
    LEX_OWS = 1 << 1,        /* space and tab */
    LEX_DIGIT = 1 << 2,      /* 0-9 */
    LEX_UNRESERVED = 1 << 3, /* RFC 3986, 2.3 */
};

extern const uint8_t lex_table[256];

static inline bool lex_is(char c, enum lex_class class)
{
    return (lex_table[(uint8_t)c] & class) != 0;
}

static inline char lex_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Value of a hex digit, or -1. */
static inline int lex_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Are the bytes equal, case of letters apart?  `lower` has no capitals. */
bool lex_same(const char *s, const char *lower, size_t len);

/* The same against a literal. */
#define LEX_IS(s, len, literal)                                                            \
    ((len) == sizeof(literal) - 1 && lex_same((s), (literal), sizeof(literal) - 1))

/* 1*DIGIT up to INT64_MAX, which is what any peer can be trusted to count to. */
bool lex_number(const char *s, size_t len, uint64_t *out);

/* Decimal digits into out[20], not terminated; returns how many. */
size_t lex_decimal(uint64_t v, char *out);

/*
 * A comma-separated list.  Start with {.at = value, .end = value + len}; each
 * lex_next() that is true yields one element without the white space around it.
 * Empty elements are yielded too, and an empty value is one empty element.
 */
struct lex_list {
    const char *at, *end; /* at: NULL after the last */
    const char *item;
    size_t len;
};

bool lex_next(struct lex_list *l);

/* Is `lower` one of the elements? */
bool lex_has(const char *value, size_t len, const char *lower);

/*
 * First byte in [p, end) that may not stand in a field value: a control byte other
 * than tab (RFC 9110, 5.5); `end` when there is none.
 */
const char *lex_value_end(const char *p, const char *end);

/* First byte in [p, end) that is not visible ASCII (0x21..0x7e). */
const char *lex_visible_end(const char *p, const char *end);

#endif
