/*
 * mem.h - memory that is there or the process ends.
 *
 * Running out of memory for our own bookkeeping is not survivable in a useful
 * way; it is reported and the process aborts.  What a peer can make us allocate
 * is bounded before it gets here.  Free with free().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_grow(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *mem_str(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strn(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

/* Cache-line aligned and zeroed: blocks that several threads write. */
void *mem_new_line(size_t size) __attribute__((malloc, returns_nonnull));

#define MEM_NEW(type)      ((type *)mem_new(1, sizeof(type)))
#define MEM_NEW_N(type, n) ((type *)mem_new((n), sizeof(type)))

#define CACHE_LINE 64

#endif
