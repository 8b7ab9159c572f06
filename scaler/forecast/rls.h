/*
 * rls.h - recursive least squares: a linear model that learns with each sample.
 *
 * Old samples fade by `keep` a sample (Haykin, Adaptive Filter Theory, chapter 10); the
 * covariance is scaled back when its trace passes ten times the first one, so that it
 * does not wind up while inputs stand still.  Pure; O(n^2) a sample.
 */
#ifndef SCALER_FORECAST_RLS_H
#define SCALER_FORECAST_RLS_H

#define RLS_MAX 24

struct rls {
    unsigned n;
    double keep;
    double w[RLS_MAX];          /* weights; set a prior after init */
    double p[RLS_MAX][RLS_MAX]; /* covariance; private */
};

void rls_init(struct rls *r, unsigned n, double keep);
double rls_predict(const struct rls *r, const double *x);
/* error: of the prediction from these weights at x; the caller may have clipped it. */
void rls_learn(struct rls *r, const double *x, double error);

#endif
