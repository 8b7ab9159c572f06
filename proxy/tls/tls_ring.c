#include "proxy/tls/tls_ring.h"

#include <string.h>

bool tls_ring_read(const uint8_t *bytes, size_t len, struct tls_ring_key *out)
{
    size_t part = (len - TLS_RING_NAME) / 2;

    if (len != 80 && len != 48)
        return false;
    *out = (struct tls_ring_key){.aes_len = (uint8_t)part};
    memcpy(out->name, bytes, TLS_RING_NAME);
    if (len == 80) { /* the two formats differ in their order, too */
        memcpy(out->hmac, bytes + TLS_RING_NAME, part);
        memcpy(out->aes, bytes + TLS_RING_NAME + part, part);
    } else {
        memcpy(out->aes, bytes + TLS_RING_NAME, part);
        memcpy(out->hmac, bytes + TLS_RING_NAME + part, part);
    }
    return true;
}

bool tls_ring_add(struct tls_ring *r, const struct tls_ring_key *k)
{
    if (r->n == TLS_RING_MAX || tls_ring_find(r, k->name) != NULL)
        return false;
    r->keys[r->n++] = *k;
    return true;
}

bool tls_ring_due(const struct tls_ring *r, mono_us now, mono_us rotate)
{
    return r->n == 0 || now - r->since >= rotate;
}

void tls_ring_turn(struct tls_ring *r, mono_us now, mono_us rotate,
                   const struct tls_ring_key *fresh)
{
    if (r->n > 0 && now - r->since < 2 * rotate) {
        r->keys[1] = r->keys[0];
        r->n = 2;
    } else {
        r->n = 1;
    }
    r->keys[0] = *fresh;
    r->since = now;
}

const struct tls_ring_key *tls_ring_find(const struct tls_ring *r,
                                         const uint8_t name[TLS_RING_NAME])
{
    for (unsigned i = 0; i < r->n; i++)
        if (memcmp(r->keys[i].name, name, TLS_RING_NAME) == 0)
            return &r->keys[i];
    return NULL;
}
