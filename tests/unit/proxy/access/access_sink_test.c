/* Mirrors proxy/access/access_sink.c, on real files and sockets in a folder of its own. */
#include "proxy/access/access_sink.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64];

static void enter(void)
{
    snprintf(folder, sizeof(folder), "/tmp/access_sink_test.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave(void)
{
    static const char *const names[] = {"log", "moved", "pipe", "socket"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(names[i]);
    cr_assert_eq(chdir("/"), 0);
    rmdir(folder);
}

TestSuite(access_sink, .init = enter, .fini = leave);

static struct access_sink *open_sink(const char *path)
{
    struct access_sink *s;
    struct why why;

    cr_assert_eq(access_sink_new(path, &s, &why), RC_OK, "%s", why.text);
    access_sink_set(s, 10, 1000);
    return s;
}

static void add(struct access_sink *s, const char *line, mono_us now)
{
    access_sink_add(s, line, strlen(line), now);
}

static void expect_file(const char *name, const char *want)
{
    char got[4096] = "";
    int fd = open(name, O_RDONLY);

    cr_assert_geq(fd, 0, "%s", name);
    cr_assert_geq(read(fd, got, sizeof(got) - 1), 0);
    close(fd);
    cr_expect_str_eq(got, want, "%s: '%s', not '%s'", name, got, want);
}

static struct access_figures figures(const struct access_sink *s)
{
    struct access_figures f;

    access_sink_figures(s, &f);
    return f;
}

Test(access_sink, lines_wait_for_a_full_buffer_or_for_their_time)
{
    struct access_sink *s = open_sink("log");

    add(s, "one\n", 0);
    access_sink_flush(s, 999, false);
    expect_file("log", "");
    access_sink_flush(s, 1000, false);
    expect_file("log", "one\n");
    add(s, "two and three\n", 1001);
    access_sink_flush(s, 1002, false);
    expect_file("log", "one\ntwo and three\n");
    add(s, "x\n", 1003);
    access_sink_flush(s, 1004, true);
    expect_file("log", "one\ntwo and three\nx\n");
    cr_expect_eq(figures(s).lines, 3u);
    cr_expect(figures(s).ok);
    access_sink_free(s);
}

Test(access_sink, a_file_is_readable_by_its_group_alone)
{
    struct access_sink *s;
    struct stat st;

    umask(0);
    s = open_sink("log");
    cr_assert_eq(stat("log", &st), 0);
    cr_expect_eq(st.st_mode & 0777, 0640u);
    access_sink_free(s);
}

Test(access_sink, a_reopened_file_begins_with_what_came_after)
{
    struct access_sink *s = open_sink("log");

    add(s, "before\n", 0);
    cr_assert_eq(rename("log", "moved"), 0);
    access_sink_reopen(s, 1);
    add(s, "after\n", 2);
    access_sink_flush(s, 3, true);
    expect_file("moved", "before\n");
    expect_file("log", "after\n");
    access_sink_free(s);
}

Test(access_sink, a_name_that_cannot_be_opened_keeps_the_old_file)
{
    struct access_sink *s = open_sink("log");

    cr_assert_eq(rename("log", "moved"), 0);
    cr_assert_eq(mkdir("log", 0700), 0);
    access_sink_reopen(s, 0);
    cr_expect_not(figures(s).ok);
    add(s, "still\n", 1);
    access_sink_flush(s, 2, true);
    expect_file("moved", "still\n");
    cr_expect_not(figures(s).ok, "a good write does not hide it");
    cr_assert_eq(rmdir("log"), 0);
    access_sink_reopen(s, 3);
    cr_expect(figures(s).ok);
    access_sink_free(s);
}

Test(access_sink, what_cannot_be_opened_at_first_is_refused_with_the_reason)
{
    struct access_sink *s;
    struct why why;

    cr_expect_eq(access_sink_new("no/such/folder", &s, &why), RC_SYS);
    cr_expect_null(s);
    cr_expect_str_eq(why.text, "access log no/such/folder: No such file or directory");
}

static void limit_files(rlim_t bytes)
{
    struct rlimit rl;

    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &rl), 0);
    rl.rlim_cur = bytes;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

Test(access_sink, a_line_that_was_cut_goes_on_where_it_was)
{
    struct access_sink *s = open_sink("log");

    limit_files(6);
    add(s, "one\ntwo\n", 0);
    access_sink_flush(s, 1, true);
    expect_file("log", "one\ntw");
    cr_expect_not(figures(s).ok);
    cr_expect_eq(figures(s).lines, 1u);
    cr_expect_eq(access_sink_left(s), 2u);
    limit_files(RLIM_INFINITY);
    access_sink_set(s, 0, 0); /* always due */
    access_sink_flush(s, 2, false);
    expect_file("log", "one\ntw"); /* tried again after a second only */
    access_sink_flush(s, 1 + US_PER_S, false);
    expect_file("log", "one\ntwo\n");
    cr_expect(figures(s).ok);
    cr_expect_eq(figures(s).lines, 2u);
    access_sink_free(s);
}

Test(access_sink, a_new_file_never_begins_with_half_a_line)
{
    struct access_sink *s = open_sink("log");

    limit_files(6);
    add(s, "one\ntwo\nthree\n", 0);
    access_sink_flush(s, 1, true);
    cr_assert_eq(rename("log", "moved"), 0);
    access_sink_reopen(s, 2);
    limit_files(RLIM_INFINITY);
    access_sink_flush(s, 3, true);
    expect_file("moved", "one\ntw");
    expect_file("log", "three\n");
    cr_expect_eq(figures(s).dropped, 1u);
    access_sink_free(s);
}

Test(access_sink, a_full_backlog_drops_whole_new_lines)
{
    struct access_sink *s = open_sink("/dev/full");
    static char line[1000];

    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 2000; i++) {
        access_sink_add(s, line, sizeof(line), i);
        access_sink_flush(s, i, false);
    }
    cr_expect_eq(access_sink_left(s) % sizeof(line), 0u);
    cr_expect_eq(figures(s).dropped + access_sink_left(s) / sizeof(line), 2000u);
    cr_expect_gt(figures(s).dropped, 0u);
    cr_expect_eq(figures(s).lines, 0u);
    cr_expect_not(figures(s).ok);
    access_sink_free(s);
}

Test(access_sink, a_pipe_that_nobody_reads_is_not_waited_for)
{
    struct access_sink *s;
    static char line[1000], got[1 << 18];
    size_t read_so_far = 0;
    ssize_t n;
    int fd;

    cr_assert_eq(mkfifo("pipe", 0600), 0);
    s = open_sink("pipe");
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 200; i++)
        access_sink_add(s, line, sizeof(line), 0);
    access_sink_flush(s, 1, true); /* returns */
    cr_expect_gt(access_sink_left(s), 0u);
    cr_expect(figures(s).ok, "slow is no fault");
    fd = open("pipe", O_RDONLY | O_NONBLOCK);
    cr_assert_geq(fd, 0);
    while (read_so_far < 200 * sizeof(line)) {
        n = read(fd, got, sizeof(got));
        if (n > 0)
            read_so_far += (size_t)n;
        cr_expect(n <= 0 || n % (ssize_t)sizeof(line) == 0, "lines are written whole");
        access_sink_flush(s, 2, true);
    }
    cr_expect_eq(figures(s).lines, 200u);
    close(fd);
    access_sink_free(s);
}

static int listen_at(const char *name)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", name);
    cr_assert_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

Test(access_sink, syslog_gets_a_datagram_a_line_and_may_come_later)
{
    struct access_sink *s = open_sink("syslog:unix:socket");
    char got[100];
    int fd;

    cr_expect(access_sink_is_syslog(s));
    cr_expect_not(figures(s).ok);
    add(s, "one\n", 0);
    add(s, "two\n", 0);
    access_sink_flush(s, 1, true);
    cr_expect_eq(access_sink_left(s), 8u);
    fd = listen_at("socket");
    access_sink_flush(s, 2, true);
    cr_expect_eq(recv(fd, got, sizeof(got), 0), 3);
    cr_expect(memcmp(got, "one", 3) == 0);
    cr_expect_eq(recv(fd, got, sizeof(got), 0), 3);
    cr_expect(figures(s).ok);
    cr_expect_eq(figures(s).lines, 2u);
    close(fd);
    add(s, "three\n", 3);
    access_sink_flush(s, 4, true);
    cr_expect_not(figures(s).ok, "the daemon has gone");
    cr_expect_eq(access_sink_left(s), 6u);
    access_sink_free(s);
}
