#include "proxy/edge/b64.h"

/* Value of a character; -1: it is none of the alphabet, whose last two differ. */
static int value_of(char c, char c62, char c63)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == c62 ? 62 : c == c63 ? 63 : -1;
}

/* `s` has no padding. */
static bool decode(const char *s, size_t len, const char last_two[2], uint8_t *out,
                   size_t *n)
{
    uint32_t bits = 0;
    unsigned have = 0;

    *n = 0;
    if (len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        int v = value_of(s[i], last_two[0], last_two[1]);

        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[(*n)++] = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0;
}

bool b64_decode(const char *s, size_t len, uint8_t *out, size_t *n)
{
    *n = 0;
    if (len % 4 != 0)
        return false;
    for (int i = 0; i < 2 && len > 0 && s[len - 1] == '='; i++)
        len--;
    return decode(s, len, "+/", out, n);
}

bool b64_url_decode(const char *s, size_t len, uint8_t *out, size_t *n)
{
    return decode(s, len, "-_", out, n);
}
