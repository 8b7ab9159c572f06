#include "base/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define FIRST_ROOM 16384
#define EXACT_MAX  9007199254740992.0 /* 2^53: whole numbers a double holds */
#define US_PER_S_F 1e6

const char *const metrics_type_name[] = {"counter", "gauge", "histogram"};

static void put(struct metrics *m, const char *s, size_t n)
{
    if (m->len + n > m->room) {
        while (m->len + n > m->room)
            m->room = m->room > 0 ? 2 * m->room : FIRST_ROOM;
        m->text = mem_grow(m->text, m->room, 1);
    }
    memcpy(m->text + m->len, s, n);
    m->len += n;
}

static void put_text(struct metrics *m, const char *s)
{
    put(m, s, strlen(s));
}

/* With those bytes of `special` escaped that are in it; a newline becomes \n. */
static void put_escaped(struct metrics *m, const char *s, const char *special)
{
    size_t plain;

    for (; *s != 0; s += plain + (s[plain] != 0)) {
        plain = strcspn(s, special);
        put(m, s, plain);
        if (s[plain] != 0)
            put(m, (char[]){'\\', s[plain] == '\n' ? 'n' : s[plain]}, 2);
    }
}

static void put_value(struct metrics *m, double v)
{
    char text[32];

    if (isnan(v))
        put_text(m, "NaN");
    else if (isinf(v))
        put_text(m, v > 0 ? "+Inf" : "-Inf");
    else if (v == floor(v) && fabs(v) <= EXACT_MAX)
        put(m, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, (int64_t)v));
    else
        put(m, text, (size_t)snprintf(text, sizeof(text), "%.15g", v));
}

static void put_labels(struct metrics *m, const struct metrics_labels *l)
{
    for (size_t i = 0; i < l->n; i++) {
        put_text(m, i == 0 ? "{" : ",");
        put_text(m, l->list[i].name);
        put_text(m, "=\"");
        put_escaped(m, l->list[i].value, "\\\n\"");
        put_text(m, "\"");
    }
    if (l->n > 0)
        put_text(m, "}");
}

void metrics_label_add(struct metrics_labels *l, const char *name, const char *value)
{
    CHECK(l->n < METRICS_LABELS_MAX);
    l->list[l->n++] = (struct metrics_label){name, value};
}

void metrics_family(struct metrics *m, const char *name, enum metrics_type type,
                    const char *help)
{
    put_text(m, "# HELP ");
    put_text(m, name);
    put_text(m, " ");
    put_escaped(m, help, "\\\n");
    put_text(m, "\n# TYPE ");
    put_text(m, name);
    put_text(m, " ");
    put_text(m, metrics_type_name[type]);
    put_text(m, "\n");
}

static void put_sample(struct metrics *m, const char *name, const char *suffix,
                       const struct metrics_labels *l, double value)
{
    put_text(m, name);
    put_text(m, suffix);
    put_labels(m, l);
    put_text(m, " ");
    put_value(m, value);
    put_text(m, "\n");
}

void metrics_sample(struct metrics *m, const char *name, const struct metrics_labels *l,
                    double value)
{
    put_sample(m, name, "", l, value);
}

static void put_bucket(struct metrics *m, const char *name, struct metrics_labels l,
                       const char *bound, uint64_t upto)
{
    metrics_label_add(&l, "le", bound);
    put_sample(m, name, "_bucket", &l, (double)upto);
}

void metrics_hist(struct metrics *m, const char *name, const struct metrics_labels *l,
                  const struct hist_view *h)
{
    uint64_t upto = 0;
    char bound[24];

    for (int i = 0; i < HIST_BUCKETS - 1; i++) {
        upto += h->n[i];
        snprintf(bound, sizeof(bound), "%g", hist_bound_us[i] / US_PER_S_F);
        put_bucket(m, name, *l, bound, upto);
    }
    upto += h->n[HIST_BUCKETS - 1];
    put_bucket(m, name, *l, "+Inf", upto);
    put_sample(m, name, "_sum", l, (double)h->sum_us / US_PER_S_F);
    put_sample(m, name, "_count", l, (double)upto);
}
