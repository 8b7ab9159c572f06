/*
 * cfg_rows.h - the forms in which the rows of the configuration's table are written.
 *
 * For cfg_table.c and the files beside it that hold a part of the table.  S is the struct
 * of the section at hand; AT() also proves that the field has the C type which the row's
 * kind of value is stored in.
 */
#ifndef CONF_CFG_ROWS_H
#define CONF_CFG_ROWS_H

#include "base/check.h"
#include "conf/cfg.h"
#include "conf/cfg_table.h"

#define AT(field, ctype)                                                                   \
    (offsetof(struct S, field) + _Generic(((struct S *)0)->field, ctype : 0))
#define ROW(key, kind, field, ctype, ...)                                                  \
    {                                                                                      \
        .name = key, .type = CFG_T_##kind, .offset = AT(field, ctype), __VA_ARGS__         \
    }
#define LIMITS(d, lo, hi, text) .def = d, .min = lo, .max = hi, .doc = text

#define BOOL(key, field, d, text) ROW(key, BOOL, field, bool, .def = d, .doc = text)
#define COUNT(key, field, d, lo, hi, text, ...)                                            \
    ROW(key, COUNT, field, uint32_t, LIMITS(d, lo, hi, text), __VA_ARGS__)
#define DURATION(key, field, d, lo, hi, text)                                              \
    ROW(key, DURATION, field, uint32_t, LIMITS(d, lo, hi, text))
#define DURATION64(key, field, d, lo, hi, text)                                            \
    ROW(key, DURATION64, field, uint64_t, LIMITS(d, lo, hi, text))
#define SIZE(key, field, d, lo, hi, text)                                                  \
    ROW(key, SIZE, field, uint32_t, LIMITS(d, lo, hi, text))
#define SIZE64(key, field, d, lo, hi, text, ...)                                           \
    ROW(key, SIZE64, field, uint64_t, LIMITS(d, lo, hi, text), __VA_ARGS__)
#define SHARE(key, field, d, lo, hi, text)                                                 \
    ROW(key, SHARE, field, double, LIMITS(d, lo, hi, text))
#define NUMBER(key, field, d, lo, hi, text)                                                \
    ROW(key, NUMBER, field, double, LIMITS(d, lo, hi, text))
#define RATE(key, field, d, lo, hi, text, ...)                                             \
    ROW(key, RATE, field, double, LIMITS(d, lo, hi, text), __VA_ARGS__)
#define RANGE(key, field, d, lo, hi, text)                                                 \
    ROW(key, RANGE, field, uint16_t, LIMITS(d, lo, hi, text))
#define TIME(key, field, d, text, ...)                                                     \
    ROW(key, TIME, field, wall_ms, .def = d, .doc = text, __VA_ARGS__)
#define ENUM(key, field, names, d, text)                                                   \
    ROW(key, ENUM, field, unsigned, .words = names, .def = d, .doc = text)
#define STRING(key, kind, field, d, text, ...)                                             \
    ROW(key, kind, field, char *, .def = d, .doc = text, __VA_ARGS__)
#define TEMPLATE(key, field, vars, d, text, ...)                                           \
    ROW(key, TEMPLATE, field, struct cfg_template, .variables = &vars, .def = d,           \
        .doc = text, __VA_ARGS__)
#define ADDR(key, field, text, ...)                                                        \
    ROW(key, ADDR, field, struct addr, .doc = text, __VA_ARGS__)
#define SERVICE(key, field, text, ...)                                                     \
    ROW(key, SERVICE, field, uint16_t, .doc = text, __VA_ARGS__)

/* Nested settings: GROUP is only in the YAML, SECTION is a struct of its own. */
#define GROUP(key, sec, text)                                                              \
    {                                                                                      \
        .name = key, .type = CFG_T_SECTION, .section = &sec, .doc = text                   \
    }
#define SECTION(key, field, sec, text)                                                     \
    {                                                                                      \
        .name = key, .type = CFG_T_SECTION, .offset = offsetof(struct S, field),           \
        .section = &sec, .doc = text                                                       \
    }
#define LIST_ROW(key, field, text, ...)                                                    \
    {                                                                                      \
        .name = key, .type = CFG_T_LIST, .offset = offsetof(struct S, field),              \
        .n_offset = offsetof(struct S, n_##field), .doc = text, __VA_ARGS__                \
    }
#define LIST(key, field, kind, text, ...)                                                  \
    LIST_ROW(key, field, text, .elem = &(const struct cfg_key){.type = CFG_T_##kind},      \
             __VA_ARGS__)
#define LIST_OF(key, field, sec, text, ...)                                                \
    LIST_ROW(key, field, text, .section = &sec,                                            \
             .elem = &(const struct cfg_key){.type = CFG_T_SECTION, .section = &sec},      \
             __VA_ARGS__)
#define MAP(key, field, sec, text, ...)                                                    \
    {                                                                                      \
        .name = key, .type = CFG_T_MAP, .offset = offsetof(struct S, field),               \
        .n_offset = offsetof(struct S, n_##field), .section = &sec, .doc = text,           \
        __VA_ARGS__                                                                        \
    }

/* Lists that lie in the member `in` of S. */
#define LIST_ROW_IN(key, in, field, text, ...)                                             \
    {                                                                                      \
        .name = key, .type = CFG_T_LIST, .offset = offsetof(struct S, in.field),           \
        .n_offset = offsetof(struct S, in.n_##field), .doc = text, __VA_ARGS__             \
    }
#define LIST_IN(key, in, field, kind, text, ...)                                           \
    LIST_ROW_IN(key, in, field, text,                                                      \
                .elem = &(const struct cfg_key){.type = CFG_T_##kind}, __VA_ARGS__)
#define LIST_OF_IN(key, in, field, sec, text, ...)                                         \
    LIST_ROW_IN(key, in, field, text, .section = &sec,                                     \
                .elem = &(const struct cfg_key){.type = CFG_T_SECTION, .section = &sec},   \
                __VA_ARGS__)

#define KEYS(array) .keys = (array), .n_keys = N_ELEMS(array), .size = sizeof(struct S)

#endif
