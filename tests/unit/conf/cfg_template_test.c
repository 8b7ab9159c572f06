/* Mirrors conf/cfg_template.c. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "conf/cfg_template.h"

enum { HOST, HEADER, COOKIE, GROUP, TIME, TIME_AS };

static const struct cfg_template_var vars[] = {
    {"host", HOST, CFG_TEMPLATE_NONE, ""},      {"header", HEADER, CFG_TEMPLATE_FIELD, ""},
    {"cookie", COOKIE, CFG_TEMPLATE_TOKEN, ""}, {"group", GROUP, CFG_TEMPLATE_NUMBER, ""},
    {"time", TIME, CFG_TEMPLATE_NONE, ""},      {"time", TIME_AS, CFG_TEMPLATE_TEXT, ""},
};
static const struct cfg_template_set set = {vars, N_ELEMS(vars)};

/* The pieces as "literal|name=id(argument)|...". */
static void shape(const struct cfg_template *t, char *out, size_t room)
{
    size_t n = 0;

    out[0] = 0;
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct cfg_template_piece *p = &t->pieces[i];

        cr_expect_eq(strlen(p->text), p->len);
        if (p->var == NULL)
            n += (size_t)snprintf(out + n, room - n, "%s%s", i > 0 ? "|" : "", p->text);
        else
            n += (size_t)snprintf(out + n, room - n, "%s%s=%u(%s)", i > 0 ? "|" : "",
                                  p->var->name, p->var->id, p->text);
    }
}

Test(cfg_template, a_text_falls_into_literals_and_variables)
{
    static const struct {
        const char *source, *pieces;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"{host}", "host=0()"},
        {"{host}{host}", "host=0()|host=0()"},
        {"https://{host}/x", "https://|host=0()|/x"},
        {"{header:User-Agent}", "header=1(user-agent)"},
        {"{cookie:SID}", "cookie=2(SID)"},
        {"a{group:12}b", "a|group=3(12)|b"},
        {"{time}", "time=4()"},
        {"{time:%d/%b: %H}", "time=5(%d/%b: %H)"},
        {"{{", "{"},
        {"{{host}", "{host}"},
        {"{{{host}}", "{|host=0()|}"},
        {"{{{{", "{{"},
        {"}", "}"},
        {"a}b{{c}", "a}b{c}"},
        {"\xc3\xa9{host}\xc3\xa9", "\xc3\xa9|host=0()|\xc3\xa9"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct cfg_template t = {0};
        struct why w = {0};
        char got[200];

        cr_assert_eq(cfg_template_parse(cases[i].source, &set, &t, &w), RC_OK, "%s: %s",
                     cases[i].source, w.text);
        shape(&t, got, sizeof(got));
        cr_expect_str_eq(got, cases[i].pieces, "%s: %s", cases[i].source, got);
        cr_expect_str_eq(t.source, cases[i].source);
        cfg_template_clear(&t);
        cr_expect_null(t.source);
    }
}

