/*
 * httpdate.h - the time as HTTP writes it (IMF-fixdate; RFC 9110, 5.6.7).
 */
#ifndef PROXY_HTTPDATE_H
#define PROXY_HTTPDATE_H

#include <stdint.h>

#define HTTPDATE_LEN 29

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT" for a number of seconds since 1970. */
void httpdate_write(int64_t second, char out[HTTPDATE_LEN]);

#endif
