#include "proxy/tls/tls_block.h"

#include <openssl/bio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define OUT_BYTES (5 * (TLS_BLOCK_RECORD + 256))

static void out_append(struct tls_block *b, const char *p, size_t n)
{
    if (b->out_len + n > b->out_room) {
        b->out_room = b->out_len + n + OUT_BYTES;
        b->out = mem_grow(b->out, b->out_room, 1);
    }
    memcpy(b->out + b->out_len, p, n);
    b->out_len += n;
}

static int on_write(BIO *bio, const char *p, size_t n, size_t *done)
{
    out_append(BIO_get_data(bio), p, n);
    *done = n;
    return 1;
}

static int on_read(BIO *bio, char *p, size_t room, size_t *done)
{
    struct tls_block *b = BIO_get_data(bio);
    size_t n = (size_t)(b->end - b->from);

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    if (n > room)
        n = room;
    memcpy(p, b->from, n);
    b->from += n;
    *done = n;
    return 1;
}

static long on_control(BIO *bio, int cmd, long larg, void *parg)
{
    (void)bio;
    (void)larg;
    (void)parg;
    return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

/* Once for the process; the threads begin later. */
static void make_method(void)
{
    if (method != NULL)
        return;
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "worker's block");
    CHECK(method != NULL && BIO_meth_set_write_ex(method, on_write) == 1 &&
          BIO_meth_set_read_ex(method, on_read) == 1 &&
          BIO_meth_set_ctrl(method, on_control) == 1);
}

void tls_block_init(struct tls_block *b)
{
    BIO *bio;

    make_method();
    *b = (struct tls_block){.out_room = OUT_BYTES};
    b->in = mem_new(1, TLS_BLOCK_IN);
    b->out = mem_new(1, OUT_BYTES);
    b->record = mem_new(1, TLS_BLOCK_RECORD);
    bio = BIO_new(method);
    CHECK(bio != NULL);
    BIO_set_data(bio, b);
    BIO_set_init(bio, 1);
    b->bio = bio;
}

void tls_block_fini(struct tls_block *b)
{
    BIO_free(b->bio);
    free(b->in);
    free(b->out);
    free(b->record);
    *b = (struct tls_block){0};
}
