/* Links that come to nothing leave nothing, whatever stopped them; and a gap in the chain does not. That
 * their deltas lead where they should is in test_difference.c. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "chain.h"
#include "format/link.h"
#include "format/state.h"
#include "memory_io.h"

#define SNAPSHOTS 5u

static struct chain chain;
static struct rf_snapshot_name names[SNAPSHOTS];
static char folder[PATH_MAX];

static void make_chain(enum chain_key key, uint64_t seed) {
    chain_make(&chain, key, seed, 60);
    names[0] = chain.newest;
    for (uint32_t i = 1; i < SNAPSHOTS; i++) {
        chain_step(&chain);
        names[i] = chain.newest;
    }
    scratch_make(folder);
}

static void free_chain(void) {
    chain_free(&chain);
    scratch_remove(folder);
}

static enum rf_code make_link(uint32_t from, uint32_t to, const atomic_int *stop,
                              struct rf_link *link, struct rf_error *error) {
    struct rf_link_options options = {
        .folder = folder, .pool = chain.pool, .level = 1, .stop = stop};
    rf_error_clear(error);
    return rf_link_make(chain.repository, &names[from], &names[to], &options, link, error);
}

static void assert_nothing_left(const struct rf_link *link) {
    cr_assert_eq(scratch_count(folder), 0, "files are left");
    cr_assert(link->count == 0 && !link->archives && link->manifest.table_count == 0);
}

static uint64_t rows_of(const struct rf_manifest_table *table) {
    struct rf_error error = {0};
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span;
    uint64_t rows = 0;
    assert_ok(rf_state_open(chain.repository, table, &state, &error), error);
    assert_ok(rf_scan_new(state, 0, rf_state_parts(state), &scan, &error), error);
    do {
        assert_ok(rf_scan_next(scan, &span, &error), error);
        rows += span.count;
    } while (span.count > 0);
    rf_scan_free(scan);
    rf_state_close(state);
    return rows;
}

/* ---- calls that fail ---- */

/* A reader with that file system, in place of the writer that made the chain. */
static void reopen(struct rf_io *io) {
    struct rf_error error = {0};
    rf_repository_close(chain.repository);
    assert_ok(rf_repository_open(io, chain.path, RF_REPOSITORY_READ, &chain.repository, &error),
              error);
}

Test(link, a_call_that_fails) {
    struct failing_io failing;
    struct rf_link link;
    struct rf_error error;
    make_chain(CHAIN_KEYED, 4);
    failing_io_init(&failing, 0, ENOSPC, false);
    reopen(&failing.io);
    assert_ok(make_link(3, 1, NULL, &link, &error), error);
    cr_assert_eq(link.count, 1);
    cr_assert_eq(scratch_count(folder), 1);
    rf_link_release(&link);
    int calls = failing.calls;
    cr_assert_gt(calls, 20);
    scratch_remove(folder);
    scratch_make(folder);
    int failures = 0;
    for (int call = 1; call <= calls; call++) {
        failing_io_init(&failing, call, ENOSPC, false);
        if (make_link(3, 1, NULL, &link, &error) == RF_OK) {
            /* Such as the closing of a file that was read. */
            cr_assert_eq(scratch_count(folder), 1);
            rf_link_release(&link);
            scratch_remove(folder);
            scratch_make(folder);
            continue;
        }
        failures++;
        cr_assert_eq(error.code, RF_STORAGE, "call %d: %s", call, error.what);
        assert_nothing_left(&link);
    }
    cr_assert_gt(failures, calls / 2);
    failing_io_init(&failing, 0, 0, false);
    free_chain();
}

Test(link, asked_to_stop) {
    atomic_int stop = 15;
    struct rf_link link;
    struct rf_error error;
    make_chain(CHAIN_ROWID, 2);
    cr_assert_eq(make_link(4, 0, &stop, &link, &error), RF_INTERRUPTED);
    assert_nothing_left(&link);
    stop = 0;
    assert_ok(make_link(4, 0, &stop, &link, &error), error);
    rf_link_release(&link);
    free_chain();
}

/* ---- files that are not as they were ---- */

