/*
 * access_buffer.h - a bounded ring of bytes that knows where lines end.
 *
 * Zeroed is empty and without room.  One thread.
 */
#ifndef PROXY_ACCESS_BUFFER_H
#define PROXY_ACCESS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct access_buffer {
    char *data; /* private */
    size_t room, len;
    size_t begin; /* private */
};

void access_buffer_fini(struct access_buffer *b);
void access_buffer_grow(struct access_buffer *b, size_t room); /* never shrinks */

/* All of it or nothing. */
bool access_buffer_add(struct access_buffer *b, const char *p, size_t n);
void access_buffer_drop(struct access_buffer *b, size_t n); /* the first n bytes */

/* n bytes from `offset` on, as one or two pieces; how many. */
int access_buffer_pieces(const struct access_buffer *b, size_t offset, size_t n,
                         struct iovec iov[2]);
/* Length of what begins at `offset` with its newline, or of all where there is none. */
size_t access_buffer_line(const struct access_buffer *b, size_t offset);
/* Newlines among the first n bytes. */
uint64_t access_buffer_lines(const struct access_buffer *b, size_t n);
/* Does one stand at n - 1? */
bool access_buffer_ends_line(const struct access_buffer *b, size_t n);
/* As many whole lines as fit into max bytes; max (or all) if the first does not. */
size_t access_buffer_whole(const struct access_buffer *b, size_t max);

#endif
