#include "proxy/probe_talk.h"

#include <stdarg.h>
#include <stdio.h>

void probe_talk_end(struct probe_talk *t, bool passed, const char *fmt, ...)
{
    va_list ap;

    if (t->over)
        return;
    t->over = true;
    t->passed = passed;
    va_start(ap, fmt);
    vsnprintf(t->reason, sizeof(t->reason), fmt, ap);
    va_end(ap);
}

void probe_talk_judge(struct probe_talk *t, const struct probe_plan *plan, unsigned status)
{
    probe_talk_end(t, status >= plan->status_from && status <= plan->status_to, "status %u",
                   status);
}
