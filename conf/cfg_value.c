#include "conf/cfg_value.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "base/check.h"
#include "base/mem.h"
#include "conf/cfg.h"
#include "conf/cfg_number.h"
#include "conf/cfg_template.h"
#include "conf/cfg_walk.h"
#include "conf/nearest.h"

/* ---- words and times ---------------------------------------------------------------- */

static char *time_text(const struct cfg_key *k, const void *field)
{
    wall_ms at = *(const wall_ms *)field;
    time_t sec = (time_t)(at / MS_PER_S);
    char text[40];
    struct tm tm;

    if (at == 0 && k->zero != NULL)
        return mem_str(k->zero);
    gmtime_r(&sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return mem_str(text);
}

static int time_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    wall_ms at = rest != NULL && *rest == 0 ? (wall_ms)timegm(&tm) * MS_PER_S : 0;
    char *again = time_text(k, &at);
    bool same = strcmp(again, text) == 0; /* strptime takes much that is no date */

    free(again);
    if (!same || at < 0)
        return why_set(w, RC_INVALID, "'%s' is not a time such as 2026-03-01T12:00:00Z",
                       text);
    *(wall_ms *)field = at;
    return RC_OK;
}

static int bool_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    static const char *const words[] = {"false", "true", "off", "on", "no", "yes"};

    (void)k;
    for (size_t i = 0; i < N_ELEMS(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *(bool *)field = i % 2 != 0;
            return RC_OK;
        }
    return why_set(w, RC_INVALID, "'%s' is not true or false", text);
}

static int enum_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    char all[160] = "", hint[NEAREST_HINT_MAX];
    struct nearest near;

    nearest_init(&near, text);
    for (unsigned i = 0; k->words[i] != NULL; i++) {
        size_t n = strlen(all);

        if (strcmp(text, k->words[i]) == 0) {
            *(unsigned *)field = i;
            return RC_OK;
        }
        nearest_offer(&near, k->words[i]);
        snprintf(all + n, sizeof(all) - n, "%s%s", i > 0 ? ", " : "", k->words[i]);
    }
    return why_set(w, RC_INVALID, "'%s' is not one of %s%s", text, all,
                   nearest_hint(&near, hint));
}

/* ---- texts -------------------------------------------------------------------------- */

static void replace_text(void *field, char *text_take)
{
    char **to = field;

    free(*to);
    *to = text_take;
}

/* One line, so that it can be logged and sent: no control characters, C1 ones included. */
static bool is_line(const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p != 0; p++)
        if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
            return false;
    return true;
}

static bool is_token(const char *s)
{
    if (*s == 0)
        return false;
    for (; *s != 0; s++)
        if (!isalnum((unsigned char)*s) && strchr("!#$%&'*+-.^_`|~", *s) == NULL)
            return false;
    return true;
}

static bool is_path(const char *s)
{
    if (*s != '/')
        return false;
    for (; *s != 0; s++)
        if (*s <= ' ' || *s >= 0x7f)
            return false;
    return true;
}

/* name:HASH, or a file's path, which has no colon. */
static bool is_user(const char *s)
{
    const char *colon = strchr(s, ':');

    return colon == NULL || (colon > s && colon[1] != 0);
}

/* Lower case, IPv6 in its canonical form; NULL: not a host. */
static char *host_form(const char *text)
{
    char *with_port = mem_printf("%s:1", text);
    struct addr a;
    bool ok = addr_parse(with_port, &a, NULL) == RC_OK && a.kind != ADDR_UNIX;

    free(with_port);
    return ok ? mem_strn(a.text, strlen(a.text) - 2) : NULL;
}

static int host_from(const char *text, void *field, struct why *w)
{
    char *form = host_form(text);

    if (form == NULL)
        return why_set(w, RC_INVALID, "'%s' is not a host name or address without a port",
                       text);
    replace_text(field, form);
    return RC_OK;
}

