/*
 * page.h - the live page: one HTML file, built into the program.
 *
 * It loads nothing but /api/v1 of the endpoint it came from; its policy allows only its
 * own script and style, by a nonce that is new in each answer.
 */
#ifndef APP_ADMIN_PAGE_H
#define APP_ADMIN_PAGE_H

#include <stddef.h>

struct ask;
struct parts;

/* GET / */
void page_show(const struct parts *p, struct ask *a);

/* `template` with each @NONCE@ replaced; free() it. */
char *page_render(const char *template, const char *nonce, size_t *len);

#endif
