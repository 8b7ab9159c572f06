#include <stdio.h>

#include "tests/tools/trafficgen/play.h"

/* What an answer takes; a log has no other side to ask. */
#define ANSWER_MS 40

static void write_row(FILE *out, const struct population *p, const struct want *w)
{
    char id[POPULATION_ID_MAX];

    population_id(p, w->user, id);
    fprintf(out, "%lld.%03d\t%s\t%s\t%s\t200\t1024\t%s\n", (long long)(w->at / MS_PER_S),
            (int)(w->at % MS_PER_S), id, w->request.method, w->request.path,
            population_agent(w->user));
}

int play_log(const struct play_options *o)
{
    struct outcome outcome = {.began = clock_mono()};
    FILE *out = fopen(o->file, "w");
    struct population *p;
    struct want w;
    int rc;

    if (out == NULL) {
        fprintf(stderr, "trafficgen: %s: %m\n", o->file);
        return 1;
    }
    p = population_new(&o->people);
    fputs("epoch_seconds\tuser_id\tmethod\tpath\tstatus\tbytes\tuser_agent\n", out);
    while (population_next_at(p) < o->people.until && !play_stopped()) {
        population_next(p, &w);
        write_row(out, p, &w);
        outcome.sent++;
        outcome_answer(&outcome, 200, ANSWER_MS * US_PER_MS, 0);
        population_done(p, w.user, w.at + ANSWER_MS, false);
    }
    population_free(p);
    rc = ferror(out) | fclose(out);
    outcome_print(&outcome, "log", stdout);
    return rc != 0;
}
