/*
 * errpage.h - error pages: in place of our short texts, and before answers of a service.
 *
 * A route's pages are looked at before its service's, and these before those at the top; in
 * the first of the three that has any for the status, the client's Accept chooses.
 */
#ifndef PROXY_ERRPAGE_H
#define PROXY_ERRPAGE_H

#include "proxy/stream.h"

struct edge_page;

/* A stream before the codec's: sends a page for whatever head comes, and drops the body. */
struct errpage_cover {
    struct stream stream;
    struct stream *next;
    const struct edge_page *page; /* NULL: not in use */
    struct worker *w;
};

/*
 * An answer of ours: with a page, or with a field that says who may ask.  False: there is
 * neither, and reply_send() is right.  *status is what was sent.
 */
bool errpage_answer(struct exchange *x, unsigned *status, const char *why,
                    double retry_after_s);

/* NULL: none stands for an answer of the service with that status. */
const struct edge_page *errpage_intercepting(const struct exchange *x, unsigned status);

/* Puts the page before x->down and makes the head that goes with it; head has room. */
void errpage_cover(struct exchange *x, const struct edge_page *page, struct msg *head);

#endif
