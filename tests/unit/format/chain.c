#include "chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/pool.h"
#include "format/value.h"

/* The real thing, but for waiting for the disk, of which these tests would do little else. */
static int no_sync(struct rf_io *io, int fd) {
    (void)io;
    (void)fd;
    return 0;
}

static struct rf_io *quick_io(void) {
    static struct rf_io io;
    io = *rf_io_posix();
    io.fsync = no_sync;
    return &io;
}

/* Column 0 is any value, 1 and 3 are key columns where there is a key, 2 is the rowid where it is a
 * column. */
#define ALIAS_COLUMN 2

static char column_names[CHAIN_COLUMN_COUNT][3] = {"v", "k2", "id", "k1"};
static char table_name[] = "t";
static char binary[] = "BINARY";
static char path[] = "/t.db";
static char writer[] = "tests";
static char sqlite_version[] = "3";
static char encoding[] = "UTF-8";
static char journal_mode[] = "delete";

static void describe(struct chain *chain) {
    for (uint32_t i = 0; i < CHAIN_COLUMN_COUNT; i++) {
        chain->columns[i].name = column_names[i];
        chain->columns[i].collation = binary;
    }
    struct rf_table *table = &chain->table.table;
    *table = (struct rf_table){.name = table_name,
                               .key_kind = chain->key == CHAIN_PLACE     ? RF_KEY_ORDINAL
                                           : chain->key == CHAIN_COLUMNS ? RF_KEY_COLUMNS
                                                                         : RF_KEY_ROWID,
                               .alias = chain->key == CHAIN_ALIAS ? ALIAS_COLUMN : -1,
                               .column_count = CHAIN_COLUMN_COUNT,
                               .columns = chain->columns,
                               .key = chain->key_columns};
    if (chain->key == CHAIN_ALIAS) {
        table->key_count = 1;
        table->key[0] = ALIAS_COLUMN;
    } else if (chain->key == CHAIN_KEYED || chain->key == CHAIN_COLUMNS) {
        table->key_count = 2;
        table->key[0] = 3;
        table->key[1] = 1;
    }
}

/* `new` is the cells of a row under that rowid. */
static struct chain_row make_row(struct chain *chain, int64_t rowid) {
    struct rf_buffer cells = {0};
    for (uint32_t i = 0; i < CHAIN_COLUMN_COUNT; i++) {
        bool in_key = i % 2 == 1;
        if (chain->key == CHAIN_ALIAS && i == ALIAS_COLUMN) {
            rf_row_put_integer(&cells, rowid);
        } else if (in_key && chance_one_in(&chain->chance, 3)) {
            rf_row_put_real(&cells, (int)chance_below(&chain->chance, 40) / 2.0 - 10.0);
        } else if (in_key) {
            chance_cell(&chain->chance,
                        chance_one_in(&chain->chance, 2) ? FLAVOUR_SMALL : FLAVOUR_TEXT, 0, &cells);
        } else {
            chance_cell(&chain->chance, FLAVOUR_MIXED, 0, &cells);
        }
    }
    return (struct chain_row){.rowid = rowid, .cells = cells.bytes, .size = cells.size};
}

static struct chain_row copy_row(const struct chain_row *row, int64_t rowid) {
    struct chain_row copy = {.rowid = rowid, .cells = malloc(row->size), .size = row->size};
    memcpy(copy.cells, row->cells, row->size);
    return copy;
}

/* Another row under the same key. */
static struct chain_row change_row(struct chain *chain, const struct chain_row *row) {
    struct chain_row fresh = make_row(chain, row->rowid);
    if (chain->key == CHAIN_COLUMNS) {
        struct rf_buffer cells = {0};
        struct rf_cursor old = rf_cursor_of(row->cells, row->size);
        struct rf_cursor new = rf_cursor_of(fresh.cells, fresh.size);
        for (uint32_t i = 0; i < CHAIN_COLUMN_COUNT; i++) {
            struct rf_value kept, changed;
            rf_row_next(&old, &kept);
            rf_row_next(&new, &changed);
            rf_row_put(&cells, i % 2 == 1 ? &kept : &changed);
        }
        free(fresh.cells);
        fresh.cells = cells.bytes;
        fresh.size = cells.size;
    }
    return fresh;
}

