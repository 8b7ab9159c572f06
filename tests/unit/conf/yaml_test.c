/* Mirrors conf/yaml.c. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/check.h"
#include "conf/yaml.h"
#include "tests/unit/conf/loading.h"

/* A tree as one line: scalars as they are, places behind @ when asked for. */
static void show(FILE *f, const struct yaml_node *n, bool places)
{
    if (n->kind == YAML_SCALAR)
        fprintf(f, n->quoted ? "'%s'" : "%s", n->text);
    else
        fputc(n->kind == YAML_LIST ? '[' : '{', f);
    for (size_t i = 0; i < n->n; i++) {
        const struct yaml_item *it = &n->items[i];

        fprintf(f, "%s%s%s", i > 0 ? " " : "", it->key, n->kind == YAML_MAP ? ":" : "");
        show(f, it->value, places);
    }
    if (n->kind != YAML_SCALAR)
        fputc(n->kind == YAML_LIST ? ']' : '}', f);
    if (places)
        fprintf(f, "@%u.%u", n->at.line, n->at.col);
}

/* The tree, or the errors when there are any. */
static char *parsed(const char *text, bool places)
{
    struct cfg_errors errs;
    struct yaml_node *n;
    char *out = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&out, &len);

    cfg_errors_init(&errs);
    n = yaml_parse("f", text, strlen(text), &errs);
    if (errs.n > 0)
        cfg_errors_print(&errs, f);
    else if (n != NULL)
        show(f, n, places);
    fclose(f);
    yaml_free(n);
    cfg_errors_fini(&errs);
    return out;
}

static void expect(const char *text, bool places, const char *want)
{
    char *got = parsed(text, places);

    cr_expect_str_eq(got, want, "of\n%s\ngot    %s\nwanted %s", text, got, want);
    free(got);
}

Test(yaml, text_becomes_scalars_lists_and_maps)
{
    expect("a: 1\nb: [x, 'y', \"z\"]\nc:\n  - {d: e}\n  - |\n    f\n", false,
           "{a:1 b:[x 'y' 'z'] c:[{d:e} 'f\n']}");
    expect("", false, "");
    expect("# only a comment\n", false, "");
    expect("just text", false, "just text");
}

Test(yaml, each_node_knows_where_it_begins)
{
    expect("a: 1\nbc:\n  - x\n  -   'y'\n", true, "{a:1@1.4 bc:[x@3.5 'y'@4.7]@3.3}@1.1");
    expect("{ a: \"b\", \xc3\xa9: c }", true, "{a:'b'@1.6 \xc3\xa9:c@1.14}@1.1");
}

Test(yaml, an_empty_value_has_its_keys_place)
{
    expect("a: 1\n  \nb:\nc: 2\n", true, "{a:1@1.4 b:@3.1 c:2@4.4}@1.1");
}

Test(yaml, null_is_an_empty_plain_scalar)
{
    struct {
        const char *text;
        bool null;
    } cases[] = {{"", true},     {"~", true},         {"null", true}, {"''", false},
                 {"'~'", false}, {"\"null\"", false}, {"0", false},   {"[]", false}};

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct cfg_errors errs;
        struct yaml_node *n;
        char text[20];

        cfg_errors_init(&errs);
        snprintf(text, sizeof(text), "a: %s", cases[i].text);
        n = yaml_parse("f", text, strlen(text), &errs);
        cr_expect_eq(yaml_is_null(yaml_find(n, "a")->value), cases[i].null, "%s", text);
        yaml_free(n);
        cfg_errors_fini(&errs);
    }
}

Test(yaml, a_key_given_twice_names_both_lines)
{
    expect("a: 1\nb: { x: 1, x: 2 }\na: 3\n", false,
           "f:2:12: key 'x' is given twice; first in line 2\n"
           "f:3:1: key 'a' is given twice; first in line 1\n");
}

Test(yaml, an_alias_is_a_copy_of_what_the_anchor_marked)
{
    expect("a: &m { x: [1, 2] }\nb: *m\nc: &s text\nd: *s\n", false,
           "{a:{x:[1 2]} b:{x:[1 2]} c:text d:text}");
    expect("a: &n 1\nb: *n\nc: &n 2\nd: *n\n", false, "{a:1 b:1 c:2 d:2}");
}

Test(yaml, an_alias_to_nothing_or_to_what_it_is_in_is_refused)
{
    expect("a: *m\n", false, "f:1:4: no anchor 'm' is finished before this\n");
    expect("a: &m { b: *m }\n", false, "f:1:12: no anchor 'm' is finished before this\n");
}

Test(yaml, an_anchor_inside_a_refused_key_stays_valid)
{
    expect("? [ &z q ]\n: 1\nb: *z\n", false,
           "f:1:3: a key must be one value, not a list\n");
}

Test(yaml, a_bomb_of_aliases_does_not_go_off)
{
    expect("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
           "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
           "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
           "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
           "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
           "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
           false, "f:5:33: more than 100000 values\n");
}

