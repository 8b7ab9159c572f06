/*
 * h2link.h - an HTTP/2 connection over a sock, seen from either end: what h2conn.c
 * (towards clients) and h2up.c (towards backends) have in common.
 *
 * Input goes through the sieve (h2/sieve.h) into the library; heads come out as msgs,
 * bodies as views of the input.  Output is gathered: whatever was submitted in a turn
 * leaves with the ready list in one write; a large piece of a body leaves at once and
 * uncopied.
 *
 * Flow control: what arrives counts against the connection's window only until it is read,
 * against its stream's until h2link_credit().  What a stream could not send waits in its
 * queue, and data() answers "no more" above SOCK_OUT_LOW.
 *
 * The owner's callbacks may submit anything but never close the link; it does that after
 * h2link_input() or h2link_run() has returned.
 */
#ifndef PROXY_H2LINK_H
#define PROXY_H2LINK_H

#include "proxy/exchange.h"
#include "proxy/h2/sieve.h"
#include "proxy/h2pool.h"
#include "proxy/inbox.h"

struct h2link;

struct h2stream {
    struct stream stream; /* first */
    struct h2link *link;
    struct list node; /* in link->streams */
    struct list todo; /* in link->sent or link->closed */
    struct loop_timer timer;
    int32_t id;        /* -1: not submitted yet (up) */
    uint32_t error;    /* why it was closed */
    uint8_t method;    /* of the request (up) */
    bool closed;       /* the library knows it no more */
    bool remote_ended; /* END_STREAM came */
    bool ended;        /* no more data() or end() will come: END_STREAM goes out */
    bool waits;        /* the library waits for h2link_send() */
    bool was_full;     /* data() answered "no more" */
    bool upgrade;      /* a tunnel is asked for (down) */
    bool tunnel;       /* ... and is there */
    bool answered;     /* the final head was given on (up), or came from us (down) */
    bool whole;        /* down: all of a body of known length is here */
    bool broken;       /* we broke it off for what the peer sent */
    uint64_t length;   /* down: of such a body; 0: its end will be told */
    uint32_t held;     /* received, and not credited yet */
    uint64_t received; /* payload */
    struct bufq out;   /* to be sent; the first `sent` bytes are with the sock */
    size_t sent;
    const uint8_t *lent; /* follows `out`; only inside h2link_send() */
    size_t n_lent;
    struct msg *trailers; /* in one block with its text; NULL: none */
    struct bufq early;    /* down: came before its tunnel was open */
    char *ws_accept;      /* up: what an answer to an upgrade is to carry; NULL: none */
};

struct h2link_ops {
    /* A whole field block.  s is NULL for a new stream of the peer's. */
    void (*block)(struct h2link *l, struct h2stream *s, int32_t id, bool end);
    /* The library refused a new stream of the peer's; `was_read`: its fields are in the
     * pool's block.  NULL: of no interest. */
    void (*refused)(struct h2link *l, bool was_read);
    void (*data)(struct h2stream *s, const uint8_t *p, size_t n);
    /* END_STREAM came on DATA. */
    void (*end)(struct h2stream *s);
    /* s->error says why; afterwards s->stream.x is NULL and s is freed. */
    void (*closed)(struct h2stream *s);
    /* What it has to send is below the mark again. */
    void (*room)(struct h2stream *s);
    /* There is more to send, or (`sent`) less. */
    void (*moved)(struct h2stream *s, bool sent);
    void (*settings)(struct h2link *l); /* NULL: of no interest */
    void (*goaway)(struct h2link *l);   /* the same */
    void (*ping_answered)(struct h2link *l);
    void (*timeout)(struct h2stream *s);
};

struct h2link {
    struct sock *sock;
    struct h2pool *pool;
    nghttp2_session *session;
    struct h2pool_pages pages;
    const struct h2link_ops *ops;
    struct list streams, sent, closed;
    uint32_t n_streams;
    struct sieve sieve;
    struct sieve_bucket resets, control;
    uint32_t reset_rate, control_rate; /* a second; 0: no limit */
    struct block_limits limits;
    struct inbox inbox;
    /* Streams of the peer's: the highest, the last it left out (between the two), those
     * we broke off lately, of which frames may still come, and the highest of earlier ones.
     */
    uint32_t highest, skip_from, skip_to, resets_at[8], resets_before;
    uint8_t n_resets;
    bool server;
    mono_us since; /* first byte of the frame under way; 0: it came at once */
    bool receiving, flushing;
    bool rests;
    bool heard;    /* something was read; the owner clears it */
    bool dead;     /* nothing more is read: the library failed, or a GOAWAY with an error */
    bool broken;   /* a GOAWAY with an error went out */
    bool relieved; /* a stream has room again */
    bool leaving;  /* a GOAWAY went out: new streams are not looked at */
};

struct h2link_settings {
    bool server;
    uint32_t max_streams;   /* that the peer may open */
    uint32_t stream_window; /* bytes */
    uint32_t link_window;
    uint32_t reset_rate, control_rate;
    struct block_limits limits;
};

void h2link_open(struct h2link *l, struct sock *sock, const struct h2link_settings *set,
                 const struct h2link_ops *ops);
/* Frees the session and all streams; none may belong to an exchange. */
void h2link_close(struct h2link *l);

/* Reads a turn's share of the sock; false: the peer's side is over. */
bool h2link_read(struct h2link *l);
/* Bytes that were read elsewhere; all are used or kept. */
void h2link_input(struct h2link *l, uint8_t *p, size_t n);
/* Sends what is to be sent and tells what happened to streams.  At the top of a turn's
 * work only. */
void h2link_run(struct h2link *l);
/* If nothing is under way: holds no more memory than it needs to go on, and must not be
 * used before it is roused. */
void h2link_rest(struct h2link *l);
void h2link_rouse(struct h2link *l);
/* True when both sides have nothing more to say. */
bool h2link_over(const struct h2link *l);
/* Runs the link's owner later in this turn. */
void h2link_wake(struct h2link *l);
/* GOAWAY with an error; what is open is cut. */
void h2link_fail(struct h2link *l, uint32_t error);
/* The peer has broken off a request, or made us do so: too often is a failure. */
void h2link_pay_reset(struct h2link *l);

struct h2stream *h2link_stream(struct h2link *l, int32_t id, const struct stream_ops *ops);
/* Forgets a stream that was never submitted. */
void h2link_drop(struct h2stream *s);

/* The head that leaves with `pool->pairs`; with `end` nothing follows. */
void h2link_answer(struct h2stream *s, bool end);
void h2link_ask(struct h2stream *s, bool end);
void h2link_inform(struct h2stream *s);
/* As the operations of stream.h say. */
bool h2link_send(struct h2stream *s, const uint8_t *p, size_t n);
void h2link_end(struct h2stream *s, const struct msg *trailers);
void h2link_reset(struct h2stream *s, uint32_t error);
/* Ends a stream that cannot be submitted: closed() follows in a later turn. */
void h2link_give_up(struct h2stream *s, uint32_t error);
/* n more bytes of what s received are used up. */
void h2link_credit(struct h2stream *s, size_t n);
void h2link_credit_held(struct h2stream *s);

/* Not yet sent. */
static inline size_t h2link_pending(const struct h2stream *s)
{
    return s->out.len - s->sent + s->n_lent;
}

void h2link_deadline(struct h2stream *s, uint32_t ms);

#endif