static int compare_keys(const struct chain *chain, const struct chain_row *a,
                        const struct chain_row *b) {
    if (chain->key != CHAIN_COLUMNS) {
        return (a->rowid > b->rowid) - (a->rowid < b->rowid);
    }
    struct rf_value left[CHAIN_COLUMN_COUNT], right[CHAIN_COLUMN_COUNT];
    struct rf_cursor at_left = rf_cursor_of(a->cells, a->size);
    struct rf_cursor at_right = rf_cursor_of(b->cells, b->size);
    for (uint32_t i = 0; i < CHAIN_COLUMN_COUNT; i++) {
        rf_row_next(&at_left, &left[i]);
        rf_row_next(&at_right, &right[i]);
    }
    int order = rf_value_compare(&left[3], &right[3]);
    return order != 0 ? order : rf_value_compare(&left[1], &right[1]);
}

struct rf_hash chain_hash(const struct chain_row *row) {
    return rf_hash_bytes(row->cells, row->size);
}

static void put_columns(const struct chain_row *row, const uint32_t *columns, uint32_t count,
                        struct rf_buffer *out) {
    struct rf_value values[CHAIN_COLUMN_COUNT];
    struct rf_cursor cursor = rf_cursor_of(row->cells, row->size);
    for (uint32_t i = 0; i < CHAIN_COLUMN_COUNT; i++) {
        rf_row_next(&cursor, &values[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        rf_row_put(out, &values[columns[i]]);
    }
}

/* Writing an archive: blocks of a few rows, one batch of each kind under way. */
struct pen {
    struct chain *chain;
    struct rf_archive_writer *writer;
    struct rf_batch *batch[RF_BLOCK_MOVES + 1];
    struct rf_buffer cells;
    enum rf_gone_form gone;
};

static void pen_flush(struct pen *pen, enum rf_block_kind kind) {
    if (pen->batch[kind]) {
        rf_archive_writer_add(pen->writer, pen->batch[kind]);
        pen->batch[kind] = NULL;
    }
}

static void pen_put(struct pen *pen, enum rf_block_kind kind, int64_t rowid, struct rf_hash hash,
                    const void *cells, size_t size) {
    if (!pen->batch[kind]) {
        pen->batch[kind] = rf_archive_writer_batch(pen->writer, kind);
        cr_assert_not_null(pen->batch[kind]);
    }
    rf_batch_add(pen->batch[kind], rowid, hash, cells, size);
    if (pen->batch[kind]->rows >= 1 + chance_below(&pen->chain->chance, pen->chain->rows_a_block)) {
        pen_flush(pen, kind);
    }
}

static void put_row(struct pen *pen, const struct chain_row *row) {
    pen_put(pen, RF_BLOCK_ROWS, row->rowid, (struct rf_hash){0}, row->cells, row->size);
}

static void put_gone(struct pen *pen, const struct chain_row *row, int64_t rowid) {
    const struct rf_table *table = &pen->chain->table.table;
    rf_buffer_clear(&pen->cells);
    if (pen->gone == RF_GONE_ROW) {
        rf_buffer_append(&pen->cells, row->cells, row->size);
    } else {
        put_columns(row, table->key, table->key_count, &pen->cells);
    }
    pen_put(pen, RF_BLOCK_GONE, rowid, chain_hash(row), pen->cells.bytes, pen->cells.size);
}

static void put_run(struct pen *pen, int64_t old, int64_t new, int64_t count) {
    rf_buffer_clear(&pen->cells);
    rf_row_put_integer(&pen->cells, old);
    rf_row_put_integer(&pen->cells, new);
    rf_row_put_integer(&pen->cells, count);
    pen_put(pen, RF_BLOCK_MOVES, 0, (struct rf_hash){0}, pen->cells.bytes, pen->cells.size);
}

static struct pen pen_take(struct chain *chain, enum rf_archive_kind kind, uint64_t snapshot,
                           struct rf_digest before) {
    struct pen pen = {.chain = chain};
    bool keyless = chain->table.table.key_count == 0;
    bool whole = keyless || (chain->key != CHAIN_COLUMNS && chance_one_in(&chain->chance, 2));
    pen.gone = kind == RF_ARCHIVE_DELTA && whole ? RF_GONE_ROW : RF_GONE_KEY;
    struct rf_archive_head head = {.kind = kind,
                                   .snapshot = snapshot,
                                   .gone = pen.gone,
                                   .before = before,
                                   .table = &chain->table.table};
    memcpy(head.source, rf_repository_source(chain->repository), RF_SOURCE_ID_SIZE);
    struct rf_error error = {0};
    enum rf_code code = rf_archive_writer_new(rf_repository_io(chain->repository),
                                              rf_repository_tmp(chain->repository), &head, 1,
                                              chain->pool, &pen.writer, &error);
    assert_ok(code, error);
    return pen;
}

static void pen_finish(struct pen *pen, struct rf_digest after, struct rf_pending_archive *made) {
    for (enum rf_block_kind kind = RF_BLOCK_ROWS; kind <= RF_BLOCK_MOVES; kind++) {
        pen_flush(pen, kind);
    }
    rf_buffer_release(&pen->cells);
    char file[PATH_MAX];
    struct rf_error error = {0};
    enum rf_code code = rf_archive_writer_finish(pen->writer, &after, &made->ref, file, &error);
    assert_ok(code, error);
    made->path = strdup(file);
}

static struct rf_digest digest_of(const struct chain_row *rows, uint32_t count) {
    struct rf_digest digest = {0};
    for (uint32_t i = 0; i < count; i++) {
        rf_digest_add(&digest, chain_hash(&rows[i]));
    }
    return digest;
}

static void write_full(struct chain *chain, uint64_t snapshot, const struct chain_row *rows,
                       uint32_t count, struct rf_pending_archive *made) {
    struct pen pen = pen_take(chain, RF_ARCHIVE_FULL, snapshot, (struct rf_digest){0});
    for (uint32_t i = chain->fault == CHAIN_LOSES_ROW ? 1 : 0; i < count; i++) {
        put_row(&pen, &rows[i]);
    }
    pen_finish(&pen, digest_of(rows, count), made);
}

/* What becomes of the rows in one step. */
struct fate {
    bool gone, new; /* both: changed under its key */
    int64_t old_rowid;
    struct chain_row old, row; /* `old` borrowed */
};
struct fates {
    struct fate *at;
    uint32_t count;
};

static void add_fate(struct fates *fates, struct fate fate) {
    fates->at = realloc(fates->at, (fates->count + 1) * sizeof *fates->at);
    fates->at[fates->count++] = fate;
}

/* Old rows go, change or stay; those that stay keep their rowid for now. */
static struct fates judge(struct chain *chain) {
    struct fates fates = {0};
    uint32_t mood = chance_below(&chain->chance, 4); /* few changes, many, all gone, only inserts */
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct chain_row *row = &chain->rows[i];
        struct fate fate = {.old_rowid = row->rowid, .old = *row};
        uint32_t many = mood == 0 ? 10 : mood == 1 ? 2 : mood == 2 ? 1 : UINT32_MAX;
        if (chance_one_in(&chain->chance, many)) {
            fate.gone = true;
            fate.new = chance_one_in(&chain->chance, 2);
        }
        if (fate.new) {
            fate.row = change_row(chain, row);
        } else if (!fate.gone) {
            fate.row = copy_row(row, row->rowid);
        }
        add_fate(&fates, fate);
    }
    return fates;
}

static void insert_fate(struct fates *fates, uint32_t place, struct chain_row row) {
    add_fate(fates, (struct fate){0});
    memmove(fates->at + place + 1, fates->at + place,
            (fates->count - 1 - place) * sizeof *fates->at);
    fates->at[place] = (struct fate){.new = true, .row = row};
}

/* New rows where there is room between the rowids that are taken, or keys that are not there. */
static void insert_between(struct chain *chain, struct fates *fates) {
    uint32_t inserts = chance_below(&chain->chance, 12);
    for (uint32_t i = 0; i < inserts; i++) {
        int64_t rowid = 0;
        if (chain->key != CHAIN_COLUMNS) {
            int64_t near = fates->count > 0
                               ? fates->at[chance_below(&chain->chance, fates->count)].old_rowid
                               : (int64_t)chance_next(&chain->chance);
            rowid = (int64_t)((uint64_t)near + chance_below(&chain->chance, 9) - 4);
        }
        struct chain_row row = make_row(chain, rowid);
        uint32_t place = 0;
        bool taken = false;
        for (; place < fates->count; place++) {
            const struct fate *fate = &fates->at[place];
            int order =
                compare_keys(chain, &row, fate->gone && !fate->new ? &fate->old : &fate->row);
            taken = order == 0;
            if (order <= 0) {
                break;
            }
        }
        if (taken) {
            free(row.cells);
        } else {
            insert_fate(fates, place, row);
        }
    }
}

/* New rows anywhere, and all rowids given anew: as a VACUUM does, or as places are, or with gaps.
 * */
static void renumber(struct chain *chain, struct fates *fates) {
    uint32_t inserts = chance_below(&chain->chance, 12);
    for (uint32_t i = 0; i < inserts; i++) {
        insert_fate(fates, chance_below(&chain->chance, fates->count + 1), make_row(chain, 0));
    }
    bool gaps = chain->key != CHAIN_PLACE && chance_one_in(&chain->chance, 2);
    int64_t next = chain->key == CHAIN_PLACE ? 0 : (int64_t)chance_below(&chain->chance, 100) - 50;
    for (uint32_t i = 0; i < fates->count; i++) {
        struct fate *fate = &fates->at[i];
        if (!fate->gone || fate->new) {
            fate->row.rowid = next++;
            next += gaps && chance_one_in(&chain->chance, 3) ? chance_below(&chain->chance, 5) : 0;
        }
    }
}

static bool stays(const struct fate *fate) {
    return !fate->gone && !fate->new;
}

static void put_moves(struct pen *pen, const struct fates *fates, uint64_t *moved) {
    int64_t old = 0, new = 0, count = 0;
    for (uint32_t i = 0; i < fates->count; i++) {
        const struct fate *fate = &fates->at[i];
        if (!stays(fate) || fate->row.rowid == fate->old_rowid) {
            continue;
        }
        (*moved)++;
        if (count > 0 && fate->old_rowid == old + count && fate->row.rowid == new + count &&
            !chance_one_in(&pen->chain->chance, 20)) {
            count++;
            continue;
        }
        if (count > 0) {
            put_run(pen, old, new, count);
        }
        old = fate->old_rowid;
        new = fate->row.rowid;
        count = 1;
    }
    if (count > 0) {
        put_run(pen, old, new, count);
    }
}

/* The last row that goes, where the writer is to name another one; else none. */
static uint32_t amiss(const struct chain *chain, const struct fates *fates) {
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; chain->fault == CHAIN_DELETES_AMISS && i < fates->count; i++) {
        last = fates->at[i].gone ? i : last;
    }
    return last;
}

