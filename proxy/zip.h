/*
 * zip.h - compresses an answer on its way down.
 *
 * A stream before the codec's.  What came in a turn is out at the turn's end: an answer
 * that comes bit by bit is not held back.  What it makes lies in one block, which is sent
 * before it is used again; the codec's "no more" is passed on.
 */
#ifndef PROXY_ZIP_H
#define PROXY_ZIP_H

#include "base/buf.h"
#include "base/loop.h"
#include "proxy/stream.h"

struct coder;

struct zip {
    struct stream stream;
    struct stream *next;
    struct exchange *x;
    struct coder *coder; /* NULL: not in use */
    struct buf_block *out;
    uint32_t sent;  /* of out->to, given to `next`, perhaps still borrowed by it */
    bool unflushed; /* the coder was given something since the last flush */
    bool blocked;   /* `next` said "no more" */
    struct loop_ready ready;
};

/*
 * Decides whether the answer is compressed, counts why not, and edits the head, which has
 * room for more.  `end`: no body follows (HEAD: but GET would have one).
 */
void zip_response(struct exchange *x, struct msg *head, bool end);
/* Might it do anything to this head?  Cheap; no false negatives. */
bool zip_concerns(const struct exchange *x, const struct msg *head);

void zip_room(struct zip *z);
void zip_free(struct zip *z); /* harmless when it is not in use */

#endif
