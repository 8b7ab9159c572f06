/* Mirrors proxy/httpdate.c. */
#include "proxy/httpdate.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(int64_t second, const char *text)
{
    char out[HTTPDATE_LEN + 1] = {0};

    httpdate_write(second, out);
    cr_expect_str_eq(out, text);
}

Test(httpdate, is_written_as_the_rfc_has_it)
{
    expect(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    expect(784111777, "Sun, 06 Nov 1994 08:49:37 GMT");
    expect(951782400, "Tue, 29 Feb 2000 00:00:00 GMT");
    expect(1798761599, "Thu, 31 Dec 2026 23:59:59 GMT");
    expect(4102444800, "Fri, 01 Jan 2100 00:00:00 GMT");
}