static struct rf_digest digest_after(const struct fates *fates) {
    struct rf_digest digest = {0};
    for (uint32_t i = 0; i < fates->count; i++) {
        if (!fates->at[i].gone || fates->at[i].new) {
            rf_digest_add(&digest, chain_hash(&fates->at[i].row));
        }
    }
    return digest;
}

/* The three kinds of blocks in turn, each in its order. */
static void write_delta(struct chain *chain, uint64_t snapshot, const struct fates *fates,
                        struct rf_manifest_table *table, struct rf_pending_archive *made) {
    struct pen pen = pen_take(chain, RF_ARCHIVE_DELTA, snapshot, table->digest);
    uint64_t gone = 0, new = 0;
    uint32_t last = amiss(chain, fates);
    table->moved = 0;
    bool moves_first = chance_one_in(&chain->chance, 2);
    if (moves_first) {
        put_moves(&pen, fates, &table->moved);
    }
    for (uint32_t i = 0; i < fates->count; i++) {
        const struct fate *fate = &fates->at[i];
        if (fate->gone) {
            put_gone(&pen, &fate->old,
                     i == last ? chain->rows[chain->count - 1].rowid + 1 : fate->old_rowid);
            gone++;
        }
        if (fate->new) {
            put_row(&pen, &fate->row);
            new ++;
        }
    }
    if (!moves_first) {
        put_moves(&pen, fates, &table->moved);
    }
    table->updated = 0;
    table->inserted = new;
    table->deleted = gone;
    pen_finish(&pen, digest_after(fates), made);
}

