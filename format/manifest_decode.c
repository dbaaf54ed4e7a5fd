/* Reading a manifest. Counts are held against the bytes that are left before anything is allocated. */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "format/manifest_layout.h"

static void *get_array(struct rf_cursor *cursor, uint32_t *count, size_t least, size_t size) {
    uint32_t wanted = rf_cursor_u32(cursor);
    if (cursor->failed || (size_t)wanted * least > rf_cursor_left(cursor)) {
        cursor->failed = true;
        return NULL;
    }
    if (wanted == 0) {
        return NULL;
    }
    void *array = calloc(wanted, size);
    if (!array) {
        cursor->failed = true;
        return NULL;
    }
    *count = wanted;
    return array;
}

static struct rf_hash get_hash(struct rf_cursor *cursor) {
    const uint8_t *at = rf_cursor_bytes(cursor, RF_HASH_SIZE);
    return at ? rf_hash_load(at) : (struct rf_hash){0};
}

/* Names become paths: nothing but the letters that rf_archive_writer uses, and the digest at its
 * place. */
static bool is_archive_name(const char *name, struct rf_hash digest) {
    size_t size = strlen(name);
    char end[RF_HASH_HEX + 8];
    char hex[RF_HASH_HEX];
    rf_hash_text(digest, hex);
    end[0] = '-';
    memcpy(end + 1, hex, 32);
    memcpy(end + 33, ".rfa", 5);
    return size > 37 && size < RF_ARCHIVE_NAME_SIZE && strcmp(name + size - 37, end) == 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size - 37;
}

static void decode_ref(struct rf_cursor *cursor, struct rf_archive_ref *ref) {
    char *name = rf_cursor_string(cursor);
    uint8_t kind = rf_cursor_u8(cursor);
    ref->digest = get_hash(cursor);
    ref->size = rf_cursor_u64(cursor);
    if (cursor->failed || !name || !is_archive_name(name, ref->digest) ||
        (kind != RF_ARCHIVE_FULL && kind != RF_ARCHIVE_DELTA)) {
        cursor->failed = true;
    } else {
        memcpy(ref->name, name, strlen(name) + 1);
        ref->kind = (enum rf_archive_kind)kind;
    }
    free(name);
}

static void decode_census(struct rf_cursor *cursor, struct rf_census *census) {
    for (int class = 0; class < RF_CLASSES; class++) {
        census->count[class] = rf_cursor_u64(cursor);
    }
    census->min_integer = (int64_t)rf_cursor_u64(cursor);
    census->max_integer = (int64_t)rf_cursor_u64(cursor);
    census->longest = rf_cursor_u64(cursor);
    census->text_with_nul = rf_cursor_u64(cursor);
    census->text_not_utf8 = rf_cursor_u64(cursor);
}

static void decode_state(struct rf_cursor *cursor, struct rf_manifest_table *table) {
    table->state = get_array(cursor, &table->state_count, 29, sizeof *table->state);
    for (uint32_t i = 0; i < table->state_count; i++) {
        decode_ref(cursor, &table->state[i]);
        cursor->failed |=
            table->state[i].kind != (i == 0 ? RF_ARCHIVE_FULL : RF_ARCHIVE_DELTA);
    }
    cursor->failed |= table->state_count == 0;
}

void rf_manifest_table_decode(struct rf_cursor *cursor, struct rf_manifest_table *table) {
    *table = (struct rf_manifest_table){0};
    rf_table_decode(cursor, &table->table);
    table->digest.sum = get_hash(cursor);
    table->digest.rows = rf_cursor_u64(cursor);
    if (!cursor->failed) {
        table->census = calloc(table->table.column_count, sizeof *table->census);
        cursor->failed |= !table->census;
    }
    for (uint32_t i = 0; !cursor->failed && i < table->table.column_count; i++) {
        decode_census(cursor, &table->census[i]);
    }
    uint8_t change = rf_cursor_u8(cursor);
    cursor->failed |= change > RF_CHANGE_NEW;
    table->change = (enum rf_change)change;
    table->inserted = rf_cursor_u64(cursor);
    table->updated = rf_cursor_u64(cursor);
    table->deleted = rf_cursor_u64(cursor);
    table->moved = rf_cursor_u64(cursor);
    if (!cursor->failed && table->change == RF_CHANGE_DELTA) {
        decode_ref(cursor, &table->delta);
        cursor->failed |= table->delta.kind != RF_ARCHIVE_DELTA;
    }
    if (!cursor->failed) {
        decode_state(cursor, table);
    }
    if (cursor->failed) {
        rf_manifest_table_release(table);
    }
}

static void decode_source(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->snapshot = rf_cursor_u64(cursor);
    manifest->parent = rf_cursor_u64(cursor);
    manifest->parent_digest = get_hash(cursor);
    const uint8_t *source = rf_cursor_bytes(cursor, RF_SOURCE_ID_SIZE);
    if (source) {
        memcpy(manifest->source, source, RF_SOURCE_ID_SIZE);
    }
    manifest->time_us = (int64_t)rf_cursor_u64(cursor);
    manifest->duration_us = rf_cursor_u64(cursor);
    manifest->bytes = rf_cursor_u64(cursor);
    manifest->path = rf_cursor_string(cursor);
    manifest->writer = rf_cursor_string(cursor);
    manifest->sqlite_version = rf_cursor_string(cursor);
    manifest->page_size = rf_cursor_u32(cursor);
    manifest->encoding = rf_cursor_string(cursor);
    manifest->user_version = (int32_t)rf_cursor_u32(cursor);
    manifest->application_id = (int32_t)rf_cursor_u32(cursor);
    manifest->auto_vacuum = rf_cursor_u32(cursor);
    manifest->journal_mode = rf_cursor_string(cursor);
    cursor->failed |= !manifest->path || !manifest->writer || !manifest->sqlite_version ||
                      !manifest->encoding || !manifest->journal_mode || manifest->snapshot == 0 ||
                      manifest->parent >= manifest->snapshot;
}

