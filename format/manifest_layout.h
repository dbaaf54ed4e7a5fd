/* Shared by writing and reading of manifests (SPEC.md, "Manifest"). Inner header of format/. */
#ifndef RF_FORMAT_MANIFEST_LAYOUT_H
#define RF_FORMAT_MANIFEST_LAYOUT_H

#include "format/layout.h"
#include "format/manifest.h"

#define RF_MANIFEST_MAGIC "RFMANIFS"

/* No fewer bytes does a reference have; what became of a table, with its state; a table of one column. */
#define RF_MANIFEST_REF_LEAST 99u
#define RF_MANIFEST_CHAIN_LEAST (37u + RF_MANIFEST_REF_LEAST)
#define RF_MANIFEST_TABLE_LEAST (157u + RF_MANIFEST_CHAIN_LEAST)

void rf_manifest_table_encode(const struct rf_manifest_table *table, struct rf_buffer *out);
void rf_manifest_ref_encode(const struct rf_archive_ref *ref, struct rf_buffer *out);
void rf_manifest_ref_decode(struct rf_cursor *cursor, struct rf_archive_ref *ref);
/* What became of the table against the parent, and its archives. */
void rf_manifest_chain_encode(const struct rf_manifest_table *table, struct rf_buffer *out);
/* Sets these members of the table alone, of which `state` is not there yet; state may be left set
 * when the cursor fails. */
void rf_manifest_chain_decode(struct rf_cursor *cursor, struct rf_manifest_table *table);
/* An array of that many zeroed elements, the count read first, each of at least so many bytes in the
 * file; NULL where there are none or the cursor fails. */
void *rf_manifest_array(struct rf_cursor *cursor, uint32_t *count, size_t least, size_t size);
/* Releases what it made when the cursor fails. */
void rf_manifest_table_decode(struct rf_cursor *cursor, struct rf_manifest_table *table);

#endif
