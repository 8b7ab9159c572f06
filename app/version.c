#include "app/version.h"

#include <ares.h>
#include <gnu/libc-version.h>
#include <jansson.h>
#include <libfyaml.h>
#include <lmdb.h>
#include <zlib.h>

#include "base/loop.h"

#ifndef TIDEGATE_VERSION
#define TIDEGATE_VERSION "unknown"
#endif

#ifdef __SANITIZE_ADDRESS__
#define BUILD_KIND "address and undefined-behaviour sanitizers"
#else
#define BUILD_KIND "release"
#endif

const char *version_text(void)
{
    return TIDEGATE_VERSION;
}

void version_print_build(FILE *to)
{
    fprintf(to, "tidegate %s\n", version_text());
    fprintf(to, "built with gcc %s: %s\n", __VERSION__, BUILD_KIND);
    fprintf(to, "libevent %s\n", loop_library());
    fprintf(to, "jansson %s\n", jansson_version_str());
    fprintf(to, "libfyaml %s\n", fy_library_version());
    fprintf(to, "LMDB %d.%d.%d\n", MDB_VERSION_MAJOR, MDB_VERSION_MINOR, MDB_VERSION_PATCH);
    fprintf(to, "c-ares %s\n", ares_version(NULL));
    fprintf(to, "zlib %s\n", zlibVersion());
    fprintf(to, "glibc %s\n", gnu_get_libc_version());
}
