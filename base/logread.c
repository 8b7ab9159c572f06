#include "base/logread.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/date.h"

static const char *const format_name[] = {
    [LOGREAD_AUTO] = "auto", [LOGREAD_COMMON] = "common", [LOGREAD_COMBINED] = "combined",
    [LOGREAD_TSV] = "tsv",   [LOGREAD_JSON] = "json",
};

int logread_format_from(const char *name, enum logread_format *out)
{
    for (size_t i = 0; i < N_ELEMS(format_name); i++)
        if (strcmp(name, format_name[i]) == 0) {
            *out = (enum logread_format)i;
            return 0;
        }
    return -1;
}

const char *logread_format_name(enum logread_format f)
{
    return format_name[f];
}

/* ---- pieces that all formats share ---- */

struct cursor {
    const char *at, *end;
};

static bool is_text(struct logread_text t, const char *s)
{
    return t.len == strlen(s) && memcmp(t.p, s, t.len) == 0;
}

/* Up to `stop`, which is consumed; false when it is not there. */
static bool take_until(struct cursor *c, char stop, struct logread_text *out)
{
    const char *hit = memchr(c->at, stop, (size_t)(c->end - c->at));

    if (hit == NULL)
        return false;
    *out = (struct logread_text){c->at, (size_t)(hit - c->at)};
    c->at = hit + 1;
    return true;
}

static bool take_char(struct cursor *c, char want)
{
    if (c->at == c->end || *c->at != want)
        return false;
    c->at++;
    return true;
}

static struct logread_text known(struct logread_text t)
{
    return is_text(t, "-") ? (struct logread_text){t.p, 0} : t;
}

/* Decimal digits only, at least one; saturates at 2^63. */
static bool number(struct logread_text t, uint64_t *out)
{
    uint64_t v = 0;

    for (size_t i = 0; i < t.len; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return false;
        v = v > UINT64_MAX / 20 ? (uint64_t)1 << 63 : v * 10 + (uint64_t)(t.p[i] - '0');
    }
    *out = v;
    return t.len > 0;
}

static bool number_or_dash(struct logread_text t, uint64_t *out)
{
    *out = 0;
    return is_text(t, "-") || number(t, out);
}

static bool set_status(struct logread_text t, struct logread_line *out)
{
    uint64_t v;

    if (!number_or_dash(t, &v) || (v != 0 && (v < 100 || v > 999)))
        return false;
    out->status = (uint16_t)v;
    return true;
}

static bool set_method(struct logread_text t, struct logread_line *out)
{
    static const char *const names[] = {
        [OBS_GET] = "GET", [OBS_HEAD] = "HEAD",     [OBS_POST] = "POST",
        [OBS_PUT] = "PUT", [OBS_DELETE] = "DELETE",
    };

    out->method = OBS_OTHER;
    for (size_t i = 0; i < N_ELEMS(names); i++)
        if (is_text(t, names[i]))
            out->method = (enum obs_method)i;
    for (size_t i = 0; i < t.len; i++)
        if (t.p[i] <= ' ' || t.p[i] >= 0x7f)
            return false;
    return t.len > 0;
}

/* origin-form, absolute-form or "*"; query and fragment are cut off. */
static bool set_target(struct logread_text t, struct logread_line *out)
{
    struct logread_text *path = &out->path;
    const char *cut;

    for (int i = 0; i < 2; i++)
        if ((cut = memchr(t.p, "?#"[i], t.len)) != NULL)
            t.len = (size_t)(cut - t.p);
    *path = t;
    if (t.len > 0 && (t.p[0] == '/' || is_text(t, "*")))
        return true;
    cut = memmem(t.p, t.len, "://", 3);
    if (cut == NULL)
        return false;
    out->host.p = cut + 3;
    cut = memchr(out->host.p, '/', (size_t)(t.p + t.len - out->host.p));
    if (cut == NULL)
        return false;
    out->host.len = (size_t)(cut - out->host.p);
    *path = (struct logread_text){cut, (size_t)(t.p + t.len - cut)};
    return true;
}

