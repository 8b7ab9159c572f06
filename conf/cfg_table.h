/*
 * cfg_table.h - every setting once: name, type, unit, range, default, meaning.
 *
 * The rows are in cfg_table.c.  Parsing, defaults, range checks, suggestions, the
 * printed and the JSON form, freeing and docs/configuration.md all walk this one
 * table, so a setting is added in one place.  Defaults and limits are written as a
 * user would type them, in the unit of the type.
 */
#ifndef CONF_CFG_TABLE_H
#define CONF_CFG_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* X(symbol, name in docs, what it looks like) - the field's C type is in cfg_value.c */
#define CFG_TYPES(X)                                                                       \
    X(BOOL, "boolean", "`true`, `false`, `on`, `off`, `yes`, `no`")                        \
    X(COUNT, "number", "a whole number")                                                   \
    X(DURATION, "duration", "`500ms`, `10s`, `5m`, `24h`, `1d`; the unit is required")     \
    X(DURATION64, "duration", "")                                                          \
    X(SIZE, "size", "`512`, `16k`, `1m`, `2g`: bytes, in powers of 1024")                  \
    X(SIZE64, "size", "")                                                                  \
    X(SHARE, "share", "`70%` or `0.7`")                                                    \
    X(NUMBER, "decimal", "`1`, `0.25`")                                                    \
    X(RATE, "rate", "`200/s`, `90/m`, `1000/h`; without a unit per second")                \
    X(RANGE, "range", "`200-399`, or one number")                                          \
    X(TIME, "time", "`2026-03-01T12:00:00Z`")                                              \
    X(ENUM, "word", "one of the words given")                                              \
    X(TEXT, "text", "any text")                                                            \
    X(PATH, "URL path", "begins with `/`")                                                 \
    X(HOST, "host", "a host name or address, without a port")                              \
    X(TOKEN, "token", "letters, digits and marks, as RFC 9110, section 5.6.2, has it")     \
    X(ADDR, "address", "`127.0.0.1:80`, `\"[::1]:80\"`, `unix:/run/app.sock`, `name:80`")  \
    X(BLOCK, "address block", "`10.0.0.0/8`, `\"fd00::/8\"`, `192.0.2.7`")                 \
    X(IDENTITY, "identity", "`header:NAME`, `cookie:NAME` or `address`")                   \
    X(TEMPLATE, "template",                                                                \
      "text with variables, `{name}` or `{name:argument}`; `{{` is a brace")               \
    X(STATUS, "status", "`404`, `5xx`, `500-504`")                                         \
    X(LIMIT_KEY, "limit key", "`client`, `user`, `header:NAME` or `cookie:NAME`")          \
    X(USER, "user", "`name:HASH` as in an htpasswd file, or the path of one")              \
    X(SERVICE, "service", "a name under `services`")                                       \
    X(SECTION, "map", "")                                                                  \
    X(LIST, "list", "a list, or a single entry")                                           \
    X(MAP, "named entries", "")                                                            \
    X(DEFAULTS, "map", "")                                                                 \
    X(INCLUDE, "file patterns", "")

enum cfg_type {
#define X(sym, name, looks) CFG_T_##sym,
    CFG_TYPES(X)
#undef X
};

struct cfg_section;
struct cfg_template_set;

struct cfg_key {
    const char *name;
    enum cfg_type type;
    size_t offset;   /* of the field in the section's struct */
    const char *def; /* NULL: required, or computed; LIST: may be several, ", " between */
    const char *min, *max;                    /* inclusive; NULL: none */
    const char *zero;                         /* the word that stands for 0, or NULL */
    const char *const *words;                 /* ENUM: by value, NULL at the end */
    const struct cfg_template_set *variables; /* TEMPLATE: those that may be in it */
    const struct cfg_key *elem;               /* LIST: its type and section alone */
    size_t n_offset;                          /* LIST, MAP: of the count, a size_t */
    const struct cfg_section *section;        /* SECTION, MAP, DEFAULTS, LIST of SECTION */
    bool required, secret;
    bool plain_names; /* MAP: small letters, digits, `.`, `_`, `-` */
    bool empty;       /* text: "" is a value of its own, not the lack of one */
    const char *doc;
    const char *example; /* where the default shows too little */
};

struct cfg_section {
    const char *title; /* of its part in the documentation */
    const char *doc;
    const struct cfg_key *keys;
    size_t n_keys;
    size_t size;           /* of the struct, where it is an entry of a list or map */
    size_t name_offset;    /* MAP: of the char * that takes an entry's name */
    bool optional;         /* the struct begins with a bool that says it was given */
    bool spreads;          /* optional: given under `defaults` it is given everywhere */
    const char *shorthand; /* key that a plain value in place of the map stands for */
    const char *inherits;  /* key under `defaults` */
};

extern const struct cfg_section cfg_table_root; /* of struct cfg */

const struct cfg_key *cfg_table_key(const struct cfg_section *s, const char *name);

/* Key as users know it, for messages: "number", "duration", ... */
const char *cfg_table_type_name(enum cfg_type t);

#endif
