#include "proxy/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/mem.h"

/* Each is two descriptors; with more clients that do not keep up bytes are copied. */
#define USED_MAX  256
#define SPARE_MAX 16

void pipes_init(struct pipes *p)
{
    *p = (struct pipes){0};
}

static void destroy(struct pipe *pipe)
{
    close(pipe->in);
    close(pipe->out);
    free(pipe);
}

void pipes_fini(struct pipes *p)
{
    CHECK(p->n_used == 0);
    while (p->spare != NULL) {
        struct pipe *next = p->spare->next;

        destroy(p->spare);
        p->spare = next;
    }
}

static struct pipe *create(void)
{
    struct pipe *pipe;
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return NULL;
    pipe = MEM_NEW(struct pipe);
    pipe->in = fds[1];
    pipe->out = fds[0];
    return pipe;
}

struct pipe *pipes_get(struct pipes *p)
{
    struct pipe *pipe = p->spare;

    if (p->n_used == USED_MAX)
        return NULL;
    if (pipe != NULL) {
        p->spare = pipe->next;
        p->n_spare--;
    } else {
        pipe = create();
    }
    if (pipe != NULL)
        p->n_used++;
    return pipe;
}

void pipes_put(struct pipes *p, struct pipe *pipe)
{
    p->n_used--;
    if (pipe->held > 0 || p->n_spare == SPARE_MAX) {
        destroy(pipe);
        return;
    }
    pipe->next = p->spare;
    p->spare = pipe;
    p->n_spare++;
}