static void decode_tables(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->tables =
        get_array(cursor, &manifest->table_count, 64, sizeof *manifest->tables);
    for (uint32_t i = 0; !cursor->failed && i < manifest->table_count; i++) {
        rf_manifest_table_decode(cursor, &manifest->tables[i]);
        cursor->failed |= !cursor->failed && i > 0 &&
                          strcmp(manifest->tables[i - 1].table.name,
                                 manifest->tables[i].table.name) >= 0;
    }
}

static void decode_objects(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->objects =
        get_array(cursor, &manifest->object_count, 16, sizeof *manifest->objects);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        struct rf_object *object = &manifest->objects[i];
        object->type = rf_cursor_string(cursor);
        object->name = rf_cursor_string(cursor);
        object->table = rf_cursor_string(cursor);
        object->sql = rf_cursor_string(cursor);
        cursor->failed |= !object->type || !object->name || !object->table;
    }
    manifest->left_out =
        get_array(cursor, &manifest->left_out_count, 8, sizeof *manifest->left_out);
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        manifest->left_out[i].name = rf_cursor_string(cursor);
        manifest->left_out[i].reason = rf_cursor_string(cursor);
        cursor->failed |= !manifest->left_out[i].name || !manifest->left_out[i].reason;
    }
}

/* Two whole cells a row of sqlite_sequence. */
static bool is_sequence(const uint8_t *cells, uint32_t size) {
    struct rf_cursor cursor = rf_cursor_of(cells, size);
    struct rf_value name, number;
    return rf_row_next(&cursor, &name) && rf_row_next(&cursor, &number) &&
           rf_cursor_left(&cursor) == 0;
}

static void decode_sequences(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->sequences =
        get_array(cursor, &manifest->sequence_count, 4, sizeof *manifest->sequences);
    for (uint32_t i = 0; i < manifest->sequence_count; i++) {
        uint32_t size = rf_cursor_u32(cursor);
        const uint8_t *cells = rf_cursor_bytes(cursor, size);
        if (!cells || !is_sequence(cells, size)) {
            cursor->failed = true;
            return;
        }
        rf_buffer_append(&manifest->sequences[i].cells, cells, size);
        cursor->failed |= manifest->sequences[i].cells.failed;
    }
}

static enum rf_code corrupt(struct rf_error *error, const char *what) {
    rf_fail(error, RF_CORRUPT, "a manifest %s", what);
    rf_hint(error, "copy this file again from the repository that it was captured into.");
    return RF_CORRUPT;
}

static enum rf_code decode_body(const uint8_t *body, size_t size, struct rf_manifest *manifest,
                                struct rf_error *error) {
    struct rf_cursor cursor = rf_cursor_of(body, size);
    decode_source(&cursor, manifest);
    if (!cursor.failed) {
        decode_tables(&cursor, manifest);
    }
    if (!cursor.failed) {
        decode_objects(&cursor, manifest);
    }
    if (!cursor.failed) {
        decode_sequences(&cursor, manifest);
    }
    if (!cursor.failed && rf_cursor_left(&cursor) == 0) {
        return RF_OK;
    }
    rf_manifest_release(manifest);
    corrupt(error, "does not hold what a manifest holds");
    rf_detail(error, "at byte %zu of its body, or there is no memory for it",
              (size_t)(cursor.at - body));
    return RF_CORRUPT;
}

enum rf_code rf_manifest_decode(const void *file, size_t size, struct rf_manifest *manifest,
                                struct rf_error *error) {
    const uint8_t *bytes = file;
    *manifest = (struct rf_manifest){0};
    if (size < RF_MANIFEST_START + 8 || memcmp(bytes, RF_MANIFEST_MAGIC, 8) != 0) {
        return corrupt(error, "is cut short or is none");
    }
    uint32_t version = rf_load_u32(bytes + 8);
    if (version > RF_FORMAT_VERSION) {
        rf_fail(error, RF_MISPLACED,
                "a manifest is of format version %u, this rowferry reads version %u", version,
                RF_FORMAT_VERSION);
        rf_hint(error, "use the rowferry that wrote it, or a newer one.");
        return RF_MISPLACED;
    }
    size_t checked = size - 8;
    if (rf_checksum(bytes, checked) != rf_load_u64(bytes + checked)) {
        return corrupt(error, "fails its checksum");
    }
    uint32_t body_size = rf_load_u32(bytes + 12);
    const uint8_t *frame = bytes + RF_MANIFEST_START;
    size_t frame_size = checked - RF_MANIFEST_START;
    if (version != RF_FORMAT_VERSION || body_size > RF_MANIFEST_BODY_MAX ||
        ZSTD_getFrameContentSize(frame, frame_size) != body_size ||
        ZSTD_findFrameCompressedSize(frame, frame_size) != frame_size) {
        return corrupt(error, "is of another size than it says");
    }
    uint8_t *body = malloc((size_t)body_size + 1);
    if (!body) {
        return rf_fail_memory(error);
    }
    size_t got = ZSTD_decompress(body, body_size, frame, frame_size);
    enum rf_code code = got == body_size ? decode_body(body, body_size, manifest, error)
                                         : corrupt(error, "cannot be decompressed");
    free(body);
    return code;
}
