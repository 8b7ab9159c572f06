/* Mirrors proxy/access/access_clf.c. */
#include "proxy/access/access_clf.h"

#include "tests/unit/proxy/access/line_fixture.h"

Test(access_clf, a_combined_line_is_nginxs)
{
    struct fixture *f = fixture_new("combined");

    f->text[ACCESS_REFERER] = "http://r/";
    f->text[ACCESS_USER_AGENT] = "a\"b\\c\x7f\xe4";
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 200 1000 \"http://r/\" \"a\\x22b\\x5Cc\\x7F\\xE4\"\n");
    fixture_free(f);
}

Test(access_clf, what_is_not_there_is_a_dash)
{
    struct fixture *f = fixture_new("combined");

    f->r.status = 204;
    f->r.bytes_out = 0;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 204 0 \"-\" \"-\"\n");
    fixture_free(f);
}

Test(access_clf, a_common_line_ends_with_the_bytes)
{
    struct fixture *f = fixture_new("common");

    f->text[ACCESS_REMOTE_USER] = "alice";
    f->text[ACCESS_USER_AGENT] = "not told";
    f->r.version = HTTP_10;
    fixture_expect(f, "192.0.2.7 - alice [24/Nov/2026:12:19:54 +0000] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.0\" 200 1000\n");
    fixture_free(f);
}

Test(access_clf, a_users_name_cannot_pass_for_other_columns)
{
    struct fixture *f = fixture_new("common");

    f->text[ACCESS_REMOTE_USER] = "a - [x] \"b\nc";
    fixture_expect(f, "192.0.2.7 - a\\x20-\\x20\\x5Bx\\x5D\\x20\\x22b\\x0Ac [24/Nov/2026:"
                      "12:19:54 +0000] \"GET /a/b?x=1&y=2 HTTP/1.1\" 200 1000\n");
    fixture_free(f);
}

Test(access_clf, time_is_local_and_says_its_zone)
{
    struct fixture *f = fixture_new("common");

    f->zone_s = -(7 * 3600 + 30 * 60);
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:04:49:54 -0730] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 200 1000\n");
    f->zone_s = 13 * 3600;
    fixture_expect(f, "192.0.2.7 - - [25/Nov/2026:01:19:54 +1300] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 200 1000\n");
    fixture_free(f);
}

Test(access_clf, a_client_that_left_before_the_answer_is_499_as_in_nginx)
{
    struct fixture *f = fixture_new("common");

    f->r.status = 0;
    f->r.bytes_out = 0;
    f->r.ending = ENDING_CLIENT_ABORT;
    f->r.phase = ENDING_IN_HEAD;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 499 0\n");
    f->r.ending = ENDING_KILLED;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET /a/b?x=1&y=2 "
                      "HTTP/1.1\" 000 0\n");
    fixture_free(f);
}

Test(access_clf, what_could_not_be_read_stands_as_it_came)
{
    struct fixture *f = fixture_new("common");

    f->r.unread = true;
    f->r.status = 400;
    f->text[ACCESS_METHOD] = NULL;
    f->text[ACCESS_TARGET] = "garb\"age\t?secret";
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] "
                      "\"garb\\x22age\\x09?secret\" 400 1000\n");
    f->how.query = false;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"garb\\x22age\\x09\" "
                      "400 1000\n");
    f->text[ACCESS_TARGET] = NULL;
    f->len[ACCESS_TARGET] = 0;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"\" 400 1000\n");
    fixture_free(f);
}

Test(access_clf, an_absolute_target_stands_with_its_host)
{
    struct fixture *f = fixture_new("common");

    f->r.absolute = true;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET "
                      "http://www.example/a/b?x=1&y=2 HTTP/1.1\" 200 1000\n");
    f->r.https_target = true;
    fixture_expect(f, "192.0.2.7 - - [24/Nov/2026:12:19:54 +0000] \"GET "
                      "https://www.example/a/b?x=1&y=2 HTTP/1.1\" 200 1000\n");
    fixture_free(f);
}

Test(access_clf, privacy_takes_query_and_the_end_of_the_address)
{
    struct fixture *f = fixture_new("common");

    f->how.query = false;
    f->how.mask_address = true;
    fixture_expect(f, "192.0.2.0 - - [24/Nov/2026:12:19:54 +0000] \"GET /a/b HTTP/1.1\" "
                      "200 1000\n");
    fixture_free(f);
}
