#include "proxy/edge/accept.h"

#include <string.h>

#include "proxy/lex.h"

/* ---- weights ------------------------------------------------------------------------- */

/* qvalue (RFC 9110, 12.4.2): 0 to 1 with at most three decimals.  False: none. */
static bool parse_weight(const char *s, size_t len, uint16_t *out)
{
    uint16_t v, digit = 100;

    if (len == 0 || len > 5 || (s[0] != '0' && s[0] != '1'))
        return false;
    v = (uint16_t)((s[0] - '0') * ACCEPT_ONE);
    if (len > 1 && s[1] != '.')
        return false;
    for (size_t i = 2; i < len; i++, digit /= 10) {
        if (!lex_is(s[i], LEX_DIGIT))
            return false;
        v = (uint16_t)(v + (s[i] - '0') * digit);
    }
    *out = v;
    return v <= ACCEPT_ONE;
}

/* Cuts white space off both ends. */
static const char *trim(const char *s, size_t *len)
{
    while (*len > 0 && lex_is(*s, LEX_OWS)) {
        s++;
        --*len;
    }
    while (*len > 0 && lex_is(s[*len - 1], LEX_OWS))
        --*len;
    return s;
}

/*
 * What stands before the parameters of one element, and the weight among these.  False:
 * it cannot be read.
 */
static bool take_apart(const char *item, size_t len, size_t *name_len, uint16_t *weight)
{
    const char *end = item + len, *semi = memchr(item, ';', len);
    size_t n;

    n = semi != NULL ? (size_t)(semi - item) : len;
    trim(item, &n);
    *name_len = n;
    *weight = ACCEPT_ONE;
    while (semi != NULL) {
        const char *p = semi + 1, *next = memchr(p, ';', (size_t)(end - p));

        n = next != NULL ? (size_t)(next - p) : (size_t)(end - p);
        p = trim(p, &n);
        if (n >= 2 && lex_lower(p[0]) == 'q' && p[1] == '=')
            return parse_weight(p + 2, n - 2, weight) && *name_len > 0;
        semi = next;
    }
    return *name_len > 0;
}

/* ---- content codings ----------------------------------------------------------------- */

static int coding_of(const char *s, size_t len)
{
    if (LEX_IS(s, len, "zstd"))
        return CFG_CODING_ZSTD;
    if (LEX_IS(s, len, "br"))
        return CFG_CODING_BR;
    if (LEX_IS(s, len, "gzip") || LEX_IS(s, len, "x-gzip"))
        return CFG_CODING_GZIP;
    return -1;
}

static void add_coding(struct accept_codings *a, const char *s, size_t len, uint16_t weight)
{
    int coding = coding_of(s, len);

    if (coding >= 0) {
        if ((a->listed >> coding & 1) == 0)
            a->weight[coding] = weight;
        a->listed |= (uint8_t)(1u << coding);
    } else if (LEX_IS(s, len, "identity") && !a->has_identity) {
        a->has_identity = true;
        a->identity = weight;
    } else if (len == 1 && *s == '*' && !a->has_star) {
        a->has_star = true;
        a->star = weight;
    }
}

void accept_codings_add(struct accept_codings *a, const char *value, size_t len)
{
    struct lex_list l = {.at = value, .end = value + len};
    uint16_t weight;
    size_t n;

    while (lex_next(&l))
        if (take_apart(l.item, l.len, &n, &weight))
            add_coding(a, l.item, n, weight);
}

static uint16_t weight_of(const struct accept_codings *a, unsigned coding)
{
    return (a->listed >> coding & 1) != 0 ? a->weight[coding] : a->star;
}

int accept_codings_choose(const struct accept_codings *a, const unsigned *ours, size_t n)
{
    uint16_t best = 0, as_it_is = a->has_identity ? a->identity : a->star;
    int chosen = -1;

    for (size_t i = 0; i < n; i++)
        if (weight_of(a, ours[i]) > best) {
            best = weight_of(a, ours[i]);
            chosen = (int)ours[i];
        }
    return best >= as_it_is ? chosen : -1;
}

/* ---- media types --------------------------------------------------------------------- */

/* How precisely the range names the type; 0: it does not. */
static uint8_t fits(const char *range, size_t len, const char *type, size_t type_len)
{
    const char *slash = memchr(type, '/', type_len);

    if (len == 3 && memcmp(range, "*/*", 3) == 0)
        return 1;
    if (slash != NULL && len == (size_t)(slash - type) + 2 && range[len - 1] == '*' &&
        lex_same(range, type, len - 1))
        return 2;
    return len == type_len && lex_same(range, type, len) ? 3 : 0;
}

void accept_media_add(struct accept_media *a, const char *value, size_t len)
{
    struct lex_list l = {.at = value, .end = value + len};
    uint16_t weight;
    size_t n;

    while (lex_next(&l)) {
        uint8_t precision;

        if (!take_apart(l.item, l.len, &n, &weight))
            continue;
        precision = fits(l.item, n, a->type, a->len);
        if (precision > a->precision) {
            a->precision = precision;
            a->weight = weight;
        }
    }
}

bool accept_is_type(const char *value, size_t len, const char *type)
{
    const char *semi = memchr(value, ';', len);
    size_t n = semi != NULL ? (size_t)(semi - value) : len, want = strlen(type);

    value = trim(value, &n);
    if (want >= 2 && type[want - 1] == '*')
        return n >= want && lex_same(value, type, want - 1);
    return n == want && lex_same(value, type, n);
}
