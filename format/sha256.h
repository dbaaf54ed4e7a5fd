/* SHA-256 (FIPS 180-4), by libcrypto: what a manifest says of files, and a signature of manifests.
 *
 * XXH3 finds accidents and is what everything is checked with; this one also withstands somebody who
 * changes a file and its checksums on purpose, and is asked only where keys are trusted. */
#ifndef RF_FORMAT_SHA256_H
#define RF_FORMAT_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define RF_SHA256_SIZE 32
#define RF_SHA256_HEX 65 /* characters of the text form, with the NUL */

struct rf_sha256;
struct rf_sha256 *rf_sha256_new(void); /* NULL where there is no memory, or libcrypto has none */
void rf_sha256_free(struct rf_sha256 *sha256); /* NULL is fine */
void rf_sha256_add(struct rf_sha256 *sha256, const void *bytes, size_t size);
/* Once, at the end. All zero, which no file has, where libcrypto failed on the way. */
void rf_sha256_result(struct rf_sha256 *sha256, uint8_t digest[RF_SHA256_SIZE]);
/* Of bytes at hand; likewise. */
void rf_sha256_bytes(const void *bytes, size_t size, uint8_t digest[RF_SHA256_SIZE]);
const char *rf_sha256_text(const uint8_t digest[RF_SHA256_SIZE], char text[RF_SHA256_HEX]);

#endif
