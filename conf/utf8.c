#include "conf/utf8.h"

#include <string.h>

#include "base/check.h"

size_t utf8_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    static const struct {
        unsigned char lead_from, lead_to, second_from, second_to;
        size_t len;
    } forms[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
        {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < N_ELEMS(forms); i++) {
        if (p[0] < forms[i].lead_from || p[0] > forms[i].lead_to || n < forms[i].len)
            continue;
        for (size_t k = 1; k < forms[i].len; k++)
            if (p[k] < (k == 1 ? forms[i].second_from : 0x80) ||
                p[k] > (k == 1 ? forms[i].second_to : 0xbf))
                return 0;
        return forms[i].len;
    }
    return 0;
}

bool utf8_is(const char *s)
{
    size_t left = strlen(s), step;

    for (; left > 0; s += step, left -= step) {
        step = utf8_length(s, left);
        if (step == 0)
            return false;
    }
    return true;
}
