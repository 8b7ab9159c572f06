/*
 * `tidegate learn`: users' profiles and demand history from access logs.
 *
 * Reads the files in order into a store that no other process has open meanwhile: models
 * and history are read at the start and written back whole.
 */
#include <stdio.h>
#include <string.h>

#include "app/cli_args.h"
#include "app/learner.h"
#include "app/progress.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/logfile.h"
#include "conf/cfg_load.h"
#include "conf/nearest.h"

#define FILES_MAX    1024
#define LINES_A_LOOK 256 /* between two looks at the clock */

static const char help[] =
    "Learns users, sessions and demand from access logs, the oldest first; gzip is known\n"
    "by its content, and - is the standard input. No other process may have the store.\n"
    "\n"
    "  -c, --config FILE   configuration, by default " CLI_DEFAULT_CONFIG "\n"
    "      --format NAME   of the lines: common, combined, tsv or json; by default (auto) "
    "as "
    "the\n"
    "                      first good line of each log tells\n"
    "      --service NAME  whose requests all lines are; by default the routes tell\n"
    "  -h, --help          this\n";

struct learn {
    enum logread_format format;
    int service; /* LEARNER_BY_ROUTES, or the index of that of all lines */
    struct learner *learner;
    struct progress progress;
    mono_us began;
};

/* ---- names ---- */

static bool read_format(const char *name, enum logread_format *out)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest near;

    if (logread_format_from(name, out) == 0)
        return true;
    nearest_init(&near, name);
    fprintf(stderr, "tidegate: learn: '%s' is none of the formats", name);
    for (int f = 0; f < LOGREAD_FORMATS; f++) {
        const char *known = logread_format_name((enum logread_format)f);

        nearest_offer(&near, known);
        fprintf(stderr, "%s %s", f > 0 ? "," : "", known);
    }
    fprintf(stderr, "%s\n", nearest_hint(&near, hint));
    return false;
}

static bool find_service(const struct cfg *cfg, const char *name, int *out)
{
    char hint[NEAREST_HINT_MAX];
    struct nearest near;

    nearest_init(&near, name);
    for (size_t i = 0; i < cfg->n_services; i++) {
        nearest_offer(&near, cfg->services[i].name);
        if (strcmp(cfg->services[i].name, name) != 0)
            continue;
        *out = (int)i;
        return true;
    }
    fprintf(stderr, "tidegate: learn: no service is named '%s'%s\n", name,
            nearest_hint(&near, hint));
    return false;
}

/* ---- reading ---- */

static void show(struct learn *n, const char *path, const struct logfile *f)
{
    const char *slash = strrchr(path, '/');
    struct learner_stats st;
    struct progress_at at;

    learner_get_stats(n->learner, &st);
    at = (struct progress_at){.name = slash != NULL ? slash + 1 : path,
                              .share = logfile_progress(f),
                              .lines = st.lines,
                              .damaged = st.damaged + logfile_skipped(f)};
    progress_draw(&n->progress, &at, clock_mono());
}

static enum cli_status say(struct learn *n, const struct why *why)
{
    progress_clear(&n->progress);
    fprintf(stderr, "tidegate: %s\n", why->text);
    return CLI_FAILED;
}

static void take_lines(struct learn *n, const char *path, struct logfile *f)
{
    struct logread lr;
    const char *line;
    size_t len;

    logread_init(&lr, n->format);
    for (size_t i = 0; logfile_next(f, &line, &len); i++) {
        learner_line(n->learner, &lr, line, len);
        if (i % LINES_A_LOOK == 0 && progress_due(&n->progress, clock_mono()))
            show(n, path, f);
    }
    logread_fini(&lr);
    show(n, path, f);
    learner_skipped(n->learner, logfile_skipped(f));
}

static enum cli_status take_file(struct learn *n, const char *path)
{
    enum cli_status status = CLI_OK;
    struct logfile *f;
    struct why why;

