#include "proxy/refusal.h"

#include <stdio.h>
#include <string.h>

size_t refusal_text(unsigned status, const char *date, char out[REFUSAL_TEXT_MAX],
                    size_t *body)
{
    const char *reason = msg_reason(status);

    *body = strlen(reason) + 5;
    return (size_t)snprintf(out, REFUSAL_TEXT_MAX,
                            "HTTP/1.1 %u %s\r\nContent-Type: text/plain\r\nDate: %.29s\r\n"
                            "Content-Length: %zu\r\nConnection: close\r\n\r\n%u %s\n",
                            status, reason, date, *body, status, reason);
}

enum stats_refusal refusal_of(const struct head_fault *f)
{
    switch ((enum head_about)f->about) {
    case HEAD_FRAMING:
        return f->status == 400 ? REFUSAL_FRAMING : stats_refusal_of(f->status);
    case HEAD_HOST:
        return REFUSAL_HOST;
    case HEAD_SYNTAX:
        break;
    }
    return stats_refusal_of(f->status);
}
