#include "base/kv.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1u << 20)

static char dir[64];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st;
    (void)type;
    (void)f;
    return remove(path);
}

static void setup(void)
{
    snprintf(dir, sizeof(dir), "/tmp/kv_test.XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
}

static void teardown(void)
{
    nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static struct kv *open_lmdb(void)
{
    char path[96];
    struct kv *kv;
    struct why w;

    snprintf(path, sizeof(path), "%s/a/b", dir);
    cr_assert_eq(kv_open_lmdb(path, 4 * MIB, KV_SHARED, &kv, &w), RC_OK, "%s", w.text);
    return kv;
}

static int put(struct kv *kv, const char *key, const char *value)
{
    struct kv_put p = {key, value, strlen(key), value != NULL ? strlen(value) : 0};

    return kv_write(kv, &p, 1);
}

static void expect(struct kv *kv, const char *key, const char *want)
{
    size_t len;
    void *got;
    int rc = kv_get(kv, key, strlen(key), &got, &len);

    if (want == NULL) {
        cr_expect_eq(rc, RC_NOT_FOUND, "%s", key);
    } else {
        cr_expect_eq(rc, RC_OK, "%s", key);
        cr_expect(rc == RC_OK && len == strlen(want) && memcmp(got, want, len) == 0, "%s",
                  key);
    }
    free(got);
}

static void put_get_replace_and_remove(struct kv *kv)
{
    expect(kv, "a", NULL);
    cr_expect_eq(put(kv, "a", "1"), RC_OK);
    expect(kv, "a", "1");
    cr_expect_eq(put(kv, "a", "longer"), RC_OK);
    expect(kv, "a", "longer");
    cr_expect_eq(put(kv, "a", ""), RC_OK);
    expect(kv, "a", "");
    cr_expect_eq(put(kv, "a", NULL), RC_OK);
    expect(kv, "a", NULL);
    cr_expect_eq(put(kv, "a", NULL), RC_OK, "removing what is not there is fine");
}

Test(kv, memory_puts_gets_replaces_and_removes)
{
    struct kv *kv = kv_open_memory();

    put_get_replace_and_remove(kv);
    kv_close(kv);
}

Test(kv, lmdb_puts_gets_replaces_and_removes, .init = setup, .fini = teardown)
{
    struct kv *kv = open_lmdb();

    put_get_replace_and_remove(kv);
    kv_close(kv);
}

struct seen {
    char text[256];
    size_t left;
};

static bool note(void *ctx, const void *key, size_t key_len, const void *value, size_t len)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    snprintf(s->text + at, sizeof(s->text) - at, "%.*s=%.*s ", (int)key_len,
             (const char *)key, (int)len, (const char *)value);
    return --s->left > 0;
}

static void walk_a_prefix_in_order(struct kv *kv)
{
    const char *keys[] = {"user/b", "user", "user/a",  "use",
                          "user/",  "usf",  "user/ab", "zz"};
    struct seen s = {"", 100};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        cr_assert_eq(put(kv, keys[i], "v"), RC_OK);
    cr_expect_eq(kv_each(kv, "user/", 5, note, &s), RC_OK);
    cr_expect_str_eq(s.text, "user/=v user/a=v user/ab=v user/b=v ");
    s = (struct seen){"", 2};
    cr_expect_eq(kv_each(kv, "user/", 5, note, &s), RC_OK);
    cr_expect_str_eq(s.text, "user/=v user/a=v ", "it stops when told");
    s = (struct seen){"", 100};
    cr_expect_eq(kv_each(kv, "none", 4, note, &s), RC_OK);
    cr_expect_str_eq(s.text, "");
    cr_expect_eq(kv_each(kv, "", 0, note, &s), RC_OK);
    cr_expect_eq(s.left, 100 - 8, "an empty prefix is everything");
}

Test(kv, memory_walks_a_prefix_in_order)
{
    struct kv *kv = kv_open_memory();

    walk_a_prefix_in_order(kv);
    kv_close(kv);
}

Test(kv, lmdb_walks_a_prefix_in_order, .init = setup, .fini = teardown)
{
    struct kv *kv = open_lmdb();

    walk_a_prefix_in_order(kv);
    kv_close(kv);
}

Test(kv, memory_keeps_many_keys_sorted)
{
    struct kv *kv = kv_open_memory();
    char key[16], text[16];

    for (unsigned i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "%05u", i * 7919 % 3000);
        cr_assert_eq(put(kv, key, key), RC_OK);
    }
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(text, sizeof(text), "%05u", i);
        expect(kv, text, text);
    }
    kv_close(kv);
}

Test(kv, a_bad_key_is_refused)
{
    struct kv *kv = kv_open_memory();
    char key[KV_KEY_MAX + 1] = {0};
    struct kv_put p = {key, "v", sizeof(key), 1};
    size_t len;
    void *v;

    cr_expect_eq(kv_write(kv, &p, 1), RC_INVALID);
    cr_expect_eq(kv_get(kv, "", 0, &v, &len), RC_INVALID);
    p.key_len = KV_KEY_MAX;
    cr_expect_eq(kv_write(kv, &p, 1), RC_OK);
    kv_close(kv);
}

