#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "scaler/provider/child.h"
#include "scaler/provider/local.h"

#define AWAIT_MS 10000

/* Listens on {port} and answers nothing. */
#define LISTEN                                                                             \
    "import socket,sys,time\n"                                                             \
    "s=socket.socket()\n"                                                                  \
    "s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\n"                              \
    "s.bind((\"127.0.0.1\",int(sys.argv[1])));s.listen()\n"                                \
    "time.sleep(60)\n"
#define SERVER "/usr/bin/python3 -S -c '" LISTEN "' {port}"
#define DEAF                                                                               \
    "/usr/bin/python3 -S -c 'import signal\nsignal.signal(15,signal.SIG_IGN)\n" LISTEN     \
    "' {port}"

static char command[1024], ready[] = "/", name[] = "shop", nothing[] = "";
static struct cfg_service svc;
static struct provider *p;

static void setup(void)
{
    log_set_level(LOG_ERROR);
    svc = (struct cfg_service){.name = name};
    svc.local = (struct cfg_provider_local){.present = true,
                                            .command = command,
                                            .ready = ready,
                                            .log = nothing,
                                            .start_timeout_ms = 5000,
                                            .stop_timeout_ms = 300};
    /* Tests run side by side: each has ten ports of its own. */
    svc.local.port_from = (uint16_t)(21000 + getpid() % 1000 * 10);
    svc.local.port_to = (uint16_t)(svc.local.port_from + 9);
    p = local_new();
}

static void teardown(void)
{
    p->ops->free(p);
}

TestSuite(local, .init = setup, .fini = teardown, .timeout = 30);

static void create(const char *line, const char *id)
{
    struct why w = {0};

    snprintf(command, sizeof(command), "%s", line);
    cr_assert_eq(p->ops->create(p, &svc, TIER_BURST, id, &w), RC_OK, "%s", w.text);
}

static struct provider_status status(const char *id)
{
    struct provider_status st;

    p->ops->status(p, id, &st);
    return st;
}

static bool await(const char *id, enum provider_phase phase)
{
    mono_us until = clock_mono() + AWAIT_MS * US_PER_MS;

    for (; status(id).phase != phase; poll(NULL, 0, 2)) {
        p->ops->poll(p, clock_mono());
        if (clock_mono() > until)
            return false;
    }
    return true;
}

static pid_t pid_of(const char *id)
{
    return (pid_t)strtol(status(id).handle, NULL, 10);
}

static bool is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

Test(local, an_instance_serves_when_its_port_takes_connections)
{
    create(SERVER, "a");
    cr_expect_eq(status("a").phase, PROVIDER_STARTING);
    cr_assert(await("a", PROVIDER_SERVING));
    cr_expect_eq(status("a").addr.port, svc.local.port_from);
}

Test(local, it_is_ended_and_no_zombie_is_left)
{
    pid_t pid;

    create(SERVER, "a");
    cr_assert(await("a", PROVIDER_SERVING));
    pid = pid_of("a");
    p->ops->destroy(p, "a");
    cr_assert(await("a", PROVIDER_ENDED));
    cr_expect_not(is_there(pid));
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1);
    cr_expect_eq(errno, ECHILD);
    p->ops->forget(p, "a");
    cr_expect_eq(status("a").phase, PROVIDER_ENDED);
}

Test(local, who_does_not_listen_to_the_gentle_signal_is_killed)
{
    pid_t pid;

    create(DEAF, "a");
    cr_assert(await("a", PROVIDER_SERVING));
    pid = pid_of("a");
    p->ops->destroy(p, "a");
    cr_assert(await("a", PROVIDER_ENDED));
    cr_expect_not(is_there(pid));
    cr_expect_str_eq(status("a").detail, "killed by signal 9");
}

Test(local, what_an_instance_started_goes_with_it)
{
    static const char line[] = "sh -c '(trap \"\" TERM; exec sleep 61.25) & "
                               "echo $! >/tmp/tidegate-local-test.$TIDEGATE_INSTANCE; "
                               "exec sleep 61.5'";
    char path[128], pid[16] = "", id[32];
    FILE *file = NULL;

    snprintf(id, sizeof(id), "grand-%d", (int)getpid());
    snprintf(path, sizeof(path), "/tmp/tidegate-local-test.%s", id);
    create(line, id);
    for (int k = 0; k < AWAIT_MS && pid[0] == 0; k++, poll(NULL, 0, 1)) {
        file = fopen(path, "re");
        if (file != NULL && fgets(pid, sizeof(pid), file) == NULL)
            pid[0] = 0;
        if (file != NULL)
            fclose(file);
    }
    unlink(path);
    cr_assert(is_there((pid_t)strtol(pid, NULL, 10)));
    p->ops->destroy(p, id);
    cr_assert(await(id, PROVIDER_ENDED));
    for (int k = 0; k < AWAIT_MS && child_sweep(id, 0) > 0; k++)
        poll(NULL, 0, 1); /* it has been killed; the kernel needs its moment */
    cr_expect_eq(child_sweep(id, 0), 0);
}

Test(local, an_instance_that_ends_by_itself_says_how)
{
    create("sh -c 'exit 3'", "a");
    cr_assert(await("a", PROVIDER_ENDED));
    cr_expect_str_eq(status("a").detail, "exited with status 3");
}

Test(local, a_program_that_is_not_there_is_said_at_once)
{
    struct why w = {0};

    snprintf(command, sizeof(command), "/no/such/program {port}");
    cr_expect_eq(p->ops->create(p, &svc, TIER_BURST, "a", &w), RC_SYS);
    cr_expect_str_eq(w.text, "/no/such/program: No such file or directory");
    cr_expect_eq(status("a").phase, PROVIDER_ENDED);
}

