/*
 * reply.h - answers that the proxy gives by itself: a status and a line of text.
 *
 * No internals in the text: they are in the counters and the log.
 */
#ifndef PROXY_REPLY_H
#define PROXY_REPLY_H

#include "proxy/stream.h"

/*
 * Sends head and body to a stream; returns the bytes of the body.  retry_after_s > 0 adds
 * Retry-After, rounded up. `why` is the body, a short sentence that lives as long as the
 * program; "": no body.
 */
size_t reply_send(struct stream *down, uint8_t request_method, unsigned status,
                  const char *why, double retry_after_s);

#endif
