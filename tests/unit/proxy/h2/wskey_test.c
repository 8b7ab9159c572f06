#include "proxy/h2/wskey.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 6455, 1.3. */
Test(wskey, the_rfcs_example)
{
    char key[WSKEY_LEN], accept[WSKEY_ACCEPT];

    wskey_make((const uint8_t *)"the sample nonce", key);
    cr_expect(memcmp(key, "dGhlIHNhbXBsZSBub25jZQ==", WSKEY_LEN) == 0);
    wskey_accept(key, sizeof(key), accept);
    cr_expect(memcmp(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", WSKEY_ACCEPT) == 0);
}

Test(wskey, a_short_and_an_overlong_key_are_read_within_bounds)
{
    char accept[WSKEY_ACCEPT], same[WSKEY_ACCEPT], key[80];

    memset(key, 'k', sizeof(key));
    wskey_accept(key, 0, accept);
    cr_expect(memcmp(accept, "Kfh9QIsMVZcl6xEPYxPHzW8SZ8w=", WSKEY_ACCEPT) == 0);
    wskey_accept(key, 64, accept);
    wskey_accept(key, 80, same);
    cr_expect(memcmp(accept, same, WSKEY_ACCEPT) == 0);
}
