/*
 * check.h - assertions that stay in release builds, and typed void pointers.
 *
 * CHECK() is for facts this program itself guarantees, never for input.  A
 * failed CHECK is a bug of ours: it says where, and aborts.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdint.h>

_Noreturn void check_failed(const char *file, int line, const char *what);

#define CHECK(cond)                                                                        \
    do {                                                                                   \
        if (__builtin_expect(!(cond), 0))                                                  \
            check_failed(__FILE__, __LINE__, #cond);                                       \
    } while (0)

/*
 * An object that travels through a `void *` starts with `uint32_t magic`.
 * OBJ_FROM() is the only way back to its type; OBJ_DEAD() is the last thing its
 * _free() writes.
 */
#define OBJ_FROM(var, ptr, MAGIC)                                                          \
    do {                                                                                   \
        (var) = (ptr);                                                                     \
        CHECK((var) != NULL && (var)->magic == (MAGIC));                                   \
    } while (0)
#define OBJ_DEAD(var) ((var)->magic = 0)

/* The struct that contains `member` at `ptr`. */
#define CONTAINER_OF(ptr, type, member)                                                    \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define N_ELEMS(a) (sizeof(a) / sizeof((a)[0]))

#endif
