/* Prunes of random chains. The oracle is what chain.c keeps: the rows of each snapshot in a plain array.
 * If these fail, a snapshot that somebody wanted to keep is not what it was, or is lost. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chain.h"
#include "format/check.h"
#include "format/fold.h"
#include "format/prune.h"
#include "format/repository_inner.h"
#include "format/state.h"
#include "support/faulty_io.h"

#define SNAPSHOTS 40u

struct past {
    struct chain chain;
    uint32_t count;
    struct chain_row *rows[SNAPSHOTS];
    uint32_t row_count[SNAPSHOTS];
    struct rf_snapshot_name names[SNAPSHOTS];
    bool gone[SNAPSHOTS];
};

static atomic_int stop;

static const char *about(const struct past *past, uint32_t at) {
    static char text[96];
    snprintf(text, sizeof text, "key %d, seed %llu, snapshot %u", past->chain.key,
             (unsigned long long)past->chain.seed, at + 1);
    return text;
}

static void remember(struct past *past) {
    const struct chain *chain = &past->chain;
    uint32_t at = past->count++;
    past->names[at] = chain->newest;
    past->row_count[at] = chain->count;
    past->rows[at] = calloc((size_t)chain->count + 1, sizeof *past->rows[at]);
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct chain_row *row = &chain->rows[i];
        past->rows[at][i] =
            (struct chain_row){.rowid = row->rowid, .cells = malloc(row->size), .size = row->size};
        memcpy(past->rows[at][i].cells, row->cells, row->size);
    }
}

static void go_on(struct past *past, uint32_t steps) {
    for (uint32_t i = 0; i < steps; i++) {
        if (chance_one_in(&past->chain.chance, 4)) {
            chain_fold(&past->chain);
        } else {
            chain_step(&past->chain);
        }
        remember(past);
    }
}

static void past_make(struct past *past, enum chain_key key, uint64_t seed, uint32_t steps) {
    static const uint32_t sizes[] = {60, 0, 1, 30, 60, 120};
    *past = (struct past){.count = 0};
    chain_make(&past->chain, key, seed, sizes[seed % COUNT(sizes)]);
    past->chain.moving = seed % 3 == 2 && key != CHAIN_ALIAS && key != CHAIN_COLUMNS;
    remember(past);
    go_on(past, steps);
}

static void past_free(struct past *past) {
    for (uint32_t at = 0; at < past->count; at++) {
        for (uint32_t i = 0; i < past->row_count[at]; i++) {
            free(past->rows[at][i].cells);
        }
        free(past->rows[at]);
    }
    chain_free(&past->chain);
}

/* What a capture starts from is the newest snapshot as it is loaded. */
static void take_up(struct past *past) {
    struct chain *chain = &past->chain;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    assert_ok(rf_repository_load(chain->repository, &chain->newest, &manifest, &error), error);
    const struct rf_manifest_table *table = &manifest.tables[0];
    cr_assert_leq(table->state_count, COUNT(chain->state) - 8);
    memcpy(chain->state, table->state, table->state_count * sizeof *table->state);
    chain->table.state_count = table->state_count;
    rf_manifest_release(&manifest);
}

/* ---- what has to hold ---- */

static void assert_rows(const struct past *past, const struct rf_repository *repository,
                        uint32_t at, const struct rf_manifest_table *table) {
    struct rf_state *state;
    struct rf_scan *scan;
    struct rf_span span;
    struct rf_error error = {0};
    struct rf_buffer cells = {0};
    uint32_t seen = 0;
    assert_ok(rf_state_open(repository, table, &state, &error), error);
    assert_ok(rf_scan_new(state, 0, rf_state_parts(state), &scan, &error), error);
    for (;;) {
        assert_ok(rf_scan_next(scan, &span, &error), error);
        if (span.count == 0) {
            break;
        }
        for (uint32_t i = 0; i < span.count; i++, seen++) {
            cr_assert_lt(seen, past->row_count[at], "%s", about(past, at));
            const struct chain_row *row = &past->rows[at][seen];
            rf_buffer_clear(&cells);
            rf_rows_put(span.rows, span.first + i, &cells);
            cr_assert(cells.size == row->size && memcmp(cells.bytes, row->cells, row->size) == 0,
                      "%s, row %u", about(past, at), seen);
            cr_assert(!span.rows->rowids ||
                          span.rows->rowids[span.first + i] + span.shift == row->rowid,
                      "%s, row %u", about(past, at), seen);
        }
    }
    cr_assert_eq(seen, past->row_count[at], "%s", about(past, at));
    rf_buffer_release(&cells);
    rf_scan_free(scan);
    rf_state_close(state);
}

