/*
 * version.h - which tidegate this is, and what it was built with.
 */
#ifndef APP_VERSION_H
#define APP_VERSION_H

#include <stdio.h>

const char *version_text(void); /* of the source, from git */

/* The version, compiler, options and libraries, a line each. */
void version_print_build(FILE *to);

#endif
