#include "proxy/msg.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <string.h>

#define TEXT_ROOM   256
#define FIELDS_ROOM 8

static char text[TEXT_ROOM];
static struct field fields[FIELDS_ROOM];

static struct msg empty(void)
{
    return (struct msg){
        .text = text, .text_room = TEXT_ROOM, .fields = fields, .fields_room = FIELDS_ROOM};
}

static bool value_is(const struct msg *m, const struct field *f, const char *expect)
{
    return f != NULL && f->value_len == strlen(expect) &&
           memcmp(msg_value(m, f), expect, f->value_len) == 0;
}

Test(msg, every_known_name_is_found_in_any_case)
{
    for (int id = FIELD_OTHER + 1; id < N_FIELD_IDS; id++) {
        const char *name = msg_field_name((enum field_id)id);
        char upper[64];
        size_t n = strlen(name);

        for (size_t i = 0; i < n; i++)
            upper[i] = (char)toupper(name[i]);
        cr_expect_eq(msg_field_id(name, n), (enum field_id)id, "%s", name);
        cr_expect_eq(msg_field_id(upper, n), (enum field_id)id, "%s in capitals", name);
    }
}

Test(msg, a_name_that_differs_in_one_letter_is_another_field)
{
    for (int id = FIELD_OTHER + 1; id < N_FIELD_IDS; id++) {
        const char *name = msg_field_name((enum field_id)id);
        char near[64];
        size_t n = strlen(name);

        for (size_t i = 0; i < n; i++) {
            memcpy(near, name, n);
            near[i] = '_';
            cr_expect_eq(msg_field_id(near, n), FIELD_OTHER, "%.*s", (int)n, near);
        }
        cr_expect_eq(msg_field_id(name, n - 1), FIELD_OTHER, "%s cut short", name);
    }
    cr_expect_eq(msg_field_id("", 0), FIELD_OTHER);
    cr_expect_eq(msg_field_id("x", 1), FIELD_OTHER);
    cr_expect_eq(msg_field_id("access-control-request-headers", 30), FIELD_OTHER);
}

Test(msg, a_name_with_underscores_is_taken_for_the_one_with_dashes)
{
    cr_expect_eq(msg_field_taken_for("X_Forwarded-FOR", 15), FIELD_X_FORWARDED_FOR);
    cr_expect_eq(msg_field_taken_for("content_length", 14), FIELD_CONTENT_LENGTH);
    cr_expect_eq(msg_field_taken_for("host", 4), FIELD_HOST);
    cr_expect_eq(msg_field_taken_for("x_forwarded_foo", 15), FIELD_OTHER);
    cr_expect_eq(msg_field_taken_for("_", 1), FIELD_OTHER);
}

