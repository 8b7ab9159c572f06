/* Mirrors conf/cfg_places.c. */
#include <criterion/criterion.h>

#include "conf/cfg_places.h"

Test(cfg_places, a_field_and_the_object_that_begins_with_it_are_told_apart)
{
    struct {
        int first, second;
    } object;
    struct cfg_places p;

    cfg_places_init(&p);
    cfg_places_note(&p, &object.first, (struct cfg_at){"f", 2, 3});
    cr_expect_null(cfg_places_find_object(&p, &object));
    cfg_places_note_object(&p, &object, (struct cfg_at){"f", 1, 1});
    cr_expect_eq(cfg_places_find(&p, &object.first)->line, 2);
    cr_expect_eq(cfg_places_find_object(&p, &object)->line, 1);
    cr_expect_null(cfg_places_find(&p, &object.second));
    cfg_places_fini(&p);
}

Test(cfg_places, the_last_word_counts)
{
    struct cfg_places p;
    int field;

    cfg_places_init(&p);
    cfg_places_note(&p, &field, (struct cfg_at){"defaults", 1, 1});
    cfg_places_spoil(&p, &field);
    cr_expect(cfg_places_spoiled(&p, &field));
    cfg_places_note(&p, &field, (struct cfg_at){"own", 9, 9});
    cr_expect_not(cfg_places_spoiled(&p, &field));
    cr_expect_str_eq(cfg_places_find(&p, &field)->file, "own");
    cfg_places_fini(&p);
}

Test(cfg_places, what_is_moved_is_found_where_it_went)
{
    struct cfg_places p;
    char from[8], to[8];

    cfg_places_init(&p);
    cfg_places_note(&p, &from[7], (struct cfg_at){"f", 7, 1});
    cfg_places_note_object(&p, from, (struct cfg_at){"f", 1, 1});
    cfg_places_move(&p, from, to, sizeof(from));
    cr_expect_null(cfg_places_find(&p, &from[7]));
    cr_expect_null(cfg_places_find_object(&p, from));
    cr_expect_eq(cfg_places_find(&p, &to[7])->line, 7);
    cr_expect_eq(cfg_places_find_object(&p, to)->line, 1);
    cfg_places_fini(&p);
}

Test(cfg_places, what_is_forgotten_was_never_there)
{
    struct cfg_places p;
    struct {
        char block[64], after;
    } m;
    char *block = m.block;

    cfg_places_init(&p);
    cfg_places_note(&p, &block[0], (struct cfg_at){"f", 1, 1});
    cfg_places_note(&p, &block[63], (struct cfg_at){"f", 1, 1});
    cfg_places_note_object(&p, block, (struct cfg_at){"f", 1, 1});
    cfg_places_note(&p, &m.after, (struct cfg_at){"f", 1, 1});
    cfg_places_forget(&p, block, sizeof(m.block));
    cr_expect_null(cfg_places_find(&p, &block[0]));
    cr_expect_null(cfg_places_find(&p, &block[63]));
    cr_expect_null(cfg_places_find_object(&p, block));
    cr_expect_not_null(cfg_places_find(&p, &m.after));
    cfg_places_fini(&p);
}
