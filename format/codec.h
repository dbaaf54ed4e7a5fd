/* What encoding and decoding keep from block to block. Inner header of format/. */
#ifndef RF_FORMAT_CODEC_H
#define RF_FORMAT_CODEC_H

#include <zstd.h>

#include "format/block.h"

struct rf_codec {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    struct rf_buffer cells; /* encoding: the batch as arrays a column */
    struct rf_buffer scratch;
    struct rf_buffer raw;
    struct rf_buffer stored; /* reading: a block as the file has it */
    struct rf_rows proof;
};

/* Memory of decoded rows: the raw bytes, and one arena for everything that is unpacked from them. */
struct rf_rows_memory {
    struct rf_buffer raw; /* RF_COPY_SLACK bytes may be read behind it */
    struct rf_buffer arena;
    size_t used; /* of the arena */
};

/* Bytes that one cell takes in arrays of bits, sizes and classes. */
#define RF_CELL_BYTES (sizeof(uint64_t) + sizeof(uint32_t) + sizeof(uint8_t))

#endif