static void no_damage(void *context, const struct rf_damage *damage) {
    const struct past *past = context;
    cr_assert_fail("%s: %s: %s (%s)", about(past, 0), damage->file, damage->error->what,
                   damage->error->detail);
}

/* Each snapshot that is there has the rows that it had, proven by its own bytes as well; its chain has the
 * length that SPEC.md promises; `strict`: and those that are there are those that should be. */
static void assert_whole(struct past *past, struct rf_repository *repository, bool strict) {
    struct rf_error error = {0};
    uint32_t found = 0;
    for (uint32_t at = 0; at < past->count; at++) {
        struct rf_manifest manifest;
        const struct rf_snapshot_name *name =
            rf_repository_find(repository, past->names[at].number);
        cr_assert(name || past->gone[at], "%s is missing", about(past, at));
        cr_assert(!strict || !name || !past->gone[at], "%s is still there", about(past, at));
        if (!name) {
            continue;
        }
        found++;
        cr_assert(rf_hash_equal(name->digest, past->names[at].digest), "%s", about(past, at));
        assert_ok(rf_repository_load(repository, name, &manifest, &error), error);
        assert_rows(past, repository, at, &manifest.tables[0]);
        cr_assert_leq(manifest.tables[0].state_count, 2 * RF_STATE_ARCHIVES_MAX);
        rf_manifest_release(&manifest);
    }
    cr_assert_eq(found, rf_repository_count(repository));
    struct rf_check_options options = {.stop = &stop, .damage = no_damage, .context = past};
    struct rf_check_result result;
    assert_ok(rf_check(repository, &options, &result, &error), error);
}

/* ---- prunes ---- */

struct fates {
    struct rf_prune_fate at[SNAPSHOTS];
    uint32_t dropped;
};

/* Of the snapshots that are there one in so many stays. */
static struct fates choose(struct past *past, const struct rf_repository *repository,
                           uint32_t one_in) {
    struct fates fates = {.dropped = 0};
    for (uint32_t i = 0; i < rf_repository_count(repository); i++) {
        bool keep = chance_one_in(&past->chain.chance, one_in);
        bool last = i + 1 == rf_repository_count(repository);
        fates.at[i].keep = keep;
        if (!keep && !last) {
            past->gone[rf_repository_snapshot(repository, i)->number - 1] = true;
            fates.dropped++;
        }
    }
    return fates;
}

static enum rf_code prune(struct rf_repository *repository, const struct fates *fates,
                          const char *rehearsal, struct rf_prune_result *result,
                          struct rf_error *error) {
    struct rf_prune_options options = {
        .fates = fates->at, .rehearsal = rehearsal, .jobs = 1, .stop = &stop};
    return rf_prune(repository, &options, result, error);
}

static uint64_t folder_bytes(const char *path, const char *name) {
    char folder[PATH_MAX], file[PATH_MAX];
    struct stat status;
    uint64_t bytes = 0;
    DIR *listed = opendir(scratch_path(path, name, folder));
    for (struct dirent *entry; (entry = readdir(listed));) {
        if (entry->d_name[0] != '.' &&
            stat(scratch_path(folder, entry->d_name, file), &status) == 0) {
            bytes += (uint64_t)status.st_size;
        }
    }
    closedir(listed);
    return bytes;
}

static uint64_t bytes_of(const char *path) {
    return folder_bytes(path, "archives") + folder_bytes(path, "snapshots");
}

