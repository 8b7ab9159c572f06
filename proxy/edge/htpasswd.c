#include "proxy/edge/htpasswd.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/edge/apr1.h"
#include "proxy/edge/b64.h"

#define SHA1_PREFIX    "{SHA}"
#define SHA1_BYTES     20
#define SHA1_TEXT      28 /* in base64 */
#define NAME_BYTES_MAX 255

struct user {
    char *name, *hash;
};

struct htpasswd {
    struct user *users; /* by name */
    size_t n;
    const char *decoy; /* one of their hashes, a slow one if there is any */
};

struct htpasswd *htpasswd_new(void)
{
    return MEM_NEW(struct htpasswd);
}

void htpasswd_free(struct htpasswd *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n; i++) {
        free(h->users[i].name);
        free(h->users[i].hash);
    }
    free(h->users);
    free(h);
}

/* ---- reading ------------------------------------------------------------------------- */

static bool is_sha1(const char *hash)
{
    return strncmp(hash, SHA1_PREFIX, strlen(SHA1_PREFIX)) == 0;
}

static bool is_apr1(const char *hash)
{
    return strncmp(hash, "$apr1$", 6) == 0;
}

/* Those of crypt(3) that begin with "$"; the older ones are guessed in seconds. */
static bool is_crypt(const char *hash)
{
    int verdict = hash[0] == '$' ? crypt_checksalt(hash) : CRYPT_SALT_INVALID;

    return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY ||
           verdict == CRYPT_SALT_TOO_CHEAP;
}

static bool is_hash(const char *hash)
{
    uint8_t bytes[B64_BYTES(SHA1_TEXT)];
    size_t n;

    if (is_sha1(hash)) {
        hash += strlen(SHA1_PREFIX);
        return strlen(hash) == SHA1_TEXT && b64_decode(hash, SHA1_TEXT, bytes, &n) &&
               n == SHA1_BYTES;
    }
    return is_apr1(hash) || is_crypt(hash);
}

/* Where the name is, or would be. */
static size_t place_of(const struct htpasswd *h, const char *name, size_t len)
{
    size_t from = 0, to = h->n;

    while (from < to) {
        size_t mid = (from + to) / 2;
        int c = strncmp(h->users[mid].name, name, len);

        if (c < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static bool is_at(const struct htpasswd *h, size_t i, const char *name, size_t len)
{
    return i < h->n && strlen(h->users[i].name) == len &&
           memcmp(h->users[i].name, name, len) == 0;
}

int htpasswd_add(struct htpasswd *h, const char *line, size_t len, struct why *w)
{
    const char *colon = memchr(line, ':', len);
    size_t n = colon != NULL ? (size_t)(colon - line) : 0, at;
    char *hash;

    if (n == 0 || n > NAME_BYTES_MAX || memchr(line, 0, len) != NULL)
        return why_set(w, RC_INVALID, "is not name:HASH");
    at = place_of(h, line, n);
    if (is_at(h, at, line, n))
        return why_set(w, RC_INVALID, "'%.*s' is given twice", (int)n, line);
    hash = mem_strn(colon + 1, len - n - 1);
    if (!is_hash(hash)) {
        free(hash);
        return why_set(w, RC_INVALID,
                       "the hash of '%.*s' is none of bcrypt, yescrypt, sha512-crypt, "
                       "sha256-crypt, md5-crypt, apr1 and {SHA}",
                       (int)n, line);
    }
    h->users = mem_grow(h->users, h->n + 1, sizeof(*h->users));
    memmove(&h->users[at + 1], &h->users[at], (h->n - at) * sizeof(*h->users));
    h->users[at] = (struct user){mem_strn(line, n), hash};
    h->n++;
    if (h->decoy == NULL || (!htpasswd_is_slow(h->decoy) && htpasswd_is_slow(hash)))
        h->decoy = hash;
    return RC_OK;
}

int htpasswd_add_text(struct htpasswd *h, const char *text, struct why *w)
{
    for (unsigned line = 1; *text != 0; line++) {
        size_t all = strcspn(text, "\n"), len = all;
        struct why why;

        if (len > 0 && text[len - 1] == '\r')
            len--;
        if (len > 0 && text[0] != '#' && htpasswd_add(h, text, len, &why) != RC_OK)
            return why_set(w, RC_INVALID, "line %u: %s", line, why.text);
        text += text[all] != 0 ? all + 1 : all;
    }
    return RC_OK;
}

/* ---- checking ------------------------------------------------------------------------ */

const char *htpasswd_hash(const struct htpasswd *h, const char *name, size_t len,
                          bool *known)
{
    size_t at = memchr(name, 0, len) == NULL ? place_of(h, name, len) : h->n;

    *known = is_at(h, at, name, len);
    if (*known)
        return h->users[at].hash;
    return h->decoy;
}

bool htpasswd_is_slow(const char *hash)
{
    return !is_sha1(hash) && !is_apr1(hash) && strncmp(hash, "$1$", 3) != 0;
}

static bool same(const char *a, const char *b)
{
    size_t n = strlen(a);

    return strlen(b) == n && CRYPTO_memcmp(a, b, n) == 0;
}

static bool check_sha1(const char *hash, const char *password)
{
    uint8_t want[B64_BYTES(SHA1_TEXT)], is[EVP_MAX_MD_SIZE];
    unsigned len;
    size_t n;

    CHECK(b64_decode(hash + strlen(SHA1_PREFIX), SHA1_TEXT, want, &n) && n == SHA1_BYTES);
    CHECK(EVP_Digest(password, strlen(password), is, &len, EVP_sha1(), NULL) == 1);
    return CRYPTO_memcmp(want, is, SHA1_BYTES) == 0;
}

static bool check_crypt(const char *hash, const char *password)
{
    struct crypt_data *data = MEM_NEW(struct crypt_data); /* 32 KiB */
    const char *is = crypt_r(password, hash, data);
    bool right = is != NULL && is[0] != '*' && same(is, hash);

    OPENSSL_cleanse(data, sizeof(*data));
    free(data);
    return right;
}

bool htpasswd_check(const char *hash, const char *password)
{
    char is[APR1_TEXT_MAX];

    if (strlen(password) > HTPASSWD_PASSWORD_MAX)
        return false;
    if (is_sha1(hash))
        return check_sha1(hash, password);
    if (is_apr1(hash))
        return apr1_hash(password, hash, is) && same(is, hash);
    return check_crypt(hash, password);
}