Test(yaml, depth_has_a_limit)
{
    char text[2 * YAML_DEPTH_MAX + 3] = "";

    memset(text, '[', YAML_DEPTH_MAX);
    memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
    expect(text, false, text);
    memset(text, '[', YAML_DEPTH_MAX + 1);
    memset(text + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
    expect(text, false, "f:1:33: nested deeper than 32 levels\n");
}

Test(yaml, an_address_taken_for_a_list_is_explained)
{
    static const struct {
        const char *text, *place, *address;
    } cases[] = {
        {"bind: [::1]:9001\n", "1:7", "[::1]:9001"},
        {"l:\n  - [::1]:9001\n", "2:5", "[::1]:9001"},
        {"l: [ [::1]:9001, a ]\n", "1:6", "[::1]:9001"},
        {"l: [ [::]:80 ]\n", "1:6", "[::]:80"},
        {"l: { bind: [fe80::a:1.2.3.4]:1, x: y }\n", "1:12", "[fe80::a:1.2.3.4]:1"},
        {"- bind: [2001:DB8::1]:443\n  x: 1\n", "1:9", "[2001:DB8::1]:443"},
        {"\xc3\xa9: [::1]:1\n", "1:4", "[::1]:1"},
        {"l: [ \"[::2]:2\", [::1]:1 ]\n", "1:17", "[::1]:1"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        char want[200];

        snprintf(want, sizeof(want),
                 "f:%s: without quotes YAML reads %s as a list; write \"%s\"\n",
                 cases[i].place, cases[i].address, cases[i].address);
        expect(cases[i].text, false, want);
    }
}

Test(yaml, a_quoted_address_is_text)
{
    expect("a: \"[::1]:9001\"\nb: ['[::1]:9001']\n", false,
           "{a:'[::1]:9001' b:['[::1]:9001']}");
}

Test(yaml, broken_text_is_refused_with_its_place)
{
    expect("a: 1\nb: \"open\n", false,
           "f:2:5: not YAML: double-quoted scalar without closing quote\n");
    expect("a: [::1]:\n", false,
           "f:1:9: not YAML: invalid nested block mapping on the same line\n");
    expect("a:\n\t- b\n", false,
           "f:2:1: not YAML: tab character may not be used as indentation\n");
    expect("a: 1\n---\nb: 2\n", false,
           "f:2:1: a second YAML document begins here; one is allowed\n");
    expect("a: !x 1\n", false, "f:1:4: tags mean nothing here\n");
}

Test(yaml, a_variable_whose_brace_yaml_took_is_explained)
{
    expect("a: ${X}\n", false, "{a:${X}}");
    expect("a: [ x${X} ]\n", false,
           "f:1:8: not YAML: missing comma in flow sequence; inside [ ] and { } a value "
           "with ${ "
           "needs quotes\n");
}

Test(yaml, brackets_may_close_at_the_margin)
{
    expect("a: {\n  b: 1\n}\nc: [\n]\n", false, "{a:{b:1} c:[]}");
}

Test(yaml, bytes_that_are_no_text_are_refused)
{
    expect("a: \x01", false, "f:1:4: a control byte (0x01) is not allowed\n");
    expect("a:\nb: \x7f", false, "f:2:4: a control byte (0x7f) is not allowed\n");
    expect("\xc3\xa9: \xff", false, "f:1:4: not UTF-8 text\n");
    expect("a: \xc0\xaf", false, "f:1:4: not UTF-8 text\n");     /* not the shortest form */
    expect("a: \xed\xa0\x80", false, "f:1:4: not UTF-8 text\n"); /* half a surrogate pair */
    expect("a: \xf4\x90\x80\x80", false, "f:1:4: not UTF-8 text\n"); /* beyond U+10FFFF */
    expect("a: \xe2\x82", false, "f:1:4: not UTF-8 text\n");         /* cut */
    expect("a: \xe2\x82\xac\xf0\x9f\x8c\x8a", false, "{a:\xe2\x82\xac\xf0\x9f\x8c\x8a}");
    expect("a: \"b\\0c\"", false, "f:1:4: a zero byte is not allowed\n");
}

Test(yaml, an_item_can_be_taken_out_and_put_in)
{
    struct cfg_errors errs;
    struct yaml_item it;
    struct yaml_node *n;
    const char *text = "a: 1\nb: 2\nc: 3\n";

    cfg_errors_init(&errs);
    n = yaml_parse("f", text, strlen(text), &errs);
    it = yaml_take(n, yaml_find(n, "b"));
    cr_expect_null(yaml_find(n, "b"));
    cr_expect_str_eq(yaml_find(n, "c")->value->text, "3");
    yaml_append(n, it);
    cr_expect_str_eq(yaml_find(n, "b")->value->text, "2");
    cr_expect_eq(n->n, 3);
    yaml_free(n);
    cfg_errors_fini(&errs);
}
