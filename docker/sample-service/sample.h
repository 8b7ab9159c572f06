/*
 * sample.h - the inside of the sample service: a connection and what is asked on it.
 */
#ifndef DOCKER_SAMPLE_SERVICE_SAMPLE_H
#define DOCKER_SAMPLE_SERVICE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IN_MAX = 16384, OUT_MAX = 32768, CHUNK_FRAME = 32, US_PER_MS = 1000 };

enum kind { KIND_PAGE, KIND_ECHO, KIND_UPGRADE, KIND_ABORT, KIND_HEALTH, KIND_STATS };

struct request {
    enum kind kind;
    bool head_only, close, expects;
    bool chunked_in, last_chunk, chunked_out;
    int status;
    uint64_t answer_bytes;
    uint64_t extra_us;
    uint64_t body_left; /* of the body, or of the chunk being read */
};

/* What a connection does now; its only writer is sample_go(). */
enum state {
    STATE_HEAD,
    STATE_BODY,
    STATE_LINE,   /* waits until fewer than `concurrency` are made */
    STATE_MAKING, /* until due_us */
    STATE_ANSWER, /* writes */
    STATE_TUNNEL,
    STATE_DEAD,
};

struct conn {
    struct conn *prev, *next; /* all connections */
    struct conn *line_next;   /* STATE_LINE */
    int fd;
    enum state state;
    uint32_t want;  /* of epoll */
    int64_t due_us; /* STATE_MAKING */
    struct request req;
    char *body; /* the request's, for /echo */
    size_t body_len, body_cap;
    uint64_t out_left; /* bytes of the answer's body not yet in `out` */
    size_t in_len, out_len, out_sent;
    char in[IN_MAX], out[OUT_MAX];
};

struct sample_options {
    const char *host;
    int port;
    int64_t latency_us, cpu_us, start_us;
    unsigned concurrency;
};
extern struct sample_options opt;

struct sample_stats {
    uint64_t requests, aborted, bytes_in;
    unsigned inflight, inflight_max, connections, connections_max;
};
extern struct sample_stats stats;

/* ---- sample.c: the loop, and what a page costs ---- */

bool sample_unready(void); /* /healthz: it starts, or it stops */
bool sample_stopping(void);

/* ---- sample_conn.c: a connection's state, and the counters that follow from it ---- */

extern struct conn conns; /* the head of all */
extern struct conn *line_first;
extern unsigned n_making;
extern int epoll_fd;

bool sample_inflight(const struct conn *c);
void sample_go(struct conn *c, enum state to);
void sample_want(struct conn *c, uint32_t events);
void sample_close(struct conn *c, bool reset);
/* After a turn: events of the turn may still name the dead. */
void sample_free_dead(void);

/* ---- sample_request.c: reading ---- */

enum progress { PROGRESS_MORE, PROGRESS_DONE, PROGRESS_BAD };

/* `head` is terminated and ends with an empty line. */
bool sample_read_head(struct request *r, char *head);
enum progress sample_read_body(struct conn *c);
void sample_take_in(struct conn *c, size_t n); /* drops that much from the front of `in` */
uint64_t sample_number(const char *s);

/* ---- sample_answer.c: writing ---- */

/* The state is STATE_ANSWER from here on, or STATE_DEAD. */
void sample_answer(struct conn *c);
/* Puts the next piece of the body behind what is in `out`; false: there is none. */
bool sample_refill(struct conn *c);
/* True once all of `out` is written. */
bool sample_flush(struct conn *c);

#endif
