#include "base/rc.h"

#include <stdarg.h>
#include <stdio.h>

const char *rc_text(enum rc code)
{
    switch (code) {
    case RC_OK:
        return "ok";
#define X(name, num, text)                                                                 \
    case name:                                                                             \
        return text;
        RC_LIST(X)
#undef X
    }
    return "unknown error";
}

int why_set(struct why *w, enum rc code, const char *fmt, ...)
{
    va_list ap;

    if (w == NULL)
        return code;
    w->code = code;
    va_start(ap, fmt);
    vsnprintf(w->text, sizeof(w->text), fmt, ap);
    va_end(ap);
    return code;
}
