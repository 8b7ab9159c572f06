/*
 * line_fixture.h - a record made by hand, and the line that a format makes of it.
 */
#ifndef TESTS_UNIT_PROXY_ACCESS_LINE_FIXTURE_H
#define TESTS_UNIT_PROXY_ACCESS_LINE_FIXTURE_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/cfg_access.h"
#include "proxy/access/access_line.h"
#include "proxy/msg.h"

#define FIXTURE_ROOM 40000 /* more than all texts at their longest */

struct fixture {
    struct cfg_access_log how;
    struct access_fields request_fields, response_fields;
    struct access_load load;
    int zone_s;
    struct access_record r;
    const char *text[N_ACCESS_TEXTS]; /* NULL: none */
    size_t len[N_ACCESS_TEXTS];       /* 0: as long as the string is */
    char line[ACCESS_LINE_MAX + 1];   /* what fixture_line() made, terminated */
    size_t n;
};

static inline void fixture_format(struct fixture *f, const char *source)
{
    struct why why;

    cr_assert_eq(cfg_template_parse(source, &cfg_access_variables, &f->how.format, &why),
                 RC_OK, "%s", why.text);
}

/* A request as most are: 24 November 2026, 12:19:54.123456 UTC. */
static inline struct fixture *fixture_new(const char *format)
{
    struct fixture *f = calloc(1, sizeof(*f));

    cr_assert_not_null(f);
    fixture_format(f, format);
    f->how.query = true;
    f->load = (struct access_load){3, 2, 1};
    f->r = (struct access_record){.connect_us = 1200,
                                  .answer_us = 20999,
                                  .first_byte_us = 22500,
                                  .total_us = 30250,
                                  .bytes_in = 5,
                                  .bytes_out = 1000,
                                  .bytes_sent = 1234,
                                  .status = 200,
                                  .version = HTTP_11,
                                  .phase = '-',
                                  .attempts = 1};
    f->r.client.ip4.sin_family = AF_INET;
    f->r.client.ip4.sin_port = htons(52044);
    inet_pton(AF_INET, "192.0.2.7", &f->r.client.ip4.sin_addr);
    f->text[ACCESS_LISTENER] = "front";
    f->text[ACCESS_METHOD] = "GET";
    f->text[ACCESS_TARGET] = "/a/b?x=1&y=2";
    f->text[ACCESS_HOST] = "www.example";
    f->text[ACCESS_SERVICE] = "app";
    f->text[ACCESS_BACKEND] = "10.0.0.1:80";
    return f;
}

static inline void fixture_free(struct fixture *f)
{
    cfg_template_clear(&f->how.format);
    free(f);
}

/* As a worker lays it into the ring, ending where memory ends. */
static inline struct access_record *fixture_record(struct fixture *f)
{
    struct access_record *r;
    size_t bytes = sizeof(*r);
    char *at;

    for (int i = 0; i < N_ACCESS_TEXTS; i++) {
        if (f->text[i] != NULL && f->len[i] == 0)
            f->len[i] = strlen(f->text[i]);
        bytes += f->len[i];
    }
    r = malloc(bytes);
    cr_assert_not_null(r);
    *r = f->r;
    at = (char *)(r + 1);
    for (int i = 0; i < N_ACCESS_TEXTS; i++) {
        r->len[i] = (uint16_t)f->len[i];
        if (f->len[i] > 0)
            memcpy(at, f->text[i], f->len[i]);
        at += f->len[i];
    }
    return r;
}

static inline const char *fixture_line(struct fixture *f)
{
    struct access_record *r = fixture_record(f);
    struct access_line l = {.wall_us = 1795522794123456,
                            .zone_s = f->zone_s,
                            .load = &f->load,
                            .how = &f->how,
                            .request_fields = &f->request_fields,
                            .response_fields = &f->response_fields};
    struct access_text to = {f->line, f->line + ACCESS_LINE_MAX};

    access_line_view(&l, r);
    access_line_put(&to, &l);
    f->n = (size_t)(to.at - f->line);
    f->line[f->n] = 0;
    free(r);
    return f->line;
}

static inline void fixture_expect(struct fixture *f, const char *want)
{
    cr_expect_str_eq(fixture_line(f), want, "\n%snot\n%s", f->line, want);
}

#endif
