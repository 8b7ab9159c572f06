#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define SITE_BURST_MS 1000

static _Atomic int max_level = LOG_INFO;
static const char *const names[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&max_level, memory_order_relaxed);
}

/* True when this line may be written; *left_out then says how many were not.  Information
 * is never held back: it reports changes, and each change is news. */
static int site_admits(struct log_site *s, enum log_level level, long long now,
                       unsigned *left_out)
{
    long long last = atomic_load(&s->last_ms);

    *left_out = 0;
    if (level >= LOG_INFO)
        return 1;
    if (last != 0 && now - last < SITE_BURST_MS) {
        atomic_fetch_add(&s->left_out, 1);
        return 0;
    }
    atomic_store(&s->last_ms, now);
    *left_out = atomic_exchange(&s->left_out, 0);
    return 1;
}

/* Appends `from` with control bytes as \xNN; cut where `to` ends. */
static size_t escape(char *to, size_t room, const char *from)
{
    size_t n = 0;

    for (; *from != 0 && n + 5 < room; from++) {
        unsigned char c = (unsigned char)*from;

        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(to + n, room - n, "\\x%02x", c);
        else
            to[n++] = (char)c;
    }
    return n;
}

void log_write(struct log_site *site, enum log_level level, const char *area,
               const char *fmt, ...)
{
    char text[1024], line[1400];
    wall_ms now = clock_wall();
    time_t sec = (time_t)(now / MS_PER_S);
    unsigned left_out;
    struct tm tm;
    size_t n;
    va_list ap;

    if (!site_admits(site, level, now, &left_out))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);

    gmtime_r(&sec, &tm);
    n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, sizeof(line) - n,
                          ".%03dZ %-5s %s: ", (int)(now % MS_PER_S), names[level], area);
    n += escape(line + n, sizeof(line) - n - 40, text);
    if (left_out > 0)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " left_out=%u", left_out);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to say so */
}