/* Keys in both GONE and ROWS, as they are written there. */
static void count_updates(struct chain *chain, const struct fates *fates,
                          struct rf_manifest_table *table) {
    for (uint32_t i = 0; i < fates->count; i++) {
        for (uint32_t j = 0; fates->at[i].gone && j < fates->count; j++) {
            if (fates->at[j].new &&compare_keys(chain, &fates->at[i].old, &fates->at[j].row) == 0) {
                table->updated++;
                table->inserted--;
                table->deleted--;
            }
        }
    }
}

static void keep_rows(const struct fates *fates, struct chain_draft *draft) {
    draft->rows = calloc(fates->count + 1, sizeof *draft->rows);
    for (uint32_t i = 0; i < fates->count; i++) {
        if (!fates->at[i].gone || fates->at[i].new) {
            draft->rows[draft->row_count++] = fates->at[i].row;
        }
    }
}

static void begin_manifest(struct chain *chain, struct rf_manifest *manifest) {
    *manifest = (struct rf_manifest){.snapshot = chain->newest.number + 1,
                                     .parent = chain->newest.number,
                                     .parent_digest = chain->newest.digest,
                                     .path = path,
                                     .writer = writer,
                                     .sqlite_version = sqlite_version,
                                     .encoding = encoding,
                                     .journal_mode = journal_mode,
                                     .table_count = 1,
                                     .tables = &chain->table};
    memcpy(manifest->source, rf_repository_source(chain->repository), RF_SOURCE_ID_SIZE);
}

