#include "proxy/h1/chunk.h"

#include <string.h>

#include "proxy/lex.h"

enum step { SIZE, SPACE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, END };

#define DIGITS_MAX 16
/* What any peer can be trusted to count to, as with lengths: it is passed on as it is. */
#define CHUNK_SIZE_MAX INT64_MAX

/* A digit of the size, or what ends it. */
static enum chunk_verdict size_byte(struct chunk *c, uint8_t ch)
{
    int v = lex_hex((char)ch);

    if (v >= 0) {
        if (c->digits == DIGITS_MAX)
            return CHUNK_BAD;
        c->size_line[c->digits++] = ch;
        c->left = c->left << 4 | (uint64_t)v;
        return c->left <= CHUNK_SIZE_MAX ? CHUNK_MORE : CHUNK_BAD;
    }
    if (c->digits == 0)
        return CHUNK_BAD;
    if (ch == '\r')
        c->step = SIZE_LF;
    else if (ch == ';')
        c->step = EXTENSION;
    else if (lex_is((char)ch, LEX_OWS))
        c->step = SPACE;
    else
        return CHUNK_BAD;
    return CHUNK_MORE;
}

static enum chunk_verdict extension_byte(struct chunk *c, uint8_t ch)
{
    if (ch == '\r')
        c->step = SIZE_LF;
    else if ((ch < ' ' && ch != '\t') || ch == 0x7f)
        return CHUNK_BAD;
    return CHUNK_MORE;
}

/* Behind white space: an extension (RFC 9112, 7.1.1), or the end if the size is padded. */
static enum chunk_verdict space_byte(struct chunk *c, uint8_t ch)
{
    if (ch == ';')
        c->step = EXTENSION;
    else if (ch == '\r' && c->padded)
        c->step = SIZE_LF;
    else if (!lex_is((char)ch, LEX_OWS))
        return CHUNK_BAD;
    return CHUNK_MORE;
}

/* The size line is complete: from here on it is known not to be the last chunk. */
static enum chunk_verdict size_end(struct chunk *c, uint8_t ch)
{
    if (ch != '\n')
        return CHUNK_BAD;
    c->step = c->left > 0 ? DATA : END;
    if (c->left == 0)
        return CHUNK_END;
    memcpy(c->size_line + c->digits, "\r\n", 2);
    c->held = (uint8_t)(c->digits + 2);
    return CHUNK_MORE;
}

static enum chunk_verdict size_line_byte(struct chunk *c, uint8_t ch)
{
    if (ch != '\r' && c->line++ == CHUNK_LINE_MAX)
        return CHUNK_BAD;
    if (c->step == SIZE)
        return size_byte(c, ch);
    if (c->step == EXTENSION)
        return extension_byte(c, ch);
    return space_byte(c, ch);
}

static enum chunk_verdict data_end_byte(struct chunk *c, uint8_t ch)
{
    if (c->step == DATA_CR) {
        c->step = DATA_LF;
        return ch == '\r' ? CHUNK_MORE : CHUNK_BAD;
    }
    *c = (struct chunk){.framed = c->framed, .padded = c->padded, .received = c->received};
    return ch == '\n' ? CHUNK_MORE : CHUNK_BAD;
}

/* Takes one byte that is not data.  CHUNK_MORE: go on with the next. */
static enum chunk_verdict framing_byte(struct chunk *c, uint8_t ch)
{
    switch ((enum step)c->step) {
    case SIZE:
    case SPACE:
    case EXTENSION:
        return size_line_byte(c, ch);
    case SIZE_LF:
        return size_end(c, ch);
    case DATA_CR:
    case DATA_LF:
        return data_end_byte(c, ch);
    case DATA:
    case END:
        break;
    }
    return CHUNK_BAD;
}

/* Steps over what there is of a chunk's data. */
static const uint8_t *data(struct chunk *c, const uint8_t *p, const uint8_t *end)
{
    size_t n = (size_t)(end - p);

    if (n > c->left)
        n = (size_t)c->left;
    c->left -= n;
    c->received += n;
    if (c->left == 0)
        c->step = DATA_CR;
    return p + n;
}

/*
 * Steps over "SIZE CRLF" of a chunk that is not the last, written without
 * extension and whole in [p, end); NULL when it is anything else.
 */
static const uint8_t *plain_size_line(struct chunk *c, const uint8_t *p, const uint8_t *end)
{
    uint64_t size = 0;
    int v, digits = 0;

    while (p < end && (v = lex_hex((char)*p)) >= 0 && digits++ < DIGITS_MAX) {
        size = size << 4 | (uint64_t)v;
        p++;
    }
    if (size == 0 || size > CHUNK_SIZE_MAX || end - p < 2 || p[0] != '\r' || p[1] != '\n')
        return NULL;
    c->left = size;
    c->step = DATA;
    return p + 2;
}

/* Steps over as much as may be passed on as it stands. */
static const uint8_t *stretch(struct chunk *c, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *next;

    while (p < end) {
        if (c->step == DATA)
            p = data(c, p, end);
        else if ((c->step == DATA_CR && *p == '\r') || (c->step == DATA_LF && *p == '\n'))
            framing_byte(c, *p++);
        else if (c->step == SIZE && c->digits == 0 &&
                 (next = plain_size_line(c, p, end)) != NULL)
            p = next;
        else
            break;
    }
    return p;
}

static enum chunk_verdict hand_out(const uint8_t *from, size_t len, const uint8_t **p,
                                   size_t *n)
{
    *p = from;
    *n = len;
    return CHUNK_DATA;
}

enum chunk_verdict chunk_next(struct chunk *c, const uint8_t *in, size_t len, size_t *used,
                              const uint8_t **p, size_t *n)
{
    const uint8_t *at = in, *end = in + len;
    enum chunk_verdict v = CHUNK_MORE;

    while (v == CHUNK_MORE && at < end) {
        const uint8_t *from = at;

        if (c->framed)
            at = stretch(c, at, end);
        else if (c->step == DATA)
            at = data(c, at, end);
        if (at > from) {
            v = hand_out(from, (size_t)(at - from), p, n);
            break;
        }
        v = framing_byte(c, *at++);
        if (c->held > 0 && c->framed)
            v = hand_out(c->size_line, c->held, p, n);
        c->held = 0;
    }
    if (v == CHUNK_BAD)
        c->step = END;
    *used = (size_t)(at - in);
    return v;
}
