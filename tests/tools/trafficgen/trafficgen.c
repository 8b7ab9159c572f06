/*
 * trafficgen.c - plays people who use a web shop, a recorded trace, or a plain
 * closed loop against a proxy.  Made for the demo, the scenarios and the benches.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/tools/trafficgen/play.h"
#include "tests/tools/trafficgen/webclient.h"

#define REPORT_US (5 * (mono_us)US_PER_S)

enum mode { MODE_NONE, MODE_LIVE, MODE_LOG, MODE_TRACE, MODE_BENCH };

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
    (void)sig;
    stopped = 1;
}

bool play_stopped(void)
{
    return stopped != 0;
}

void play_report(struct play_progress *p, const struct outcome *t, wall_ms when,
                 unsigned inflight)
{
    mono_us now = clock_mono();

    if (p->next == 0)
        p->next = now + REPORT_US;
    if (now < p->next)
        return;
    p->next += REPORT_US;
    outcome_progress(t, when, inflight);
}

static _Noreturn void usage(void)
{
    fputs("usage: trafficgen --live WHERE | --write-log FILE | --replay TSV[.gz] --to "
          "WHERE |\n"
          "                  --bench WHERE\n"
          "WHERE is HOST:PORT, [IPV6]:PORT or unix:PATH; in parentheses: what is usual\n"
          "  time, all but --bench\n"
          "    --admin HOST:PORT   follow the clock of the tidegate there\n"
          "    --start TIME        virtual, YYYY-MM-DDTHH:MM:SSZ (now)\n"
          "    --speed N           virtual seconds in a second (1)\n"
          "    --hours H           virtual length; live: until stopped, a log: 168\n"
          "  people, --live and --write-log\n"
          "    --users N (2000) --sessions N a day (4) --seed N (1)\n"
          "    --flash-at TIME --flash-users N (0)\n"
          "  requests\n"
          "    --patience-ms N     then the client leaves, of a user about N (0: stays)\n"
          "    --retries N --backoff-ms N    after a 5xx or no answer (0, 200; doubles)\n"
          "    -c N, --connections N (256; bench 16)\n"
          "    --max-bytes N       of a replayed answer\n"
          "    -n N, --requests N  of a bench (1000), or the first N rows of a trace\n"
          "    --method M --path P --body-bytes N --expect STATUS    bench (GET / 0 200)\n",
          stderr);
    exit(2);
}

static wall_ms read_time(const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);

    if (end == NULL || *end != '\0')
        usage();
    return (wall_ms)timegm(&tm) * MS_PER_S;
}

static double read_number(const char *text)
{
    char *end;
    double n = strtod(text, &end);

    if (end == text || *end != '\0' || n < 0)
        usage();
    return n;
}

/* Long options without a letter of their own. */
enum {
    OPT_LIVE = 256,
    OPT_LOG,
    OPT_TRACE,
    OPT_TO,
    OPT_BENCH,
    OPT_ADMIN,
    OPT_START,
    OPT_SPEED,
    OPT_HOURS,
    OPT_USERS,
    OPT_SESSIONS,
    OPT_SEED,
    OPT_FLASH_AT,
    OPT_FLASH_USERS,
    OPT_PATIENCE,
    OPT_RETRIES,
    OPT_BACKOFF,
    OPT_MAX_BYTES,
    OPT_METHOD,
    OPT_PATH,
    OPT_BODY,
    OPT_EXPECT,
};

static const struct option options[] = {
    {"live", required_argument, NULL, OPT_LIVE},
    {"write-log", required_argument, NULL, OPT_LOG},
    {"replay", required_argument, NULL, OPT_TRACE},
    {"to", required_argument, NULL, OPT_TO},
    {"bench", required_argument, NULL, OPT_BENCH},
    {"admin", required_argument, NULL, OPT_ADMIN},
    {"start", required_argument, NULL, OPT_START},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"hours", required_argument, NULL, OPT_HOURS},
    {"users", required_argument, NULL, OPT_USERS},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"flash-at", required_argument, NULL, OPT_FLASH_AT},
    {"flash-users", required_argument, NULL, OPT_FLASH_USERS},
    {"patience-ms", required_argument, NULL, OPT_PATIENCE},
    {"retries", required_argument, NULL, OPT_RETRIES},
    {"backoff-ms", required_argument, NULL, OPT_BACKOFF},
    {"connections", required_argument, NULL, 'c'},
    {"max-bytes", required_argument, NULL, OPT_MAX_BYTES},
    {"requests", required_argument, NULL, 'n'},
    {"method", required_argument, NULL, OPT_METHOD},
    {"path", required_argument, NULL, OPT_PATH},
    {"body-bytes", required_argument, NULL, OPT_BODY},
    {"expect", required_argument, NULL, OPT_EXPECT},
    {0},
};

