#include "proxy/ending.h"

const struct ending_facts ending_facts[N_ENDINGS] = {
#define X(sym, text, letter, fixed) {.word = text, .cause = letter, .phase = fixed},
    ENDINGS(X)
#undef X
};