Test(kv, lmdb_keeps_what_was_written_over_a_restart, .init = setup, .fini = teardown)
{
    struct kv *kv = open_lmdb();

    cr_assert_eq(put(kv, "a", "1"), RC_OK);
    kv_close(kv);
    kv = open_lmdb();
    expect(kv, "a", "1");
    kv_close(kv);
}

Test(kv, a_full_lmdb_says_so_applies_nothing_and_goes_on, .init = setup, .fini = teardown)
{
    struct kv *kv = open_lmdb();
    char *big = calloc(1, MIB);
    struct kv_put puts[] = {{"small", "v", 5, 1},
                            {"b1", big, 2, MIB},
                            {"b2", big, 2, MIB},
                            {"b3", big, 2, MIB},
                            {"b4", big, 2, MIB}};

    cr_expect_eq(kv_write(kv, puts, 5), RC_TOO_BIG);
    expect(kv, "small", NULL);
    cr_expect_eq(kv_write(kv, puts, 1), RC_OK);
    expect(kv, "small", "v");
    kv_close(kv);
    free(big);
}

Test(kv, a_damaged_lmdb_file_is_reported, .init = setup, .fini = teardown)
{
    char path[96];
    struct kv *kv;
    struct why w;
    FILE *f;

    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < 20000; i++)
        fputc('x', f);
    fclose(f);
    cr_expect_eq(kv_open_lmdb(dir, MIB, KV_SHARED, &kv, &w), RC_CORRUPT, "%s", w.text);
    cr_expect_null(kv);
}

Test(kv, a_directory_that_cannot_be_made_is_reported, .init = setup, .fini = teardown)
{
    char path[96];
    struct kv *kv;
    struct why w;
    FILE *f;

    snprintf(path, sizeof(path), "%s/file", dir);
    f = fopen(path, "w");
    cr_assert_not_null(f);
    fclose(f);
    snprintf(path, sizeof(path), "%s/file/store", dir);
    cr_expect_eq(kv_open_lmdb(path, MIB, KV_SHARED, &kv, &w), RC_SYS);
}

/* Holds the lock as another process would; to close(). */
static int hold_lock(int how)
{
    char path[96];
    int fd;

    snprintf(path, sizeof(path), "%s/tidegate.lock", dir);
    fd = open(path, O_RDWR | O_CREAT, 0600);
    cr_assert(fd >= 0 && flock(fd, how | LOCK_NB) == 0);
    return fd;
}

Test(kv, who_wants_lmdb_alone_does_not_join_anybody, .init = setup, .fini = teardown)
{
    int fd = hold_lock(LOCK_SH);
    struct kv *kv;
    struct why w;

    cr_expect_eq(kv_open_lmdb(dir, MIB, KV_ALONE, &kv, &w), RC_BUSY);
    cr_expect_null(kv);
    cr_expect_not_null(strstr(w.text, "is open in another process"), "%s", w.text);
    close(fd);
    cr_assert_eq(kv_open_lmdb(dir, MIB, KV_ALONE, &kv, &w), RC_OK, "%s", w.text);
    kv_close(kv);
}

Test(kv, nobody_joins_who_has_lmdb_alone, .init = setup, .fini = teardown)
{
    struct kv *kv, *other;
    struct why w;

    cr_assert_eq(kv_open_lmdb(dir, MIB, KV_ALONE, &kv, &w), RC_OK, "%s", w.text);
    cr_expect_eq(kv_open_lmdb(dir, MIB, KV_SHARED, &other, &w), RC_BUSY);
    cr_expect_eq(kv_open_lmdb(dir, MIB, KV_ALONE, &other, &w), RC_BUSY);
    kv_close(kv);
    cr_assert_eq(kv_open_lmdb(dir, MIB, KV_SHARED, &kv, &w), RC_OK, "%s", w.text);
    kv_close(kv);
}

Test(kv, who_shares_lmdb_joins_others_who_do, .init = setup, .fini = teardown)
{
    int fd = hold_lock(LOCK_SH);
    struct kv *kv;
    struct why w;

    cr_assert_eq(kv_open_lmdb(dir, MIB, KV_SHARED, &kv, &w), RC_OK, "%s", w.text);
    kv_close(kv);
    close(fd);
}

/* Starts cat between two pipes; returns once it runs. */
static pid_t start_cat(int *in)
{
    int to[2], from[2];
    pid_t child;
    char c = 0;

    cr_assert(pipe2(to, O_CLOEXEC) == 0 && pipe2(from, O_CLOEXEC) == 0);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        execl("/bin/cat", "cat", (char *)NULL);
        _exit(1);
    }
    cr_assert(write(to[1], "x", 1) == 1 && read(from[0], &c, 1) == 1 && c == 'x');
    close(to[0]);
    close(from[0]);
    close(from[1]);
    *in = to[1];
    return child;
}

/* Instances that a provider starts may outlive their parent. */
Test(kv, a_child_does_not_hold_the_lock, .init = setup, .fini = teardown)
{
    struct kv *kv;
    pid_t child;
    int in;

    cr_assert_eq(kv_open_lmdb(dir, MIB, KV_SHARED, &kv, NULL), RC_OK);
    child = start_cat(&in);
    kv_close(kv);
    cr_expect_eq(kv_open_lmdb(dir, MIB, KV_ALONE, &kv, NULL), RC_OK);
    kv_close(kv);
    close(in);
    waitpid(child, NULL, 0);
}
