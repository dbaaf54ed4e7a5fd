#include "replay/leap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/pool.h"

/* They are read once, from a local disk, and thrown away. */
#define LEVEL 1
#define THREADS_MAX 4u

static bool has(const struct rf_repository *repository, const struct rf_snapshot_name *name) {
    const struct rf_snapshot_name *found = rf_repository_find(repository, name->number);
    return found && rf_hash_equal(found->digest, name->digest);
}

bool rf_leap_can(const struct rf_repository *repository, const struct rf_snapshot_name *from,
                 const struct rf_snapshot_name *to) {
    return has(repository, from) && has(repository, to);
}

static enum rf_code make_folder(struct rf_leap *leap, struct rf_error *error) {
    const char *place = getenv("TMPDIR");
    if (!place || !place[0]) {
        place = "/tmp";
    }
    int size = snprintf(leap->folder, sizeof leap->folder, "%s/rowferry-XXXXXX", place);
    if (size >= 0 && (size_t)size < sizeof leap->folder && mkdtemp(leap->folder)) {
        return RF_OK;
    }
    rf_fail_errno(error, errno, "cannot make a folder in %s", place);
    rf_hint(error, "TMPDIR names the place where what differs between snapshots is written.");
    leap->folder[0] = 0;
    return error->code;
}

struct leaping {
    struct rf_run *run;
    struct rf_ledger_tables *standing;
};

static bool stands(void *context, const char *table) {
    const struct leaping *leaping = context;
    return rf_ledger_find_table(leaping->standing, table);
}

static void advance(void *context, const char *table, uint64_t rows) {
    struct rf_run *run = ((const struct leaping *)context)->run;
    rf_run_worker(run, 0, "links", table);
    rf_run_expect(run, rows);
    rf_run_advance(run, table, rows);
}

static enum rf_code make_link(struct leaping *leaping, const struct rf_snapshot_name *from,
                              const struct rf_snapshot_name *to, struct rf_leap *leap,
                              struct rf_error *error) {
    struct rf_run *run = leaping->run;
    unsigned jobs = run->options->jobs;
    struct rf_pool *pool = NULL;
    struct rf_link_options options = {
        .folder = leap->folder,
        .level = LEVEL,
        .unsynced = true,
        .wants = stands,
        .stop = run->options->stop,
        .progress = advance,
        .context = leaping,
    };
    enum rf_code code = rf_pool_new(jobs < THREADS_MAX ? jobs : THREADS_MAX, &pool, error);
    if (code == RF_OK) {
        options.pool = pool;
        code = rf_link_make(leap->repository, from, to, &options, &leap->link, error);
    }
    rf_pool_free(pool);
    rf_run_worker(run, 0, NULL, NULL);
    return code;
}

enum rf_code rf_leap_make(struct rf_run *run, struct rf_repository *repository,
                          struct rf_ledger_tables *standing, const struct rf_snapshot_name *from,
                          const struct rf_snapshot_name *to, struct rf_leap *leap,
                          struct rf_error *error) {
    *leap = (struct rf_leap){.repository = repository};
    rf_run_note(run, "going %s from snapshot %" PRIu64 " to %" PRIu64,
                from->number > to->number ? "back" : "on over a gap", from->number, to->number);
    struct leaping leaping = {.run = run, .standing = standing};
    enum rf_code code = make_folder(leap, error);
    if (code == RF_OK) {
        code = make_link(&leaping, from, to, leap, error);
    }
    if (code == RF_OK) {
        rf_repository_lend(repository, leap->link.archives, leap->link.count);
    } else {
        rf_leap_release(leap);
    }
    return code;
}

void rf_leap_release(struct rf_leap *leap) {
    if (!leap->repository) {
        return;
    }
    rf_repository_lend(leap->repository, NULL, 0);
    struct rf_error ignored;
    for (uint32_t i = 0; i < leap->link.count; i++) {
        (void)!rf_io_unlink(rf_repository_io(leap->repository), leap->link.archives[i].path,
                            &ignored);
    }
    rf_link_release(&leap->link);
    if (leap->folder[0]) {
        (void)rmdir(leap->folder);
    }
    *leap = (struct rf_leap){.repository = NULL};
}
