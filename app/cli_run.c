/*
 * `tidegate run`: everything up, signals, everything down.
 *
 *   HUP  reload          USR1  reopen logs       QUIT, TERM, INT  drain, again: now
 *
 * The end, in this order: /readyz fails; drain_delay later the listeners are closed, and
 * what is open ends after its answer; at most drain_timeout later the rest is cut.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/admin/admin.h"
#include "app/cli_args.h"
#include "app/version.h"
#include "app/wire.h"
#include "base/check.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/cfg_load.h"

#define DRAIN_POLL_US (20 * US_PER_MS)

struct run {
    struct loop *loop;
    struct wire *wire;
    struct admin *admin;
    struct loop_io signals;  /* a signalfd */
    struct loop_timer delay; /* until the listeners close */
    struct loop_timer poll;  /* while draining */
    mono_us drain_until;
    bool cut; /* the second signal, or the deadline, has passed */
};

static const int handled[] = {SIGHUP, SIGUSR1, SIGQUIT, SIGTERM, SIGINT};

/* Before any thread is made: all of them inherit the mask. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < N_ELEMS(handled); i++)
        sigaddset(&set, handled[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log at its limit fails to be written, and nothing more */
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void cut(struct run *r)
{
    if (r->cut)
        return;
    r->cut = true;
    proxy_drain(r->wire->proxy, true);
    loop_timer_set(r->loop, &r->poll, loop_now(r->loop) + DRAIN_POLL_US);
}

static void on_poll(struct loop_timer *t)
{
    struct run *r = CONTAINER_OF(t, struct run, poll);
    mono_us now = loop_now(r->loop);

    if (proxy_drained_mt(r->wire->proxy)) {
        loop_stop(r->loop);
        return;
    }
    if (now >= r->drain_until && !r->cut) {
        log_warn("run", "drain timeout: cutting what is still open");
        cut(r);
    }
    loop_timer_set(r->loop, t, now + DRAIN_POLL_US);
}

static void drain(struct run *r)
{
    struct cfg *cfg = proxy_cfg_mt(r->wire->proxy);

    log_info("run", "draining, at most %u s", cfg->drain_timeout_ms / MS_PER_S);
    r->drain_until = loop_now(r->loop) + (mono_us)cfg->drain_timeout_ms * US_PER_MS;
    cfg_unref(cfg);
    proxy_drain(r->wire->proxy, false);
    loop_timer_set(r->loop, &r->poll, loop_now(r->loop) + DRAIN_POLL_US);
}

static void on_delay(struct loop_timer *t)
{
    drain(CONTAINER_OF(t, struct run, delay));
}

/* A load balancer that asks /readyz sees it fail before a connection is refused. */
static void leave(struct run *r)
{
    struct cfg *cfg = proxy_cfg_mt(r->wire->proxy);
    uint32_t delay_ms = cfg->drain_delay_ms;

    cfg_unref(cfg);
    r->wire->leaving = true;
    if (delay_ms == 0)
        drain(r);
    else
        loop_timer_set(r->loop, &r->delay, loop_now(r->loop) + delay_ms * US_PER_MS);
}

static void on_end_signal(struct run *r, int sig)
{
    log_info("run", "signal %s", strsignal(sig));
    if (!r->wire->leaving) {
        leave(r);
        return;
    }
    loop_timer_remove(&r->delay);
    cut(r);
}

static void reopen_logs(struct run *r)
{
    log_info("run", "USR1: access logs are opened again");
    proxy_reopen_logs_mt(r->wire->proxy);
}

static void on_signal(struct loop_io *io, unsigned what)
{
    struct run *r = CONTAINER_OF(io, struct run, signals);
    struct signalfd_siginfo info;

    (void)what;
    while (read(loop_io_fd(io), &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            wire_reload(r->wire);
        else if (info.ssi_signo == SIGUSR1)
            reopen_logs(r);
        else
            on_end_signal(r, (int)info.ssi_signo);
    }
}

static void say_hello(const struct cfg *cfg)
{
    log_info("run", "tidegate %s workers=%u services=%zu routes=%zu", version_text(),
             cfg->workers, cfg->n_services, cfg->n_routes);
    for (size_t i = 0; i < cfg->n_listeners; i++)
        log_info("run", "listening on %s", cfg->listeners[i].bind.text);
    if (cfg->admin.enabled)
        log_info("run", "admin on %s", cfg->admin.bind.text);
    if (cfg->clock.speed > 1)
        log_info("run", "virtual time runs at %g x", cfg->clock.speed);
}

/* Makes and starts all parts; on failure the reason was logged. */
static int bring_up(struct run *r, struct cfg *cfg)
{
    struct why why = {0};
    int rc;

    rc = wire_new(cfg, r->loop, &r->wire, &why);
    if (rc == RC_OK && cfg->admin.enabled)
        rc = admin_new(r->wire, &cfg->admin, &r->admin, &why);
    if (rc == RC_OK)
        rc = wire_start(r->wire, &why);
    if (rc != RC_OK) {
        log_error("run", "cannot start: %s", why.text);
        return rc;
    }
    say_hello(cfg);
    return RC_OK;
}

static int run(struct cfg *cfg)
{
    struct run r = {0};
    int fd = open_signals(), rc;

    CHECK(fd >= 0);
    log_set_level(cfg->log_level);
    clock_set_virtual(cfg->clock.start, cfg->clock.speed);
    r.loop = loop_new();
    loop_timer_init(&r.delay, on_delay);
    loop_timer_init(&r.poll, on_poll);
    loop_io_add_level(r.loop, &r.signals, fd, on_signal);
    rc = bring_up(&r, cfg);
    if (rc == RC_OK)
        loop_run(r.loop);
    admin_free(r.admin);
    wire_free(r.wire);
    loop_timer_remove(&r.delay);
    loop_timer_remove(&r.poll);
    loop_io_remove(&r.signals);
    close(fd);
    loop_free(r.loop);
    if (rc == RC_OK)
        log_info("run", "stopped");
    return rc == RC_OK ? CLI_OK : CLI_FAILED;
}

int cli_run(int argc, char **argv)
{
    struct cli_args args = {.usage = "run [-c FILE]"};
    struct cfg_errors errs;
    enum cli_status status;
    struct cfg *cfg;
    int rc;

    if (!cli_args_read(argc, argv, &args, &status))
        return status;
    cfg_errors_init(&errs);
    rc = cfg_load(args.config, &cfg, &errs);
    if (rc != RC_OK)
        cfg_errors_print(&errs, stderr);
    cfg_errors_fini(&errs);
    if (rc != RC_OK)
        return CLI_FAILED;
    rc = run(cfg);
    cfg_unref(cfg);
    return rc;
}
