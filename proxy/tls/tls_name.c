#include "proxy/tls/tls_name.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define LABEL_MAX 63

/* Applications have names with "_" that no DNS host has. */
static bool is_label_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool tls_name_normal(const char *name, size_t len, bool wild, char out[TLS_NAME_MAX])
{
    size_t label = 0, dots = 0;
    bool star = wild && len >= 2 && name[0] == '*' && name[1] == '.';

    if (len > 0 && name[len - 1] == '.')
        len--;
    if (len == 0 || len >= TLS_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = lower(name[i]);

        out[i] = c;
        if (c == '.' && label > 0) {
            label = 0;
            dots++;
        } else if ((is_label_char(c) || (star && i == 0)) && label < LABEL_MAX) {
            label++;
        } else {
            return false;
        }
    }
    out[len] = 0;
    return label > 0 && (!star || dots >= 2);
}

void tls_name_add(struct tls_names *names, const char *normal, uint32_t value)
{
    names->list = mem_grow(names->list, names->n + 1, sizeof(names->list[0]));
    names->list[names->n++] = (struct tls_name){mem_str(normal), value};
}

static int by_text(const void *a, const void *b)
{
    const struct tls_name *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    if (order != 0)
        return order;
    return x->value < y->value ? -1 : x->value > y->value;
}

void tls_name_sort(struct tls_names *names)
{
    if (names->n > 0)
        qsort(names->list, names->n, sizeof(names->list[0]), by_text);
}

void tls_name_clear(struct tls_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->list[i].text);
    free(names->list);
    *names = (struct tls_names){0};
}

/* The first of equal ones. */
static const struct tls_name *search(const struct tls_names *names, const char *text)
{
    size_t low = 0, high = names->n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(names->list[mid].text, text) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == names->n || strcmp(names->list[low].text, text) != 0)
        return NULL;
    return &names->list[low];
}

const struct tls_name *tls_name_find(const struct tls_names *names, const char *host)
{
    const struct tls_name *found = search(names, host);
    const char *dot = strchr(host, '.');
    char wild[TLS_NAME_MAX + 1] = "*";

    if (found != NULL || dot == NULL)
        return found;
    memcpy(wild + 1, dot, strlen(dot) + 1);
    return search(names, wild);
}
