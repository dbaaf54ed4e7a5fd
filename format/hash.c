/* XXH3, and sums of it modulo 2^128. Compiled in here rather than linked: most of what is hashed are rows of less
 * than a hundred bytes. */
#include "format/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct rf_hash rf_hash_bytes(const void *bytes, size_t size) {
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    return (struct rf_hash){.low = hash.low64, .high = hash.high64};
}

void rf_hash_rows(const uint8_t *bytes, const uint32_t *starts, uint32_t count,
                  struct rf_hash *hashes) {
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = rf_hash_bytes(bytes + starts[i], starts[i + 1] - starts[i]);
    }
}

uint64_t rf_checksum(const void *bytes, size_t size) {
    return XXH3_64bits(bytes, size);
}

int rf_hash_compare(struct rf_hash a, struct rf_hash b) {
    if (a.high != b.high) {
        return a.high < b.high ? -1 : 1;
    }
    return (a.low > b.low) - (a.low < b.low);
}

static void sum_add(struct rf_hash *sum, struct rf_hash term) {
    sum->low += term.low;
    sum->high += term.high + (sum->low < term.low);
}

void rf_digest_add(struct rf_digest *digest, struct rf_hash row) {
    sum_add(&digest->sum, row);
    digest->rows++;
}

void rf_digest_add_rows(struct rf_digest *digest, const struct rf_hash *rows, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        sum_add(&digest->sum, rows[i]);
    }
    digest->rows += count;
}

static void sum_remove(struct rf_hash *sum, struct rf_hash term) {
    uint64_t borrow = sum->low < term.low;
    sum->low -= term.low;
    sum->high -= term.high + borrow;
}

void rf_digest_remove(struct rf_digest *digest, struct rf_hash row) {
    sum_remove(&digest->sum, row);
    digest->rows--;
}

void rf_digest_join(struct rf_digest *digest, const struct rf_digest *part) {
    sum_add(&digest->sum, part->sum);
    digest->rows += part->rows;
}

void rf_digest_part(struct rf_digest *digest, const struct rf_digest *part) {
    sum_remove(&digest->sum, part->sum);
    digest->rows -= part->rows;
}

void rf_hash_store(uint8_t *bytes, struct rf_hash hash) {
    memcpy(bytes, &hash.low, sizeof hash.low);
    memcpy(bytes + sizeof hash.low, &hash.high, sizeof hash.high);
}

struct rf_hash rf_hash_load(const uint8_t *bytes) {
    struct rf_hash hash;
    memcpy(&hash.low, bytes, sizeof hash.low);
    memcpy(&hash.high, bytes + sizeof hash.low, sizeof hash.high);
    return hash;
}

void rf_digest_store(uint8_t *bytes, const struct rf_digest *digest) {
    rf_hash_store(bytes, digest->sum);
    memcpy(bytes + RF_HASH_SIZE, &digest->rows, sizeof digest->rows);
}

struct rf_digest rf_digest_load(const uint8_t *bytes) {
    struct rf_digest digest = {.sum = rf_hash_load(bytes)};
    memcpy(&digest.rows, bytes + RF_HASH_SIZE, sizeof digest.rows);
    return digest;
}

const char *rf_hash_text(struct rf_hash hash, char text[RF_HASH_HEX]) {
    snprintf(text, RF_HASH_HEX, "%016llx%016llx", (unsigned long long)hash.high,
             (unsigned long long)hash.low);
    return text;
}

static bool parse_half(const char *text, uint64_t *half) {
    *half = 0;
    for (int i = 0; i < 16; i++) {
        const char *digits = "0123456789abcdef";
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit) {
            return false;
        }
        *half = *half << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

bool rf_hash_parse(const char *text, struct rf_hash *hash) {
    return parse_half(text, &hash->high) && parse_half(text + 16, &hash->low) && text[32] == 0;
}

struct rf_hasher {
    XXH3_state_t *state;
    struct rf_sha256 *sha256; /* may be NULL */
};

struct rf_hasher *rf_hasher_new(void) {
    struct rf_hasher *hasher = calloc(1, sizeof *hasher);
    if (!hasher) {
        return NULL;
    }
    hasher->state = XXH3_createState();
    if (!hasher->state) {
        free(hasher);
        return NULL;
    }
    XXH3_128bits_reset(hasher->state);
    return hasher;
}

struct rf_hasher *rf_hasher_new_sha256(void) {
    struct rf_hasher *hasher = rf_hasher_new();
    if (hasher && !(hasher->sha256 = rf_sha256_new())) {
        rf_hasher_free(hasher);
        return NULL;
    }
    return hasher;
}

void rf_hasher_free(struct rf_hasher *hasher) {
    if (hasher) {
        rf_sha256_free(hasher->sha256);
        XXH3_freeState(hasher->state);
        free(hasher);
    }
}

void rf_hasher_add(struct rf_hasher *hasher, const void *bytes, size_t size) {
    XXH3_128bits_update(hasher->state, bytes, size);
    if (hasher->sha256) {
        rf_sha256_add(hasher->sha256, bytes, size);
    }
}

struct rf_hash rf_hasher_result(const struct rf_hasher *hasher) {
    XXH128_hash_t hash = XXH3_128bits_digest(hasher->state);
    return (struct rf_hash){.low = hash.low64, .high = hash.high64};
}

void rf_hasher_sha256(struct rf_hasher *hasher, uint8_t digest[RF_SHA256_SIZE]) {
    rf_sha256_result(hasher->sha256, digest);
}
