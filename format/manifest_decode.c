/* Reading a manifest. Counts are held against the bytes that are left before anything is allocated. */
#include <stdlib.h>
#include <string.h>

#include "format/envelope.h"
#include "format/manifest_layout.h"

void *rf_manifest_array(struct rf_cursor *cursor, uint32_t *count, size_t least, size_t size) {
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

void rf_manifest_ref_decode(struct rf_cursor *cursor, struct rf_archive_ref *ref) {
    char *name = rf_cursor_string(cursor);
    uint8_t kind = rf_cursor_u8(cursor);
    ref->digest = get_hash(cursor);
    ref->size = rf_cursor_u64(cursor);
    const uint8_t *sha256 = rf_cursor_bytes(cursor, sizeof ref->sha256);
    if (sha256) {
        memcpy(ref->sha256, sha256, sizeof ref->sha256);
    }
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
    for (int class = 0; class < RF_CLASSES; class ++) {
        census->count[class] = rf_cursor_u64(cursor);
    }
    census->min_integer = (int64_t)rf_cursor_u64(cursor);
    census->max_integer = (int64_t)rf_cursor_u64(cursor);
    census->longest = rf_cursor_u64(cursor);
    census->text_with_nul = rf_cursor_u64(cursor);
    census->text_not_utf8 = rf_cursor_u64(cursor);
}

static void decode_state(struct rf_cursor *cursor, struct rf_manifest_table *table) {
    table->state =
        rf_manifest_array(cursor, &table->state_count, RF_MANIFEST_REF_LEAST, sizeof *table->state);
    for (uint32_t i = 0; i < table->state_count; i++) {
        rf_manifest_ref_decode(cursor, &table->state[i]);
        cursor->failed |= table->state[i].kind != (i == 0 ? RF_ARCHIVE_FULL : RF_ARCHIVE_DELTA);
    }
    cursor->failed |= table->state_count == 0;
}

void rf_manifest_chain_decode(struct rf_cursor *cursor, struct rf_manifest_table *table) {
    uint8_t change = rf_cursor_u8(cursor);
    cursor->failed |= change > RF_CHANGE_NEW;
    table->change = (enum rf_change)change;
    table->inserted = rf_cursor_u64(cursor);
    table->updated = rf_cursor_u64(cursor);
    table->deleted = rf_cursor_u64(cursor);
    table->moved = rf_cursor_u64(cursor);
    if (!cursor->failed && table->change == RF_CHANGE_DELTA) {
        rf_manifest_ref_decode(cursor, &table->delta);
        cursor->failed |= table->delta.kind != RF_ARCHIVE_DELTA;
    }
    if (!cursor->failed) {
        decode_state(cursor, table);
    }
}

void rf_manifest_table_decode(struct rf_cursor *cursor, struct rf_manifest_table *table) {
    *table = (struct rf_manifest_table){0};
    rf_table_decode(cursor, &table->table);
    const uint8_t *digest = rf_cursor_bytes(cursor, RF_DIGEST_SIZE);
    if (digest) {
        table->digest = rf_digest_load(digest);
        table->census = calloc(table->table.column_count, sizeof *table->census);
        cursor->failed |= !table->census;
    }
    for (uint32_t i = 0; !cursor->failed && i < table->table.column_count; i++) {
        decode_census(cursor, &table->census[i]);
    }
    rf_manifest_chain_decode(cursor, table);
    if (cursor->failed) {
        rf_manifest_table_release(table);
    }
}

static void decode_source(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->snapshot = rf_cursor_u64(cursor);
    manifest->parent = rf_cursor_u64(cursor);
    manifest->parent_digest = get_hash(cursor);
    const uint8_t *sha256 = rf_cursor_bytes(cursor, sizeof manifest->parent_sha256);
    if (sha256) {
        memcpy(manifest->parent_sha256, sha256, sizeof manifest->parent_sha256);
    }
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
    manifest->tables = rf_manifest_array(cursor, &manifest->table_count, RF_MANIFEST_TABLE_LEAST,
                                         sizeof *manifest->tables);
    for (uint32_t i = 0; !cursor->failed && i < manifest->table_count; i++) {
        rf_manifest_table_decode(cursor, &manifest->tables[i]);
        cursor->failed |=
            !cursor->failed && i > 0 &&
            strcmp(manifest->tables[i - 1].table.name, manifest->tables[i].table.name) >= 0;
    }
}

static void decode_objects(struct rf_cursor *cursor, struct rf_manifest *manifest) {
    manifest->objects =
        rf_manifest_array(cursor, &manifest->object_count, 16, sizeof *manifest->objects);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        struct rf_object *object = &manifest->objects[i];
        object->type = rf_cursor_string(cursor);
        object->name = rf_cursor_string(cursor);
        object->table = rf_cursor_string(cursor);
        object->sql = rf_cursor_string(cursor);
        cursor->failed |= !object->type || !object->name || !object->table;
    }
    manifest->left_out =
        rf_manifest_array(cursor, &manifest->left_out_count, 8, sizeof *manifest->left_out);
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
        rf_manifest_array(cursor, &manifest->sequence_count, 6, sizeof *manifest->sequences);
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

#define WHAT "a manifest"

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
    (void)!rf_envelope_corrupt(WHAT, "does not hold what a manifest holds", error);
    rf_detail(error, "at byte %zu of its body, or there is no memory for it",
              (size_t)(cursor.at - body));
    return RF_CORRUPT;
}

enum rf_code rf_manifest_decode(const void *file, size_t size, const struct rf_trust *trust,
                                struct rf_manifest *manifest, struct rf_error *error) {
    uint8_t *body;
    size_t body_size = 0;
    struct rf_signature signature;
    *manifest = (struct rf_manifest){0};
    enum rf_code code =
        rf_envelope_open(RF_MANIFEST_MAGIC, WHAT, file, size, &body, &body_size, &signature, error);
    if (code == RF_OK) {
        code = rf_signature_demand(&signature, trust, WHAT, error);
    }
    if (code == RF_OK) {
        code = decode_body(body, body_size, manifest, error);
    }
    free(body);
    if (code == RF_OK) {
        manifest->signature = signature;
        rf_sha256_bytes(file, size, manifest->sha256);
    }
    return code;
}
