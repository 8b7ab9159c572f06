#include "proxy/tls/tls_report.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "conf/cfg_origin.h"

#define FILE_MAX (16 << 20)

void tls_report_fault(const struct tls_report *r, const void *field, const void *object,
                      const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    cfg_errors_add(r->errs, cfg_origin_at(r->cfg, field, object), "%s", text);
}

void tls_report_warn(const struct tls_report *r, const void *field, const void *object,
                     const char *fmt, ...)
{
    struct cfg_at at = cfg_origin_at(r->cfg, field, object);
    struct log_site site = {0}; /* every warning is told, however many there are */
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_write(&site, LOG_WARN, "tls", "%s:%u:%u: %s", at.file, at.line, at.col, text);
}

const char *tls_report_reason(void)
{
    static _Thread_local char text[256];
    unsigned long e = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(e);

    if (reason == NULL)
        reason = e != 0 ? "unknown" : "no reason given";
    snprintf(text, sizeof(text), "%s", reason);
    ERR_clear_error();
    return text;
}

/* The size of an open regular file, or -1 with errno. */
static ssize_t size_of(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -1;
    if (S_ISREG(st.st_mode) && st.st_size <= FILE_MAX)
        return st.st_size;
    errno = S_ISDIR(st.st_mode) ? EISDIR : EFBIG;
    return -1;
}

static ssize_t read_fd(int fd, uint8_t **data)
{
    ssize_t size = size_of(fd), got;
    size_t len = 0;

    if (size < 0)
        return -1;
    *data = mem_new((size_t)size + 1, 1);
    while (len < (size_t)size) {
        got = read(fd, *data + len, (size_t)size - len);
        if (got < 0 && errno != EINTR) {
            free(*data);
            return -1;
        }
        if (got == 0)
            break;
        len += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)len;
}

bool tls_report_file(const struct tls_report *r, const void *field, const void *object,
                     const char *path, uint8_t **data, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read_fd(fd, data) : -1;

    if (n < 0)
        tls_report_fault(r, field, object, "cannot read %s: %s", path, strerror(errno));
    else
        *len = (size_t)n;
    if (fd >= 0)
        close(fd);
    return n >= 0;
}