Test(local, each_instance_has_its_own_port_and_a_taken_one_is_left_out)
{
    svc.local.port_to = (uint16_t)(svc.local.port_from + 2);
    create("sleep 60", "a");
    create("sleep 60", "b");
    create("sleep 60", "c");
    cr_expect_neq(status("a").addr.port, status("b").addr.port);
    cr_expect_neq(status("b").addr.port, status("c").addr.port);
    cr_expect_eq(p->ops->create(p, &svc, TIER_BURST, "d", NULL), RC_BUSY);
}

Test(local, a_port_that_somebody_listens_on_is_left_out)
{
    struct provider *other = local_new();
    struct provider_status st;

    create(SERVER, "a");
    cr_assert(await("a", PROVIDER_SERVING));
    snprintf(command, sizeof(command), "sleep 60");
    cr_assert_eq(other->ops->create(other, &svc, TIER_BURST, "b", NULL), RC_OK);
    other->ops->status(other, "b", &st);
    cr_expect_eq(st.addr.port, svc.local.port_from + 1);
    other->ops->free(other);
}

Test(local, output_goes_to_the_log_file)
{
    char path[] = "/tmp/tidegate-local-log.XXXXXX", line[64] = "", want[64];
    int fd = mkstemp(path);

    svc.local.log = path;
    create("echo {service} {tier} {id} {port}", "a");
    cr_assert(await("a", PROVIDER_ENDED));
    cr_assert_gt(read(fd, line, sizeof(line) - 1), 0);
    snprintf(want, sizeof(want), "shop burst a %u\n", svc.local.port_from);
    cr_expect_str_eq(line, want);
    close(fd);
    unlink(path);
}

/* ---- after a restart ---- */

/* Starts one that ignores the signal at our death, in a process that then ends; its
 * handle. */
static void leave_one(const char *id, char handle[PROVIDER_HANDLE_MAX])
{
    int fds[2];
    pid_t pid;

    cr_assert_eq(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        p = local_new();
        create(DEAF, id);
        if (!await(id, PROVIDER_SERVING))
            _exit(1);
        struct provider_status st = status(id);
        _exit(write(fds[1], st.handle, sizeof(st.handle)) < 0);
    }
    close(fds[1]);
    cr_assert_eq(read(fds[0], handle, PROVIDER_HANDLE_MAX), PROVIDER_HANDLE_MAX);
    waitpid(pid, NULL, 0);
    close(fds[0]);
}

Test(local, one_of_an_earlier_process_is_found_and_ended)
{
    char handle[PROVIDER_HANDLE_MAX], id[32];
    char text[32];
    struct addr addr;

    snprintf(text, sizeof(text), "127.0.0.1:%u", svc.local.port_from);
    snprintf(id, sizeof(id), "left-%d", (int)getpid());
    leave_one(id, handle);
    cr_assert_eq(addr_parse(text, &addr, NULL), RC_OK);
    p->ops->adopt(p, &svc, id, &addr, handle);
    cr_expect_str_eq(status(id).handle, handle);
    cr_assert(await(id, PROVIDER_SERVING));
    p->ops->destroy(p, id);
    cr_assert(await(id, PROVIDER_ENDED));
    cr_expect_eq(child_sweep(id, 0), 0);
}

Test(local, one_whose_handle_was_not_stored_is_found_by_its_mark_and_ended)
{
    char handle[PROVIDER_HANDLE_MAX], id[32];
    char text[32];
    struct addr addr;

    snprintf(text, sizeof(text), "127.0.0.1:%u", svc.local.port_from);
    snprintf(id, sizeof(id), "mark-%d", (int)getpid());
    leave_one(id, handle);
    cr_assert_eq(addr_parse(text, &addr, NULL), RC_OK);
    p->ops->adopt(p, &svc, id, &addr, "");
    cr_expect_eq(status(id).phase, PROVIDER_STARTING);
    cr_assert(await(id, PROVIDER_ENDED));
    cr_expect_eq(child_sweep(id, 0), 0);
}

Test(local, a_process_number_that_came_again_is_not_taken_for_ours)
{
    char handle[PROVIDER_HANDLE_MAX];
    struct addr addr = {0};

    snprintf(handle, sizeof(handle), "%d:12345", (int)getpid());
    p->ops->adopt(p, &svc, "nobody-has-this-id", &addr, handle);
    cr_expect_eq(status("nobody-has-this-id").phase, PROVIDER_ENDED);
    p->ops->destroy(p, "nobody-has-this-id");
    p->ops->poll(p, clock_mono());
}

Test(local, an_instance_dies_with_the_thread_that_started_it)
{
    char handle[PROVIDER_HANDLE_MAX];
    struct child c = {0};
    uint64_t start;
    int fds[2], pid;

    cr_assert_eq(pipe(fds), 0);
    snprintf(command, sizeof(command), "sleep 60");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that the orphan can be collected here */
    if (fork() == 0) {
        struct provider_status st;
        struct provider *mine = local_new();

        mine->ops->create(mine, &svc, TIER_BURST, "orphan", NULL);
        mine->ops->status(mine, "orphan", &st);
        _exit(write(fds[1], st.handle, sizeof(st.handle)) < 0);
    }
    cr_assert_eq(read(fds[0], handle, sizeof(handle)), (ssize_t)sizeof(handle));
    cr_assert_eq(sscanf(handle, "%d:%lu", &pid, &start), 2);
    for (int status_; waitpid((pid_t)pid, &status_, 0) < 0;)
        poll(NULL, 0, 1); /* not ours until its parent is gone */
    cr_expect_not(child_find((pid_t)pid, start, &c));
}
