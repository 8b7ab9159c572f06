#include "profiler/session.h"

#include <string.h>

#include "profiler/token.h"

bool session_is_over(const struct session *s, uint32_t at_s, uint32_t gap_s)
{
    return s->requests == 0 || (at_s > s->last_s && at_s - s->last_s > gap_s);
}

void session_begin(struct session *s, uint32_t at_s)
{
    *s = (struct session){.start_s = at_s, .last_s = at_s, .n_history = 1};
    s->history[0] = TOKEN_START;
}

void session_add(struct session *s, uint32_t at_s, uint16_t token)
{
    s->requests++;
    if (at_s > s->last_s)
        s->last_s = at_s;
    if (s->n_history == SESSION_HISTORY) {
        memmove(s->history, s->history + 1, (SESSION_HISTORY - 1) * sizeof(s->history[0]));
        s->n_history--;
    }
    s->history[s->n_history++] = token;
}
