/*
 * keeper.h - what of the profiler must outlive the process, and when it is written.
 *
 * Write-behind: a changed user is written when the session ends, or after 60 s,
 * and not twice within 60 s; a kill loses at most that.  Writes are collected
 * into batches.  When the store fails, the batch is kept and tried again, changed
 * users wait in memory, and what was stored of a user who could not be read is
 * joined to the new part before anything is written over it.
 *
 * One owner, who holds a lock for everything but keeper_write(), the only call
 * that blocks for long; reading one user is a short look-up.  now_s is monotonic.
 */
#ifndef PROFILER_KEEPER_H
#define PROFILER_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "profiler/token.h"
#include "profiler/users.h"

struct keeper;
struct kv;

#define KEEPER_WRITE_S 60 /* a user is written at most this often, and at least */

/* `kv` may be NULL: nothing is kept.  Both are borrowed. */
struct keeper *keeper_new(struct kv *kv, struct token_table *tokens);
void keeper_free(struct keeper *k); /* NULL is fine */

/* The stored secret for identities; made and stored when there is none. */
struct sip_key keeper_secret(struct keeper *k);

/* Puts the stored tokens into the table, before it is used. */
void keeper_load_tokens(struct keeper *k);

enum keeper_answer { KEEPER_FOUND, KEEPER_NONE, KEEPER_UNREACHABLE };

enum keeper_answer keeper_read_user(struct keeper *k, uint64_t key, struct profile *out);

/* All stored users; fn may not call back; stops when it returns false. */
typedef bool (*keeper_user_fn)(void *ctx, uint64_t key, const struct profile *p);
void keeper_each_user(struct keeper *k, keeper_user_fn fn, void *ctx);

/* The user's profile has changed. */
void keeper_changed(struct keeper *k, struct user *user, uint32_t now_s);
/* Its session is over: written soon, if not written lately. */
void keeper_session_over(struct keeper *k, struct user *user, uint32_t now_s);
/* It is about to leave memory: what is unsaved goes into the batch. */
void keeper_leaves(struct keeper *k, struct user *user, uint32_t now_s);

/* Those among them whose key begins with these 16 bits. */
void keeper_each_user_of(struct keeper *k, uint16_t slice, keeper_user_fn fn, void *ctx);

/* Its profile is to go from the store, whatever was changed. */
void keeper_forget(struct keeper *k, struct user *user);
/* The same of a user who is not in memory; false: something newer is on its way. */
bool keeper_forget_stored(struct keeper *k, uint64_t key);

/* Something bigger, under a name; the bytes are taken over.  Read back into a copy. */
void keeper_put(struct keeper *k, const char *name, uint8_t *bytes_take, size_t len);
bool keeper_get(struct keeper *k, const char *name, uint8_t **out, size_t *len);

/*
 * One round of writing: prepare (locked) says whether there is something to do,
 * write (not locked) does it, done (locked) takes note.  `all`: every changed user.
 */
bool keeper_prepare(struct keeper *k, uint32_t now_s, bool all);
int keeper_write(struct keeper *k);
void keeper_done(struct keeper *k, int rc, uint32_t now_s);

struct keeper_stats {
    uint64_t errors;  /* of the store */
    uint64_t lost;    /* records given up because too many waited */
    uint64_t written; /* records */
    uint64_t user_bytes, users_written;
    bool ok;
};
void keeper_get_stats(const struct keeper *k, struct keeper_stats *out);

#endif
