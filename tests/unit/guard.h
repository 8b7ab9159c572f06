/*
 * guard.h - input that ends where memory ends.
 *
 * guard_put() copies bytes so that the last one lies before an unreadable page: one
 * byte of over-read is a crash and not a lucky pass.
 */
#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_ROOM (1u << 17)

/* The copy; it is valid until the next call. */
static inline char *guard_put(const void *in, size_t len)
{
    static char *end;

    if (end == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *map = mmap(NULL, GUARD_ROOM + page, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        cr_assert(map != MAP_FAILED);
        end = map + GUARD_ROOM;
        cr_assert(mprotect(end, page, PROT_NONE) == 0);
    }
    cr_assert(len <= GUARD_ROOM);
    memcpy(end - len, in, len);
    return end - len;
}

#endif
