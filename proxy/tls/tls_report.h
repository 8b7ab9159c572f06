/*
 * tls_report.h - says what is wrong with a certificate, a key, a list of ciphers.
 *
 * Faults are collected with the line of the configuration that asked for it; warnings go
 * to the log with that line.  While configuring; main thread.
 */
#ifndef PROXY_TLS_TLS_REPORT_H
#define PROXY_TLS_TLS_REPORT_H

#include "conf/cfg.h"
#include "conf/cfg_errors.h"

struct tls_report {
    const struct cfg *cfg;
    struct cfg_errors *errs;
};

/* `field` is the setting, `object` the struct around it. */
void tls_report_fault(const struct tls_report *r, const void *field, const void *object,
                      const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void tls_report_warn(const struct tls_report *r, const void *field, const void *object,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* What the library says about its last failure; empties its queue.  Static per thread. */
const char *tls_report_reason(void);

/* All of a file; a fault and false when it cannot be read.  *data is to be freed. */
bool tls_report_file(const struct tls_report *r, const void *field, const void *object,
                     const char *path, uint8_t **data, size_t *len);

#endif