/* Where nothing is the default, saying so is the same as saying nothing. */
static int may_be_empty(const struct cfg_key *k, struct why *w)
{
    if (!k->required && !k->empty && (k->def == NULL || k->def[0] != 0))
        return why_set(w, RC_INVALID, "must not be empty");
    return RC_OK;
}

static int empty_from(const struct cfg_key *k, void *field, struct why *w)
{
    int rc = may_be_empty(k, w);

    if (rc == RC_OK)
        replace_text(field, mem_str(""));
    return rc;
}

static int text_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    if (!is_line(text))
        return why_set(w, RC_INVALID, "control characters are not allowed");
    if (*text == 0)
        return empty_from(k, field, w);
    if (k->type == CFG_T_HOST)
        return host_from(text, field, w);
    if (k->type == CFG_T_PATH && !is_path(text))
        return why_set(w, RC_INVALID, "'%s' is not a path that begins with /", text);
    if (k->type == CFG_T_TOKEN && !is_token(text))
        return why_set(w, RC_INVALID,
                       "'%s' has characters other than letters, digits and "
                       "!#$%%&'*+-.^_`|~",
                       text);
    if (k->type == CFG_T_USER && !is_user(text))
        return why_set(w, RC_INVALID, "a user is written as name:HASH");
    replace_text(field, mem_str(text));
    return RC_OK;
}

static int template_from(const struct cfg_key *k, const char *text, void *field,
                         struct why *w)
{
    if (!is_line(text))
        return why_set(w, RC_INVALID, "control characters are not allowed");
    if (*text == 0 && may_be_empty(k, w) != RC_OK)
        return RC_INVALID;
    return cfg_template_parse(text, k->variables, field, w);
}

static bool is_text(enum cfg_type t)
{
    return t == CFG_T_TEXT || t == CFG_T_PATH || t == CFG_T_HOST || t == CFG_T_TOKEN ||
           t == CFG_T_USER;
}

/* ---- addresses and identities ------------------------------------------------------- */

static int addr_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    struct addr a;
    struct why why;

    (void)k;
    if (!is_line(text))
        return why_set(w, RC_INVALID, "control characters are not allowed");
    if (addr_parse(text, &a, &why) != RC_OK)
        return why_set(w, RC_INVALID, "'%s': %s", text, why.text);
    *(struct addr *)field = a;
    return RC_OK;
}

static int block_from(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    struct addr_block b;
    struct why why;

    (void)k;
    if (addr_block_parse(text, &b, &why) != RC_OK)
        return why_set(w, RC_INVALID, "'%s': %s", text, why.text);
    *(struct addr_block *)field = b;
    return RC_OK;
}

#define IS_HEADER(text) (strncmp(text, "header:", 7) == 0)
#define IS_COOKIE(text) (strncmp(text, "cookie:", 7) == 0)

/* The name behind "header:" or "cookie:"; to free(). */
static int named_from(const char *text, char **out, struct why *w)
{
    if (!is_token(text + 7))
        return why_set(w, RC_INVALID, "'%s' is not the name of a %.6s", text + 7, text);
    *out = mem_str(text + 7);
    for (char *p = *out; IS_HEADER(text) && *p != 0; p++)
        *p = (char)tolower((unsigned char)*p);
    return RC_OK;
}

static int identity_from(const struct cfg_key *k, const char *text, void *field,
                         struct why *w)
{
    struct cfg_identity id = {CFG_ID_ADDRESS, NULL};

    (void)k;
    if (IS_HEADER(text) || IS_COOKIE(text)) {
        id.kind = IS_HEADER(text) ? CFG_ID_HEADER : CFG_ID_COOKIE;
        if (named_from(text, &id.name, w) != RC_OK)
            return RC_INVALID;
    } else if (strcmp(text, "address") == 0) {
        id.name = mem_str("");
    } else {
        return why_set(w, RC_INVALID, "'%s' is not header:NAME, cookie:NAME or address",
                       text);
    }
    *(struct cfg_identity *)field = id;
    return RC_OK;
}

