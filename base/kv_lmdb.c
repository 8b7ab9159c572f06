/*
 * LMDB: one environment in one directory, one unnamed database, one transaction
 * a batch.  MDB_NOMETASYNC: a power failure may take back the last batches but
 * never tears one.  MDB_NOTLS: the read transaction is kept and renewed from
 * whichever thread holds kv.c's lock.  LMDB itself lets any number of processes write;
 * who may be there together is told by flock() on a file beside it, which ends with
 * the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/kv_ops.h"
#include "base/mem.h"

#define LOCK_FILE "tidegate.lock"

struct kv_lmdb {
    struct kv kv;
    int lock; /* descriptor of LOCK_FILE */
    MDB_env *env;
    MDB_dbi db;
    MDB_txn *read; /* reset between calls */
};

static struct kv_lmdb *lmdb_of(struct kv *kv)
{
    return (struct kv_lmdb *)kv;
}

static int code_of(int err)
{
    switch (err) {
    case MDB_SUCCESS:
        return RC_OK;
    case MDB_NOTFOUND:
        return RC_NOT_FOUND;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
        return RC_TOO_BIG;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_PANIC:
        return RC_CORRUPT;
    default:
        return RC_UNAVAILABLE;
    }
}

/* Begins again when another process has made the map larger. */
static int begin(struct kv_lmdb *l, unsigned flags, MDB_txn **txn)
{
    int err = mdb_txn_begin(l->env, NULL, flags, txn);

    if (err == MDB_MAP_RESIZED && mdb_env_set_mapsize(l->env, 0) == 0)
        err = mdb_txn_begin(l->env, NULL, flags, txn);
    return err;
}

static int read_begin(struct kv_lmdb *l)
{
    int err;

    if (l->read != NULL) {
        err = mdb_txn_renew(l->read);
        if (err == 0)
            return 0;
        mdb_txn_abort(l->read);
        l->read = NULL;
    }
    return begin(l, MDB_RDONLY, &l->read);
}

static int lmdb_get(struct kv *kv, const void *key, size_t key_len, void **value,
                    size_t *len)
{
    struct kv_lmdb *l = lmdb_of(kv);
    MDB_val k = {key_len, (void *)(uintptr_t)key}, v;
    int err = read_begin(l);

    if (err != 0)
        return code_of(err);
    err = mdb_get(l->read, l->db, &k, &v);
    if (err == 0) {
        *value = mem_new(v.mv_size, 1);
        memcpy(*value, v.mv_data, v.mv_size);
        *len = v.mv_size;
    }
    mdb_txn_reset(l->read);
    return code_of(err);
}

static int put_one(struct kv_lmdb *l, MDB_txn *txn, const struct kv_put *put)
{
    MDB_val k = {put->key_len, (void *)(uintptr_t)put->key};
    MDB_val v = {put->value_len, (void *)(uintptr_t)put->value};
    int err;

    if (put->value != NULL)
        return mdb_put(txn, l->db, &k, &v, 0);
    err = mdb_del(txn, l->db, &k, NULL);
    return err == MDB_NOTFOUND ? 0 : err;
}

