#include "scaler/forecast/mixture.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"

struct mixture {
    unsigned n, horizon;
    double keep;
    double regret[MIXTURE_MAX], spread[MIXTURE_MAX], largest[MIXTURE_MAX];
    double weight[MIXTURE_MAX];
    double *said; /* per pending slot: n opinions, then the mean of that time */
    int64_t *at;  /* per pending slot: the slot it was said in; -1: nothing */
};

struct mixture *mixture_new(unsigned n, unsigned horizon, double keep)
{
    struct mixture *m = MEM_NEW(struct mixture);

    CHECK(n > 0 && n <= MIXTURE_MAX && horizon > 0);
    m->n = n;
    m->horizon = horizon;
    m->keep = keep;
    m->said = MEM_NEW_N(double, (size_t)(n + 1) * (horizon + 1));
    m->at = MEM_NEW_N(int64_t, horizon + 1);
    for (unsigned i = 0; i <= horizon; i++)
        m->at[i] = -1;
    for (unsigned i = 0; i < n; i++) {
        m->weight[i] = 1.0 / n;
        m->spread[i] = 1e-10;
    }
    return m;
}

void mixture_free(struct mixture *m)
{
    if (m == NULL)
        return;
    free(m->said);
    free(m->at);
    free(m);
}

static double *pending(struct mixture *m, int64_t slot)
{
    return &m->said[(size_t)(slot % (m->horizon + 1)) * (m->n + 1)];
}

double mixture_combine(struct mixture *m, int64_t slot, const double *said)
{
    double *p = pending(m, slot), mean = 0;

    for (unsigned i = 0; i < m->n; i++) {
        p[i] = said[i];
        mean += m->weight[i] * said[i];
    }
    p[m->n] = mean;
    m->at[slot % (m->horizon + 1)] = slot;
    return mean;
}

/* Each weight is proportional to eta e^(eta regret); the largest exponent is taken out. */
static void reweigh(struct mixture *m, const double *eta)
{
    double top = -INFINITY, sum = 0;

    for (unsigned i = 0; i < m->n; i++)
        top = fmax(top, eta[i] * m->regret[i]);
    for (unsigned i = 0; i < m->n; i++) {
        m->weight[i] = fmax(eta[i], 1e-12) * exp(eta[i] * m->regret[i] - top);
        sum += m->weight[i];
    }
    for (unsigned i = 0; i < m->n; i++)
        m->weight[i] /= sum;
}

void mixture_learn(struct mixture *m, int64_t slot, double z)
{
    int64_t origin = slot - m->horizon;
    double eta[MIXTURE_MAX], slope;
    const double *p;

    if (isnan(z) || origin < 0 || m->at[origin % (m->horizon + 1)] != origin)
        return;
    p = pending(m, origin);
    slope = z < p[m->n] ? 0.5 : -0.5; /* of the loss, at the mean */
    for (unsigned i = 0; i < m->n; i++) {
        double r = slope * (p[m->n] - p[i]);

        m->largest[i] = fmax(m->largest[i], fabs(r));
        m->spread[i] = m->keep * m->spread[i] + r * r;
        eta[i] = sqrt(log(m->n + 1.0) / m->spread[i]);
        if (m->largest[i] > 0)
            eta[i] = fmin(eta[i], 1 / (2 * m->largest[i]));
        m->regret[i] = m->keep * m->regret[i] + r - eta[i] * r * r;
    }
    reweigh(m, eta);
}

double mixture_weight(const struct mixture *m, unsigned i)
{
    return m->weight[i];
}
