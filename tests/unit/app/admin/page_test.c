/* Mirrors app/admin/page.c, and what the page itself may not do. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/page.h"
#include "base/check.h"
#include "source_file.h"

static void expect(const char *template, const char *want)
{
    size_t len;
    char *got = page_render(template, "0123", &len);

    cr_expect_str_eq(got, want);
    cr_expect_eq(len, strlen(want));
    free(got);
}

Test(page, each_place_of_the_nonce_is_filled)
{
    expect("", "");
    expect("<p>", "<p>");
    expect("@NONCE@", "0123");
    expect("a @NONCE@@NONCE@ b @NONC@ @NONCE@", "a 01230123 b @NONC@ 0123");
}

Test(page, its_own_script_and_style_pass_the_policy)
{
    char *text = source_file("app/admin/page.html");

    cr_expect_not_null(strstr(text, "<script nonce=\"@NONCE@\">"));
    cr_expect_not_null(strstr(text, "<style nonce=\"@NONCE@\">"));
    cr_expect_null(strstr(text, " style=\""), "the policy forbids style attributes");
    cr_expect_null(strstr(text, " onclick=\""),
                   "the policy forbids handlers in attributes");
    free(text);
}

Test(page, text_cannot_become_markup_and_nothing_is_loaded_from_elsewhere)
{
    static const char *const banned[] = {
        "innerHTML", "outerHTML",    "insertAdjacentHTML", "document.write",
        "eval(",     "new Function", "https://",           "src="};
    char *text = source_file("app/admin/page.html");

    for (size_t i = 0; i < N_ELEMS(banned); i++)
        cr_expect_null(strstr(text, banned[i]), "%s", banned[i]);
    free(text);
}