void chain_draft(struct chain *chain, bool fold, struct chain_draft *draft) {
    *draft = (struct chain_draft){0};
    begin_manifest(chain, &draft->manifest);
    struct rf_manifest_table *table = &chain->table;
    if (table->state_count == 0) {
        draft->rows = chain->rows;
        draft->row_count = chain->count;
        chain->rows = NULL;
        write_full(chain, 1, draft->rows, draft->row_count, &draft->archives[0]);
        table->change = RF_CHANGE_NEW;
        table->inserted = draft->row_count;
        table->state[table->state_count++] = draft->archives[0].ref;
        draft->count = 1;
    } else {
        struct fates fates = judge(chain);
        if (chain->moving && (chain->key == CHAIN_PLACE || chance_one_in(&chain->chance, 2))) {
            renumber(chain, &fates);
        } else {
            insert_between(chain, &fates);
        }
        write_delta(chain, draft->manifest.snapshot, &fates, table, &draft->archives[0]);
        count_updates(chain, &fates, table);
        keep_rows(&fates, draft);
        free(fates.at);
        table->change = RF_CHANGE_DELTA;
        table->delta = draft->archives[0].ref;
        draft->count = 1;
        if (fold) {
            write_full(chain, draft->manifest.snapshot, draft->rows, draft->row_count,
                       &draft->archives[draft->count++]);
            table->state_count = 0;
        }
        table->state[table->state_count++] = draft->archives[draft->count - 1].ref;
    }
    table->digest = digest_of(draft->rows, draft->row_count);
}

