/* Mirrors proxy/edge/htpasswd.c and proxy/edge/apr1.c. */
#include "proxy/edge/htpasswd.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/check.h"
#include "proxy/edge/apr1.h"

/* Made by `htpasswd -nb`, `openssl passwd` and crypt(3), of the password "tide gate". */
static const struct {
    const char *hash;
    bool slow;
} hashes[] = {
    {"$2b$04$BtK6UrRcJXKNKrvEJz0M8OinN..5msP1pV2xHseKLPB.l5q35Y5yC", true},
    {"$2y$04$ff9P5vu71wkTKrQCFSCP0eCxQ0JGWduOM78MYw0a8Z5r/a7GkrW7i", true},
    {"$6$rounds=1000$mugVcuBZrIZ.lS9R$p1wXLrzMqz96NEH1W.1RjHzPavHeP7prNXEUQNmuu5o."
     "mvkDA6XTZkqXl.2E4kcfpL5vOuFdz6t/ubiBlmSgR1",
     true},
    {"$5$rounds=1000$pos5CkzZezt1h7Rx$tvqin8FMzPTa/Nb4mqrJgGjw1juMeFLyogm8levW4o6", true},
    {"$y$j75$abcdefgh$.jSjtZijXw9Gg2fVXAplDzTXgTJTn4bBci7cDkn0u17", true},
    {"$1$saltsalt$lqI3KSq.LieLQDEdP/84m.", false},
    {"$apr1$saltsalt$Z1PcvjdeI/8ObZ90Xy.UN1", false},
    {"$apr1$qRf.uxPZ$v5v7c5UrtJe2Z3eQDQVhc/", false},
    {"{SHA}Uvy4VhT6HbCwi0wyE1r1XVVxC2U=", false},
};

Test(htpasswd, each_kind_of_hash_knows_its_password)
{
    for (size_t i = 0; i < N_ELEMS(hashes); i++) {
        cr_expect(htpasswd_check(hashes[i].hash, "tide gate"), "%s", hashes[i].hash);
        cr_expect_not(htpasswd_check(hashes[i].hash, "tide gatE"), "%s", hashes[i].hash);
        cr_expect_not(htpasswd_check(hashes[i].hash, ""), "%s", hashes[i].hash);
        cr_expect_eq(htpasswd_is_slow(hashes[i].hash), hashes[i].slow, "%s",
                     hashes[i].hash);
    }
}

Test(htpasswd, a_hash_that_differs_in_its_last_character_is_another)
{
    char hash[128];

    for (size_t i = 0; i < N_ELEMS(hashes); i++) {
        size_t n = strlen(hashes[i].hash);

        memcpy(hash, hashes[i].hash, n + 1);
        n -= hash[n - 1] == '=' ? 2 : 1; /* the last that means something */
        hash[n] = hash[n] == 'A' ? 'B' : 'A';
        if (hashes[i].hash[0] == '{')
            continue; /* would be no base64 */
        cr_expect_not(htpasswd_check(hash, "tide gate"), "%s", hash);
    }
}

Test(htpasswd, apr1_is_what_openssl_makes_of_passwords_of_all_lengths)
{
    static const struct {
        const char *password, *hash;
    } cases[] = {
        {"a", "$apr1$X$h9ZfrRiWfJN4MQfyezg..0"},
        {"ab", "$apr1$Xy$ekWEvA185JwtPU3YEont/."},
        {"0123456789abcde", "$apr1$X$3e2HzwdFAQNEtHdNtxm7a."},
        {"0123456789abcdef", "$apr1$Xy$r3C65mreMddVRSnYKj32g1"},
        {"0123456789abcdefg", "$apr1$Xy.$EZxPYkivRWKxjvWWFdNuh/"},
        {"ppppppppppppppppppppppppppppppppp", "$apr1$Xy./0$JqZgQXC4YrEoaUyptBOpb1"},
        {"pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
         "$apr1$X$8dYkYaybDoCh0BiSLd9qX."},
        {"grüße", "$apr1$Xy./0$EaqWzzL4Qa9FUEL6e7iPF/"},
    };
    char out[APR1_TEXT_MAX];

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        cr_assert(apr1_hash(cases[i].password, cases[i].hash, out));
        cr_expect_str_eq(out, cases[i].hash, "%s", cases[i].password);
    }
    cr_expect_not(apr1_hash("x", "$1$abc$", out));
}

