#include "base/handover.h"

const char *const tier_name[N_TIERS] = {"baseline", "predictive", "burst"};

const char *const load_error_name[N_LOAD_ERRORS] = {
#define X(sym, name, text) name,
    LOAD_ERRORS(X)
#undef X
};