Test(msg, methods_are_known_in_capitals_only)
{
    static const struct {
        const char *name;
        enum http_method id;
        bool idempotent;
    } cases[] = {
        {"GET", METHOD_GET, true},         {"HEAD", METHOD_HEAD, true},
        {"POST", METHOD_POST, false},      {"PUT", METHOD_PUT, true},
        {"DELETE", METHOD_DELETE, true},   {"OPTIONS", METHOD_OPTIONS, true},
        {"TRACE", METHOD_TRACE, true},     {"CONNECT", METHOD_CONNECT, false},
        {"PATCH", METHOD_PATCH, false},    {"get", METHOD_OTHER, false},
        {"PROPFIND", METHOD_OTHER, false}, {"GETX", METHOD_OTHER, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_eq(msg_method_id(cases[i].name, strlen(cases[i].name)), cases[i].id, "%s",
                     cases[i].name);
        cr_expect_eq(msg_idempotent((uint8_t)cases[i].id), cases[i].idempotent, "%s",
                     cases[i].name);
    }
}

Test(msg, a_dropped_field_is_not_found)
{
    struct msg m = empty();

    cr_assert(msg_add(&m, FIELD_VIA, NULL, "1.0 a", 5));
    cr_assert(msg_add(&m, FIELD_VIA, NULL, "1.1 b", 5));
    cr_expect(value_is(&m, msg_find(&m, FIELD_VIA), "1.0 a"));
    m.fields[0].drop = 1;
    cr_expect(value_is(&m, msg_find(&m, FIELD_VIA), "1.1 b"));
    cr_expect(value_is(&m, msg_find_name(&m, "via", 3), "1.1 b"));
    m.fields[1].drop = 1;
    cr_expect_null(msg_find(&m, FIELD_VIA));
    cr_expect_null(msg_find_name(&m, "via", 3));
}

Test(msg, a_field_of_any_name_is_added_and_found_by_name)
{
    struct msg m = empty();

    cr_assert(msg_add(&m, FIELD_OTHER, "X-Colour", "blue", 4));
    cr_expect(value_is(&m, msg_find_name(&m, "x-colour", 8), "blue"));
    cr_expect_null(msg_find_name(&m, "x-color", 7));
}

Test(msg, what_is_added_stands_as_in_a_head)
{
    struct msg m = empty();

    cr_assert(msg_add(&m, FIELD_VIA, NULL, "1.1 a", 5));
    cr_assert(msg_add(&m, FIELD_OTHER, "b", "", 0));
    cr_expect_eq(m.text_len, strlen("via: 1.1 a\r\nb: \r\n"));
    cr_expect(memcmp(m.text, "via: 1.1 a\r\nb: \r\n", m.text_len) == 0);
}

Test(msg, text_is_appended_as_long_as_there_is_room)
{
    struct msg m = empty();
    struct span s = {9, 9};

    m.text_room = 5;
    cr_assert(msg_append(&m, "ab", 2, NULL));
    cr_assert(msg_append(&m, "cde", 3, &s));
    cr_expect(s.off == 2 && s.len == 3 && memcmp(m.text, "abcde", 5) == 0);
    cr_expect_not(msg_append(&m, "f", 1, &s));
    cr_expect(m.text_len == 5 && s.off == 2);
}

Test(msg, a_value_is_made_of_pieces)
{
    struct msg m = empty();
    struct msg_value v = msg_begin(&m, FIELD_DATE);

    msg_put(&v, "a", 1);
    msg_put(&v, "", 0);
    msg_put(&v, "bc", 2);
    cr_assert(msg_end(&v));
    cr_expect(value_is(&m, msg_find(&m, FIELD_DATE), "abc"));
    cr_expect(m.text_len == 11 && memcmp(m.text, "date: abc\r\n", 11) == 0);
}

Test(msg, without_room_for_text_nothing_changes)
{
    const uint32_t need = (uint32_t)strlen("via: 1.1 a\r\n");

    for (uint32_t room = 0; room <= need; room++) {
        struct msg m = empty();

        m.text_room = room;
        cr_expect_eq(msg_add(&m, FIELD_VIA, NULL, "1.1 a", 5), room == need);
        cr_expect_eq(m.text_len, room == need ? need : 0);
        cr_expect_eq(m.n_fields, room == need ? 1 : 0);
    }
}

Test(msg, without_room_in_the_table_nothing_changes)
{
    struct msg m = empty();

    m.fields_room = 1;
    cr_assert(msg_add(&m, FIELD_VIA, NULL, "1.1 a", 5));
    cr_expect_not(msg_add(&m, FIELD_VIA, NULL, "1.1 b", 5));
    cr_expect_eq(m.n_fields, 1);
    cr_expect_eq(m.text_len, strlen("via: 1.1 a\r\n"));
}

Test(msg, a_piece_that_does_not_fit_spoils_the_whole_value)
{
    struct msg m = empty();
    struct msg_value v;

    m.text_room = 12;
    v = msg_begin(&m, FIELD_VIA);
    msg_put(&v, "much too long", 13);
    msg_put(&v, "b", 1);
    cr_expect_not(msg_end(&v));
    cr_expect_eq(m.text_len, 0);
    cr_expect_eq(m.n_fields, 0);
}

Test(msg, a_copy_lives_in_its_own_storage)
{
    char other_text[TEXT_ROOM];
    struct field other_fields[FIELDS_ROOM];
    struct msg m = empty();
    struct msg copy = {.text = other_text,
                       .text_room = TEXT_ROOM,
                       .fields = other_fields,
                       .fields_room = FIELDS_ROOM};

    cr_assert(msg_append(&m, "GET", 3, &m.method));
    cr_assert(msg_add(&m, FIELD_DATE, NULL, "now", 3));
    m.status = 204;
    m.content_length = 7;
    msg_copy(&copy, &m);
    memset(text, 'x', sizeof(text));
    memset(fields, 0xff, sizeof(fields));
    cr_expect(value_is(&copy, msg_find(&copy, FIELD_DATE), "now"));
    cr_expect(memcmp(msg_at(&copy, copy.method), "GET", 3) == 0);
    cr_expect(copy.status == 204 && copy.content_length == 7);
    cr_expect(copy.text == other_text && copy.fields == other_fields);
}

Test(msg, reset_keeps_the_storage_alone)
{
    struct msg m = empty();

    cr_assert(msg_add(&m, FIELD_DATE, NULL, "now", 3));
    m.flags = MSG_KEEP_ALIVE;
    msg_reset(&m);
    cr_expect(m.text == text && m.text_room == TEXT_ROOM);
    cr_expect(m.fields == fields && m.fields_room == FIELDS_ROOM);
    cr_expect(m.n_fields == 0 && m.text_len == 0 && m.flags == 0);
}

Test(msg, there_is_a_reason_for_each_status_we_send)
{
    static const unsigned sent[] = {100, 400, 404, 408, 413, 414, 417,
                                    431, 500, 501, 502, 503, 504, 505};

    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++)
        cr_expect_neq(msg_reason(sent[i])[0], '\0', "%u", sent[i]);
    cr_expect_str_eq(msg_reason(299), "");
}
