#include "scaler/forecast/rls.h"

#include <string.h>

#include "base/check.h"

#define FIRST_P   0.1 /* of the diagonal: how far the prior may be off */
#define TRACE_MAX 10  /* times the first trace */

void rls_init(struct rls *r, unsigned n, double keep)
{
    CHECK(n > 0 && n <= RLS_MAX);
    memset(r, 0, sizeof(*r));
    r->n = n;
    r->keep = keep;
    for (unsigned i = 0; i < n; i++)
        r->p[i][i] = FIRST_P;
}

double rls_predict(const struct rls *r, const double *x)
{
    double sum = 0;

    for (unsigned i = 0; i < r->n; i++)
        sum += r->w[i] * x[i];
    return sum;
}

static void scale_back(struct rls *r)
{
    double trace = 0, most = TRACE_MAX * FIRST_P * r->n;

    for (unsigned i = 0; i < r->n; i++)
        trace += r->p[i][i];
    if (trace <= most)
        return;
    for (unsigned i = 0; i < r->n; i++)
        for (unsigned j = 0; j < r->n; j++)
            r->p[i][j] *= most / trace;
}

void rls_learn(struct rls *r, const double *x, double error)
{
    double px[RLS_MAX], den = r->keep;

    for (unsigned i = 0; i < r->n; i++) {
        px[i] = 0;
        for (unsigned j = 0; j < r->n; j++)
            px[i] += r->p[i][j] * x[j];
        den += x[i] * px[i];
    }
    for (unsigned i = 0; i < r->n; i++)
        r->w[i] += px[i] / den * error;
    for (unsigned i = 0; i < r->n; i++)
        for (unsigned j = 0; j < r->n; j++)
            r->p[i][j] = (r->p[i][j] - px[i] * px[j] / den) / r->keep;
    scale_back(r);
}
