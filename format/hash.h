/* Hashes and digests: XXH3 in 128 bits for content, in 64 bits for checksums.
 *
 * A row hash stands for a row's exact content: equal hashes are taken for equal rows. XXH3 finds
 * accidents, it does not withstand somebody who searches for collisions; SPEC.md says so.
 *
 * A table digest is the sum of the row hashes modulo 2^128 together with the row count. A sum does
 * not know an order and can be undone: parent - old rows + new rows = child. */
#ifndef RF_FORMAT_HASH_H
#define RF_FORMAT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/sha256.h"

struct rf_hash {
    uint64_t low;
    uint64_t high;
};

#define RF_HASH_SIZE 16 /* bytes in a file: low, then high, little-endian each */
#define RF_HASH_HEX 33  /* characters of the text form, with the NUL */

struct rf_digest {
    struct rf_hash sum;
    uint64_t rows;
};

struct rf_hash rf_hash_bytes(const void *bytes, size_t size);
/* Of strings that lie one after another: string i is bytes[starts[i]] to bytes[starts[i + 1]]. */
void rf_hash_rows(const uint8_t *bytes, const uint32_t *starts, uint32_t count,
                  struct rf_hash *hashes);
uint64_t rf_checksum(const void *bytes, size_t size);

static inline bool rf_hash_equal(struct rf_hash a, struct rf_hash b) {
    return a.low == b.low && a.high == b.high;
}
static inline bool rf_hash_is_zero(struct rf_hash a) {
    return a.low == 0 && a.high == 0;
}
/* Byte order of the text form: <0, 0, >0. */
int rf_hash_compare(struct rf_hash a, struct rf_hash b);

void rf_digest_add(struct rf_digest *digest, struct rf_hash row);
void rf_digest_add_rows(struct rf_digest *digest, const struct rf_hash *rows, uint32_t count);
void rf_digest_remove(struct rf_digest *digest, struct rf_hash row);
/* Adds a whole digest, as when parts of a table were summed on several threads. */
void rf_digest_join(struct rf_digest *digest, const struct rf_digest *part);
/* And takes one away. */
void rf_digest_part(struct rf_digest *digest, const struct rf_digest *part);
static inline bool rf_digest_equal(const struct rf_digest *a, const struct rf_digest *b) {
    return rf_hash_equal(a->sum, b->sum) && a->rows == b->rows;
}

#define RF_DIGEST_SIZE 24 /* bytes in a file: sum, then rows */
void rf_digest_store(uint8_t *bytes, const struct rf_digest *digest);
struct rf_digest rf_digest_load(const uint8_t *bytes);

void rf_hash_store(uint8_t *bytes, struct rf_hash hash);
struct rf_hash rf_hash_load(const uint8_t *bytes);
/* 32 hexadecimal digits: high before low, the most significant digit first. */
const char *rf_hash_text(struct rf_hash hash, char text[RF_HASH_HEX]);
bool rf_hash_parse(const char *text, struct rf_hash *hash); /* exactly 32 digits */

/* A hash over bytes that arrive in pieces, such as a whole file. */
struct rf_hasher;
struct rf_hasher *rf_hasher_new(void); /* NULL when there is no memory */
/* Makes the SHA-256 of the same bytes beside it, which takes many times as long. */
struct rf_hasher *rf_hasher_new_sha256(void);
void rf_hasher_free(struct rf_hasher *hasher);
void rf_hasher_add(struct rf_hasher *hasher, const void *bytes, size_t size);
struct rf_hash rf_hasher_result(const struct rf_hasher *hasher);
/* Once, in the end; as rf_sha256_result. */
void rf_hasher_sha256(struct rf_hasher *hasher, uint8_t digest[RF_SHA256_SIZE]);

#endif
