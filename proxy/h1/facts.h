/*
 * facts.h - what the fields of an HTTP/1 head say about its framing and its
 * connection (RFC 9112, 6 and 9).
 *
 * Pure.  Fields are shown to facts_field() one by one as they are read;
 * facts_request() or facts_response() then draws the conclusions.  Whatever two
 * readers could understand differently is a fault.
 */
#ifndef PROXY_H1_FACTS_H
#define PROXY_H1_FACTS_H

#include "proxy/h1/head.h"

struct facts {
    uint64_t length;
    uint32_t seen;     /* bit per enum field_id */
    uint16_t codings;  /* transfer codings named, chunked included */
    bool ends_chunked; /* the last coding is chunked */
    bool close, keep_alive, upgrade_listed, te_trailers;
    bool expect_continue, expect_other;
    bool host_repeated;
    struct span host, upgrade; /* values of Host and of the first Upgrade */
};

/* Takes notice of the field just added to m.  NULL, or the name of a fault in framing. */
const char *facts_field(struct facts *x, const struct msg *m, const struct field *f);

/*
 * Fill m->body, content_length, flags, upgrade and (from Host, unless the target
 * has named it) authority.  False: *fault is set.
 */
bool facts_request(const struct facts *x, struct msg *m, struct head_fault *fault);
bool facts_response(const struct facts *x, struct msg *m, struct head_fault *fault);

#endif