static void read_mode(struct play_options *o, enum mode *mode, int option)
{
    static const enum mode modes[] = {MODE_LIVE, MODE_LOG, MODE_TRACE, MODE_TRACE,
                                      MODE_BENCH};

    *mode = modes[option - OPT_LIVE];
    if (option == OPT_LOG || option == OPT_TRACE)
        o->file = optarg;
    else
        o->target = optarg;
}

static void read_people(struct population_options *p, int option)
{
    switch (option) {
    case OPT_USERS:
        p->users = (uint32_t)read_number(optarg);
        break;
    case OPT_SESSIONS:
        p->sessions_per_day = read_number(optarg);
        break;
    case OPT_SEED:
        p->seed = (uint64_t)read_number(optarg);
        break;
    case OPT_FLASH_AT:
        p->flash_at = read_time(optarg);
        break;
    case OPT_FLASH_USERS:
        p->flash_users = (uint32_t)read_number(optarg);
        break;
    default:
        usage();
    }
}

static void read_requests(struct play_options *o, int option)
{
    switch (option) {
    case OPT_PATIENCE:
        o->patience_ms = (uint32_t)read_number(optarg);
        break;
    case OPT_RETRIES:
        o->retries = (uint32_t)read_number(optarg);
        break;
    case OPT_BACKOFF:
        o->backoff_ms = (uint32_t)read_number(optarg);
        break;
    case OPT_MAX_BYTES:
        o->max_bytes = (uint64_t)read_number(optarg);
        break;
    case OPT_METHOD:
        o->method = optarg;
        break;
    case OPT_PATH:
        o->path = optarg;
        break;
    case OPT_BODY:
        o->body_bytes = (uint32_t)read_number(optarg);
        break;
    case OPT_EXPECT:
        o->expect = (unsigned)read_number(optarg);
        break;
    case 'c':
        o->connections = (uint32_t)read_number(optarg);
        break;
    case 'n':
        o->requests = (uint64_t)read_number(optarg);
        break;
    default:
        usage();
    }
}

static void read_option(struct play_options *o, enum mode *mode, int option)
{
    if (option >= OPT_LIVE && option <= OPT_BENCH)
        read_mode(o, mode, option);
    else if (option == OPT_ADMIN)
        o->admin = optarg;
    else if (option == OPT_START)
        o->start = read_time(optarg);
    else if (option == OPT_SPEED)
        o->speed = read_number(optarg);
    else if (option == OPT_HOURS)
        o->hours = read_number(optarg);
    else if (option >= OPT_USERS && option <= OPT_FLASH_USERS)
        read_people(&o->people, option);
    else
        read_requests(o, option);
}

static void complete(struct play_options *o, enum mode mode)
{
    if (mode == MODE_NONE || o->speed <= 0 || o->people.users == 0 ||
        strlen(o->path) > WEBCLIENT_HEAD_MAX - 256 ||
        (mode != MODE_LOG && o->target == NULL) || (mode == MODE_TRACE && o->file == NULL))
        usage();
    if (o->connections == 0)
        o->connections = mode == MODE_BENCH ? 16 : 256;
    if (mode == MODE_BENCH && o->requests == 0)
        o->requests = 1000;
    o->people.from = o->start;
    o->people.until =
        o->start + (wall_ms)((o->hours > 0 ? o->hours : 168) * 3600 * MS_PER_S);
}

int main(int argc, char **argv)
{
    struct play_options o = {.people = {.seed = 1, .users = 2000, .sessions_per_day = 4},
                             .start = clock_wall(),
                             .speed = 1,
                             .backoff_ms = 200,
                             .max_bytes = UINT64_MAX,
                             .method = "GET",
                             .path = "/",
                             .expect = 200};
    struct sigaction sa = {.sa_handler = on_signal};
    enum mode mode = MODE_NONE;
    int option;

    while ((option = getopt_long(argc, argv, "c:n:", options, NULL)) != -1)
        read_option(&o, &mode, option);
    if (optind != argc)
        usage();
    complete(&o, mode);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    switch (mode) {
    case MODE_LIVE:
        return play_live(&o);
    case MODE_LOG:
        return play_log(&o);
    case MODE_TRACE:
        return play_trace(&o);
    case MODE_BENCH:
        return play_bench(&o);
    case MODE_NONE:
        break;
    }
    return 2;
}
