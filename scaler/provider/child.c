#include "scaler/provider/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

#define MARK       "TIDEGATE_INSTANCE="
#define STAT_START 22 /* field of /proc/PID/stat, counted from 1 (proc(5)) */
#define STAT_STATE 3

/* ---- identity ---- */

static size_t read_proc(pid_t pid, const char *what, char *buf, size_t room)
{
    char path[64];
    ssize_t n = 0;
    size_t len = 0;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    while (len + 1 < room && (n = read(fd, buf + len, room - len - 1)) > 0)
        len += (size_t)n;
    close(fd);
    buf[len] = 0;
    return len;
}

/* The name in parentheses may hold anything, so fields are counted behind the last ')'. */
static const char *stat_field(const char *stat, int field)
{
    const char *p = strrchr(stat, ')');

    for (int i = STAT_STATE; p != NULL && i <= field; i++) {
        p = strchr(p, ' ');
        if (p != NULL)
            p++;
    }
    return p;
}

/* 0: there is no such process, or it has ended and only waits to be collected. */
static uint64_t start_time(pid_t pid)
{
    char stat[1024];
    const char *state, *start;

    if (read_proc(pid, "stat", stat, sizeof(stat)) == 0)
        return 0;
    state = stat_field(stat, STAT_STATE);
    start = stat_field(stat, STAT_START);
    if (state == NULL || start == NULL || *state == 'Z' || *state == 'X')
        return 0;
    return strtoull(start, NULL, 10);
}

bool child_find(pid_t pid, uint64_t start, struct child *out)
{
    *out = (struct child){0};
    if (pid <= 1 || start == 0 || start_time(pid) != start)
        return false;
    *out = (struct child){.pid = pid, .start = start};
    return true;
}

/* ---- starting ---- */

struct spawn {
    char *const *argv;
    char *const *env;
    int in_fd, out_fd;
    pid_t parent;
    volatile int error; /* written by the child in our memory: vfork */
    const char *volatile step;
};

static void reset_signals(void)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &dfl, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void give_up(struct spawn *s, const char *step)
{
    s->error = errno;
    s->step = step;
    _exit(127);
}

/* In the child, in our memory: system calls only.  The order matters: the signal at our
 * death is asked for before we look whether we are still there. */
static _Noreturn void become(struct spawn *s)
{
    if (setpgid(0, 0) != 0)
        give_up(s, "setpgid");
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        give_up(s, "prctl");
    if (getppid() != s->parent)
        give_up(s, "getppid");
    if (dup2(s->in_fd, STDIN_FILENO) < 0)
        give_up(s, "dup2");
    if (s->out_fd >= 0 &&
        (dup2(s->out_fd, STDOUT_FILENO) < 0 || dup2(s->out_fd, STDERR_FILENO) < 0))
        give_up(s, "dup2");
    close_range(STDERR_FILENO + 1, ~0U, 0);
    reset_signals();
    execvpe(s->argv[0], s->argv, s->env);
    give_up(s, s->argv[0]);
}

/*
 * vfork and not fork: copying the page tables of a process that holds gigabytes, and the
 * page faults of its workers afterwards, would be felt in every request.  Signals stay
 * blocked until the child has its own memory, so that no handler of ours runs in it.
 */
static __attribute__((noinline)) pid_t split_off(struct spawn *s)
{
    sigset_t all, before;
    pid_t pid;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid = vfork();
    if (pid == 0)
        become(s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pid;
}

/* Our environment, and the mark; one allocation for the pointers, one for the mark. */
static char **environment(const char *id)
{
    size_t n = 0, k = 0;
    char **env;

    while (environ[n] != NULL)
        n++;
    env = MEM_NEW_N(char *, n + 2);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], MARK, strlen(MARK)) != 0)
            env[1 + k++] = environ[i];
    env[0] = mem_printf(MARK "%s", id);
    return env;
}

static int spawned(struct spawn *s, pid_t pid, struct child *out, struct why *w)
{
    if (pid < 0)
        return why_set(w, RC_SYS, "vfork: %s", strerror(errno));
    if (s->error != 0) {
        waitpid(pid, NULL, 0);
        return why_set(w, RC_SYS, "%s: %s", s->step, strerror(s->error));
    }
    *out = (struct child){.pid = pid, .start = start_time(pid), .ours = true};
    return RC_OK;
}

int child_spawn(char *const argv[], const char *id, int out_fd, struct child *out,
                struct why *w)
{
    struct spawn s = {.argv = argv, .out_fd = out_fd, .parent = getpid()};
    char **env;
    int rc;

    *out = (struct child){0};
    s.in_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (s.in_fd < 0)
        return why_set(w, RC_SYS, "/dev/null: %s", strerror(errno));
    env = environment(id);
    s.env = env;
    rc = spawned(&s, split_off(&s), out, w);
    free(env[0]);
    free(env);
    close(s.in_fd);
    return rc;
}

/* ---- ending ---- */

void child_signal(const struct child *c, int sig)
{
    if (c->pid > 0)
        kill(-c->pid, sig);
}

static void describe(const siginfo_t *si, char *how, size_t room)
{
    if (si->si_code == CLD_EXITED)
        snprintf(how, room, "exited with status %d", si->si_status);
    else
        snprintf(how, room, "killed by signal %d", si->si_status);
}

/* The leader's id cannot be given to another group before it is collected: what it left
 * in its group is killed first. */
static bool ours_ended(struct child *c, char *how, size_t room)
{
    siginfo_t si = {0};

    if (waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno == ECHILD;
    if (si.si_pid == 0)
        return false;
    describe(&si, how, room);
    kill(-c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    return true;
}

bool child_ended(struct child *c, char *how, size_t room)
{
    if (c->pid == 0)
        return true;
    if (c->ours ? !ours_ended(c, how, room) : start_time(c->pid) == c->start)
        return false;
    if (!c->ours)
        snprintf(how, room, "gone");
    *c = (struct child){0};
    return true;
}

static bool bears_mark(pid_t pid, const char *mark, char *buf, size_t room)
{
    size_t len = read_proc(pid, "environ", buf, room);

    for (size_t at = 0; at < len; at += strlen(buf + at) + 1)
        if (strcmp(buf + at, mark) == 0)
            return start_time(pid) != 0;
    return false;
}

unsigned child_sweep(const char *id, int sig)
{
    enum { ENV_MAX = 1 << 18 };
    char *mark = mem_printf(MARK "%s", id), *buf = mem_new(ENV_MAX, 1);
    DIR *proc = opendir("/proc");
    struct dirent *e;
    unsigned n = 0;

    while (proc != NULL && (e = readdir(proc)) != NULL) {
        long pid = strtol(e->d_name, NULL, 10);

        if (pid <= 1 || !bears_mark((pid_t)pid, mark, buf, ENV_MAX))
            continue;
        kill((pid_t)pid, sig);
        n++;
    }
    if (proc != NULL)
        closedir(proc);
    free(mark);
    free(buf);
    return n;
}
