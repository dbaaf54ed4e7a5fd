/* Manifests: memory, look-up, and their bytes (SPEC.md, "Manifest"). */
#include "format/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "format/envelope.h"
#include "format/manifest_layout.h"

void rf_manifest_table_release(struct rf_manifest_table *table) {
    rf_table_release(&table->table);
    free(table->census);
    free(table->state);
    *table = (struct rf_manifest_table){0};
}

void rf_manifest_release(struct rf_manifest *manifest) {
    free(manifest->path);
    free(manifest->writer);
    free(manifest->sqlite_version);
    free(manifest->encoding);
    free(manifest->journal_mode);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        rf_manifest_table_release(&manifest->tables[i]);
    }
    free(manifest->tables);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        free(manifest->objects[i].type);
        free(manifest->objects[i].name);
        free(manifest->objects[i].table);
        free(manifest->objects[i].sql);
    }
    free(manifest->objects);
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        free(manifest->left_out[i].name);
        free(manifest->left_out[i].reason);
    }
    free(manifest->left_out);
    for (uint32_t i = 0; i < manifest->sequence_count; i++) {
        rf_buffer_release(&manifest->sequences[i].cells);
    }
    free(manifest->sequences);
    *manifest = (struct rf_manifest){0};
}

const struct rf_manifest_table *rf_manifest_find(const struct rf_manifest *manifest,
                                                 const char *name) {
    uint32_t low = 0;
    uint32_t high = manifest->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = strcmp(manifest->tables[middle].table.name, name);
        if (order == 0) {
            return &manifest->tables[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static bool is_mixed(const struct rf_census *from, const struct rf_census *to) {
    const uint64_t none[RF_CLASSES] = {0}, *a = from->count, *b = to ? to->count : none;
    bool numbers = a[RF_INTEGER] + a[RF_REAL] + b[RF_INTEGER] + b[RF_REAL] > 0;
    bool texts = a[RF_TEXT] + b[RF_TEXT] > 0;
    bool blobs = a[RF_BLOB] + b[RF_BLOB] > 0;
    return numbers + texts + blobs > 1;
}

/* The key finds the row unless there is none, or it holds NULLs, of which none equals another, or
 * values that a target may write alike, such as 1, '1' and x'31'. Where rows are told apart by
 * their key, the form has to be known while they are still being read: those that are gone are
 * those of `from`, and only they. */
enum rf_gone_form rf_manifest_gone_form(const struct rf_manifest_table *from,
                                        const struct rf_manifest_table *to) {
    const struct rf_table *table = &to->table;
    bool by_columns = table->key_kind == RF_KEY_COLUMNS;
    if (table->alias >= 0) {
        return RF_GONE_KEY;
    }
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct rf_census *old = &from->census[table->key[i]];
        const struct rf_census *new = by_columns ? NULL : &to->census[table->key[i]];
        bool nulls = new && old->count[RF_NULL] + new->count[RF_NULL] > 0;
        if (nulls || is_mixed(old, new)) {
            return RF_GONE_ROW;
        }
    }
    return table->key_count > 0 ? RF_GONE_KEY : RF_GONE_ROW;
}

void rf_manifest_ref_encode(const struct rf_archive_ref *ref, struct rf_buffer *out) {
    uint8_t digest[RF_HASH_SIZE];
    rf_hash_store(digest, ref->digest);
    rf_buffer_string(out, ref->name);
    rf_buffer_u8(out, (uint8_t)ref->kind);
    rf_buffer_append(out, digest, sizeof digest);
    rf_buffer_u64(out, ref->size);
    rf_buffer_append(out, ref->sha256, sizeof ref->sha256);
}

static void encode_census(const struct rf_census *census, struct rf_buffer *out) {
    for (int class = 0; class < RF_CLASSES; class ++) {
        rf_buffer_u64(out, census->count[class]);
    }
    rf_buffer_u64(out, (uint64_t)census->min_integer);
    rf_buffer_u64(out, (uint64_t)census->max_integer);
    rf_buffer_u64(out, census->longest);
    rf_buffer_u64(out, census->text_with_nul);
    rf_buffer_u64(out, census->text_not_utf8);
}

void rf_manifest_chain_encode(const struct rf_manifest_table *table, struct rf_buffer *out) {
    rf_buffer_u8(out, (uint8_t)table->change);
    rf_buffer_u64(out, table->inserted);
    rf_buffer_u64(out, table->updated);
    rf_buffer_u64(out, table->deleted);
    rf_buffer_u64(out, table->moved);
    if (table->change == RF_CHANGE_DELTA) {
        rf_manifest_ref_encode(&table->delta, out);
    }
    rf_buffer_u32(out, table->state_count);
    for (uint32_t i = 0; i < table->state_count; i++) {
        rf_manifest_ref_encode(&table->state[i], out);
    }
}

void rf_manifest_table_encode(const struct rf_manifest_table *table, struct rf_buffer *out) {
    rf_table_encode(&table->table, out);
    uint8_t digest[RF_DIGEST_SIZE];
    rf_digest_store(digest, &table->digest);
    rf_buffer_append(out, digest, sizeof digest);
    for (uint32_t i = 0; i < table->table.column_count; i++) {
        encode_census(&table->census[i], out);
    }
    rf_manifest_chain_encode(table, out);
}

enum rf_code rf_manifest_table_copy(const struct rf_manifest_table *from,
                                    struct rf_manifest_table *to, struct rf_error *error) {
    struct rf_buffer bytes = {0};
    rf_manifest_table_encode(from, &bytes);
    *to = (struct rf_manifest_table){0};
    enum rf_code code = rf_buffer_check(&bytes, error);
    if (code == RF_OK) {
        struct rf_cursor cursor = rf_cursor_of(bytes.bytes, bytes.size);
        rf_manifest_table_decode(&cursor, to);
        code = cursor.failed ? rf_fail_memory(error) : RF_OK;
    }
    rf_buffer_release(&bytes);
    return code;
}

static void encode_source(const struct rf_manifest *manifest, struct rf_buffer *out) {
    rf_buffer_u64(out, manifest->snapshot);
    rf_buffer_u64(out, manifest->parent);
    uint8_t parent[RF_HASH_SIZE];
    rf_hash_store(parent, manifest->parent_digest);
    rf_buffer_append(out, parent, sizeof parent);
    rf_buffer_append(out, manifest->parent_sha256, sizeof manifest->parent_sha256);
    rf_buffer_append(out, manifest->source, RF_SOURCE_ID_SIZE);
    rf_buffer_u64(out, (uint64_t)manifest->time_us);
    rf_buffer_u64(out, manifest->duration_us);
    rf_buffer_u64(out, manifest->bytes);
    rf_buffer_string(out, manifest->path);
    rf_buffer_string(out, manifest->writer);
    rf_buffer_string(out, manifest->sqlite_version);
    rf_buffer_u32(out, manifest->page_size);
    rf_buffer_string(out, manifest->encoding);
    rf_buffer_u32(out, (uint32_t)manifest->user_version);
    rf_buffer_u32(out, (uint32_t)manifest->application_id);
    rf_buffer_u32(out, manifest->auto_vacuum);
    rf_buffer_string(out, manifest->journal_mode);
}

static void encode_body(const struct rf_manifest *manifest, struct rf_buffer *out) {
    encode_source(manifest, out);
    rf_buffer_u32(out, manifest->table_count);
    for (uint32_t i = 0; i < manifest->table_count; i++) {
        rf_manifest_table_encode(&manifest->tables[i], out);
    }
    rf_buffer_u32(out, manifest->object_count);
    for (uint32_t i = 0; i < manifest->object_count; i++) {
        rf_buffer_string(out, manifest->objects[i].type);
        rf_buffer_string(out, manifest->objects[i].name);
        rf_buffer_string(out, manifest->objects[i].table);
        rf_buffer_string(out, manifest->objects[i].sql);
    }
    rf_buffer_u32(out, manifest->left_out_count);
    for (uint32_t i = 0; i < manifest->left_out_count; i++) {
        rf_buffer_string(out, manifest->left_out[i].name);
        rf_buffer_string(out, manifest->left_out[i].reason);
    }
    rf_buffer_u32(out, manifest->sequence_count);
    for (uint32_t i = 0; i < manifest->sequence_count; i++) {
        const struct rf_buffer *cells = &manifest->sequences[i].cells;
        rf_buffer_u32(out, (uint32_t)cells->size);
        rf_buffer_append(out, cells->bytes, cells->size);
    }
}

enum rf_code rf_manifest_encode(const struct rf_manifest *manifest, const struct rf_signer *signer,
                                struct rf_buffer *out, struct rf_hash *digest,
                                struct rf_error *error) {
    struct rf_buffer body = {0};
    encode_body(manifest, &body);
    enum rf_code code = rf_buffer_check(&body, error);
    if (code == RF_OK) {
        code = rf_envelope_encode(RF_MANIFEST_MAGIC, &body, signer, out, error);
    }
    if (code == RF_OK) {
        *digest = rf_hash_bytes(out->bytes, out->size);
    }
    rf_buffer_release(&body);
    return code;
}