static int limit_key_from(const struct cfg_key *k, const char *text, void *field,
                          struct why *w)
{
    struct cfg_limit_key key = {.name = NULL}, *to = field;

    (void)k;
    if (IS_HEADER(text) || IS_COOKIE(text)) {
        key.kind = IS_HEADER(text) ? CFG_LIMIT_HEADER : CFG_LIMIT_COOKIE;
        if (named_from(text, &key.name, w) != RC_OK)
            return RC_INVALID;
    } else if (strcmp(text, "client") == 0 || strcmp(text, "user") == 0) {
        key.kind = text[0] == 'c' ? CFG_LIMIT_CLIENT : CFG_LIMIT_USER;
        key.name = mem_str("");
    } else {
        return why_set(w, RC_INVALID,
                       "'%s' is not client, user, header:NAME or cookie:NAME", text);
    }
    free(to->name);
    *to = key;
    return RC_OK;
}

static char *limit_key_text(const struct cfg_key *k, const void *field)
{
    const struct cfg_limit_key *key = field;

    (void)k;
    if (key->kind == CFG_LIMIT_CLIENT || key->kind == CFG_LIMIT_USER)
        return mem_str(key->kind == CFG_LIMIT_CLIENT ? "client" : "user");
    return mem_printf("%s:%s", key->kind == CFG_LIMIT_HEADER ? "header" : "cookie",
                      key->name);
}

/* "5xx" is the whole hundred. */
static int status_from(const struct cfg_key *k, const char *text, void *field,
                       struct why *w)
{
    static const struct cfg_key range = {
        .type = CFG_T_RANGE, .def = "500-504 or 5xx", .min = "300", .max = "599"};
    struct cfg_status *s = field;

    (void)k;
    if (text[0] < '3' || text[0] > '5' || strcmp(text + 1, "xx") != 0)
        return cfg_number_parse_range(&range, text, field, w);
    s->from = (uint16_t)((text[0] - '0') * 100);
    s->to = (uint16_t)(s->from + 99);
    return RC_OK;
}

static char *status_text(const struct cfg_key *k, const void *field)
{
    const struct cfg_status *s = field;

    (void)k;
    if (s->from % 100 == 0 && s->to == s->from + 99)
        return mem_printf("%uxx", s->from / 100u);
    return s->from == s->to ? mem_printf("%u", s->from)
                            : mem_printf("%u-%u", s->from, s->to);
}

/* The name alone: from a hash a password can be guessed. */
static char *user_text(const struct cfg_key *k, const void *field)
{
    const char *s = *(char *const *)field, *colon = strchr(s, ':');

    (void)k;
    if (colon == NULL)
        return mem_str(s);
    return mem_printf("%.*s:%s", (int)(colon - s), s, CFG_REDACTED);
}

static char *identity_text(const struct cfg_key *k, const void *field)
{
    const struct cfg_identity *id = field;

    (void)k;
    if (id->kind == CFG_ID_ADDRESS)
        return mem_str("address");
    return mem_printf("%s:%s", id->kind == CFG_ID_HEADER ? "header" : "cookie", id->name);
}

static char *block_text(const struct cfg_key *k, const void *field)
{
    char text[ADDR_BLOCK_TEXT_MAX];

    (void)k;
    addr_block_text(field, text);
    return mem_str(text);
}

/* ---- all types ---------------------------------------------------------------------- */

static char *bool_text(const struct cfg_key *k, const void *field)
{
    (void)k;
    return mem_str(*(const bool *)field ? "true" : "false");
}

static char *enum_text(const struct cfg_key *k, const void *field)
{
    return mem_str(k->words[*(const unsigned *)field]);
}

static char *text_text(const struct cfg_key *k, const void *field)
{
    (void)k;
    return mem_str(*(char *const *)field);
}

static char *template_text(const struct cfg_key *k, const void *field)
{
    (void)k;
    return mem_str(((const struct cfg_template *)field)->source);
}

static char *addr_text(const struct cfg_key *k, const void *field)
{
    (void)k;
    return mem_str(((const struct addr *)field)->text);
}

