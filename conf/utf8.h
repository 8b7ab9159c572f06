/*
 * utf8.h - is it UTF-8?  As RFC 3629, section 4, has it: shortest forms only, no half of
 * a surrogate pair, nothing beyond U+10FFFF.  Pure.
 */
#ifndef CONF_UTF8_H
#define CONF_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that begins at p, of n > 0 that are there; 0: it is none. */
size_t utf8_length(const char *p, size_t n);

bool utf8_is(const char *s); /* all of a string */

#endif
