#include "proxy/tls/tls_io.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "proxy/tls/tls_cert.h"
#include "proxy/tls/tls_peer.h"
#include "proxy/tls/tls_server.h"

struct tls_io {
    SSL *ssl;
    struct tls_server *server; /* one of these two is NULL */
    struct tls_peer *peer;
    uint8_t *rest; /* received, not taken: reading stopped for want of room */
    size_t rest_len;
    char *subject;
    const char *reason; /* the library's, static */
    uint8_t fault;      /* enum tls_io_fault */
    bool heard;         /* something was received */
    bool established;
    bool ended;    /* the peer said that nothing follows */
    bool broken;   /* nothing can be read or written any more */
    bool plain;    /* no TLS at all */
    bool pending;  /* the library holds plain text */
    bool told_end; /* we said that nothing follows */
};

const char *const tls_io_fault_name[TLS_IO_N_FAULTS] = {
#define X(sym, name) name,
    TLS_IO_FAULTS(X)
#undef X
};

/* ---- life ---- */

/* All connections of a block share its one BIO: between two calls nothing is in it. */
static struct tls_io *io_new(SSL *ssl, struct tls_block *b)
{
    struct tls_io *t = MEM_NEW(struct tls_io);

    t->ssl = ssl;
    CHECK(BIO_up_ref(b->bio) == 1);
    SSL_set_bio(ssl, b->bio, b->bio);
    return t;
}

struct tls_io *tls_io_accept(struct tls_server *s, struct tls_block *b)
{
    struct tls_io *t = io_new(tls_server_open(s), b);

    t->server = tls_server_ref(s);
    return t;
}

struct tls_io *tls_io_connect(struct tls_peer *p, enum tls_offer offer, struct tls_block *b)
{
    struct tls_io *t = io_new(tls_peer_open(p, offer), b);

    t->peer = tls_peer_ref(p);
    return t;
}

void tls_io_free(struct tls_io *t)
{
    if (t == NULL)
        return;
    /* Else the library takes the session for one that must not be resumed. */
    if (!t->broken)
        SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(t->ssl);
    tls_server_unref(t->server);
    tls_peer_unref(t->peer);
    free(t->rest);
    free(t->subject);
    free(t);
}

/* ---- what went wrong ---- */

static enum tls_io_fault fault_of(unsigned long e)
{
    if (ERR_GET_LIB(e) != ERR_LIB_SSL)
        return TLS_IO_F_OTHER;
    if (ERR_GET_REASON(e) >= SSL_AD_REASON_OFFSET)
        return TLS_IO_F_ALERT;
    switch (ERR_GET_REASON(e)) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
        return TLS_IO_F_VERSION;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
        return TLS_IO_F_CIPHER;
    case SSL_R_CALLBACK_FAILED: /* the name is asked by a callback alone */
        return TLS_IO_F_NAME;
    case SSL_R_NO_APPLICATION_PROTOCOL:
        return TLS_IO_F_PROTOCOL;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        return TLS_IO_F_CERTIFICATE;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_BAD_RECORD_TYPE:
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_ENCRYPTED_LENGTH_TOO_LONG:
    case SSL_R_DATA_LENGTH_TOO_LONG:
    case SSL_R_RECORD_TOO_SMALL:
    case SSL_R_BAD_LENGTH:
    case SSL_R_LENGTH_MISMATCH:
    case SSL_R_LENGTH_TOO_SHORT:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_UNEXPECTED_RECORD:
        return TLS_IO_F_BAD_RECORD;
    default:
        return TLS_IO_F_OTHER;
    }
}

static void fail(struct tls_io *t, enum tls_io_fault fault, const char *reason)
{
    t->broken = true;
    t->fault = (uint8_t)fault;
    t->reason = reason;
}

static void fail_by_library(struct tls_io *t)
{
    unsigned long e = ERR_peek_error();
    long verified = SSL_get_verify_result(t->ssl);

    if (fault_of(e) == TLS_IO_F_CERTIFICATE && verified != X509_V_OK)
        fail(t, TLS_IO_F_CERTIFICATE, X509_verify_cert_error_string(verified));
    else
        fail(t, fault_of(e), ERR_reason_error_string(e));
    ERR_clear_error();
}

