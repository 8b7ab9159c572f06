/*
 * replay.c - runs a fuzzer's entry point over a folder of stored inputs.
 *
 * Linked in place of the fuzzing engine, so that every input that was ever of
 * interest is tried again on each `make test`.  An empty folder is an error: a
 * corpus that got lost would pass.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    uint8_t *data;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -1;
    /* Exactly as large as the input: a read past its end is caught. */
    data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    n = data != NULL ? read(fd, data, (size_t)st.st_size) : -1;
    close(fd);
    if (n == st.st_size)
        LLVMFuzzerTestOneInput(data, (size_t)n);
    free(data);
    return n == st.st_size ? 0 : -1;
}

static int run_folder(DIR *folder, const char *path)
{
    struct dirent *entry;
    unsigned n = 0;

    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (run_file(dirfd(folder), entry->d_name) < 0) {
            fprintf(stderr, "%s/%s: %m\n", path, entry->d_name);
            return 1;
        }
        n++;
    }
    printf("%s: %u inputs, no failure\n", path, n);
    return n == 0;
}

int main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    int rc;

    if (folder == NULL) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    rc = run_folder(folder, argv[1]);
    closedir(folder);
    return rc;
}