static struct htpasswd *read_text(const char *text)
{
    struct htpasswd *h = htpasswd_new();
    struct why w;

    cr_assert_eq(htpasswd_add_text(h, text, &w), RC_OK, "%s", w.text);
    return h;
}

Test(htpasswd, a_file_has_names_comments_and_empty_lines)
{
    struct htpasswd *h =
        read_text("# people\r\n\r\nben:$apr1$a$b\r\n"
                  "anna:$2b$05$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n"
                  "annabel:$1$x$y");
    bool known;

    cr_expect_str_eq(htpasswd_hash(h, "ben", 3, &known), "$apr1$a$b");
    cr_expect(known);
    cr_expect_str_eq(htpasswd_hash(h, "annabel", 7, &known), "$1$x$y");
    cr_expect(known);
    cr_expect_eq(strncmp(htpasswd_hash(h, "anna", 4, &known), "$2b$", 4), 0);
    cr_expect(known);
    htpasswd_free(h);
}

Test(htpasswd, an_unknown_name_costs_what_a_known_one_does)
{
    struct htpasswd *h =
        read_text("ben:$apr1$a$b\n"
                  "anna:$2b$05$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyzabcde\n");
    static const char *const unknown[] = {"an", "anna2", "", "carl", "Anna"};
    bool known;

    for (size_t i = 0; i < N_ELEMS(unknown); i++) {
        const char *hash = htpasswd_hash(h, unknown[i], strlen(unknown[i]), &known);

        cr_expect_not(known, "%s", unknown[i]);
        cr_expect(htpasswd_is_slow(hash), "%s: %s", unknown[i], hash);
    }
    cr_expect_not_null(htpasswd_hash(h, "anna\0x", 6, &known));
    cr_expect_not(known);
    htpasswd_free(h);
    h = htpasswd_new();
    cr_expect_null(htpasswd_hash(h, "anna", 4, &known));
    htpasswd_free(h);
}

Test(htpasswd, a_line_that_can_let_nobody_in_is_refused_with_its_number)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"anna", "line 1: is not name:HASH"},
        {"# x\n\n:$1$x$y\n", "line 3: is not name:HASH"},
        {"a:$1$x$y\nb:$1$x$y\na:$1$x$y\n", "line 3: 'a' is given twice"},
        {"anna:secret\n", "line 1: the hash of 'anna' is none of bcrypt"},
        {"anna:\n", "line 1: the hash of 'anna' is none of"},
        {"anna:rqXexS6ZhobKA\n", "line 1: the hash of 'anna' is none of"},
        {"anna:{SHA}short\n", "line 1: the hash of 'anna' is none of"},
        {"anna:{SSHA}AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", "line 1: the hash of 'anna'"},
        {"anna:$9$x$y\n", "line 1: the hash of 'anna' is none of"},
        {"anna:*\n", "line 1: the hash of 'anna' is none of"},
    };

    for (size_t i = 0; i < N_ELEMS(cases); i++) {
        struct htpasswd *h = htpasswd_new();
        struct why w = {0};

        cr_expect_eq(htpasswd_add_text(h, cases[i].text, &w), RC_INVALID, "%s",
                     cases[i].text);
        cr_expect_eq(strncmp(w.text, cases[i].why, strlen(cases[i].why)), 0, "%s", w.text);
        htpasswd_free(h);
    }
}

Test(htpasswd, a_password_has_a_bounded_length)
{
    char longest[HTPASSWD_PASSWORD_MAX + 2];

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = 0;
    cr_expect_not(htpasswd_check(hashes[0].hash, longest));
}
