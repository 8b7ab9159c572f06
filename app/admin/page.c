#include "app/admin/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/admin/ask.h"
#include "base/check.h"
#include "base/rng.h"

#define PLACE       "@NONCE@"
#define NONCE_BYTES 16

/* The path is relative to the root of the source, where the compiler runs. */
__asm__(".pushsection .rodata\n"
        ".global page_html\n"
        "page_html:\n"
        ".incbin \"app/admin/page.html\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char page_html[];

char *page_render(const char *template, const char *nonce, size_t *len)
{
    const char *place;
    char *text = NULL;
    FILE *to = open_memstream(&text, len);

    CHECK(to != NULL);
    for (; (place = strstr(template, PLACE)) != NULL; template = place + strlen(PLACE)) {
        fwrite(template, 1, (size_t)(place - template), to);
        fputs(nonce, to);
    }
    fputs(template, to);
    CHECK(fclose(to) == 0);
    return text;
}

static void make_nonce(char out[2 * NONCE_BYTES + 1])
{
    unsigned char bytes[NONCE_BYTES];

    rng_secret(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void page_show(const struct parts *p, struct ask *a)
{
    char nonce[2 * NONCE_BYTES + 1], policy[320], *text;
    size_t len;

    (void)p;
    make_nonce(nonce);
    snprintf(policy, sizeof(policy),
             "default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
             "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'",
             nonce, nonce);
    ask_header(a, "Content-Security-Policy", policy);
    ask_header(a, "Referrer-Policy", "no-referrer");
    text = page_render(page_html, nonce, &len);
    ask_reply(a, 200, "text/html; charset=utf-8", text, len);
    free(text);
}
