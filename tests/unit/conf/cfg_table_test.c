/* Mirrors conf/cfg_table.c: what holds for every row. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_table.h"
#include "conf/cfg_value.h"

typedef void (*each_fn)(const struct cfg_section *s, const struct cfg_key *k);

static void each_key(const struct cfg_section *s, each_fn fn)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        fn(s, &s->keys[i]);
        if (s->keys[i].section != NULL)
            each_key(s->keys[i].section, fn);
    }
}

static void check_text(const struct cfg_section *s, const struct cfg_key *k)
{
    size_t n = k->doc != NULL ? strlen(k->doc) : 0;

    cr_expect(n > 0 && k->doc[n - 1] == '.', "%s %s: no sentence", s->title, k->name);
    cr_expect_not_null(s->title);
    cr_expect_eq(strspn(k->name, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(k->name),
                 "%s", k->name);
}

Test(cfg_table, each_key_has_a_plain_name_and_a_sentence)
{
    each_key(&cfg_table_root, check_text);
}

static void check_unique(const struct cfg_section *s, const struct cfg_key *k)
{
    cr_expect_eq(cfg_table_key(s, k->name), k, "%s: %s twice", s->title, k->name);
}

Test(cfg_table, no_key_is_twice_in_a_section)
{
    each_key(&cfg_table_root, check_unique);
}

/* Large enough and aligned for every kind of value. */
union field {
    char *text;
    double number;
    char bytes[1024];
};

static void check_parses(const struct cfg_section *s, const struct cfg_key *k,
                         const char *text)
{
    union field field = {.text = NULL};
    struct why w = {0};

    if (text == NULL || (text[0] == 0 && k->type == CFG_T_TEXT))
        return;
    cr_expect_eq(cfg_value_parse(k, text, &field, &w), RC_OK, "%s %s: %s", s->title,
                 k->name, w.text);
    cfg_value_clear(k->type, &field);
}

static void check_values(const struct cfg_section *s, const struct cfg_key *k)
{
    const struct cfg_key limit = {.type = k->type == CFG_T_RANGE ? CFG_T_COUNT : k->type,
                                  .min = k->min,
                                  .max = k->max};

    if (!cfg_value_is(k->type))
        return;
    check_parses(s, k, k->def);
    check_parses(s, k, k->zero);
    check_parses(s, &limit, k->min);
    check_parses(s, &limit, k->max);
    cr_expect((k->min == NULL) == (k->max == NULL), "%s %s", s->title, k->name);
    cr_expect(k->required || k->def != NULL || k->type == CFG_T_ADDR,
              "%s %s: neither required nor with a default", s->title, k->name);
}

Test(cfg_table, defaults_and_limits_are_values_of_their_kind_and_in_the_limits)
{
    each_key(&cfg_table_root, check_values);
}

static void check_example(const struct cfg_section *s, const struct cfg_key *k)
{
    if (cfg_value_is(k->type) && k->example != NULL && k->example[0] != '"')
        check_parses(s, k, k->example);
    if (cfg_value_is(k->type) && (k->def == NULL || k->def[0] == 0 || k->zero != NULL))
        cr_expect_not_null(k->example, "%s %s: the default shows too little", s->title,
                           k->name);
}

Test(cfg_table, where_the_default_shows_nothing_there_is_an_example)
{
    each_key(&cfg_table_root, check_example);
}

static void check_section(const struct cfg_section *s, const struct cfg_key *k)
{
    const struct cfg_section *in = k->section;

    (void)s;
    if (in == NULL)
        return;
    cr_expect(in->shorthand == NULL || cfg_table_key(in, in->shorthand) != NULL, "%s",
              in->title);
    cr_expect(in->inherits == NULL ||
                  cfg_table_key(cfg_table_key(&cfg_table_root, "defaults")->section,
                                in->inherits) != NULL,
              "%s", in->title);
}

Test(cfg_table, a_shorthand_and_what_is_inherited_exist)
{
    each_key(&cfg_table_root, check_section);
}

Test(cfg_table, services_come_before_what_names_them)
{
    cr_expect_lt(cfg_table_key(&cfg_table_root, "services"),
                 cfg_table_key(&cfg_table_root, "routes"));
}
