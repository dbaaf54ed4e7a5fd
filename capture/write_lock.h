/* A database that nobody writes to: the lock of a writer, held by a connection of our own that
 * writes nothing.
 *
 *     rf_write_lock_take, then everything that is to see the database as it will stay,
 *     rf_write_lock_prove, rf_write_lock_release
 *
 * Readers are not kept away, those of this process included; other writers get "database is
 * locked". The file, its WAL and its journal stay as they are, to the byte: nothing is checkpointed,
 * neither now nor when the lock is released. A process that ends, however, releases it.
 *
 * The locks of a file belong to the process, and closing any descriptor of it drops them: whoever
 * reads the database meanwhile does so through SQLite alone, which minds that. One thread. */
#ifndef RF_CAPTURE_WRITE_LOCK_H
#define RF_CAPTURE_WRITE_LOCK_H

#include <stdatomic.h>

#include "format/error.h"

struct rf_write_lock_options {
    const char *database;
    int busy_timeout_ms; /* how long to wait for a writer */
    const atomic_int *stop;
};
struct rf_write_lock;

/* RF_LOCKED: another process has the database open, or holds the lock; the error says which one.
 * RF_STORAGE: it cannot be locked, because it cannot be written to, or has to be mended first. No
 * connection of this process to the database may be open. */
RF_MUST_USE enum rf_code rf_write_lock_take(const struct rf_write_lock_options *options,
                                            struct rf_write_lock **lock, struct rf_error *error);
/* RF_STORAGE: the database has changed since the lock was taken, which no honest writer can. */
RF_MUST_USE enum rf_code rf_write_lock_prove(const struct rf_write_lock *lock,
                                             struct rf_error *error);
void rf_write_lock_release(struct rf_write_lock *lock); /* NULL is fine */

#endif
