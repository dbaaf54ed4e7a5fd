/* Which other processes have a database open: by the locks they hold on it, and by their open
 * files as far as /proc shows them to this user.
 *
 * A lock tells of one process at a time, and of none that has a database without a WAL open and
 * does nothing with it; open files of other users are shown to root alone. So somebody found is
 * there, and nobody found is not a proof: that is what a lock of one's own is for (write_lock.h). */
#ifndef RF_CAPTURE_OTHERS_H
#define RF_CAPTURE_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RF_OTHERS_NAMED 8u

struct rf_other {
    long process; /* 0: one that cannot be seen from here */
    char name[32];
};
struct rf_others {
    uint32_t count;
    struct rf_other list[RF_OTHERS_NAMED];
};

/* No connection of this process to the database may be open: closing a file drops all locks that a
 * process holds on it. `path` without symbolic links. */
void rf_others_find(const char *path, struct rf_others *others);
/* Only those that hold the lock of a writer. */
void rf_others_find_writers(const char *path, struct rf_others *others);

/* "process 4711 (python3), process 4712 (sqlite3)" */
void rf_others_say(const struct rf_others *others, char *text, size_t size);

#endif