/* ---- common and combined ---- */

/* n digits at p, or -1. */
static int digits(const char *p, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + (p[i] - '0');
    }
    return v;
}

static int month_of(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (memcmp(names + 3 * i, p, 3) == 0)
            return i + 1;
    return 0;
}

/* "10/Oct/2000:13:55:36 -0700" */
static bool set_clf_time(struct logread_text t, struct logread_line *out)
{
    int day, month, year, hour, min, sec, zone_h, zone_m;
    int64_t s;

    if (t.len != 26 || t.p[2] != '/' || t.p[6] != '/' || t.p[11] != ':' || t.p[14] != ':' ||
        t.p[17] != ':' || t.p[20] != ' ' || (t.p[21] != '+' && t.p[21] != '-'))
        return false;
    day = digits(t.p, 2);
    month = month_of(t.p + 3);
    year = digits(t.p + 7, 4);
    hour = digits(t.p + 12, 2);
    min = digits(t.p + 15, 2);
    sec = digits(t.p + 18, 2);
    zone_h = digits(t.p + 22, 2);
    zone_m = digits(t.p + 24, 2);
    if (day < 1 || day > 31 || month == 0 || year < 1970 || hour < 0 || hour > 23 ||
        min < 0 || min > 59 || sec < 0 || sec > 60 || zone_h < 0 || zone_m < 0)
        return false;
    s = date_days(year, month, day) * 86400 + hour * 3600 + min * 60 + sec;
    s -= (t.p[21] == '-' ? -1 : 1) * (zone_h * 3600 + zone_m * 60);
    out->at = s * MS_PER_S;
    return s >= 0;
}

/* "..." with \" inside; the text stays escaped. */
static bool take_quoted(struct cursor *c, struct logread_text *out)
{
    const char *from, *hit, *back;

    if (!take_char(c, '"'))
        return false;
    from = c->at;
    for (hit = from;; hit++) {
        hit = memchr(hit, '"', (size_t)(c->end - hit));
        if (hit == NULL)
            return false;
        for (back = hit; back > from && back[-1] == '\\'; back--)
            ;
        if ((hit - back) % 2 == 0)
            break;
    }
    *out = (struct logread_text){from, (size_t)(hit - from)};
    c->at = hit + 1;
    return true;
}

/* "GET /path HTTP/1.1"; HTTP/0.9 has no version.  A target may hold spaces. */
static bool set_request(struct logread_text t, struct logread_line *out)
{
    struct cursor c = {t.p, t.p + t.len};
    struct logread_text method, target;
    const char *last;

    if (!take_until(&c, ' ', &method) || !set_method(method, out))
        return false;
    target = (struct logread_text){c.at, (size_t)(c.end - c.at)};
    last = memrchr(target.p, ' ', target.len);
    if (last != NULL && c.end - last > 5 && memcmp(last + 1, "HTTP/", 5) == 0)
        target.len = (size_t)(last - target.p);
    return set_target(target, out);
}

/* " 200 2326", and what follows it is left */
static bool take_result(struct cursor *c, struct logread_line *out)
{
    struct logread_text status, bytes;

    if (!take_char(c, ' ') || !take_until(c, ' ', &status) || !set_status(status, out))
        return false;
    if (!take_until(c, ' ', &bytes)) {
        bytes = (struct logread_text){c->at, (size_t)(c->end - c->at)};
        c->at = c->end;
    }
    return number_or_dash(bytes, &out->bytes);
}

static enum logread_verdict parse_clf(bool combined, const char *line, size_t len,
                                      struct logread_line *out)
{
    struct cursor c = {line, line + len};
    struct logread_text who, time, request, referer;