/* After a call that did not succeed. */
static void note_failure(struct tls_io *t, int rc)
{
    switch (SSL_get_error(t->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return;
    case SSL_ERROR_ZERO_RETURN:
        t->ended = true;
        return;
    default:
        fail_by_library(t);
    }
}

/* ---- reading ---- */

void tls_io_received(struct tls_io *t, struct tls_block *b, size_t n)
{
    CHECK(t->rest == NULL && b->from == b->end);
    b->from = b->in;
    b->end = b->in + n;
    /* No TLS record begins with a capital letter, each method of HTTP does. */
    if (!t->heard && t->server != NULL && n > 0 && b->in[0] >= 'A' && b->in[0] <= 'Z')
        t->plain = true;
    t->heard = true;
}

/* Takes up what an earlier call left. */
static void take_rest(struct tls_io *t, struct tls_block *b)
{
    if (t->rest == NULL)
        return;
    CHECK(b->from == b->end);
    b->from = t->rest;
    b->end = t->rest + t->rest_len;
}

/* Nothing of ours stays in the block. */
static void leave_rest(struct tls_io *t, struct tls_block *b)
{
    size_t n = (size_t)(b->end - b->from);
    uint8_t *left = NULL;

    if (n > 0 && !t->broken && !t->ended) {
        left = mem_new(n, 1);
        memcpy(left, b->from, n);
    }
    free(t->rest);
    t->rest = left;
    t->rest_len = n;
    b->from = b->end = b->in;
}

/* The identity is taken once: a session that is resumed has it, too. */
static void keep_subject(struct tls_io *t)
{
    X509 *x;

    if (t->server == NULL || !tls_server_asks_clients(t->server))
        return;
    x = SSL_get0_peer_certificate(t->ssl);
    if (x == NULL || SSL_get_verify_result(t->ssl) != X509_V_OK)
        return;
    t->subject = mem_new(1, TLS_IO_SUBJECT_MAX);
    if (!tls_cert_subject(x, t->subject, TLS_IO_SUBJECT_MAX))
        fail(t, TLS_IO_F_CERTIFICATE, "the subject is too long");
}

static void look_for_end_of_handshake(struct tls_io *t)
{
    if (t->established || !SSL_is_init_finished(t->ssl))
        return;
    t->established = true;
    keep_subject(t);
}

static ssize_t state_of(const struct tls_io *t)
{
    if (t->plain)
        return TLS_IO_PLAIN;
    if (t->broken)
        return TLS_IO_BROKEN;
    return t->ended ? TLS_IO_EOF : TLS_IO_AGAIN;
}

/* Bytes of plain text. */
static size_t decrypt(struct tls_io *t, char *buf, size_t room)
{
    size_t got = 0, n;
    int rc;

    while (got < room) {
        rc = SSL_read_ex(t->ssl, buf + got, room - got, &n);
        if (rc != 1) {
            note_failure(t, rc);
            break;
        }
        got += n;
    }
    return got;
}

ssize_t tls_io_read(struct tls_io *t, struct tls_block *b, void *buf, size_t room)
{
    bool was_established = t->established;
    size_t got = 0;

    take_rest(t, b);
    if (state_of(t) == TLS_IO_AGAIN) {
        ERR_clear_error();
        got = decrypt(t, buf, room);
        look_for_end_of_handshake(t);
        t->pending = got == room && SSL_has_pending(t->ssl) == 1;
    }
    leave_rest(t, b);
    if (t->broken && !was_established)
        got = 0; /* of a peer that was not accepted */
    return got > 0 ? (ssize_t)got : state_of(t);
}

ssize_t tls_io_ended(struct tls_io *t)
{
    if (state_of(t) == TLS_IO_AGAIN) {
        if (t->established)
            fail(t, TLS_IO_F_CLOSED, "closed without close_notify");
        else
            fail(t, TLS_IO_F_CLOSED, "closed in the handshake");
    }
    return state_of(t);
}

bool tls_io_holds(const struct tls_io *t)
{
    return t->rest != NULL || t->pending || t->ended || t->broken;
}

/* ---- the handshake ---- */

ssize_t tls_io_handshake(struct tls_io *t, struct tls_block *b)
{
    int rc;

    take_rest(t, b);
    if (state_of(t) == TLS_IO_AGAIN && !t->established) {
        ERR_clear_error();
        rc = SSL_do_handshake(t->ssl);
        if (rc != 1)
            note_failure(t, rc);
        look_for_end_of_handshake(t);
    }
    leave_rest(t, b);
    return t->established && !t->broken ? 1 : state_of(t);
}

bool tls_io_established(const struct tls_io *t)
{
    return t->established;
}

bool tls_io_broken(const struct tls_io *t)
{
    return t->broken;
}

bool tls_io_is_server(const struct tls_io *t)
{
    return t->server != NULL;
}

/* ---- writing ---- */

static bool encrypt(struct tls_io *t, const void *p, size_t n)
{
    size_t done;
    int rc;

    while (n > 0) {
        rc = SSL_write_ex(t->ssl, p, n, &done);
        if (rc != 1) {
            fail_by_library(t);
            return false;
        }
        p = (const char *)p + done;
        n -= done;
    }
    return true;
}

/* Plain text on its way into records. */
struct gather {
    struct tls_io *t;
    uint8_t *record;
    size_t held;
};

/* Full records, and the last piece of all, go straight from where they lie; other pieces
 * are gathered. */
static bool add_piece(struct gather *g, const uint8_t *p, size_t n, bool last)
{
    while (n > 0) {
        size_t room = TLS_BLOCK_RECORD - g->held, take = n < room ? n : room;

        if (g->held == 0 && (take == TLS_BLOCK_RECORD || last)) {
            if (!encrypt(g->t, p, take))
                return false;
        } else {
            memcpy(g->record + g->held, p, take);
            g->held += take;
        }
        if (g->held == TLS_BLOCK_RECORD) {
            if (!encrypt(g->t, g->record, g->held))
                return false;
            g->held = 0;
        }
        p += take;
        n -= take;
    }
    return true;
}

bool tls_io_write(struct tls_io *t, struct tls_block *b, const struct iovec *iov, int n)
{
    struct gather g = {.t = t, .record = b->record};

    if (t->broken || !t->established || t->told_end)
        return false;
    ERR_clear_error();
    for (int i = 0; i < n; i++)
        if (!add_piece(&g, iov[i].iov_base, iov[i].iov_len, i == n - 1))
            return false;
    return g.held == 0 || encrypt(t, g.record, g.held);
}

void tls_io_end(struct tls_io *t)
{
    if (t->broken || !t->established || t->told_end)
        return;
    t->told_end = true;
    ERR_clear_error();
    SSL_shutdown(t->ssl);
    ERR_clear_error();
}

/* ---- what is known ---- */

enum tls_io_fault tls_io_fault(const struct tls_io *t)
{
    return t->fault;
}

const char *tls_io_reason(const struct tls_io *t)
{
    return t->reason != NULL ? t->reason : "";
}

bool tls_io_resumed(const struct tls_io *t)
{
    return SSL_session_reused(t->ssl) == 1;
}

const char *tls_io_protocol(const struct tls_io *t, size_t *len)
{
    const unsigned char *name;
    unsigned n;

    SSL_get0_alpn_selected(t->ssl, &name, &n);
    *len = n;
    return (const char *)name;
}

const char *tls_io_subject(const struct tls_io *t)
{
    return t->subject != NULL ? t->subject : "";
}

const char *tls_io_version(const struct tls_io *t)
{
    return SSL_get_version(t->ssl);
}

const char *tls_io_cipher(const struct tls_io *t)
{
    return SSL_get_cipher_name(t->ssl);
}

const char *tls_io_name(const struct tls_io *t)
{
    const char *name = SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name);

    return name != NULL ? name : "";
}

bool tls_io_heard(const struct tls_io *t)
{
    return t->heard;
}
