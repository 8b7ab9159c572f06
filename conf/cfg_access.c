#include "conf/cfg_access.h"

#include <string.h>

#include "base/check.h"

static const struct cfg_template_var vars[] = {
#define X(sym, name, argument, doc)                                                        \
    {name, CFG_ACCESS_V_##sym, CFG_TEMPLATE_##argument, doc},
    CFG_ACCESS_VARIABLES(X)
#undef X
};

const struct cfg_template_set cfg_access_variables = {vars, N_ELEMS(vars)};

static const char *const formats[] = {
#define X(sym, name) name,
    CFG_ACCESS_FORMATS(X)
#undef X
};

enum cfg_access_format cfg_access_format_of(const struct cfg_template *t)
{
    if (!cfg_template_is_plain(t))
        return CFG_ACCESS_CUSTOM;
    for (size_t i = 0; t->n_pieces > 0 && i < N_ELEMS(formats); i++)
        if (strcmp(t->pieces[0].text, formats[i]) == 0)
            return (enum cfg_access_format)i;
    return CFG_ACCESS_UNKNOWN;
}

const char *cfg_access_format_name(enum cfg_access_format f)
{
    CHECK(f < CFG_ACCESS_CUSTOM);
    return formats[f];
}
