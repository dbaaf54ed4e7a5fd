/* Folds: their bytes (SPEC.md, "Fold"), and how one is laid over its manifest. */
#include "format/fold.h"

#include <stdlib.h>
#include <string.h>

#include "format/envelope.h"
#include "format/manifest_layout.h"

#define MAGIC "RFFOLDED"
#define WHAT "a fold"

void rf_fold_release(struct rf_fold *fold) {
    for (uint32_t i = 0; i < fold->table_count; i++) {
        rf_manifest_table_release(&fold->tables[i]);
    }
    free(fold->tables);
    *fold = (struct rf_fold){0};
}

static void encode_hash(struct rf_hash hash, struct rf_buffer *out) {
    uint8_t bytes[RF_HASH_SIZE];
    rf_hash_store(bytes, hash);
    rf_buffer_append(out, bytes, sizeof bytes);
}

static void encode_body(const struct rf_fold *fold, struct rf_buffer *out) {
    rf_buffer_u64(out, fold->snapshot);
    encode_hash(fold->digest, out);
    rf_buffer_append(out, fold->sha256, sizeof fold->sha256);
    rf_buffer_append(out, fold->source, sizeof fold->source);
    rf_buffer_u64(out, fold->generation);
    rf_buffer_u64(out, fold->parent);
    encode_hash(fold->parent_digest, out);
    rf_buffer_append(out, fold->parent_sha256, sizeof fold->parent_sha256);
    rf_buffer_u32(out, fold->table_count);
    for (uint32_t i = 0; i < fold->table_count; i++) {
        rf_manifest_chain_encode(&fold->tables[i], out);
    }
}

enum rf_code rf_fold_encode(const struct rf_fold *fold, const struct rf_signer *signer,
                            struct rf_buffer *out, struct rf_hash *digest, struct rf_error *error) {
    struct rf_buffer body = {0};
    encode_body(fold, &body);
    enum rf_code code = rf_buffer_check(&body, error);
    if (code == RF_OK) {
        code = rf_envelope_encode(MAGIC, &body, signer, out, error);
    }
    if (code == RF_OK) {
        *digest = rf_hash_bytes(out->bytes, out->size);
    }
    rf_buffer_release(&body);
    return code;
}

static void get_bytes(struct rf_cursor *cursor, uint8_t *bytes, size_t size) {
    const uint8_t *at = rf_cursor_bytes(cursor, size);
    if (at) {
        memcpy(bytes, at, size);
    }
}

static struct rf_hash get_hash(struct rf_cursor *cursor) {
    const uint8_t *at = rf_cursor_bytes(cursor, RF_HASH_SIZE);
    return at ? rf_hash_load(at) : (struct rf_hash){0};
}

static void decode_body(struct rf_cursor *cursor, struct rf_fold *fold) {
    fold->snapshot = rf_cursor_u64(cursor);
    fold->digest = get_hash(cursor);
    get_bytes(cursor, fold->sha256, sizeof fold->sha256);
    get_bytes(cursor, fold->source, sizeof fold->source);
    fold->generation = rf_cursor_u64(cursor);
    fold->parent = rf_cursor_u64(cursor);
    fold->parent_digest = get_hash(cursor);
    get_bytes(cursor, fold->parent_sha256, sizeof fold->parent_sha256);
    fold->tables = rf_manifest_array(cursor, &fold->table_count, RF_MANIFEST_CHAIN_LEAST,
                                     sizeof *fold->tables);
    for (uint32_t i = 0; !cursor->failed && i < fold->table_count; i++) {
        rf_manifest_chain_decode(cursor, &fold->tables[i]);
    }
    cursor->failed |= fold->snapshot == 0 || fold->generation == 0 ||
                      fold->parent >= fold->snapshot || rf_cursor_left(cursor) > 0;
}

enum rf_code rf_fold_decode(const void *bytes, size_t size, const struct rf_trust *trust,
                            struct rf_fold *fold, struct rf_error *error) {
    uint8_t *body;
    size_t body_size = 0;
    struct rf_signature signature;
    *fold = (struct rf_fold){0};
    enum rf_code code =
        rf_envelope_open(MAGIC, WHAT, bytes, size, &body, &body_size, &signature, error);
    if (code == RF_OK) {
        code = rf_signature_demand(&signature, trust, WHAT, error);
    }
    if (code == RF_OK) {
        struct rf_cursor cursor = rf_cursor_of(body, body_size);
        decode_body(&cursor, fold);
        if (cursor.failed) {
            rf_fold_release(fold);
            code = rf_envelope_corrupt(WHAT, "does not hold what a fold holds", error);
            rf_detail(error, "at byte %zu of its body, or there is no memory for it",
                      (size_t)(cursor.at - body));
        }
    }
    free(body);
    return code;
}

static void lay_state(struct rf_manifest_table *from, struct rf_manifest_table *table) {
    free(table->state);
    table->state = from->state;
    table->state_count = from->state_count;
    from->state = NULL;
    from->state_count = 0;
}

void rf_fold_lay_link(const struct rf_manifest_table *from, struct rf_manifest_table *table) {
    table->change = from->change;
    table->inserted = from->inserted;
    table->updated = from->updated;
    table->deleted = from->deleted;
    table->moved = from->moved;
    table->delta = from->delta;
}

enum rf_code rf_fold_apply(struct rf_fold *fold, struct rf_manifest *manifest, bool relinks,
                           struct rf_error *error) {
    if (fold->snapshot != manifest->snapshot || fold->table_count != manifest->table_count ||
        memcmp(fold->source, manifest->source, sizeof fold->source) != 0 ||
        memcmp(fold->sha256, manifest->sha256, sizeof fold->sha256) != 0) {
        return rf_envelope_corrupt(WHAT, "is of another snapshot than its name says", error);
    }
    for (uint32_t i = 0; i < fold->table_count; i++) {
        lay_state(&fold->tables[i], &manifest->tables[i]);
        if (relinks) {
            rf_fold_lay_link(&fold->tables[i], &manifest->tables[i]);
        }
    }
    if (relinks) {
        manifest->parent = fold->parent;
        manifest->parent_digest = fold->parent_digest;
        memcpy(manifest->parent_sha256, fold->parent_sha256, sizeof manifest->parent_sha256);
    }
    manifest->fold = fold->generation;
    return RF_OK;
}
