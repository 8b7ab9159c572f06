/* Property: whatever the lines are, a record's views lie inside its line; those of JSON,
 * which may be unescaped, are there. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/logread.h"

static bool json;
static volatile char seen;

static void inside(struct logread_text t, const char *line, size_t len)
{
    if (!json && t.len > 0 && (t.p < line || t.p + t.len > line + len))
        abort();
    for (size_t i = 0; i < t.len; i++)
        seen = t.p[i];
}

static void one_line(struct logread *lr, const char *line, size_t len)
{
    char *exact = malloc(len > 0 ? len : 1); /* so that a read beyond it is seen */
    struct logread_line l;

    memcpy(exact, line, len);
    if (logread_parse(lr, exact, len, &l) == LOGREAD_LINE) {
        json = lr->format == LOGREAD_JSON;
        inside(l.user, exact, len);
        inside(l.addr, exact, len);
        inside(l.host, exact, len);
        inside(l.path, exact, len);
        inside(l.agent, exact, len);
        if (l.at < 0 || l.path.len == 0)
            abort();
    }
    free(exact);
}

static void whole(enum logread_format f, const char *in, size_t len)
{
    struct logread lr;

    logread_init(&lr, f);
    while (len > 0) {
        const char *nl = memchr(in, '\n', len);
        size_t n = nl != NULL ? (size_t)(nl - in) : len;

        one_line(&lr, in, n);
        n += nl != NULL;
        in += n;
        len -= n;
    }
    logread_fini(&lr);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    for (int f = LOGREAD_AUTO; f <= LOGREAD_JSON; f++)
        whole((enum logread_format)f, (const char *)in, len);
    return 0;
}