/* Several prunes, one after another, with snapshots in between. */
static void try_past(enum chain_key key, uint64_t seed) {
    struct past past;
    past_make(&past, key, seed, 8);
    struct rf_repository *repository = past.chain.repository;
    for (int round = 0; round < 3; round++) {
        char scratch[PATH_MAX], tmp[PATH_MAX];
        struct rf_prune_result told, result;
        struct rf_error error = {0};
        struct fates fates = choose(&past, repository, 2 + (uint32_t)(seed % 4));
        uint64_t before = bytes_of(past.chain.path);
        scratch_make(scratch);
        assert_ok(prune(repository, &fates, scratch, &told, &error), error);
        cr_assert_eq(scratch_count(scratch), 0, "%s", about(&past, 0));
        scratch_remove(scratch);
        cr_assert_eq(bytes_of(past.chain.path), before, "a rehearsal changed something");

        assert_ok(prune(repository, &fates, NULL, &result, &error), error);
        cr_assert_eq(result.dropped, fates.dropped);
        assert_whole(&past, repository, true);
        cr_assert_eq(scratch_count(scratch_path(past.chain.path, "tmp", tmp)), 0);
        cr_assert_eq(bytes_of(past.chain.path),
                     before - result.bytes_removed + result.bytes_written, "%s", about(&past, 0));
        cr_assert(told.bytes_removed == result.bytes_removed &&
                      told.bytes_written == result.bytes_written &&
                      told.archives_removed == result.archives_removed &&
                      told.archives_written == result.archives_written &&
                      told.folded == result.folded && told.dropped == result.dropped,
                  "%s: told %llu - %llu, found %llu - %llu", about(&past, 0),
                  (unsigned long long)told.bytes_removed, (unsigned long long)told.bytes_written,
                  (unsigned long long)result.bytes_removed,
                  (unsigned long long)result.bytes_written);
        /* The same again does nothing. */
        for (uint32_t i = 0; i < rf_repository_count(repository); i++) {
            fates.at[i].keep = true;
        }
        assert_ok(prune(repository, &fates, NULL, &result, &error), error);
        cr_assert(result.bytes_removed == 0 && result.bytes_written == 0 && result.folded == 0);
        take_up(&past);
        go_on(&past, 4);
        assert_whole(&past, repository, true);
    }
    past_free(&past);
}

Test(prune, what_is_kept_is_what_it_was) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        for (uint64_t seed = 1; seed <= 8; seed++) {
            try_past(key, seed);
        }
    }
}

/* A history of which all but a few go, as when it is thinned out for the first time. */
Test(prune, a_long_history) {
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct past past;
        struct rf_prune_result result;
        struct rf_error error = {0};
        past_make(&past, CHAIN_ALIAS, seed, SNAPSHOTS - 1);
        struct rf_repository *repository = past.chain.repository;
        struct fates fates = choose(&past, repository, 12);
        assert_ok(prune(repository, &fates, NULL, &result, &error), error);
        assert_whole(&past, repository, true);
        past_free(&past);
    }
}

/* Captures keep to the rule of SPEC.md; whoever else wrote a history may not have. */
Test(prune, a_chain_that_is_too_long_is_written_whole) {
    for (enum chain_key key = 0; key < CHAIN_KEYS; key++) {
        struct past past;
        struct rf_prune_result told, result;
        struct rf_manifest manifest;
        struct rf_error error = {0};
        char scratch[PATH_MAX];
        past_make(&past, key, 4 + key, 0);
        past.chain.moving = key != CHAIN_ALIAS && key != CHAIN_COLUMNS;
        for (uint32_t i = 0; i < RF_STATE_ARCHIVES_MAX + 2; i++) {
            chain_step(&past.chain);
            remember(&past);
        }
        struct rf_repository *repository = past.chain.repository;
        struct fates fates = {.dropped = 0};
        for (uint32_t i = 0; i < RF_STATE_ARCHIVES_MAX + 1; i++) {
            past.gone[i] = true;
        }
        fates.at[RF_STATE_ARCHIVES_MAX + 1].keep = true;
        scratch_make(scratch);
        assert_ok(prune(repository, &fates, scratch, &told, &error), error);
        assert_ok(prune(repository, &fates, NULL, &result, &error), error);
        cr_assert_eq(told.bytes_written, result.bytes_written);
        assert_whole(&past, repository, true);
        assert_ok(rf_repository_load(repository, &past.chain.newest, &manifest, &error), error);
        cr_assert_eq(manifest.tables[0].state_count, 2, "a full archive and the last delta");
        cr_assert_eq(manifest.tables[0].state[0].kind, RF_ARCHIVE_FULL);
        rf_manifest_release(&manifest);
        scratch_remove(scratch);
        past_free(&past);
    }
}

