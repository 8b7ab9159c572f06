/*
 * hop.h - what changes in a head as it passes through a gateway (RFC 9110, 7.6).
 *
 * Pure.  Marks hop-by-hop fields and those listed in Connection as dropped, applies
 * the trust rule to Forwarded and X-Forwarded-*, adds ours.  Fields listed in
 * Connection are dropped before ours are added, so a client cannot remove them.
 */
#ifndef PROXY_HOP_H
#define PROXY_HOP_H

#include "base/addr.h"
#include "proxy/msg.h"

struct hop_request {
    const struct sockaddr *peer; /* who connected to us */
    const struct addr_block *trusted;
    size_t n_trusted;
    const char *scheme;     /* "http" or "https" of the downstream connection */
    uint16_t port;          /* that the client connected to; 0 for a unix socket */
    const char *via;        /* our pseudonym */
    const char *request_id; /* used when there is none to be trusted */
    /* Lower case: the field that tells the subject of a client's certificate; NULL or "":
     * none does.  `subject` is what to tell; NULL or "": nothing is known. */
    const char *subject_field, *subject;
};

/* Is it one of the peers whose word is taken? */
bool hop_is_trusted(const struct addr_block *trusted, size_t n, const struct sockaddr *sa);

/*
 * The client: the rightmost address in X-Forwarded-For or Forwarded that is not
 * trusted, when the peer is; else the peer.
 */
void hop_client(const struct msg *m, const struct hop_request *h,
                struct sockaddr_storage *client);

/* True when Max-Forwards is 0 on TRACE or OPTIONS: we are the one to answer. */
bool hop_is_last(const struct msg *m);

/*
 * False: no room in m for what must be added, or Connection lists more names than
 * anyone needs (431).  Names with "_" that applications may take for ours are
 * dropped.  Clears MSG_UPGRADE when the upgrade is to h2c.
 */
bool hop_request(struct msg *m, const struct hop_request *h);
/* Adds nothing.  False: too many names in Connection (502). */
bool hop_response(struct msg *m);

/* Does a 101 name protocols, and only such as the request asked for (RFC 9110, 7.8)? */
bool hop_upgrade_asked(const struct msg *request, const struct msg *answer);
/* Drops trailer fields that may not be merged or forwarded (RFC 9110, 6.5.1). */
void hop_trailers(struct msg *m);

#endif