    if (!take_until(&c, ' ', &out->addr) || out->addr.len == 0 ||
        !take_until(&c, ' ', &who) || !take_until(&c, '[', &out->user) ||
        !take_until(&c, ']', &time) || !take_char(&c, ' ') || !take_quoted(&c, &request))
        return LOGREAD_DAMAGED;
    if (out->user.len < 2 || out->user.p[out->user.len - 1] != ' ')
        return LOGREAD_DAMAGED;
    out->user.len--;
    out->user = known(out->user);
    if (!set_clf_time(time, out) || !set_request(request, out) || !take_result(&c, out))
        return LOGREAD_DAMAGED;
    if (!combined)
        return LOGREAD_LINE;
    if (!take_quoted(&c, &referer) || !take_char(&c, ' ') || !take_quoted(&c, &out->agent))
        return LOGREAD_DAMAGED;
    out->agent = known(out->agent);
    return LOGREAD_LINE;
}

/* ---- tab-separated ---- */

/* What a column holds, and the names a header may give it. */
#define COLUMNS(X)                                                                         \
    X(IGNORED, "")                                                                         \
    X(TIME, "epoch_seconds time timestamp")                                                \
    X(USER, "user_id user")                                                                \
    X(ADDR, "client client_addr remote_addr")                                              \
    X(METHOD, "method")                                                                    \
    X(PATH, "path uri url target")                                                         \
    X(STATUS, "status")                                                                    \
    X(BYTES, "bytes")                                                                      \
    X(AGENT, "user_agent agent")                                                           \
    X(HOST, "host")                                                                        \
    X(LATENCY, "service_us latency_us duration_us")

enum column {
#define X(sym, names) COLUMN_##sym,
    COLUMNS(X)
#undef X
        N_COLUMNS
};

static const char *const column_names[N_COLUMNS] = {
#define X(sym, names) names,
    COLUMNS(X)
#undef X
};

static const uint8_t default_columns[] = {COLUMN_TIME, COLUMN_USER,   COLUMN_METHOD,
                                          COLUMN_PATH, COLUMN_STATUS, COLUMN_BYTES,
                                          COLUMN_AGENT};

static bool name_is_in(struct logread_text name, const char *list)
{
    while (*list != '\0') {
        size_t n = strcspn(list, " ");

        if (name.len == n && memcmp(name.p, list, n) == 0)
            return true;
        list += n + (list[n] == ' ');
    }
    return false;
}

static enum column column_of(struct logread_text name)
{
    for (unsigned i = 1; i < N_COLUMNS; i++)
        if (name_is_in(name, column_names[i]))
            return (enum column)i;
    return COLUMN_IGNORED;
}

/* The last column has no tab behind it. */
static bool take_column(struct cursor *c, struct logread_text *out)
{
    if (c->at > c->end)
        return false;
    if (!take_until(c, '\t', out)) {
        *out = (struct logread_text){c->at, (size_t)(c->end - c->at)};
        c->at = c->end + 1;
    }
    return true;
}

static enum logread_verdict read_header(struct logread *lr, const char *line, size_t len)
{
    struct cursor c = {line, line + len};
    struct logread_text name;

    lr->n_columns = 0;
    while (lr->n_columns < LOGREAD_COLUMNS_MAX && take_column(&c, &name))
        lr->column[lr->n_columns++] = (uint8_t)column_of(name);
    return LOGREAD_NOTHING;
}

/* "807256800" or "807256800.25" */
static bool set_epoch(struct logread_text t, struct logread_line *out)
{
    const char *dot = memchr(t.p, '.', t.len);
    struct logread_text whole = {t.p, dot != NULL ? (size_t)(dot - t.p) : t.len};
    uint64_t s, ms = 0;

    if (!number(whole, &s) || s > (uint64_t)1 << 40)
        return false;
    if (dot != NULL) {
        char part[] = "000";
        size_t n = t.len - whole.len - 1;

        memcpy(part, dot + 1, n < 3 ? n : 3);
        if (!number((struct logread_text){part, 3}, &ms))
            return false;
    }
    out->at = (wall_ms)(s * MS_PER_S + ms);
    return true;
}

