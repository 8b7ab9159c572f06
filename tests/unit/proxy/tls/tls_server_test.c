/* Mirrors proxy/tls/tls_server.c, tls_client.c, tls_peer.c and tls_tickets.c: two of them
 * with one another. */
#include "tests/unit/proxy/tls/tls_fixture.h"

static struct tls_fixture f;

static void teardown(void)
{
    fixture_fini(&f);
}

/* The client believes the certificate of a.example alone. */
static bool reaches(const char *name)
{
    char none[16];
    bool ok;

    fixture_call(&f, name);
    ok = fixture_handshake(&f);
    if (ok)
        tls_io_read(f.client, &f.block, none, sizeof(none)); /* a ticket */
    return ok;
}

Test(tls_server, the_certificate_is_that_of_the_name_asked_for, .fini = teardown)
{
    fixture_init(&f, "", "");
    cr_expect(reaches("a.example"));
    cr_expect_not(reaches("b.example"), "this one is not believed");
    cr_expect_eq(tls_io_fault(f.client), TLS_IO_F_CERTIFICATE);
    cr_expect_not(reaches("c.example"), "the default is not for this name");
    cr_expect_eq(tls_io_fault(f.client), TLS_IO_F_CERTIFICATE);
    cr_expect(strstr(tls_io_reason(f.client), "ostname") != NULL, "%s",
              tls_io_reason(f.client));
}

Test(tls_server, without_verification_anybody_is_good, .fini = teardown)
{
    fixture_init(&f, "", ", verify: off");
    cr_expect(reaches("c.example"));
    cr_expect(reaches(""));
    cr_expect(reaches("192.0.2.1"));
}

Test(tls_server, strict_sni_takes_only_its_own_names, .fini = teardown)
{
    fixture_init(&f, ", strict_sni: on", ", verify: off");
    cr_expect(reaches("b.example"));
    cr_expect_not(reaches("c.example"));
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_NAME);
    cr_expect_not(reaches(""));
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_NAME);
}

static void resumes(bool again)
{
    cr_assert(reaches("a.example"));
    cr_expect_eq(tls_io_resumed(f.server), again, "expected %d", again);
    cr_expect_eq(tls_io_resumed(f.client), again);
}

Test(tls_server, a_session_is_resumed_over_a_reload, .fini = teardown)
{
    struct tls_set *next;
    struct cfg_errors errs;

    fixture_init(&f, "", "");
    resumes(false);
    resumes(true);
    resumes(true);
    resumes(true);
    cfg_errors_init(&errs);
    next = tls_set_new(f.cfg, f.set, &errs);
    cr_assert_not_null(next);
    cr_expect_eq(tls_set_client(next, 0, TIER_BASELINE),
                 tls_set_client(f.set, 0, TIER_BASELINE), "nothing changed for backends");
    cr_expect_neq(tls_set_server(next, 0), tls_set_server(f.set, 0));
    tls_set_unref(f.set);
    f.set = next;
    resumes(true);
    next = tls_set_new(f.cfg, NULL, &errs);
    tls_set_unref(f.set);
    f.set = next;
    tls_peer_unref(f.peer);
    f.peer = NULL;
    resumes(false);
    cfg_errors_fini(&errs);
}

Test(tls_server, without_tickets_nothing_is_resumed, .fini = teardown)
{
    fixture_init(&f, ", tickets: off", "");
    resumes(false);
    resumes(false);
}

Test(tls_server, versions_must_meet, .fini = teardown)
{
    fixture_init(&f, ", max_version: 1.2", ", min_version: 1.3");
    cr_expect_not(reaches("a.example"));
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_VERSION);
}

Test(tls_server, tls_1_2_resumes_too, .fini = teardown)
{
    fixture_init(&f, ", max_version: 1.2", "");
    resumes(false);
    resumes(true);
}