static void free_rows(struct chain_row *rows, uint32_t count) {
    for (uint32_t i = 0; rows && i < count; i++) {
        free(rows[i].cells);
    }
    free(rows);
}

void chain_accept(struct chain *chain, struct chain_draft *draft,
                  const struct rf_snapshot_name *name) {
    free_rows(chain->rows, chain->count);
    chain->rows = draft->rows;
    chain->count = draft->row_count;
    draft->rows = NULL;
    chain->newest = *name;
    chain_drop(draft);
}

void chain_drop(struct chain_draft *draft) {
    free_rows(draft->rows, draft->row_count);
    for (uint32_t i = 0; i < draft->count; i++) {
        free(draft->archives[i].path);
    }
    *draft = (struct chain_draft){0};
}

static void publish(struct chain *chain, bool fold) {
    struct chain_draft draft;
    struct rf_snapshot_name name;
    struct rf_error error = {0};
    chain_draft(chain, fold, &draft);
    enum rf_code code = rf_repository_publish(chain->repository, &draft.manifest, draft.archives,
                                              draft.count, &name, &error);
    assert_ok(code, error);
    chain_accept(chain, &draft, &name);
}

void chain_step(struct chain *chain) {
    publish(chain, false);
}

void chain_fold(struct chain *chain) {
    publish(chain, true);
}

/* Rows of the first snapshot, by ascending key. */
static void first_rows(struct chain *chain, uint32_t rows) {
    static const int64_t starts[] = {1, 0, -20, INT64_MIN, INT64_MAX - 2000};
    chain->rows = calloc(rows + 1, sizeof *chain->rows);
    int64_t rowid = chain->key == CHAIN_PLACE || chain->moving
                        ? 0
                        : starts[chance_below(&chain->chance, COUNT(starts))];
    for (uint32_t i = 0; i < rows; i++) {
        struct chain_row row = make_row(chain, rowid++);
        rowid += chain->key != CHAIN_PLACE ? chance_below(&chain->chance, 4) : 0;
        uint32_t place = chain->count;
        while (place > 0 && compare_keys(chain, &row, &chain->rows[place - 1]) < 0) {
            place--;
        }
        if (place > 0 && compare_keys(chain, &row, &chain->rows[place - 1]) == 0) {
            free(row.cells);
            continue;
        }
        memmove(chain->rows + place + 1, chain->rows + place,
                (chain->count - place) * sizeof *chain->rows);
        chain->rows[place] = row;
        chain->count++;
    }
}

void chain_make(struct chain *chain, enum chain_key key, uint64_t seed, uint32_t rows) {
    *chain = (struct chain){.key = key, .seed = seed, .chance = {seed * CHAIN_KEYS + key}};
    struct rf_error error = {0};
    scratch_make(chain->path);
    assert_ok(rf_repository_open(quick_io(), chain->path, RF_REPOSITORY_CREATE, &chain->repository,
                                 &error),
              error);
    assert_ok(rf_pool_new(2, &chain->pool, &error), error);
    describe(chain);
    chain->table.census = chain->census;
    chain->table.state = chain->state;
    chain->rows_a_block = 1 + chance_below(&chain->chance, 9);
    chain->moving = key == CHAIN_PLACE || ((key == CHAIN_ROWID || key == CHAIN_KEYED) &&
                                           chance_one_in(&chain->chance, 2));
    first_rows(chain, rows);
    publish(chain, false);
}

void chain_free(struct chain *chain) {
    free_rows(chain->rows, chain->count);
    rf_repository_close(chain->repository);
    rf_pool_free(chain->pool);
    scratch_remove(chain->path);
}