static bool set_column(enum column what, struct logread_text t, struct logread_line *out)
{
    uint64_t v;

    switch (what) {
    case COLUMN_TIME:
        return set_epoch(t, out);
    case COLUMN_USER:
        out->user = known(t);
        return true;
    case COLUMN_ADDR:
        out->addr = known(t);
        return true;
    case COLUMN_METHOD:
        return set_method(t, out);
    case COLUMN_PATH:
        return set_target(t, out);
    case COLUMN_STATUS:
        return set_status(t, out);
    case COLUMN_BYTES:
        return number_or_dash(t, &out->bytes);
    case COLUMN_AGENT:
        out->agent = known(t);
        return true;
    case COLUMN_HOST:
        out->host = known(t);
        return true;
    case COLUMN_LATENCY:
        if (!number_or_dash(t, &v))
            return false;
        out->latency_us = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
        return true;
    case COLUMN_IGNORED:
    case N_COLUMNS:
        break;
    }
    return true;
}

static enum logread_verdict parse_tsv(struct logread *lr, const char *line, size_t len,
                                      struct logread_line *out)
{
    struct cursor c = {line, line + len};
    struct logread_text t;
    size_t i = 0;

    if (line[0] < '0' || line[0] > '9') {
        struct cursor first = c;

        if (take_column(&first, &t) && column_of(t) != COLUMN_IGNORED)
            return read_header(lr, line, len);
    }
    out->at = -1;
    for (; i < lr->n_columns && take_column(&c, &t); i++)
        if (!set_column((enum column)lr->column[i], t, out))
            return LOGREAD_DAMAGED;
    if (i < lr->n_columns || out->at < 0 || out->path.len == 0)
        return LOGREAD_DAMAGED;
    return LOGREAD_LINE;
}

/* ---- JSON ---- */

/* Of a key that is text; len 0: it is not there, or is none. */
static struct logread_text text_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return (struct logread_text){json_string_value(v), json_string_length(v)};
}

/* "+01:00", "Z" */
static bool take_zone(struct cursor *c, int *offset_s)
{
    bool east = take_char(c, '+');
    int hours, minutes;

    *offset_s = 0;
    if (!east && !take_char(c, '-'))
        return take_char(c, 'Z');
    if (c->end - c->at != 5 || c->at[2] != ':')
        return false;
    hours = digits(c->at, 2);
    minutes = digits(c->at + 3, 2);
    c->at = c->end;
    *offset_s = (east ? 1 : -1) * (hours * 3600 + minutes * 60);
    return hours >= 0 && minutes >= 0;
}

/* ".25" are 250 ms; further digits are left out. */
static int take_fraction_ms(struct cursor *c)
{
    int ms = 0, scale = 100;

    if (!take_char(c, '.'))
        return 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, scale /= 10)
        ms += scale * (*c->at - '0');
    return ms;
}

/* "2026-11-24T12:19:54.123456Z" (RFC 3339) */
static bool set_time(struct logread_text t, struct logread_line *out)
{
    struct cursor c = {t.p + 19, t.p + t.len};
    int year, month, day, hour, min, sec, ms, zone_s;

    if (t.len < 20 || t.p[4] != '-' || t.p[7] != '-' || t.p[10] != 'T' || t.p[13] != ':' ||
        t.p[16] != ':')
        return false;
    year = digits(t.p, 4);
    month = digits(t.p + 5, 2);
    day = digits(t.p + 8, 2);
    hour = digits(t.p + 11, 2);
    min = digits(t.p + 14, 2);
    sec = digits(t.p + 17, 2);
    ms = take_fraction_ms(&c);
    if (!take_zone(&c, &zone_s) || c.at != c.end || year < 1970 || month < 1 ||
        month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || min < 0 || min > 59 ||
        sec < 0 || sec > 60)
        return false;
    out->at =
        (date_days(year, month, day) * 86400 + hour * 3600 + min * 60 + sec - zone_s) *
            MS_PER_S +
        ms;
    return out->at >= 0;
}

