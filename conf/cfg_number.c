#include "conf/cfg_number.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/mem.h"

/*
 * What is read: so many characters, of which so many digits from the first that is not
 * 0.  A double keeps 15 digits through a unit's factor and back, so that what is printed
 * is what was read.
 */
#define LENGTH_MAX 24
#define DIGITS_MAX 15

struct unit {
    const char *suffix;
    double factor;
};

/* Printing takes the first unit that fits. */
static const struct unit duration_units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit size_units[] = {
    {"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"", 1}};
static const struct unit share_units[] = {{"%", 100}, {"", 1}};
static const struct unit rate_units[] = {{"/s", 1}, {"/m", 60}, {"/h", 3600}, {"", 1}};
static const struct unit plain_units[] = {{"", 1}};

static const struct form {
    const struct unit *units;
    size_t n_units;
    bool whole;   /* no fraction in the field's own unit, which is the last one */
    bool divides; /* a unit's factor divides: 3600/h is 1 */
    const char *looks;
} forms[] = {
    [CFG_T_COUNT] = {plain_units, N_ELEMS(plain_units), true, false, "a whole number"},
    [CFG_T_DURATION] = {duration_units, N_ELEMS(duration_units), true, false,
                        "a number with a unit: 500ms, 10s, 5m, 24h or 1d"},
    [CFG_T_DURATION64] = {duration_units, N_ELEMS(duration_units), true, false,
                          "a number with a unit: 500ms, 10s, 5m, 24h or 1d"},
    [CFG_T_SIZE] = {size_units, N_ELEMS(size_units), true, false,
                    "a number of bytes: 512, 16k, 1m or 2g"},
    [CFG_T_SIZE64] = {size_units, N_ELEMS(size_units), true, false,
                      "a number of bytes: 512, 16k, 1m or 2g"},
    [CFG_T_SHARE] = {share_units, N_ELEMS(share_units), false, true, "a share: 70% or 0.7"},
    [CFG_T_NUMBER] = {plain_units, N_ELEMS(plain_units), false, false, "a number"},
    [CFG_T_RATE] = {rate_units, N_ELEMS(rate_units), false, true,
                    "a rate: 200/s, 90/m or 1000/h"},
};

/* ---- text to number ----------------------------------------------------------------- */

/* Of decimal digits with at most one point.  strtod alone would take inf, hex and signs. */
static size_t decimal_length(const char *s)
{
    size_t whole = strspn(s, "0123456789"), n = whole, digits = 0;

    if (s[n] == '.')
        n += 1 + strspn(s + n + 1, "0123456789");
    for (size_t i = strspn(s, "0."); i < n; i++)
        digits += s[i] != '.';
    if (whole == 0 || s[n - 1] == '.' || n > LENGTH_MAX || digits > DIGITS_MAX)
        return 0;
    return n;
}

static int parse(enum cfg_type t, const char *text, double *out, struct why *w)
{
    const struct form *f = &forms[t];
    size_t n = decimal_length(text);
    double v = strtod(n > 0 ? text : "0", NULL);

    for (size_t i = 0; n > 0 && i < f->n_units; i++) {
        const struct unit *u = &f->units[i];

        /* Nothing is nothing in every unit. */
        if (strcasecmp(text + n, u->suffix) != 0 && !(v == 0 && text[n] == 0))
            continue;
        *out = f->divides ? v / u->factor : v * u->factor;
        if (f->whole && *out != floor(*out))
            break;
        return RC_OK;
    }
    return why_set(w, RC_INVALID, "'%s' is not %s", text, f->looks);
}

double cfg_number_limit(enum cfg_type t, const char *text)
{
    double v = 0;

    CHECK(parse(t, text, &v, NULL) == RC_OK);
    return v;
}

static int check_limits(const struct cfg_key *k, enum cfg_type t, const char *text,
                        double v, struct why *w)
{
    if (v < cfg_number_limit(t, k->min) || v > cfg_number_limit(t, k->max))
        return why_set(w, RC_INVALID, "'%s' is not between %s and %s", text, k->min,
                       k->max);
    return RC_OK;
}

static bool is_wide(enum cfg_type t)
{
    return t == CFG_T_SIZE64 || t == CFG_T_DURATION64;
}

static void store(enum cfg_type t, double v, void *field)
{
    if (is_wide(t))
        *(uint64_t *)field = (uint64_t)v;
    else if (forms[t].whole)
        *(uint32_t *)field = (uint32_t)v;
    else
        *(double *)field = v;
}

int cfg_number_parse(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    double v = 0;
    int rc;

    if (k->zero == NULL || strcmp(text, k->zero) != 0) {
        rc = parse(k->type, text, &v, w);
        if (rc == RC_OK)
            rc = check_limits(k, k->type, text, v, w);
        if (rc != RC_OK)
            return rc;
    }
    store(k->type, v, field);
    return RC_OK;
}

int cfg_number_parse_range(const struct cfg_key *k, const char *text, void *field,
                           struct why *w)
{
    size_t n = strcspn(text, "-");
    char *low = mem_strn(text, n);
    const char *high = text[n] == '-' ? text + n + 1 : text;
    double from = 0, to = 0;
    uint16_t *pair = field;
    int rc;

    if (parse(CFG_T_COUNT, low, &from, NULL) != RC_OK ||
        parse(CFG_T_COUNT, high, &to, NULL) != RC_OK || from > to)
        rc = why_set(w, RC_INVALID, "'%s' is not a range such as %s", text, k->def);
    else if ((rc = check_limits(k, CFG_T_COUNT, low, from, w)) == RC_OK)
        rc = check_limits(k, CFG_T_COUNT, high, to, w);
    free(low);
    if (rc != RC_OK)
        return rc;
    pair[0] = (uint16_t)from;
    pair[1] = (uint16_t)to;
    return RC_OK;
}

/* ---- number to text ----------------------------------------------------------------- */

static double read_field(enum cfg_type t, const void *field)
{
    if (is_wide(t))
        return (double)*(const uint64_t *)field;
    if (forms[t].whole)
        return *(const uint32_t *)field;
    return *(const double *)field;
}

/* The fewest digits that can be read and that the unit turns into v again. */
static bool shortest(double v, const struct unit *u, char *out, size_t room)
{
    for (int decimals = 0; decimals < LENGTH_MAX; decimals++) {
        snprintf(out, room, "%.*f", decimals, v * u->factor);
        if (decimal_length(out) > 0 && strtod(out, NULL) / u->factor == v)
            return true;
    }
    return false;
}

/* In the first unit that can; the one it was read in can. */
static char *fraction_text(const struct form *f, double v)
{
    char text[400]; /* the largest double has 309 digits */
    size_t i = 0;

    while (i < f->n_units && !shortest(v, &f->units[i], text, sizeof(text)))
        i++;
    CHECK(i < f->n_units);
    return mem_printf("%s%s", text, f->units[i].suffix);
}

/* In the largest unit that leaves no fraction. */
static char *whole_text(const struct form *f, double v)
{
    size_t i = 0;

    if (v == 0)
        return mem_str(f->units == duration_units ? "0s" : "0");
    while (fmod(v, f->units[i].factor) != 0)
        i++;
    return mem_printf("%.0f%s", v / f->units[i].factor, f->units[i].suffix);
}

char *cfg_number_text(const struct cfg_key *k, const void *field)
{
    double v = read_field(k->type, field);

    if (v == 0 && k->zero != NULL)
        return mem_str(k->zero);
    if (forms[k->type].whole)
        return whole_text(&forms[k->type], v);
    return fraction_text(&forms[k->type], v);
}

char *cfg_number_range_text(const struct cfg_key *k, const void *field)
{
    const uint16_t *pair = field;

    CHECK(k->type == CFG_T_RANGE);
    return pair[0] == pair[1] ? mem_printf("%u", pair[0])
                              : mem_printf("%u-%u", pair[0], pair[1]);
}
