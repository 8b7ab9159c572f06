#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t n, size_t size)
{
    fprintf(stderr, "out of memory: %zu x %zu bytes\n", n, size);
    abort();
}

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size);

    if (p == NULL)
        out_of_memory(n, size);
    return p;
}

void *mem_grow(void *p, size_t n, size_t size)
{
    void *q;

    if (size != 0 && n > SIZE_MAX / size)
        out_of_memory(n, size);
    q = realloc(p, n * size > 0 ? n * size : 1);
    if (q == NULL)
        out_of_memory(n, size);
    return q;
}

char *mem_strn(const char *s, size_t n)
{
    char *p = mem_new(n + 1, 1);

    memcpy(p, s, n);
    return p;
}

char *mem_str(const char *s)
{
    return mem_strn(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
    char *p = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&p, fmt, ap) < 0)
        out_of_memory(1, 0);
    va_end(ap);
    return p;
}

void *mem_new_line(size_t size)
{
    size_t room = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *p = aligned_alloc(CACHE_LINE, room);

    if (p == NULL)
        out_of_memory(1, size);
    memset(p, 0, room);
    return p;
}
