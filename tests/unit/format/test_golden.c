/* Files of earlier days: what was written once is read for ever, and means what it meant. */
#include <stdio.h>

#include "fixture.h"
#include "format/archive.h"
#include "format/manifest.h"
#include "golden.h"

static struct rf_archive *open_golden(const char *file) {
    char name[64], path[PATH_MAX];
    struct rf_archive *archive;
    struct rf_error error = {0};
    snprintf(name, sizeof name, "%s.rfa", file);
    enum rf_code code =
        rf_archive_open(rf_io_posix(), scratch_path(RF_GOLDEN, name, path), NULL, &archive, &error);
    assert_ok(code, error);
    return archive;
}

static void assert_head(const struct golden_archive *golden, const struct rf_archive *archive) {
    const struct rf_archive_head *head = rf_archive_head_of(archive);
    cr_assert_eq(head->kind, golden->kind, "%s", golden->file);
    cr_assert_eq(head->gone, golden->gone, "%s", golden->file);
    cr_assert_eq(head->snapshot, golden->kind == RF_ARCHIVE_FULL ? 1 : 2, "%s", golden->file);
    cr_assert_arr_eq(head->source, golden_source, RF_SOURCE_ID_SIZE);
    struct rf_digest before = {0};
    struct rf_digest after = golden_after(golden);
    if (golden->parent) {
        before = golden_after(golden_find(golden->parent));
    }
    cr_assert(rf_digest_equal(&head->before, &before), "%s", golden->file);
    cr_assert(rf_digest_equal(&head->after, &after), "%s", golden->file);
    cr_assert(rf_table_same_rows(head->table, golden->table), "%s", golden->file);
    cr_assert_eq(rf_archive_blocks(archive), golden->block_count, "%s", golden->file);
}

static bool has_rowids(const struct golden_archive *golden, enum rf_block_kind kind) {
    return golden->table->key_kind != RF_KEY_COLUMNS && kind != RF_BLOCK_MOVES;
}

static void assert_block(const struct golden_archive *golden, const struct golden_block *block,
                         const struct rf_block_place *place, const struct rf_rows *rows) {
    cr_assert_eq(place->facts.kind, block->kind, "%s", golden->file);
    cr_assert_eq(rows->count, block->count, "%s", golden->file);
    bool hashes = block->kind == RF_BLOCK_GONE;
    cr_assert_eq(rows->rowids != NULL, has_rowids(golden, block->kind), "%s", golden->file);
    cr_assert_eq(rows->hashes != NULL, hashes, "%s", golden->file);
    struct rf_buffer expected = {0}, found = {0};
    for (uint32_t i = 0; i < block->count; i++) {
        const struct golden_row *row = &block->rows[i];
        rf_buffer_clear(&expected);
        rf_buffer_clear(&found);
        golden_put_kept(golden, block->kind, row, &expected);
        rf_rows_put(rows, i, &found);
        cr_assert(found.size == expected.size &&
                      (found.size == 0 || memcmp(found.bytes, expected.bytes, found.size) == 0),
                  "%s: row %u of a block", golden->file, i);
        cr_assert(!rows->rowids || rows->rowids[i] == row->rowid, "%s", golden->file);
        cr_assert(!hashes || rf_hash_equal(rf_hash_load(rows->hashes + (size_t)i * RF_HASH_SIZE),
                                           golden_hash(row, golden->table->column_count)),
                  "%s", golden->file);
    }
    rf_buffer_release(&expected);
    rf_buffer_release(&found);
}

Test(golden, archives) {
    struct rf_codec *codec = rf_codec_new();
    struct rf_rows rows = {0};
    struct rf_error error = {0};
    for (uint32_t n = 0; n < golden_archive_count; n++) {
        const struct golden_archive *golden = &golden_archives[n];
        struct rf_archive *archive = open_golden(golden->file);
        assert_head(golden, archive);
        for (uint32_t i = 0; i < golden->block_count; i++) {
            assert_ok(rf_archive_read(archive, codec, i, &rows, &error), error);
            assert_block(golden, &golden->blocks[i], rf_archive_block(archive, i), &rows);
        }
        rf_archive_close(archive);
    }
    rf_rows_release(&rows);
    rf_codec_free(codec);
}

