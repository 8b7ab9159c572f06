/*
 * uri_fuzz.c - the normal form of a path is its own normal form and has nothing in it
 * that could be read in two ways; likewise a host's.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/uri.h"

#define MUST(cond)                                                                         \
    do {                                                                                   \
        if (!(cond))                                                                       \
            abort();                                                                       \
    } while (0)

#define ROOM 4096

static void check_path(const char *in, size_t len)
{
    static char once[ROOM + 1], twice[ROOM + 1];
    size_t n = uri_normal_path(in, len, once, len);

    if (n == 0)
        return;
    once[n] = '\0';
    MUST(n <= len && strlen(once) == n);
    MUST(once[0] == '/' || strcmp(once, "*") == 0);
    MUST(strstr(once, "//") == NULL && strstr(once, "/./") == NULL);
    MUST(strstr(once, "/../") == NULL && strpbrk(once, "?# \t\r\n") == NULL);
    MUST(n < 2 || strcmp(once + n - 2, "/.") != 0);
    MUST(n < 3 || strcmp(once + n - 3, "/..") != 0);
    MUST(uri_normal_path(once, n, twice, ROOM) == n && memcmp(once, twice, n) == 0);
}

static void check_host(const char *in, size_t len)
{
    static char once[ROOM], twice[ROOM];
    size_t n = uri_host(in, len, once, ROOM);

    if (n == 0)
        return;
    MUST(n <= len && memchr(once, ',', n) == NULL && memchr(once, '/', n) == NULL);
    MUST(uri_host(once, n, twice, ROOM) == n && memcmp(once, twice, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > ROOM)
        return 0;
    MUST(uri_path_len((const char *)data, size) <= size);
    check_path((const char *)data, size);
    check_host((const char *)data, size);
    return 0;
}