static const struct value_type {
    int (*parse)(const struct cfg_key *k, const char *text, void *field, struct why *w);
    char *(*text)(const struct cfg_key *k, const void *field);
    size_t size;
} types[] = {
    [CFG_T_BOOL] = {bool_from, bool_text, sizeof(bool)},
    [CFG_T_COUNT] = {cfg_number_parse, cfg_number_text, sizeof(uint32_t)},
    [CFG_T_DURATION] = {cfg_number_parse, cfg_number_text, sizeof(uint32_t)},
    [CFG_T_DURATION64] = {cfg_number_parse, cfg_number_text, sizeof(uint64_t)},
    [CFG_T_SIZE] = {cfg_number_parse, cfg_number_text, sizeof(uint32_t)},
    [CFG_T_SIZE64] = {cfg_number_parse, cfg_number_text, sizeof(uint64_t)},
    [CFG_T_SHARE] = {cfg_number_parse, cfg_number_text, sizeof(double)},
    [CFG_T_NUMBER] = {cfg_number_parse, cfg_number_text, sizeof(double)},
    [CFG_T_RATE] = {cfg_number_parse, cfg_number_text, sizeof(double)},
    [CFG_T_RANGE] = {cfg_number_parse_range, cfg_number_range_text, 2 * sizeof(uint16_t)},
    [CFG_T_TIME] = {time_from, time_text, sizeof(wall_ms)},
    [CFG_T_ENUM] = {enum_from, enum_text, sizeof(unsigned)},
    [CFG_T_TEXT] = {text_from, text_text, sizeof(char *)},
    [CFG_T_PATH] = {text_from, text_text, sizeof(char *)},
    [CFG_T_HOST] = {text_from, text_text, sizeof(char *)},
    [CFG_T_TOKEN] = {text_from, text_text, sizeof(char *)},
    [CFG_T_ADDR] = {addr_from, addr_text, sizeof(struct addr)},
    [CFG_T_BLOCK] = {block_from, block_text, sizeof(struct addr_block)},
    [CFG_T_IDENTITY] = {identity_from, identity_text, sizeof(struct cfg_identity)},
    [CFG_T_TEMPLATE] = {template_from, template_text, sizeof(struct cfg_template)},
    [CFG_T_STATUS] = {status_from, status_text, sizeof(struct cfg_status)},
    [CFG_T_LIMIT_KEY] = {limit_key_from, limit_key_text, sizeof(struct cfg_limit_key)},
    [CFG_T_USER] = {text_from, user_text, sizeof(char *)},
};

bool cfg_value_is(enum cfg_type t)
{
    return t < N_ELEMS(types) && types[t].parse != NULL;
}

int cfg_value_parse(const struct cfg_key *k, const char *text, void *field, struct why *w)
{
    CHECK(cfg_value_is(k->type));
    return types[k->type].parse(k, text, field, w);
}

char *cfg_value_text(const struct cfg_key *k, const void *field)
{
    CHECK(cfg_value_is(k->type));
    return types[k->type].text(k, field);
}

size_t cfg_value_size(enum cfg_type t)
{
    CHECK(cfg_value_is(t));
    return types[t].size;
}

void cfg_value_clear(enum cfg_type t, void *field)
{
    if (is_text(t))
        replace_text(field, NULL);
    else if (t == CFG_T_IDENTITY)
        free(((struct cfg_identity *)field)->name);
    else if (t == CFG_T_TEMPLATE)
        cfg_template_clear(field);
    else if (t == CFG_T_LIMIT_KEY)
        free(((struct cfg_limit_key *)field)->name);
}

bool cfg_value_unset(enum cfg_type t, const void *field)
{
    if (is_text(t))
        return **(char *const *)field == 0;
    if (t == CFG_T_TEMPLATE)
        return ((const struct cfg_template *)field)->n_pieces == 0;
    return t == CFG_T_ADDR && ((const struct addr *)field)->text[0] == 0;
}
