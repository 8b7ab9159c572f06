/*
 * log.h - lines for the person who runs tidegate, on stderr.
 *
 * One line an event, key facts last as key=value.  Levels: error (someone must
 * act), warn (degraded), info (state changes and plans), debug.  Nothing is
 * logged per request.  A call site that repeats is limited to one line a second
 * and says how many were left out.  Control bytes are escaped.  Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdatomic.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* private: the state of one call site */
struct log_site {
    _Atomic long long last_ms;
    _Atomic unsigned left_out;
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_write(struct log_site *site, enum log_level level, const char *area,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define LOG_AT(level, area, ...)                                                           \
    do {                                                                                   \
        static struct log_site log_site_;                                                  \
        if ((level) <= log_get_level())                                                    \
            log_write(&log_site_, level, area, __VA_ARGS__);                               \
    } while (0)
#define log_error(area, ...) LOG_AT(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  LOG_AT(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  LOG_AT(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) LOG_AT(LOG_DEBUG, area, __VA_ARGS__)

#endif