static void read_manifest(struct rf_manifest *manifest) {
    char path[PATH_MAX];
    struct rf_buffer bytes = {0};
    struct rf_error error = {0};
    scratch_read(scratch_path(RF_GOLDEN, "snapshot.rfm", path), &bytes);
    assert_ok(rf_manifest_decode(bytes.bytes, bytes.size, NULL, manifest, &error), error);
    rf_buffer_release(&bytes);
}

/* Two manifests are alike when their bytes are: frames of different libraries of zstd may differ.
 * */
static void assert_same_manifest(const struct rf_manifest *a, const struct rf_manifest *b) {
    struct rf_buffer left = {0}, right = {0};
    struct rf_hash first, second;
    struct rf_error error = {0};
    assert_ok(rf_manifest_encode(a, NULL, &left, &first, &error), error);
    assert_ok(rf_manifest_encode(b, NULL, &right, &second, &error), error);
    cr_assert(left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0);
    cr_assert(rf_hash_equal(first, second));
    rf_buffer_release(&left);
    rf_buffer_release(&right);
}

Test(golden, manifest) {
    struct rf_manifest manifest, expected;
    read_manifest(&manifest);
    cr_assert(golden_manifest_make(RF_GOLDEN, &expected));
    assert_same_manifest(&manifest, &expected);
    golden_manifest_unmake(&expected);
    rf_manifest_release(&manifest);
}

/* The same a second time, field by field where a reader depends on it, as encoding could lose what
 * decoding does. */
Test(golden, manifest_in_its_fields) {
    struct rf_manifest manifest;
    read_manifest(&manifest);
    cr_assert(manifest.snapshot == 2 && manifest.parent == 1);
    cr_assert_eq(manifest.parent_digest.low, 0x0123456789abcdef);
    cr_assert_arr_eq(manifest.source, golden_source, RF_SOURCE_ID_SIZE);
    cr_assert(manifest.time_us == 1700000000123456 && manifest.duration_us == 42 &&
              manifest.bytes == 4711);
    cr_assert_str_eq(manifest.path, "/var/lib/app/app.db");
    cr_assert_str_eq(manifest.encoding, "UTF-8");
    cr_assert_str_eq(manifest.journal_mode, "wal");
    cr_assert(manifest.page_size == 4096 && manifest.user_version == -3 &&
              manifest.auto_vacuum == 2);
    cr_assert_eq(manifest.application_id, 0x0f055112);
    cr_assert(manifest.table_count == golden_state_count && manifest.object_count == 3 &&
              manifest.left_out_count == 1 && manifest.sequence_count == 2);
    cr_assert_null(manifest.objects[1].sql);
    cr_assert_str_eq(manifest.left_out[0].reason, "virtual table using fts5");
    const struct rf_manifest_table *keyed = rf_manifest_find(&manifest, "keyed");
    cr_assert_not_null(keyed);
    cr_assert(keyed->change == RF_CHANGE_DELTA && keyed->inserted == 3 && keyed->moved == 4);
    cr_assert(keyed->table.key_count == 2 && keyed->table.key[0] == 1 && keyed->table.key[1] == 0);
    cr_assert(keyed->table.index_count == 2 && keyed->table.indexes[1].partial &&
              keyed->table.indexes[1].parts[1].descending &&
              !keyed->table.indexes[1].parts[0].column);
    cr_assert(keyed->table.foreign_key_count == 2 && !keyed->table.foreign_keys[0].to[0]);
    cr_assert_str_eq(keyed->table.foreign_keys[1].to[1], "y");
    cr_assert_str_eq(keyed->table.foreign_keys[0].on_delete, "CASCADE");
    const struct rf_manifest_table *alias = rf_manifest_find(&manifest, "alias");
    cr_assert(alias->table.autoincrement && alias->table.columns[0].not_null);
    cr_assert_str_eq(alias->table.columns[0].default_sql, "'?'");
    cr_assert(alias->census[1].min_integer == -5 && alias->census[1].max_integer == INT64_MAX);
    cr_assert(rf_manifest_find(&manifest, "Classes é")->census[3].text_not_utf8 == 2);
    cr_assert_null(rf_manifest_find(&manifest, "nothing"));
    rf_manifest_release(&manifest);
}
