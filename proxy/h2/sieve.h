/*
 * sieve.h - looks at the frames of HTTP/2 before the library does (RFC 9113, 4 to 6).
 *
 * Pure.  DATA passes as it comes; every other frame only when all of it is there, and a
 * field block only with all its CONTINUATIONs, so that nothing half read is kept behind
 * the sieve and a flood is seen before it is unpacked.
 */
#ifndef PROXY_H2_SIEVE_H
#define PROXY_H2_SIEVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Payload of a frame: SETTINGS_MAX_FRAME_SIZE is left at its default. */
#define SIEVE_FRAME_MAX        16384
#define SIEVE_PREFACE          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SIEVE_PREFACE_LEN      24
#define SIEVE_CONTINUATION_MAX 32 /* frames of one field block */

enum sieve_verdict {
    SIEVE_MORE,  /* not enough is there */
    SIEVE_PASS,  /* *n bytes may pass */
    SIEVE_ERROR, /* the connection ends with f->error */
};

enum sieve_kind {
    SIEVE_REST,    /* of a DATA frame, or of the preface */
    SIEVE_DATA,    /* its beginning */
    SIEVE_HEADERS, /* a whole field block */
    SIEVE_RESET,
    SIEVE_CONTROL, /* SETTINGS and PING that ask for an answer, PRIORITY, unknown types */
    SIEVE_OTHER,
};

struct sieve_frame {
    uint32_t id, error; /* error: RFC 9113, 7 */
    uint8_t kind;       /* enum sieve_kind */
    bool idle_data;     /* DATA without an end and a byte but padding: costs as control */
};

struct sieve {
    uint32_t left;      /* bytes that pass unseen */
    uint32_t max_block; /* bytes of one field block as it comes, frame headers included */
};

/* Looks at what stands first in [p, p + len). */
enum sieve_verdict sieve_next(struct sieve *g, const uint8_t *p, size_t len, size_t *n,
                              struct sieve_frame *f);

/*
 * What a peer may do `rate` times a second, ten seconds' worth at once.  At 0 it is not
 * limited.  False: it did it too often.
 */
struct sieve_bucket {
    uint64_t full_at; /* microseconds; when it would be full again */
};
bool sieve_spend(struct sieve_bucket *b, uint32_t rate, uint64_t now_us);

#endif
