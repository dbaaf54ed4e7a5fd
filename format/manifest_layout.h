/* Shared by writing and reading of manifests (SPEC.md, "Manifest"). Inner header of format/. */
#ifndef RF_FORMAT_MANIFEST_LAYOUT_H
#define RF_FORMAT_MANIFEST_LAYOUT_H

#include "format/layout.h"
#include "format/manifest.h"

/* File: magic, u32 version, u32 size of the body, zstd frame of the body, u64 checksum of all before. */
#define RF_MANIFEST_MAGIC "RFMANIFS"
#define RF_MANIFEST_START 16u
#define RF_MANIFEST_BODY_MAX (512u << 20)
#define RF_MANIFEST_FILE_MAX (600u << 20)

void rf_manifest_table_encode(const struct rf_manifest_table *table, struct rf_buffer *out);
/* Releases what it made when the cursor fails. */
void rf_manifest_table_decode(struct rf_cursor *cursor, struct rf_manifest_table *table);

#endif
