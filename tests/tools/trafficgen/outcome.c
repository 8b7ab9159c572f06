#include "tests/tools/trafficgen/outcome.h"

#include <time.h>

#include "base/check.h"

void outcome_answer(struct outcome *t, unsigned status, uint64_t latency_us, uint64_t bytes)
{
    t->answered++;
    t->bytes += bytes;
    t->status[status < N_ELEMS(t->status) ? status : 0]++;
    hist_add(&t->latency, latency_us);
}

static double quantile_ms(const struct outcome *t, double q)
{
    struct hist_view v;

    hist_read(&t->latency, &v);
    return hist_quantile_us(&v, q) / US_PER_MS;
}

static void print_statuses(const struct outcome *t, FILE *to)
{
    const char *comma = "";

    for (unsigned s = 0; s < N_ELEMS(t->status); s++)
        if (t->status[s] > 0) {
            fprintf(to, "%s\"%u\":%ju", comma, s, (uintmax_t)t->status[s]);
            comma = ",";
        }
}

void outcome_print(const struct outcome *t, const char *mode, FILE *to)
{
    double seconds = (double)(clock_mono() - t->began) / US_PER_S;

    fprintf(to,
            "{\"mode\":\"%s\",\"sent\":%ju,\"answered\":%ju,\"lost\":%ju,\"left\":%ju,"
            "\"wrong\":%ju,\"retries\":%ju,\"bytes\":%ju,\"status\":{",
            mode, (uintmax_t)t->sent, (uintmax_t)t->answered, (uintmax_t)t->lost,
            (uintmax_t)t->left, (uintmax_t)t->wrong, (uintmax_t)t->retries,
            (uintmax_t)t->bytes);
    print_statuses(t, to);
    fprintf(to, "},\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"seconds\":%.2f}\n",
            quantile_ms(t, 0.5), quantile_ms(t, 0.99), seconds);
    fflush(to);
}

void outcome_progress(const struct outcome *t, wall_ms when, unsigned inflight)
{
    time_t s = (time_t)(when / MS_PER_S);
    struct tm tm;
    char at[32] = "";

    if (when != 0 && gmtime_r(&s, &tm) != NULL)
        strftime(at, sizeof(at), "%a %H:%M ", &tm);
    fprintf(stderr,
            "trafficgen: %ssent=%ju answered=%ju lost=%ju left=%ju retries=%ju inflight=%u "
            "p99_ms=%.1f\n",
            at, (uintmax_t)t->sent, (uintmax_t)t->answered, (uintmax_t)t->lost,
            (uintmax_t)t->left, (uintmax_t)t->retries, inflight, quantile_ms(t, 0.99));
}
