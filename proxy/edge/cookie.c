#include "proxy/edge/cookie.h"

#include "proxy/lex.h"

/* In one field: pairs with "; " between. */
static const char *find_in(const char *p, const char *end, const char *name, size_t *len)
{
    size_t n = strlen(name);

    while (p < end) {
        const char *semi = memchr(p, ';', (size_t)(end - p));
        const char *stop = semi != NULL ? semi : end;

        while (p < stop && lex_is(*p, LEX_OWS))
            p++;
        if ((size_t)(stop - p) > n && memcmp(p, name, n) == 0 && p[n] == '=') {
            *len = (size_t)(stop - p) - n - 1;
            return p + n + 1;
        }
        p = stop + 1;
    }
    return NULL;
}

/* White space behind and a pair of quotes around are no part of it. */
static const char *strip(const char *value, size_t *len)
{
    while (*len > 0 && lex_is(value[*len - 1], LEX_OWS))
        --*len;
    if (*len >= 2 && value[0] == '"' && value[*len - 1] == '"') {
        *len -= 2;
        value++;
    }
    return value;
}

const char *cookie_value(const struct msg *m, const char *name, size_t *len)
{
    for (size_t i = 0; i < m->n_fields; i++) {
        const struct field *f = &m->fields[i];
        const char *value = msg_value(m, f), *found;

        if (f->drop || f->id != FIELD_COOKIE)
            continue;
        found = find_in(value, value + f->value_len, name, len);
        if (found != NULL)
            return strip(found, len);
    }
    return NULL;
}
