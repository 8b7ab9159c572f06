/* Mirrors conf/cfg_files.c: includes, through real files in a folder of their own. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "tests/unit/conf/loading.h"

static char folder[] = "/tmp/tidegate-files-XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(mkdir("conf.d", 0700), 0);
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void remove_folder(void)
{
    static const char *const names[] = {"main.yaml",     "b.yaml",       "c.yaml",
                                        "link.yaml",     "fifo",         "conf.d/1.yaml",
                                        "conf.d/2.yaml", "conf.d/3.yaml"};

    for (size_t i = 0; i < N_ELEMS(names); i++)
        unlink(names[i]);
    rmdir("conf.d");
    cr_assert_eq(chdir("/"), 0);
    rmdir(folder);
}

TestSuite(cfg_files, .init = make_folder, .fini = remove_folder);

static struct cfg *load(const char *file)
{
    struct cfg_errors errs;
    struct cfg *c;

    cfg_errors_init(&errs);
    if (cfg_load(file, &c, &errs) != RC_OK)
        cr_assert_fail("%s", loading_error_text(&errs));
    cfg_errors_fini(&errs);
    return c;
}

static void expect_errors(const char *file, const char *want)
{
    struct cfg_errors errs;
    struct cfg *c;
    char *all;

    cfg_errors_init(&errs);
    cfg_load(file, &c, &errs);
    cfg_unref(c);
    all = loading_error_text(&errs);
    cr_expect_str_eq(all, want, "got\n%s", all);
    free(all);
    cfg_errors_fini(&errs);
}

Test(cfg_files, maps_are_merged_and_lists_appended)
{
    struct cfg *c;

    write_file("main.yaml", LOADING_GOOD "include: conf.d/*.yaml\nlog: { level: warn }\n");
    write_file("conf.d/1.yaml",
               "listeners: [ 127.0.0.1:8081 ]\nadmin: { bind: 127.0.0.1:1 }\n");
    write_file("conf.d/2.yaml",
               "services: { t: { pools: { burst: { backends: 127.0.0.1:2 } } } }\n"
               "routes: [ { host: t.example, service: t } ]\nvia: two\nlog:\n");
    c = load("main.yaml");
    cr_expect_eq(c->n_listeners, 2);
    cr_expect_eq(c->n_services, 2);
    cr_expect_eq(c->n_routes, 2);
    cr_expect_eq(c->log_level, LOG_WARN);
    cr_expect_str_eq(c->via, "two");
    cr_expect(c->admin.enabled);
    cr_expect_str_eq(c->file, "main.yaml");
    cfg_unref(c);
}

Test(cfg_files, a_pattern_is_relative_to_the_file_it_is_in)
{
    struct cfg *c;

    write_file("main.yaml", "include: conf.d/1.yaml\n");
    write_file("conf.d/1.yaml", LOADING_GOOD "include: [ 2.yaml, '${TG_NONE:-3}.yaml' ]\n");
    write_file("conf.d/2.yaml", "via: two\n");
    write_file("conf.d/3.yaml", "workers: 3\n");
    c = load("./main.yaml");
    cr_expect_str_eq(c->via, "two");
    cr_expect_eq(c->workers, 3);
    cfg_unref(c);
}

Test(cfg_files, an_absolute_pattern_is_taken_as_it_is)
{
    char text[300];
    struct cfg *c;

    snprintf(text, sizeof(text), "include: %s/b.yaml\n", folder);
    write_file("conf.d/1.yaml", text);
    write_file("b.yaml", LOADING_GOOD);
    c = load("conf.d/1.yaml");
    cr_expect_eq(c->n_services, 1);
    cfg_unref(c);
}

Test(cfg_files, one_value_in_two_files_names_both_places)
{
    write_file("main.yaml", LOADING_GOOD "via: one\ninclude: [ b.yaml, c.yaml ]\n");
    write_file("b.yaml", "\nvia: two\n");
    write_file("c.yaml",
               "services: { s: { pools: { baseline: { backends: {} } } } }\nroutes: 3\n");
    expect_errors("main.yaml",
                  "b.yaml:2:1: 'via' is already given at main.yaml:4:1\n"
                  "c.yaml:1:39: 'backends' is already given at main.yaml:2:39\n"
                  "c.yaml:2:1: 'routes' is already given at main.yaml:3:1\n");
}

Test(cfg_files, an_error_names_the_file_it_is_in)
{
    write_file("main.yaml", "include: b.yaml\n" LOADING_GOOD);
    write_file("b.yaml", "workers: x\nvai: y\nadmin: { bind: 127.0.0.1:8080 }\n");
    expect_errors("main.yaml",
                  "b.yaml:1:10: workers: 'x' is not a whole number\n"
                  "b.yaml:2:1: unknown key 'vai'; did you mean 'via'?\n"
                  "b.yaml:3:16: bind: 127.0.0.1:8080 is taken by a listener\n");
}

Test(cfg_files, broken_text_in_one_file_does_not_hide_the_others)
{
    write_file("main.yaml", LOADING_GOOD "include: [ b.yaml, c.yaml ]\n");
    write_file("b.yaml", "a: \"open\n");
    write_file("c.yaml", "workers: x\n");
    expect_errors("main.yaml",
                  "b.yaml:1:5: not YAML: double-quoted scalar without closing quote\n"
                  "c.yaml:1:10: workers: 'x' is not a whole number\n");
}

Test(cfg_files, a_file_comes_once)
{
    write_file("main.yaml", LOADING_GOOD "include: [ b.yaml, ./b.yaml, link.yaml ]\n");
    write_file("b.yaml", "include: main.yaml\n");
    cr_assert_eq(symlink("b.yaml", "link.yaml"), 0);
    expect_errors("main.yaml", "b.yaml:1:10: main.yaml is included twice\n"
                               "main.yaml:4:20: ./b.yaml is included twice\n"
                               "main.yaml:4:30: link.yaml is included twice\n");
}

Test(cfg_files, a_pattern_may_match_nothing_and_a_name_may_not)
{
    write_file("main.yaml", LOADING_GOOD "include: [ none/*.yaml, none.yaml ]\n");
    expect_errors("main.yaml", "main.yaml:4:25: cannot read none.yaml: no such file\n");
}

Test(cfg_files, only_regular_files_are_read)
{
    write_file("main.yaml", LOADING_GOOD "include: [ conf.d, fifo ]\n");
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    expect_errors("main.yaml", "main.yaml:4:12: cannot read conf.d: not a regular file\n"
                               "main.yaml:4:20: cannot read fifo: not a regular file\n");
}

Test(cfg_files, a_file_that_is_not_there_is_said_to_be_so)
{
    expect_errors("none.yaml", "none.yaml: cannot be read: No such file or directory\n");
}

Test(cfg_files, a_file_has_a_largest_size)
{
    int fd = open("main.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, (4 << 20) + 1), 0);
    expect_errors("main.yaml", "main.yaml: cannot be read: too large\n");
    cr_assert_eq(ftruncate(fd, 4 << 20), 0);
    expect_errors("main.yaml", "main.yaml:1:1: a control byte (0x00) is not allowed\n");
    close(fd);
}

Test(cfg_files, what_is_no_pattern_is_refused)
{
    write_file("main.yaml", LOADING_GOOD "include: [ {}, '' ]\n");
    expect_errors("main.yaml", "main.yaml:4:12: include: needs file names or patterns\n"
                               "main.yaml:4:16: include: needs file names or patterns\n");
    write_file("main.yaml", LOADING_GOOD "include: { a: b }\n");
    expect_errors("main.yaml", "main.yaml:4:10: include: needs file names or patterns\n");
}

Test(cfg_files, a_text_that_is_in_no_file_includes_none)
{
    loading_expect(LOADING_GOOD "include: x\n", "t:4:1: include: works in files only\n");
}