/* Somebody is at work with a snapshot's archives: they stay, the same ones. */
Test(prune, a_pinned_snapshot_keeps_its_archives) {
    struct past past;
    struct rf_prune_result result;
    struct rf_manifest before, after;
    struct rf_error error = {0};
    past_make(&past, CHAIN_KEYED, 4, 12);
    struct rf_repository *repository = past.chain.repository;
    struct fates fates = {.at = {[1] = {.keep = true}, [8] = {.keep = true, .pinned = true}}};
    for (uint32_t i = 0; i < 12; i++) {
        past.gone[i] = i != 1 && i != 8;
    }
    assert_ok(rf_repository_load(repository, &past.names[8], &before, &error), error);
    assert_ok(prune(repository, &fates, NULL, &result, &error), error);
    assert_whole(&past, repository, true);
    assert_ok(rf_repository_load(repository, &past.names[8], &after, &error), error);
    cr_assert_eq(after.parent, 2);
    cr_assert_eq(after.tables[0].state_count, before.tables[0].state_count);
    for (uint32_t i = 0; i < before.tables[0].state_count; i++) {
        cr_assert_str_eq(after.tables[0].state[i].name, before.tables[0].state[i].name);
    }
    rf_manifest_release(&before);
    rf_manifest_release(&after);
    past_free(&past);
}

/* Copies */

static void copy_folder(const char *from, const char *to, const char *name, const char *ending) {
    char source[PATH_MAX], target[PATH_MAX], old[PATH_MAX], new[PATH_MAX];
    DIR *listed = opendir(scratch_path(from, name, source));
    scratch_path(to, name, target);
    mkdir(target, 0700);
    for (struct dirent *entry; (entry = readdir(listed));) {
        struct rf_buffer bytes = {0};
        size_t length = strlen(entry->d_name), behind = strlen(ending);
        if (entry->d_name[0] != '.' && length >= behind &&
            strcmp(entry->d_name + length - behind, ending) == 0) {
            scratch_read(scratch_path(source, entry->d_name, old), &bytes);
            scratch_write(scratch_path(target, entry->d_name, new), bytes.bytes, bytes.size);
        }
        rf_buffer_release(&bytes);
    }
    closedir(listed);
}

static void copy_repository(const char *from, const char *to) {
    static const char *const folders[] = {"archives", "snapshots", "tmp"};
    char old[PATH_MAX], new[PATH_MAX];
    struct rf_buffer bytes = {0};
    mkdir(to, 0700);
    for (size_t i = 0; i < COUNT(folders); i++) {
        copy_folder(from, to, folders[i], "");
    }
    scratch_read(scratch_path(from, "repository", old), &bytes);
    scratch_write(scratch_path(to, "repository", new), bytes.bytes, bytes.size);
    rf_buffer_release(&bytes);
}

static struct rf_repository *open_copy(const char *path, struct rf_io *io,
                                       enum rf_repository_mode mode) {
    struct rf_repository *repository;
    struct rf_error error = {0};
    assert_ok(rf_repository_open(io, path, mode, &repository, &error), error);
    return repository;
}

/* A copy that keeps what was dropped at the origin, and gets the folds and the new archives, has all
 * snapshots whole; and so it has when what was dropped goes, and when it is pruned by itself. */
