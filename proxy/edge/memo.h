/*
 * memo.h - verdicts on what is dear to check, remembered under a keyed hash of it.
 *
 * A fixed table shared by all workers without locks.  What was asked cannot be got back
 * from it, and nobody without the key, which never leaves the process, can make two
 * questions with one hash (128 bits).  Bad verdicts have places of their own: who asks
 * badly pushes nobody's good verdict out.
 */
#ifndef PROXY_EDGE_MEMO_H
#define PROXY_EDGE_MEMO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memo;

enum memo_verdict { MEMO_UNKNOWN, MEMO_GOOD, MEMO_BAD };

struct memo_key {
    uint64_t a, b;
};

/* For at least so many verdicts, 16 bytes each; a quarter of them bad ones. */
struct memo *memo_new(size_t entries);
void memo_free(struct memo *m); /* NULL is fine */

/* Any thread. */
struct memo_key memo_key(const struct memo *m, const void *question, size_t len);
enum memo_verdict memo_find(const struct memo *m, struct memo_key k);
void memo_put(struct memo *m, struct memo_key k, bool good);

#endif
