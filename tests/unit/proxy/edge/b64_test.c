/* Mirrors proxy/edge/b64.c. */
#include "proxy/edge/b64.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "tests/unit/guard.h"

static bool is(bool (*decode)(const char *, size_t, uint8_t *, size_t *), const char *text,
               const char *want)
{
    size_t len = strlen(text), n = 99;
    uint8_t out[64];

    if (!decode(guard_put(text, len), len, out, &n))
        return want == NULL;
    return want != NULL && n == strlen(want) && memcmp(out, want, n) == 0;
}

Test(b64, text_is_read_as_rfc_4648_has_it)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin:open sesame"},
        {"+/+/", "\xfb\xff\xbf"},
        /* not strictly it */
        {"Zg", NULL},
        {"Zg=", NULL},
        {"Zg===", NULL},
        {"Zh==", NULL},
        {"Zm9=", NULL},
        {"Z===", NULL},
        {"====", NULL},
        {"Zm9v\n", NULL},
        {" Zm9v", NULL},
        {"Zm 9v", NULL},
        {"-_-_", NULL},
        {"Zm=v", NULL},
        {"Zg==Zg==", NULL},
        {"Zm\xc3\xa4", NULL},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect(is(b64_decode, cases[i].text, cases[i].want), "%s", cases[i].text);
}

Test(b64, url_text_has_another_alphabet_and_no_padding)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"Zg", "f"},
        {"Zm8", "fo"},
        {"Zm9v", "foo"},
        {"-_-_", "\xfb\xff\xbf"},
        {"Zg==", NULL},
        {"Zg=", NULL},
        {"Zh", NULL},
        {"Zm9", NULL},
        {"Z", NULL},
        {"+/+/", NULL},
        {"Zm9vZ", NULL},
        {"Zm\n9v", NULL},
        {"Zm9v.", NULL},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++)
        cr_expect(is(b64_url_decode, cases[i].text, cases[i].want), "%s", cases[i].text);
}