Test(prune, a_copy_that_keeps_everything_stays_whole) {
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct past past;
        struct rf_prune_result result;
        struct rf_error error = {0};
        char folder[PATH_MAX], path[PATH_MAX];
        past_make(&past, CHAIN_ROWID, seed, 9);
        scratch_make(folder);
        copy_repository(past.chain.path, scratch_path(folder, "copy", path));
        struct fates fates = choose(&past, past.chain.repository, 3);
        assert_ok(prune(past.chain.repository, &fates, NULL, &result, &error), error);
        copy_folder(past.chain.path, path, "archives", "");
        copy_folder(past.chain.path, path, "snapshots", "");
        struct faulty_io quick;
        faulty_io_init(&quick, FAULTY_NOT, 0, 0);
        struct rf_repository *copy = open_copy(path, &quick.io, RF_REPOSITORY_WRITE);
        cr_assert_eq(rf_repository_count(copy), 10);
        assert_whole(&past, copy, false);
        struct fates all = {.dropped = 0};
        for (uint32_t i = 0; i < 9; i++) {
            all.at[i].keep = i % 2 == 0;
            past.gone[i] = i % 2 != 0;
        }
        assert_ok(prune(copy, &all, NULL, &result, &error), error);
        assert_whole(&past, copy, true);
        rf_repository_close(copy);
        scratch_remove(folder);
        past_free(&past);
    }
}

/* What goes wrong */

/* The prune, on a copy, while something goes wrong at operation number `at`; whether that was met. */
static bool prune_faulty(const char *path, const struct fates *fates, enum faulty_kind kind,
                         unsigned at) {
    struct faulty_io io;
    struct rf_prune_result result;
    struct rf_error error = {0};
    faulty_io_init(&io, FAULTY_NOT, 0, 0);
    struct rf_repository *repository = open_copy(path, &io.io, RF_REPOSITORY_WRITE);
    faulty_io_init(&io, kind, at, ENOSPC);
    enum rf_code code = prune(repository, fates, NULL, &result, &error);
    bool met = io.met;
    if (kind == FAULTY_ONCE || kind == FAULTY_STAYS) {
        cr_assert(met || code == RF_OK, "operation %u: %s", at, error.what);
    }
    faulty_io_init(&io, FAULTY_NOT, 0, 0);
    rf_repository_close(repository);
    return met;
}

/* In a process of its own where it is to die. */
static bool prune_apart(const char *path, const struct fates *fates, enum faulty_kind kind,
                        unsigned at) {
    if (kind == FAULTY_ONCE || kind == FAULTY_STAYS) {
        return prune_faulty(path, fates, kind, at);
    }
    int status;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        prune_faulty(path, fates, kind, at);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status), "operation %u: signal %d", at, WTERMSIG(status));
    return WEXITSTATUS(status) == FAULTY_EXIT_CODE;
}

/* Whatever came of it, what is to be kept is whole for a reader as it lies, and once the prune was run
 * again. */
static bool survives(struct past *past, const struct fates *fates, const char *folder,
                     enum faulty_kind kind, unsigned at) {
    char path[PATH_MAX], tmp[PATH_MAX];
    struct rf_prune_result result;
    struct rf_error error = {0};
    struct faulty_io quick;
    copy_repository(past->chain.path, scratch_path(folder, "copy", path));
    bool met = prune_apart(path, fates, kind, at);

    struct rf_repository *repository = open_copy(path, rf_io_posix(), RF_REPOSITORY_READ);
    assert_whole(past, repository, !met);
    rf_repository_close(repository);
    faulty_io_init(&quick, FAULTY_NOT, 0, 0);
    repository = open_copy(path, &quick.io, RF_REPOSITORY_WRITE);
    struct fates again = {.dropped = 0};
    for (uint32_t i = 0; i < rf_repository_count(repository); i++) {
        again.at[i].keep = !past->gone[rf_repository_snapshot(repository, i)->number - 1];
    }
    assert_ok(prune(repository, &again, NULL, &result, &error), error);
    assert_whole(past, repository, true);
    cr_assert_eq(scratch_count(scratch_path(path, "tmp", tmp)), 0, "operation %u", at);
    rf_repository_close(repository);
    scratch_remove(path);
    return met;
}