static void archive_path(const struct rf_archive_ref *ref, char path[PATH_MAX]) {
    char name[128];
    snprintf(name, sizeof name, "archives/%s", ref->name);
    scratch_path(chain.path, name, path);
}

Test(link, a_damaged_archive) {
    make_chain(CHAIN_COLUMNS, 3);
    struct rf_buffer bytes = {0};
    struct rf_link link;
    struct rf_error error;
    char path[PATH_MAX];
    for (uint32_t i = 0; i < chain.table.state_count; i++) {
        archive_path(&chain.state[i], path);
        scratch_read(path, &bytes);
        for (size_t at = 0; at < bytes.size; at += 1 + bytes.size / 50) {
            bytes.bytes[at] ^= 8;
            scratch_write(path, bytes.bytes, bytes.size);
            enum rf_code code = make_link(4, 0, NULL, &link, &error);
            cr_assert(code == RF_CORRUPT || code == RF_MISPLACED, "archive %u, byte %zu: %d", i, at,
                      code);
            assert_nothing_left(&link);
            bytes.bytes[at] ^= 8;
        }
        scratch_write(path, bytes.bytes, bytes.size);
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(make_link(4, 0, NULL, &link, &error), RF_CORRUPT);
        assert_nothing_left(&link);
        scratch_write(path, bytes.bytes, bytes.size);
    }
    assert_ok(make_link(4, 0, NULL, &link, &error), error);
    rf_link_release(&link);
    rf_buffer_release(&bytes);
    free_chain();
}

/* Under checksums that fit: the archives do not make the rows that the manifests say. */
Test(link, archives_that_lie) {
    struct rf_link link;
    struct rf_error error;
    chain_make(&chain, CHAIN_COLUMNS, 6, 60);
    names[0] = chain.newest;
    scratch_make(folder);
    chain_step(&chain);
    chain.fault = CHAIN_LOSES_ROW;
    chain_fold(&chain);
    names[1] = chain.newest;
    cr_assert_eq(make_link(0, 1, NULL, &link, &error), RF_CORRUPT);
    assert_nothing_left(&link);
    cr_assert_eq(make_link(1, 0, NULL, &link, &error), RF_CORRUPT);
    assert_nothing_left(&link);
    free_chain();
}

static void lose_manifest(const struct rf_snapshot_name *name) {
    char digest[RF_HASH_HEX], path[PATH_MAX];
    scratch_path(chain.path, "snapshots", path);
    rf_hash_text(name->digest, digest);
    DIR *snapshots = opendir(path);
    cr_assert(snapshots);
    for (struct dirent *entry; (entry = readdir(snapshots));) {
        if (strstr(entry->d_name, digest)) {
            cr_assert_eq(unlinkat(dirfd(snapshots), entry->d_name, 0), 0);
        }
    }
    closedir(snapshots);
}

/* The snapshots at both ends are enough, rows that moved in between included. */
Test(link, over_a_gap) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct rf_link link;
        struct rf_error error;
        struct rf_manifest manifest;
        make_chain(key, 11);
        chain_fold(&chain);
        names[4] = chain.newest;
        lose_manifest(&names[1]);
        lose_manifest(&names[2]);
        reopen(rf_io_posix());
        for (int back = 0; back < 2; back++) {
            uint32_t from = back ? 4 : 0, to = back ? 0 : 4;
            assert_ok(make_link(from, to, NULL, &link, &error), error);
            assert_ok(rf_repository_load(chain.repository, &names[from], &manifest, &error), error);
            struct rf_manifest_table made = manifest.tables[0];
            struct rf_archive_ref refs[40];
            memcpy(refs, made.state, made.state_count * sizeof *refs);
            made.state = refs;
            made.digest = link.manifest.tables[0].digest;
            if (link.count > 0) {
                refs[made.state_count++] = link.manifest.tables[0].delta;
            }
            rf_repository_lend(chain.repository, link.archives, link.count);
            cr_assert_eq(rows_of(&made), made.digest.rows);
            rf_repository_lend(chain.repository, NULL, 0);
            rf_manifest_release(&manifest);
            rf_link_release(&link);
        }
        free_chain();
    }
}
