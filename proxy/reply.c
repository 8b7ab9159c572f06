#include "proxy/reply.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

/* The largest wait that is worth telling. */
#define RETRY_AFTER_MAX_S 3600

static void add_text(struct msg *m, enum field_id id, const char *name, const char *value)
{
    CHECK(msg_add(m, id, name, value, strlen(value)));
}

static void add_retry_after(struct msg *m, double seconds)
{
    char number[32];
    double s = ceil(seconds);

    snprintf(number, sizeof(number), "%.0f", s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S);
    add_text(m, FIELD_RETRY_AFTER, "Retry-After", number);
}

size_t reply_send(struct stream *down, uint8_t request_method, unsigned status,
                  const char *why, double retry_after_s)
{
    char text[512];
    struct field fields[4];
    size_t len = strlen(why);
    bool end = len == 0 || request_method == METHOD_HEAD;
    struct msg m = {.text = text,
                    .text_room = sizeof(text),
                    .fields = fields,
                    .fields_room = N_ELEMS(fields),
                    .status = (uint16_t)status,
                    .version = HTTP_11,
                    .body = end ? BODY_NONE : BODY_LENGTH};

    CHECK(msg_append(&m, msg_reason(status), strlen(msg_reason(status)), &m.reason));
    if (len > 0) {
        m.flags = MSG_HAS_LENGTH;
        m.content_length = len + 1;
        add_text(&m, FIELD_OTHER, "Content-Type", "text/plain");
        add_text(&m, FIELD_OTHER, "Cache-Control", "no-store");
    }
    if (status == 405)
        add_text(&m, FIELD_OTHER, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    if (retry_after_s > 0)
        add_retry_after(&m, retry_after_s);
    down->framed_out = false;
    down->ops->head(down, &m, end);
    if (end)
        return 0;
    down->ops->data(down, (const uint8_t *)why, len);
    down->ops->data(down, (const uint8_t *)"\n", 1);
    down->ops->end(down, NULL);
    return len + 1;
}