static void go_wrong_everywhere(enum faulty_kind kind) {
    struct past past;
    char folder[PATH_MAX];
    past_make(&past, CHAIN_ROWID, 3, 5);
    scratch_make(folder);
    struct fates fates = {.dropped = 0};
    for (uint32_t i = 0; i < 5; i++) {
        fates.at[i].keep = i == 1 || i == 4;
        past.gone[i] = !fates.at[i].keep;
    }
    unsigned at = 1;
    while (survives(&past, &fates, folder, kind, at)) {
        at++;
    }
    cr_assert_gt(at, 100);
    scratch_remove(folder);
    past_free(&past);
}

Test(prune, every_operation_that_fails) {
    go_wrong_everywhere(FAULTY_ONCE);
}

Test(prune, a_disk_that_is_full_from_any_operation_on) {
    go_wrong_everywhere(FAULTY_STAYS);
}

Test(prune, killed_at_any_operation) {
    go_wrong_everywhere(FAULTY_TEAR);
}

/* An archive that is to be kept and is not there: nothing is dropped. */
Test(prune, a_history_that_came_in_part_is_left_alone) {
    struct past past;
    struct rf_prune_result result;
    struct rf_manifest manifest;
    struct rf_error error = {0};
    char path[PATH_MAX], archives[PATH_MAX];
    past_make(&past, CHAIN_ALIAS, 4, 6);
    struct rf_repository *repository = past.chain.repository;
    assert_ok(rf_repository_load(repository, &past.chain.newest, &manifest, &error), error);
    const struct rf_manifest_table *table = &manifest.tables[0];
    scratch_path(past.chain.path, "archives", archives);
    remove(scratch_path(archives, table->state[table->state_count - 1].name, path));
    uint64_t before = bytes_of(past.chain.path);
    struct fates fates = {.at = {[5] = {.keep = true}}};
    cr_assert_eq(prune(repository, &fates, NULL, &result, &error), RF_CORRUPT);
    cr_assert_eq(bytes_of(past.chain.path), before);
    cr_assert_eq(scratch_count(scratch_path(past.chain.path, "tmp", path)), 0);
    rf_manifest_release(&manifest);
    past_free(&past);
}

/* Archives come before their manifest when a repository is copied. */
Test(prune, what_a_copy_is_bringing_stays) {
    struct past past;
    struct rf_prune_result result;
    struct rf_error error = {0};
    char path[PATH_MAX];
    static const char *const names[] = {"archives/t-00000000000000000000000000000001.rfa",
                                        "archives/.t-0000.rfa.Xy", "archives/note"};
    past_make(&past, CHAIN_ALIAS, 4, 6);
    for (size_t i = 0; i < COUNT(names); i++) {
        scratch_write(scratch_path(past.chain.path, names[i], path), "x", 1);
    }
    struct fates fates = {.dropped = 0};
    for (uint32_t i = 0; i < 6; i++) {
        past.gone[i] = true;
    }
    assert_ok(prune(past.chain.repository, &fates, NULL, &result, &error), error);
    assert_whole(&past, past.chain.repository, true);
    for (size_t i = 0; i < COUNT(names); i++) {
        cr_assert_eq(access(scratch_path(past.chain.path, names[i], path), F_OK), 0, "%s",
                     names[i]);
    }
    past_free(&past);
}

Test(prune, stopped) {
    struct past past;
    struct rf_prune_result result;
    struct rf_error error = {0};
    past_make(&past, CHAIN_ALIAS, 4, 6);
    uint64_t before = bytes_of(past.chain.path);
    struct fates fates = {.at = {[3] = {.keep = true}}};
    stop = 15;
    cr_assert_eq(prune(past.chain.repository, &fates, NULL, &result, &error), RF_INTERRUPTED);
    stop = 0;
    cr_assert_eq(bytes_of(past.chain.path), before);
    assert_whole(&past, past.chain.repository, true);
    past_free(&past);
}