static int lmdb_write(struct kv *kv, const struct kv_put *puts, size_t n)
{
    struct kv_lmdb *l = lmdb_of(kv);
    MDB_txn *txn;
    int err = begin(l, 0, &txn);

    if (err != 0)
        return code_of(err);
    for (size_t i = 0; i < n && err == 0; i++)
        err = put_one(l, txn, &puts[i]);
    if (err == 0)
        return code_of(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return code_of(err);
}

static bool has_prefix(const MDB_val *k, const void *prefix, size_t len)
{
    return k->mv_size >= len && memcmp(k->mv_data, prefix, len) == 0;
}

static int lmdb_each(struct kv *kv, const void *prefix, size_t prefix_len, kv_each_fn fn,
                     void *ctx)
{
    struct kv_lmdb *l = lmdb_of(kv);
    MDB_val k = {prefix_len, (void *)(uintptr_t)prefix}, v;
    MDB_cursor *cursor;
    int err = read_begin(l);

    if (err != 0)
        return code_of(err);
    err = mdb_cursor_open(l->read, l->db, &cursor);
    if (err == 0) {
        err = mdb_cursor_get(cursor, &k, &v, prefix_len > 0 ? MDB_SET_RANGE : MDB_FIRST);
        while (err == 0 && has_prefix(&k, prefix, prefix_len) &&
               fn(ctx, k.mv_data, k.mv_size, v.mv_data, v.mv_size))
            err = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
        mdb_cursor_close(cursor);
    }
    mdb_txn_reset(l->read);
    return err == MDB_NOTFOUND ? RC_OK : code_of(err);
}

static void lmdb_close(struct kv *kv)
{
    struct kv_lmdb *l = lmdb_of(kv);

    if (l->read != NULL)
        mdb_txn_abort(l->read);
    mdb_env_close(l->env);
    close(l->lock);
    free(l);
}

static const struct kv_ops ops = {lmdb_close, lmdb_get, lmdb_write, lmdb_each};

/* Makes the directory and its parents; for us alone, the keys to identities are in it. */
static int make_directory(const char *path, struct why *w)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof(part))
        return why_set(w, RC_INVALID, "store: bad directory name");
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return why_set(w, RC_SYS, "store: cannot make directory %s: %s", part,
                           strerror(errno));
        part[i] = i < len ? '/' : '\0';
    }
    return RC_OK;
}

static int open_env(struct kv_lmdb *l, const char *path, uint64_t max_bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t bytes = (max_bytes + page - 1) / page * page;
    MDB_txn *txn;
    int stale, err;

    if ((err = mdb_env_set_mapsize(l->env, (size_t)bytes)) != 0 ||
        (err = mdb_env_open(l->env, path, MDB_NOMETASYNC | MDB_NOTLS, 0600)) != 0 ||
        (err = mdb_reader_check(l->env, &stale)) != 0 || (err = begin(l, 0, &txn)) != 0)
        return err;
    err = mdb_dbi_open(txn, NULL, 0, &l->db);
    if (err == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return err;
}

/* The descriptor that holds the lock, or an RC_*. */
static int take_lock(const char *path, enum kv_company company, struct why *w)
{
    char *file = mem_printf("%s/" LOCK_FILE, path);
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err = errno;

    if (fd < 0)
        why_set(w, RC_SYS, "store: cannot open %s: %s", file, strerror(err));
    free(file);
    if (fd < 0)
        return RC_SYS;
    if (flock(fd, (company == KV_ALONE ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
        return fd;
    err = errno;
    close(fd);
    if (err == EWOULDBLOCK)
        return why_set(w, RC_BUSY, "store: %s is open in another process", path);
    return why_set(w, RC_SYS, "store: cannot lock %s: %s", path, strerror(err));
}

int kv_lmdb_open(const char *path, uint64_t max_bytes, enum kv_company company,
                 struct kv **out, struct why *w)
{
    struct kv_lmdb *l;
    int err, lock, rc = make_directory(path, w);

    *out = NULL;
    if (rc != RC_OK)
        return rc;
    lock = take_lock(path, company, w);
    if (lock < 0)
        return lock;
    l = MEM_NEW(struct kv_lmdb);
    l->lock = lock;
    err = mdb_env_create(&l->env);
    if (err == 0)
        err = open_env(l, path, max_bytes);
    if (err != 0) {
        mdb_env_close(l->env);
        close(lock);
        free(l);
        return why_set(w, (enum rc)code_of(err), "store: cannot open %s: %s", path,
                       mdb_strerror(err));
    }
    kv_init(&l->kv, &ops);
    *out = &l->kv;
    return RC_OK;
}
