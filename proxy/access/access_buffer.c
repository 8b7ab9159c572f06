#include "proxy/access/access_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

void access_buffer_fini(struct access_buffer *b)
{
    free(b->data);
    *b = (struct access_buffer){.data = NULL};
}

void access_buffer_grow(struct access_buffer *b, size_t room)
{
    struct iovec iov[2];
    size_t at = 0;
    char *data;
    int n;

    if (room <= b->room)
        return;
    data = mem_new(room, 1);
    n = b->len > 0 ? access_buffer_pieces(b, 0, b->len, iov) : 0;
    for (int i = 0; i < n; at += iov[i++].iov_len)
        memcpy(data + at, iov[i].iov_base, iov[i].iov_len);
    free(b->data);
    b->data = data;
    b->begin = 0;
    b->room = room;
}

bool access_buffer_add(struct access_buffer *b, const char *p, size_t n)
{
    size_t at = b->begin + b->len, first;

    if (n > b->room - b->len)
        return false;
    if (at >= b->room)
        at -= b->room;
    first = b->room - at < n ? b->room - at : n;
    memcpy(b->data + at, p, first);
    memcpy(b->data, p + first, n - first);
    b->len += n;
    return true;
}

void access_buffer_drop(struct access_buffer *b, size_t n)
{
    CHECK(n <= b->len);
    b->len -= n;
    b->begin = b->len > 0 ? (b->begin + n) % b->room : 0;
}

int access_buffer_pieces(const struct access_buffer *b, size_t offset, size_t n,
                         struct iovec iov[2])
{
    size_t at = (b->begin + offset) % b->room;
    size_t first = b->room - at < n ? b->room - at : n;

    CHECK(offset + n <= b->len);
    iov[0] = (struct iovec){b->data + at, first};
    iov[1] = (struct iovec){b->data, n - first};
    return n > first ? 2 : 1;
}

size_t access_buffer_line(const struct access_buffer *b, size_t offset)
{
    struct iovec iov[2];
    size_t before = 0;
    int n = access_buffer_pieces(b, offset, b->len - offset, iov);

    for (int i = 0; i < n; before += iov[i++].iov_len) {
        const char *hit = memchr(iov[i].iov_base, '\n', iov[i].iov_len);

        if (hit != NULL)
            return before + (size_t)(hit - (const char *)iov[i].iov_base) + 1;
    }
    return b->len - offset;
}

uint64_t access_buffer_lines(const struct access_buffer *b, size_t n)
{
    struct iovec iov[2];
    uint64_t lines = 0;
    int k = access_buffer_pieces(b, 0, n, iov);

    for (int i = 0; i < k; i++) {
        const char *p = iov[i].iov_base, *end = p + iov[i].iov_len;

        while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
            lines++;
            p++;
        }
    }
    return lines;
}

bool access_buffer_ends_line(const struct access_buffer *b, size_t n)
{
    CHECK(n > 0 && n <= b->len);
    return b->data[(b->begin + n - 1) % b->room] == '\n';
}

size_t access_buffer_whole(const struct access_buffer *b, size_t max)
{
    struct iovec iov[2];
    size_t n = b->len < max ? b->len : max;

    for (int i = access_buffer_pieces(b, 0, n, iov); i-- > 0;) {
        const char *hit = memrchr(iov[i].iov_base, '\n', iov[i].iov_len);

        if (hit != NULL)
            return (i > 0 ? iov[0].iov_len : 0) +
                   (size_t)(hit - (const char *)iov[i].iov_base) + 1;
    }
    return n;
}
