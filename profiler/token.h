/*
 * token.h - the numbers of resources: which text a token stands for.
 *
 * A token is a small number for "a resource template of a service", the letter
 * that sequences, profiles and models are written in.  Numbers are never given to
 * another text, and outlive the process: the owner stores token_record() of each
 * unsaved one before or with whatever mentions it.  One thread.
 */
#ifndef PROFILER_TOKEN_H
#define PROFILER_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/rc.h"

#define TOKEN_START 0 /* the beginning of a session; no resource */
#define TOKEN_NONE  0 /* also: no token could be given */
#define TOKEN_MAX   65535
#define TOKEN_REST  "*" /* text of the token for all else of a service */

struct token_table;

/* service[i] is the name of the service with index i; borrowed. */
struct token_table *token_new(const char *const *service, size_t n_services);
void token_free(struct token_table *t); /* NULL is fine */

/* Other services from now on, known again by their names. */
void token_set_services(struct token_table *t, const char *const *service,
                        size_t n_services);

/* A new token; TOKEN_NONE when all numbers are used. */
uint16_t token_add(struct token_table *t, uint16_t service, const char *text);

/* From now on `token` is another name for `target`. */
void token_alias(struct token_table *t, uint16_t token, uint16_t target);

/* The token that stands for it now: itself, or what it became. */
uint16_t token_now(const struct token_table *t, uint16_t token);

const char *token_text(const struct token_table *t, uint16_t token); /* "" if unknown */
int token_service(const struct token_table *t,
                  uint16_t token);               /* -1: no service of today */
size_t token_count(const struct token_table *t); /* the highest number in use */

/* ---- storage ---- */

/* Takes up to max tokens off the list of unsaved ones. */
size_t token_take_unsaved(struct token_table *t, uint16_t *out, size_t max);

#define TOKEN_RECORD_MAX 512
size_t token_record(const struct token_table *t, uint16_t token, uint8_t *out);
int token_restore(struct token_table *t, uint16_t token, const uint8_t *in, size_t len);

#endif
