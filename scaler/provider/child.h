/*
 * child.h - one process in a group of its own, and how it is told from all others.
 *
 * A process is named by its id and its start time: ids come again, the pair does not.
 * Its environment holds TIDEGATE_INSTANCE=ID, which its own children inherit, so that
 * what it leaves behind can be found even when it is gone itself.  The kernel sends it
 * SIGTERM when the thread that spawned it ends (PR_SET_PDEATHSIG): spawn on a thread
 * that lives as long as the instances shall.
 *
 * Not a parent any more after a restart: then a process is watched through /proc and
 * somebody else collects it.
 */
#ifndef SCALER_PROVIDER_CHILD_H
#define SCALER_PROVIDER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/rc.h"

struct child {
    pid_t pid;      /* 0: none */
    uint64_t start; /* clock ticks from boot to its start */
    bool ours;      /* we are its parent */
};

/*
 * argv[0] is looked up in PATH.  out_fd gets its output (-1: ours); it reads nothing and
 * inherits no other descriptor, no ignored signal, an empty signal mask.  RC_SYS: with
 * the reason, also when the program could not be executed.
 */
int child_spawn(char *const argv[], const char *id, int out_fd, struct child *out,
                struct why *w);

/* A process of an earlier run; false: it is gone, or the id is somebody else's now. */
bool child_find(pid_t pid, uint64_t start, struct child *out);

/*
 * True once it has ended: what was left in its group is killed and, if it is ours, it is
 * collected; *out then is none.  `how` says how it ended, as far as that is known.
 */
bool child_ended(struct child *c, char *how, size_t room);

void child_signal(const struct child *c, int sig); /* to the whole group; none is fine */

/* Signals every process whose environment names that instance; how many there are.
 * Looks at all of /proc: for restarts only. */
unsigned child_sweep(const char *id, int sig);

#endif