Test(cfg_template, a_fault_names_its_column_and_the_nearest_variable)
{
    static const struct {
        const char *source, *why;
    } cases[] = {
        {"{hots}", "column 2: no variable is named 'hots'; did you mean 'host'?"},
        {"ab{x}", "column 4: no variable is named 'x'; known here: host, header, cookie"},
        {"\xc3\xa9\xc3\xa9{hots}", "column 4: no variable is named 'hots'"},
        {"a{", "column 2: '{' begins a variable, {name} or {name:argument}; write '{{'"},
        {"a{ host}", "column 2: '{' begins a variable"},
        {"{Host}", "column 1: '{' begins a variable"},
        {"{host x}", "column 1: '{' begins a variable"},
        {"{\"a\": 1}", "column 1: '{' begins a variable"},
        {"{:x}", "column 1: '{' begins a variable"},
        {"{}", "column 1: '{' begins a variable"},
        {"xx{host", "column 3: the brace is not closed"},
        {"xx{header:a", "column 3: the brace is not closed"},
        {"{host:x}", "column 1: {host} takes no argument"},
        {"a{header}", "column 2: {header} needs an argument: {header:NAME}"},
        {"{group}", "column 1: {group} needs an argument: {group:NUMBER}"},
        {"{header:}", "column 9: '' cannot be such a name"},
        {"{header:a b}", "column 9: 'a b' cannot be such a name"},
        {"{cookie:a;b}", "column 9: 'a;b' cannot be such a name"},
        {"{group:x}", "column 8: 'x' is not a number from 0 to 999"},
        {"{group:}", "column 8: '' is not a number"},
        {"{group:1000}", "column 8: '1000' is not a number"},
        {"{group:4294967296}", "is not a number"},
        {"{group:-1}", "is not a number"},
        {"{time:}", "column 1: {time} needs an argument: {time:TEXT}"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct cfg_template t = {0};
        struct why w = {0};

        cr_expect_eq(cfg_template_parse(cases[i].source, &set, &t, &w), RC_INVALID, "%s",
                     cases[i].source);
        cr_expect(strstr(w.text, cases[i].why) != NULL, "%s: %s", cases[i].source, w.text);
        cr_expect_null(t.source);
    }
}

Test(cfg_template, a_refused_text_leaves_the_template_as_it_was)
{
    struct cfg_template t = {0};

    cr_assert_eq(cfg_template_parse("a{host}", &set, &t, NULL), RC_OK);
    cr_expect_eq(cfg_template_parse("{nothing}", &set, &t, NULL), RC_INVALID);
    cr_expect_str_eq(t.source, "a{host}");
    cr_expect_eq(t.n_pieces, 2);
    cr_expect_eq(cfg_template_parse("b", &set, &t, NULL), RC_OK);
    cr_expect_str_eq(t.pieces[0].text, "b");
    cfg_template_clear(&t);
}

Test(cfg_template, it_tells_what_is_in_it)
{
    struct cfg_template t = {0};

    cr_expect(cfg_template_is_plain(&t));
    cr_assert_eq(cfg_template_parse("a{{", &set, &t, NULL), RC_OK);
    cr_expect(cfg_template_is_plain(&t));
    cr_expect_not(cfg_template_uses(&t, HOST));
    cr_assert_eq(cfg_template_parse("a{host}", &set, &t, NULL), RC_OK);
    cr_expect_not(cfg_template_is_plain(&t));
    cr_expect(cfg_template_uses(&t, HOST));
    cr_expect_not(cfg_template_uses(&t, HEADER));
    cr_assert_eq(cfg_template_parse("{group:7}", &set, &t, NULL), RC_OK);
    cr_expect_not(cfg_template_is_plain(&t));
    cr_expect_eq(t.pieces[0].number, 7);
    cfg_template_clear(&t);
}

/* The longest text, in the two forms that need the most room for pieces. */
Test(cfg_template, length_and_pieces_are_bounded)
{
    static char text[CFG_TEMPLATE_BYTES_MAX + 1];
    struct cfg_template t = {0};
    struct why w = {0};

    memset(text, 'a', CFG_TEMPLATE_BYTES_MAX);
    cr_expect_eq(cfg_template_parse(text, &set, &t, &w), RC_INVALID);
    cr_expect_str_eq(w.text, "is longer than 8191 bytes");
    text[CFG_TEMPLATE_BYTES_MAX - 1] = 0;
    cr_assert_eq(cfg_template_parse(text, &set, &t, &w), RC_OK);
    cr_expect_eq(t.pieces[0].len, CFG_TEMPLATE_BYTES_MAX - 1);
    memcpy(text + CFG_TEMPLATE_BYTES_MAX - 10, "{time:x}y", 9);
    cr_assert_eq(cfg_template_parse(text, &set, &t, &w), RC_OK, "%s", w.text);
    cr_expect_eq(t.n_pieces, 3);
    cr_expect_str_eq(t.pieces[2].text, "y");
    text[0] = 0;
    for (size_t i = 0; i < CFG_TEMPLATE_PIECES_MAX; i++)
        strncat(text, "{time}", sizeof(text) - 1);
    cr_assert_eq(cfg_template_parse(text, &set, &t, &w), RC_OK);
    cr_expect_eq(t.n_pieces, CFG_TEMPLATE_PIECES_MAX);
    strncat(text, "x", sizeof(text) - 1);
    cr_expect_eq(cfg_template_parse(text, &set, &t, &w), RC_INVALID);
    cr_expect_str_eq(w.text, "column 769: more than 128 pieces");
    cfg_template_clear(&t);
}
