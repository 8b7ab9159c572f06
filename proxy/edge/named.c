#include "proxy/edge/named.h"

#include "proxy/lex.h"

bool named_is(const struct msg *m, const struct field *f, const char *name)
{
    return !f->drop && strlen(name) == f->name_len &&
           lex_same(m->text + f->name, name, f->name_len);
}

const struct field *named_next(const struct msg *m, const char *name,
                               const struct field *after)
{
    const struct field *f = after != NULL ? after + 1 : m->fields;

    for (; f < m->fields + m->n_fields; f++)
        if (named_is(m, f, name))
            return f;
    return NULL;
}

const struct field *named_only(const struct msg *m, const char *name)
{
    const struct field *f = named_first(m, name);

    return f != NULL && named_next(m, name, f) == NULL ? f : NULL;
}

bool named_says(const struct msg *m, const char *name, const char *word)
{
    const struct field *f = NULL;

    while ((f = named_next(m, name, f)) != NULL)
        if (lex_has(msg_value(m, f), f->value_len, word))
            return true;
    return false;
}

bool named_grpc(const struct msg *m)
{
    static const char type[] = "application/grpc";
    const struct field *f = named_first(m, "content-type");
    size_t n = sizeof(type) - 1;

    return f != NULL && f->value_len >= n && lex_same(msg_value(m, f), type, n);
}

void named_drop(struct msg *m, const char *name)
{
    for (size_t i = 0; i < m->n_fields; i++)
        if (named_is(m, &m->fields[i], name))
            m->fields[i].drop = true;
}

static bool is_alike(const char *p, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char a = p[i] == '_' ? '-' : lex_lower(p[i]), b = name[i] == '_' ? '-' : name[i];

        if (a != b)
            return false;
    }
    return true;
}

void named_drop_alike(struct msg *m, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < m->n_fields; i++) {
        struct field *f = &m->fields[i];

        if (f->name_len == len && is_alike(m->text + f->name, name, len))
            f->drop = true;
    }
}
