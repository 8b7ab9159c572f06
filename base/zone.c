#include "base/zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/mem.h"

#define DIRECTORY   "/usr/share/zoneinfo"
#define FILE_MAX    (256 * 1024)
#define HEADER      44
#define CHANGES_MAX 4096
#define DAY_S       86400
#define LAST_OFFSET (26 * 3600) /* RFC 8536 section 3.2 bounds it so */

/* One turn of the year by rule, as in "M3.5.0/2": month, week, weekday, time. */
struct turn {
    int month, week, weekday;
    int32_t at_s; /* local time of that day, before the turn */
};

struct change {
    int64_t at; /* unix seconds */
    int32_t offset_s;
};

struct zone {
    int32_t first_s; /* before the first change */
    bool has_rule;   /* after the last change: the footer */
    int32_t std_s, dst_s;
    struct turn to_dst, to_std;
    size_t n;
    struct change change[];
};

/* ---- the body ---- */

static int64_t be(const uint8_t *p, size_t n)
{
    uint64_t v = p[0] & 0x80 ? UINT64_MAX : 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

struct block { /* counts of one data block, and where its parts are */
    size_t n_times, n_types, n_chars, n_leaps, n_std, n_ut, wide;
    const uint8_t *times, *kinds, *types;
    size_t bytes; /* of the block behind its header */
};

static bool read_block(const uint8_t *in, size_t len, size_t wide, struct block *b)
{
    if (len < HEADER || memcmp(in, "TZif", 4) != 0)
        return false;
    for (size_t i = 20; i < HEADER; i += 4)
        if (be(in + i, 4) < 0 || be(in + i, 4) > CHANGES_MAX)
            return false;
    *b = (struct block){.n_ut = (size_t)be(in + 20, 4),
                        .n_std = (size_t)be(in + 24, 4),
                        .n_leaps = (size_t)be(in + 28, 4),
                        .n_times = (size_t)be(in + 32, 4),
                        .n_types = (size_t)be(in + 36, 4),
                        .n_chars = (size_t)be(in + 40, 4),
                        .wide = wide};
    b->times = in + HEADER;
    b->kinds = b->times + b->n_times * wide;
    b->types = b->kinds + b->n_times;
    b->bytes = b->n_times * (wide + 1) + b->n_types * 6 + b->n_chars +
               b->n_leaps * (wide + 4) + b->n_std + b->n_ut;
    return b->n_types > 0 && b->bytes <= len - HEADER;
}

static bool type_offset(const struct block *b, size_t type, int32_t *out)
{
    if (type >= b->n_types)
        return false;
    *out = (int32_t)be(b->types + type * 6, 4);
    return *out > -LAST_OFFSET && *out < LAST_OFFSET;
}

static bool read_changes(const struct block *b, struct zone *z)
{
    if (!type_offset(b, 0, &z->first_s))
        return false;
    for (size_t i = 0; i < b->n_times; i++) {
        struct change *c = &z->change[z->n++];

        c->at = be(b->times + i * b->wide, b->wide);
        if (!type_offset(b, b->kinds[i], &c->offset_s) || (i > 0 && c->at <= c[-1].at))
            return false;
    }
    return true;
}

/* ---- the footer: a POSIX TZ string (RFC 8536 section 3.3) ---- */

static bool skip_name(const char **p)
{
    const char *from = *p;

    if (**p == '<') {
        *p += strcspn(*p, ">");
        if (**p != '>')
            return false;
        ++*p;
        return true;
    }
    while (isalpha((unsigned char)**p))
        ++*p;
    return *p > from;
}

static bool take_number(const char **p, int max, int *out)
{
    const char *from = *p;

    for (*out = 0; isdigit((unsigned char)**p) && *out <= max; ++*p)
        *out = *out * 10 + (**p - '0');
    return *p > from && *out <= max;
}

/* "[+-]hh[:mm[:ss]]" */
static bool take_time(const char **p, int32_t *out)
{
    int sign = 1, unit = 3600, v;

    if (**p == '-' || **p == '+')
        sign = *(*p)++ == '-' ? -1 : 1;
    *out = 0;
    do {
        if (!take_number(p, 167, &v))
            return false;
        *out += sign * v * unit;
        unit /= 60;
    } while (unit > 0 && **p == ':' && *(*p)++ == ':');
    return true;
}

static bool take_turn(const char **p, struct turn *t)
{
    if (strncmp(*p, ",M", 2) != 0)
        return false;
    *p += 2;
    if (!take_number(p, 12, &t->month) || t->month < 1 || *(*p)++ != '.' ||
        !take_number(p, 5, &t->week) || t->week < 1 || *(*p)++ != '.' ||
        !take_number(p, 6, &t->weekday))
        return false;
    t->at_s = 2 * 3600;
    if (**p != '/')
        return true;
    ++*p;
    return take_time(p, &t->at_s);
}

/* A form that is not understood leaves the zone at its last change. */
static void read_footer(const char *p, struct zone *z)
{
    int32_t west;

    if (!skip_name(&p) || !take_time(&p, &west))
        return;
    z->std_s = z->dst_s = -west;
    if (*p == '\0') {
        z->has_rule = true;
        return;
    }
    if (!skip_name(&p))
        return;
    west -= 3600;
    if (*p != ',' && !take_time(&p, &west))
        return;
    z->dst_s = -west;
    z->has_rule = take_turn(&p, &z->to_dst) && take_turn(&p, &z->to_std) && *p == '\0';
}

/* Unix seconds of the turn in that year; `offset_s` is in force before it. */
static int64_t turn_at(const struct turn *t, int64_t year, int32_t offset_s)
{
    int64_t first = date_days(year, t->month, 1);
    int64_t next =
        t->month == 12 ? date_days(year + 1, 1, 1) : date_days(year, t->month + 1, 1);
    int64_t day = first + (t->weekday - (first + 4) % 7 + 7) % 7 + 7 * (t->week - 1);

    if (day >= next) /* week 5 is the last one */
        day -= 7;
    return day * DAY_S + t->at_s - offset_s;
}

static int32_t offset_by_rule(const struct zone *z, int64_t unix_s)
{
    int64_t year = 1970 + (int64_t)((double)(unix_s + z->std_s) / (365.2425 * DAY_S));
    int64_t to_dst, to_std;
    bool dst;

    if (z->to_dst.month == 0)
        return z->std_s;
    to_dst = turn_at(&z->to_dst, year, z->std_s);
    to_std = turn_at(&z->to_std, year, z->dst_s);
    if (to_dst < to_std)
        dst = unix_s >= to_dst && unix_s < to_std;
    else
        dst = unix_s >= to_dst || unix_s < to_std;
    return dst ? z->dst_s : z->std_s;
}

/* ---- the whole ---- */

int zone_parse(const uint8_t *in, size_t len, struct zone **out)
{
    struct block b;
    struct zone *z;
    const uint8_t *foot;

    *out = NULL;
    if (!read_block(in, len, 4, &b))
        return RC_CORRUPT;
    if (in[4] >= '2') { /* a second block with 64-bit times, and the footer */
        in += HEADER + b.bytes;
        len -= HEADER + b.bytes;
        if (!read_block(in, len, 8, &b))
            return RC_CORRUPT;
    }
    z = mem_new(1, sizeof(*z) + b.n_times * sizeof(z->change[0]));
    if (!read_changes(&b, z)) {
        zone_free(z);
        return RC_CORRUPT;
    }
    foot = in + HEADER + b.bytes;
    len -= HEADER + b.bytes;
    if (b.wide == 8 && len >= 2 && foot[0] == '\n' &&
        memchr(foot + 1, '\n', len - 1) != NULL) {
        char *text =
            mem_strn((const char *)foot + 1, strcspn((const char *)foot + 1, "\n"));

        read_footer(text, z);
        free(text);
    }
    *out = z;
    return RC_OK;
}

int zone_open(const char *name, struct zone **out, struct why *w)
{
    char *path = mem_printf("%s/%s", DIRECTORY, name);
    FILE *f = strstr(name, "..") == NULL ? fopen(path, "rbe") : NULL;
    uint8_t *in;
    size_t len;
    int rc;

    *out = NULL;
    free(path);
    if (f == NULL)
        return why_set(w, RC_NOT_FOUND,
                       "time zone %s is not in " DIRECTORY " (package tzdata)", name);
    in = mem_new(FILE_MAX, 1);
    len = fread(in, 1, FILE_MAX, f);
    fclose(f);
    rc = zone_parse(in, len, out);
    free(in);
    return rc == RC_OK ? rc
                       : why_set(w, (enum rc)rc, "time zone %s: its file is damaged", name);
}

void zone_free(struct zone *z)
{
    free(z);
}

int32_t zone_offset_s(const struct zone *z, int64_t unix_s)
{
    size_t from = 0, to;

    if (z == NULL)
        return 0;
    to = z->n;
    if (z->has_rule && (z->n == 0 || unix_s >= z->change[z->n - 1].at))
        return offset_by_rule(z, unix_s);
    while (from < to) { /* the first change that is later */
        size_t mid = (from + to) / 2;

        if (z->change[mid].at <= unix_s)
            from = mid + 1;
        else
            to = mid;
    }
    return from > 0 ? z->change[from - 1].offset_s : z->first_s;
}
