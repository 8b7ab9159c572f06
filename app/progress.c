#include "app/progress.h"

#include <unistd.h>

#define EVERY_US  (200 * US_PER_MS)
#define WIDTH     80         /* a longer line would wrap and stay */
#define LINE_KILL "\r\033[K" /* to the line's begin, and what stands in it goes */

void progress_init(struct progress *p, FILE *to, mono_us now)
{
    *p = (struct progress){.began = now};
    if (isatty(fileno(to)))
        p->to = to;
}

bool progress_due(const struct progress *p, mono_us now)
{
    return p->to != NULL && (p->drawn == 0 || now - p->drawn >= EVERY_US);
}

char *progress_text(const struct progress_at *at, mono_us took, char *out, size_t size)
{
    double seconds = (double)(took > 0 ? took : 1) / US_PER_S;
    char share[16] = "  ? %";

    if (at->share >= 0)
        snprintf(share, sizeof(share), "%3.0f %%", at->share < 1 ? at->share * 100 : 100.0);
    snprintf(out, size, "%s  %llu lines  %.0f lines/s  %llu damaged  %s", share,
             (unsigned long long)at->lines, (double)at->lines / seconds,
             (unsigned long long)at->damaged, at->name);
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?'; /* of a name; a terminal would obey it */
    return out;
}

void progress_draw(struct progress *p, const struct progress_at *at, mono_us now)
{
    char text[WIDTH];

    if (p->to == NULL)
        return;
    p->drawn = now;
    fprintf(p->to, LINE_KILL "%s", progress_text(at, now - p->began, text, sizeof(text)));
    fflush(p->to);
}

void progress_clear(const struct progress *p)
{
    if (p->to == NULL)
        return;
    fputs(LINE_KILL, p->to);
    fflush(p->to);
}
