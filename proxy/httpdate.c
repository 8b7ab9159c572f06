#include "proxy/httpdate.h"

#include <string.h>

#include "base/date.h"

#define DAY_S 86400

static char *put_name(char *out, const char *names, int i)
{
    memcpy(out, names + (size_t)(3 * i), 3);
    return out + 3;
}

static char *put_digits(char *out, int n, int64_t v)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        out[i] = (char)('0' + v % 10);
    return out + n;
}

static char *put_text(char *out, const char *s)
{
    size_t n = strlen(s);

    memcpy(out, s, n);
    return out + n;
}

void httpdate_write(int64_t second, char out[HTTPDATE_LEN])
{
    struct date d = date_of(second);
    char *p = out;

    p = put_name(p, "ThuFriSatSunMonTueWed", (int)(second / DAY_S % 7));
    p = put_text(p, ", ");
    p = put_digits(p, 2, d.day);
    p = put_text(p, " ");
    p = put_name(p, "JanFebMarAprMayJunJulAugSepOctNovDec", d.month - 1);
    p = put_text(p, " ");
    p = put_digits(p, 4, d.year);
    p = put_text(p, " ");
    p = put_digits(p, 2, d.hour);
    p = put_text(p, ":");
    p = put_digits(p, 2, d.min);
    p = put_text(p, ":");
    p = put_digits(p, 2, d.sec);
    put_text(p, " GMT");
}