    if (logfile_open(path, &f, &why) != RC_OK)
        return say(n, &why);
    take_lines(n, path, f);
    if (!logfile_ok(f, &why))
        status = say(n, &why);
    logfile_close(f);
    return status;
}

static void sum_up(const struct learn *n)
{
    double took = (double)(clock_mono() - n->began) / US_PER_S;
    struct learner_stats st;

    learner_get_stats(n->learner, &st);
    fprintf(stderr,
            "learned %llu of %llu lines (%llu damaged, %llu without a route), %llu users, "
            "%llu sessions, %llu templates, %.0f lines/s\n",
            (unsigned long long)st.learned, (unsigned long long)st.lines,
            (unsigned long long)st.damaged, (unsigned long long)st.unrouted,
            (unsigned long long)st.users, (unsigned long long)st.sessions,
            (unsigned long long)st.templates, (double)st.lines / (took > 0 ? took : 1));
}

static enum cli_status take_files(struct learn *n, char **files, int n_files)
{
    enum cli_status status = CLI_OK;

    n->began = clock_mono();
    progress_init(&n->progress, stderr, n->began);
    for (int i = 0; i < n_files && status == CLI_OK; i++)
        status = take_file(n, files[i]);
    progress_clear(&n->progress);
    sum_up(n);
    return status;
}

/* ---- the store ---- */

static enum cli_status with_store(struct learn *n, struct cfg *cfg, char **files,
                                  int n_files)
{
    enum cli_status status = CLI_FAILED;
    struct why why = {0};
    struct kv *kv = NULL;
    int rc;

    rc = kv_open_lmdb(cfg->store.path, cfg->store.max_bytes, KV_ALONE, &kv, &why);
    if (rc == RC_OK)
        rc = learner_new(cfg, kv, n->service, &n->learner, &why);
    if (rc == RC_OK)
        status = take_files(n, files, n_files);
    else
        fprintf(stderr, "tidegate: learn: %s%s\n", why.text,
                rc == RC_BUSY ? "; is tidegate running? Stop it first" : "");
    learner_free(n->learner);
    kv_close(kv);
    return status;
}

static enum cli_status learn(struct learn *n, struct cfg *cfg, const struct cli_args *a,
                             const char *service)
{
    if (service != NULL && !find_service(cfg, service, &n->service))
        return CLI_USAGE;
    if (cfg->store.kind == CFG_STORE_MEMORY) {
        fprintf(stderr,
                "tidegate: learn: the configured store is memory, nothing would stay\n");
        return CLI_FAILED;
    }
    clock_set_virtual(cfg->clock.start, cfg->clock.speed);
    return with_store(n, cfg, a->operands, a->n_operands);
}

int cli_learn(int argc, char **argv)
{
    const char *format = "auto", *service = NULL;
    const struct cli_option own[] = {{"format", &format}, {"service", &service}};
    struct cli_args a = {.usage = "learn [-c FILE] [--format NAME] [--service NAME] LOG...",
                         .help = help,
                         .own = own,
                         .n_own = N_ELEMS(own),
                         .max_operands = FILES_MAX};
    struct learn n = {.service = LEARNER_BY_ROUTES};
    struct cfg_errors errs;
    enum cli_status status;
    struct cfg *cfg = NULL;

    if (!cli_args_read(argc, argv, &a, &status))
        return status;
    if (!read_format(format, &n.format))
        return CLI_USAGE;
    if (a.n_operands == 0) {
        fprintf(stderr, "tidegate: learn: which log?\n");
        return CLI_USAGE;
    }
    cfg_errors_init(&errs);
    if (cfg_load(a.config, &cfg, &errs) != RC_OK)
        cfg_errors_print(&errs, stderr);
    cfg_errors_fini(&errs);
    if (cfg == NULL)
        return CLI_FAILED;
    status = learn(&n, cfg, &a, service);
    cfg_unref(cfg);
    return status;
}
