#include "profiler/segment.h"

#include <ctype.h>
#include <string.h>

#define LONG 16 /* from here on, three digits among letters make an identifier */
#define HEX  8

struct shape {
    size_t digits, letters, hex_letters, others;
    bool not_a_name;
};

static struct shape shape_of(const char *p, size_t len)
{
    struct shape s = {0};

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)p[i];

        if (isdigit(c))
            s.digits++;
        else if (isxdigit(c))
            s.hex_letters++;
        else if (isalpha(c))
            s.letters++;
        else if (strchr("-_.:,", c) == NULL)
            s.others++;
        s.not_a_name |= c <= ' ' || c >= 0x7f || c == '*'; /* the star is our own sign */
    }
    return s;
}

/* "8813.html" is judged by "8813". */
static size_t without_extension(const char *p, size_t len)
{
    const char *dot = memrchr(p, '.', len);
    size_t after = dot != NULL ? (size_t)(p + len - dot) - 1 : 0;

    if (after == 0 || after > 5 || dot == p)
        return len;
    for (const char *c = dot + 1; c < p + len; c++)
        if (!isalpha((unsigned char)*c))
            return len;
    return (size_t)(dot - p);
}

static bool looks_like_identifier(const char *p, size_t len)
{
    struct shape s;

    if (len == 0)
        return false;
    if (shape_of(p, len).not_a_name)
        return true;
    len = without_extension(p, len);
    s = shape_of(p, len);
    if (s.digits == 0 || s.others > 0)
        return false;
    if (s.letters + s.hex_letters == 0)
        return true;
    if (s.letters == 0 && s.digits + s.hex_letters >= HEX)
        return true;
    return len >= LONG && s.digits >= 3;
}

size_t segment_split(const char *text, size_t len, bool cut,
                     struct segment out[SEGMENT_MAX])
{
    const char *p = text, *end = text + len;
    size_t n = 0;

    while (p < end && *p == '/' && n < SEGMENT_MAX) {
        const char *next = memchr(p + 1, '/', (size_t)(end - p - 1));

        if (next == NULL)
            next = end;
        out[n] = (struct segment){p + 1, (size_t)(next - p - 1), false};
        out[n].identifier = looks_like_identifier(out[n].p, out[n].len);
        n++;
        p = next;
    }
    if (n > 0 && (cut || n == SEGMENT_MAX))
        out[n - 1].identifier = true;
    return n;
}
