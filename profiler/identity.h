/*
 * identity.h - who sent this request?  A user key, or 0 for "do not profile".
 *
 * The configured extractors are tried in order; the first that finds something
 * decides.  What it finds goes through SipHash with the secret key and is
 * forgotten: user keys cannot be turned back into identifiers.
 *
 *   header   the field's value          cookie   the cookie's value
 *   address  the client's address (of IPv6 the first 64 bits, the rest changes by
 *            itself) and its User-Agent
 *
 * Everything after identity_new() is pure: no allocation, no state, any thread.
 */
#ifndef PROFILER_IDENTITY_H
#define PROFILER_IDENTITY_H

#include "base/handover.h"
#include "base/siphash.h"
#include "conf/cfg.h"

struct identity;

/* A secret text from the configuration as a key. */
struct sip_key identity_secret(const char *text);

struct identity *identity_new(const struct cfg_profiler *cfg, const struct sip_key *key);
void identity_free(struct identity *id); /* NULL is fine */

/* Lives as long as the identity. */
const struct classify *identity_classify(const struct identity *id);

/*
 * The key that a request would have had, from what a log says: `user` is the
 * value of the header or cookie that is tried first; without it, or when none is
 * tried, the address extractor takes addr and agent.  All may be empty; 0: nobody.
 */
struct identity_trace {
    const char *user, *addr, *agent;
    size_t user_len, addr_len, agent_len;
};
uint64_t identity_of_trace(const struct identity *id, const struct identity_trace *t);

/*
 * From what a person types: 16 hex digits, "header:NAME=VALUE",
 * "cookie:NAME=VALUE" or "address=ADDR|AGENT".  0: not one of these, or no
 * extractor knows that name.
 */
uint64_t identity_of_text(const struct identity *id, const char *text);

#endif