/* The client's own certificate is a.example's, which the server believes. */
Test(tls_server, the_subject_of_a_client_is_known_and_kept_with_its_session,
     .fini = teardown)
{
    char listener[256], pool[256];

    fixture_init(&f, "", "");
    snprintf(listener, sizeof(listener), ", clients: { verify: require, ca: %s/a.pem }",
             f.dir);
    snprintf(pool, sizeof(pool), ", cert: %s/a.pem", f.dir);
    tls_set_unref(f.set);
    cfg_unref(f.cfg);
    fixture_load(&f, listener, pool);
    resumes(false);
    cr_expect_str_eq(tls_io_subject(f.server), "CN=a.example");
    resumes(true);
    cr_expect_str_eq(tls_io_subject(f.server), "CN=a.example");
}

Test(tls_server, a_client_without_a_certificate_is_refused_where_it_is_required,
     .fini = teardown)
{
    char listener[256];

    fixture_init(&f, "", "");
    snprintf(listener, sizeof(listener), ", clients: { verify: require, ca: %s/a.pem }",
             f.dir);
    tls_set_unref(f.set);
    cfg_unref(f.cfg);
    fixture_load(&f, listener, "");
    cr_expect_not(reaches("a.example") && tls_io_established(f.server));
    cr_expect_eq(tls_io_fault(f.server), TLS_IO_F_CERTIFICATE);
}

/* ---- what is wrong with files ---- */

static void expect_fault(const char *listener_tls, const char *pool_tls, const char *fault)
{
    struct cfg_errors errs;
    struct cfg *c;
    char text[1024], got[512] = "";

    snprintf(text, sizeof(text),
             "listeners: { bind: 127.0.0.1:80, tls: { %s } }\n"
             "services: { s: { pools: { baseline: { backends: 127.0.0.1:1 %s } } } }\n"
             "routes: { service: s }\n",
             listener_tls, pool_tls);
    cfg_errors_init(&errs);
    cr_assert_eq(cfg_load_text("t", text, strlen(text), &c, &errs), RC_OK, "%s", text);
    cr_expect_null(tls_set_new(c, NULL, &errs), "%s", listener_tls);
    cr_assert(errs.n >= 1);
    snprintf(got, sizeof(got), "%s:%u:%u: %s", errs.list[0].file, errs.list[0].line,
             errs.list[0].col, errs.list[0].text);
    cr_expect(strncmp(got, fault, strlen(fault)) == 0, "got\n%s\nwanted\n%s", got, fault);
    cfg_errors_fini(&errs);
    cfg_unref(c);
}

Test(tls_server, a_fault_names_the_line_that_asked_for_the_file, .fini = teardown)
{
    char tls[256], fault[256];

    fixture_init(&f, "", "");
    expect_fault("certificates: /nowhere/a.pem", "",
                 "t:1:55: cannot read /nowhere/a.pem: No such file or directory");
    expect_fault("certificates: /", "", "t:1:55: cannot read /: Is a directory");
    expect_fault("certificates: /dev/null", "", "t:1:55: cannot read /dev/null: File too");
    snprintf(tls, sizeof(tls), "certificates: { cert: %s/a.pem, key: %s/b.pem }", f.dir,
             f.dir);
    snprintf(
        fault, sizeof(fault),
        "t:1:%zu: the key in %s/b.pem does not match the certificate %s/a.pem",
        strlen("listeners: { bind: 127.0.0.1:80, tls: { certificates: { cert: , key: ") +
            strlen(f.dir) + 7,
        f.dir, f.dir);
    expect_fault(tls, "", fault);
    snprintf(tls, sizeof(tls), "certificates: %s/a.pem, ciphers: NONE", f.dir);
    expect_fault(tls, "", "t:1:");
    snprintf(tls, sizeof(tls), "certificates: { cert: %s/a.pem, ocsp: %s/a.pem }", f.dir,
             f.dir);
    expect_fault(tls, "", "t:1:");
    snprintf(tls, sizeof(tls), "certificates: %s/a.pem, tickets: { files: %s/a.pem }",
             f.dir, f.dir);
    expect_fault(tls, "", "t:1:");
    snprintf(tls, sizeof(tls), "certificates: %s/a.pem", f.dir);
    expect_fault(tls, ", tls: { ca: /nowhere }",
                 "t:2:74: cannot read /nowhere: No such file");
}
