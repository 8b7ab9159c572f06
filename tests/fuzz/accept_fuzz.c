/*
 * accept_fuzz.c - whatever Accept-Encoding says, what is chosen is one of ours, was named
 * or starred, and does not depend on how the field is cut into lines.
 *
 * Input: one byte, at which comma to cut; then the value.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/edge/accept.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

static const unsigned ours[] = {CFG_CODING_GZIP, CFG_CODING_ZSTD, CFG_CODING_BR};

static bool has_any_case(const char *s, size_t len, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= len; i++) {
        size_t k = 0;

        while (k < n && (s[i + k] | 0x20) == (word[k] | 0x20))
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static void check_media(const char *s, size_t len)
{
    struct accept_media m = {.type = "text/html", .len = 9};

    accept_media_add(&m, s, len);
    MUST(m.weight <= ACCEPT_ONE && m.precision <= 3);
    (void)accept_is_type(s, len, "text/*");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"zstd", "br", "gzip"};
    struct accept_codings whole = {.listed = 0}, cut = {.listed = 0};
    const char *s = (const char *)data + 1, *comma;
    int chosen, nth;
    size_t len;

    if (size < 1 || size > 4096)
        return 0;
    len = size - 1;
    accept_codings_add(&whole, s, len);
    chosen = accept_codings_choose(&whole, ours, 3);
    MUST(chosen >= -1 && chosen < CFG_CODINGS);
    MUST(chosen < 0 || has_any_case(s, len, names[chosen]) || memchr(s, '*', len) != NULL);

    comma = s;
    for (nth = data[0] % 8; nth >= 0 && comma != NULL; nth--)
        comma = memchr(comma + (comma != s), ',', len - (size_t)(comma - s) - (comma != s));
    if (comma != NULL) {
        accept_codings_add(&cut, s, (size_t)(comma - s));
        accept_codings_add(&cut, comma + 1, len - (size_t)(comma - s) - 1);
        MUST(accept_codings_choose(&cut, ours, 3) == chosen);
    }
    check_media(s, len);
    return 0;
}