/* 16 hexadecimal digits. */
static uint64_t key_of(struct logread_text t)
{
    uint64_t key = 0;

    for (size_t i = 0; i < t.len; i++) {
        const char *digit = memchr("0123456789abcdef", t.p[i], 16);

        if (digit == NULL || t.len != 16)
            return 0;
        key = key << 4 | (uint64_t)(digit - "0123456789abcdef");
    }
    return key;
}

static uint64_t count_of(const json_t *o, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(o, key));

    return n > 0 ? (uint64_t)n : 0;
}

static void set_latency(double ms, struct logread_line *out)
{
    double us = ms * US_PER_MS;

    if (us > 0)
        out->latency_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static enum logread_verdict read_object(const json_t *o, struct logread_line *out)
{
    struct logread_text method = text_of(o, "method"), path = text_of(o, "path");
    uint64_t status = count_of(o, "status");

    if (!json_is_object(o) || !set_time(text_of(o, "time"), out))
        return LOGREAD_DAMAGED;
    if (method.len == 0 && path.len == 0)
        return LOGREAD_NOTHING; /* it could not be read */
    if (!set_method(method, out) || path.len == 0 || !set_target(path, out) ||
        (status != 0 && (status < 100 || status > 999)))
        return LOGREAD_DAMAGED;
    out->status = (uint16_t)status;
    out->bytes = count_of(o, "bytes_out");
    out->addr = text_of(o, "client");
    out->host = text_of(o, "host");
    out->agent = text_of(o, "user_agent");
    out->key = key_of(text_of(o, "user"));
    set_latency(json_number_value(json_object_get(o, "total_ms")), out);
    return LOGREAD_LINE;
}

static enum logread_verdict parse_json(struct logread *lr, const char *line, size_t len,
                                       struct logread_line *out)
{
    json_decref(lr->object);
    lr->object = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
    return lr->object != NULL ? read_object(lr->object, out) : LOGREAD_DAMAGED;
}

/* ---- any ---- */

static enum logread_verdict parse_as(struct logread *lr, const char *line, size_t len,
                                     struct logread_line *out)
{
    *out = (struct logread_line){.path = {"", 0}};
    if (lr->format == LOGREAD_TSV)
        return parse_tsv(lr, line, len, out);
    if (lr->format == LOGREAD_JSON)
        return parse_json(lr, line, len, out);
    return parse_clf(lr->format == LOGREAD_COMBINED, line, len, out);
}

/* Keeps the first format that can read the line; AUTO stays when none can. */
static enum logread_verdict detect(struct logread *lr, const char *line, size_t len,
                                   struct logread_line *out)
{
    static const enum logread_format order[] = {LOGREAD_COMBINED, LOGREAD_COMMON,
                                                LOGREAD_TSV, LOGREAD_JSON};

    for (size_t i = 0; i < N_ELEMS(order); i++) {
        enum logread_verdict v;

        lr->format = order[i];
        v = parse_as(lr, line, len, out);
        if (v != LOGREAD_DAMAGED)
            return v;
    }
    lr->format = LOGREAD_AUTO;
    return LOGREAD_DAMAGED;
}

void logread_init(struct logread *lr, enum logread_format format)
{
    *lr = (struct logread){.format = format, .n_columns = N_ELEMS(default_columns)};
    memcpy(lr->column, default_columns, sizeof(default_columns));
}

void logread_fini(struct logread *lr)
{
    json_decref(lr->object);
    lr->object = NULL;
}

enum logread_verdict logread_parse(struct logread *lr, const char *line, size_t len,
                                   struct logread_line *out)
{
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (len == 0 || line[0] == '#')
        return LOGREAD_NOTHING;
    return lr->format == LOGREAD_AUTO ? detect(lr, line, len, out)
                                      : parse_as(lr, line, len, out);
}
