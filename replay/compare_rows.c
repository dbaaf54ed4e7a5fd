#include "replay/compare_rows.h"

#include "format/state.h"
#include "replay/aside.h"
#include "replay/encode.h"

enum rf_code rf_compare_fail_unsound(struct rf_error *error) {
    return rf_fail(error, RF_CORRUPT, "the repository is damaged: the target is not compared");
}

/* ---- the snapshot ---- */

struct source_stream {
    const struct rf_compare_table *table;
    const struct rf_visitor *visitor;
    struct rf_arena arena;
    struct rf_encoder encoder;
    struct rf_tuple_reader reader;
    struct rf_buffer tuple;
    struct rf_buffer scratch;
};

static bool whole_tuple(const struct source_stream *stream, struct rf_tuple *tuple) {
    const struct rf_buffer *bytes = &stream->tuple;
    if (stream->visitor->keys) {
        return rf_tuple_read(&stream->reader, bytes->bytes, bytes->size, tuple) == RF_TUPLE_WHOLE;
    }
    *tuple = (struct rf_tuple){
        .bytes = bytes->bytes,
        .size = bytes->size,
        .row = rf_hash_bytes(bytes->bytes, bytes->size),
    };
    return true;
}

static enum rf_code source_row(struct source_stream *stream, const struct rf_rows *rows,
                               uint32_t row, struct rf_error *error) {
    const struct rf_visitor *visitor = stream->visitor;
    const struct rf_kept_hashes *kept = stream->table->kept;
    uint32_t column;
    rf_buffer_clear(&stream->tuple);
    if (kept && kept->count > 0) {
        struct rf_hash hash = rf_encode_hash(rows, row, &stream->scratch);
        if (rf_kept_hashes_have(kept, hash)) {
            return visitor->aside(visitor->context, hash, rows, row, error);
        }
    }
    if (rf_encode_row(&stream->encoder, rows, row, &stream->tuple, &column) != RF_FITS) {
        struct rf_hash hash = rf_encode_hash(rows, row, &stream->scratch);
        return visitor->aside(visitor->context, hash, rows, row, error);
    }
    if (stream->table->asides_only) {
        return RF_OK;
    }
    struct rf_tuple tuple;
    if (stream->tuple.failed || !whole_tuple(stream, &tuple)) {
        return rf_fail_memory(error);
    }
    return visitor->row(visitor->context, &tuple, error);
}

#define KEPT_BYTES (4u << 20)

static enum rf_code source_span(struct source_stream *stream, const struct rf_span *span,
                                struct rf_error *error) {
    const struct rf_compare_table *table = stream->table;
    enum rf_code code = rf_run_check(table->run, error);
    if (code == RF_OK && !rf_compare_sound(table, false)) {
        code = rf_compare_fail_unsound(error);
    }
    for (uint32_t i = 0; code == RF_OK && i < span->count; i++) {
        code = source_row(stream, span->rows, span->first + i, error);
    }
    if (stream->tuple.capacity > KEPT_BYTES) {
        rf_buffer_release(&stream->tuple);
    }
    if (stream->scratch.capacity > KEPT_BYTES) {
        rf_buffer_release(&stream->scratch);
    }
    rf_run_advance(table->run, table->plan->table, span->count);
    return code;
}

static enum rf_code scan_source(struct source_stream *stream, struct rf_error *error) {
    const struct rf_compare_table *table = stream->table;
    struct rf_state *state = NULL;
    struct rf_scan *scan = NULL;
    enum rf_code code = rf_state_open(table->run->repository, table->source, &state, error);
    if (code == RF_OK) {
        code = rf_scan_new(state, 0, rf_state_parts(state), &scan, error);
    }
    while (code == RF_OK) {
        struct rf_span span;
        code = rf_scan_next(scan, &span, error);
        if (code != RF_OK || span.count == 0) {
            break;
        }
        code = source_span(stream, &span, error);
    }
    rf_scan_free(scan);
    rf_state_close(state);
    return code;
}

enum rf_code rf_compare_read_source(const struct rf_compare_table *table,
                                    const struct rf_visitor *visitor, struct rf_error *error) {
    struct source_stream stream = {.table = table, .visitor = visitor};
    enum rf_code code = rf_plan_whole_encoder(table->plan, table->source->census, &stream.arena,
                                              &stream.encoder, error);
    if (code == RF_OK) {
        code = rf_tuple_reader_init(&stream.reader, table->plan, &stream.arena, error);
    }
    if (code == RF_OK) {
        code = scan_source(&stream, error);
    }
    rf_buffer_release(&stream.tuple);
    rf_buffer_release(&stream.scratch);
    rf_arena_release(&stream.arena);
    return code;
}

/* ---- COPY TO ---- */

/* The server sends a tuple in one piece, but nothing promises that: what a piece leaves over is
 * carried to the next. */
struct copy_stream {
    const struct rf_tuple_reader *reader;
    struct rf_buffer carried;
    bool headed; /* the header has been read */
    enum rf_code (*tuple)(void *context, const struct rf_tuple *tuple, struct rf_error *error);
    void *context;
};

#define EXTENSION_AT 15u

static enum rf_code read_tuples(struct copy_stream *stream, const uint8_t *bytes, size_t size,
                                size_t *used, struct rf_error *error) {
    *used = 0;
    if (!stream->headed) {
        if (size < RF_COPY_HEADER_SIZE) {
            return RF_OK;
        }
        size_t header = RF_COPY_HEADER_SIZE + rf_load_be32(bytes + EXTENSION_AT);
        if (size < header) {
            return RF_OK;
        }
        stream->headed = true;
        *used = header;
    }
    for (;;) {
        struct rf_tuple tuple;
        switch (rf_tuple_read(stream->reader, bytes + *used, size - *used, &tuple)) {
        case RF_TUPLE_WHOLE:
            break;
        case RF_TUPLE_BAD:
            return rf_fail(error, RF_FAILED, "the server sent a row with other columns");
        case RF_TUPLE_CUT:
        case RF_TUPLE_LAST:
            return RF_OK;
        }
        enum rf_code code = stream->tuple(stream->context, &tuple, error);
        if (code != RF_OK) {
            return code;
        }
        *used += tuple.size;
    }
}

static enum rf_code take_piece(struct copy_stream *stream, const uint8_t *bytes, size_t size,
                               struct rf_error *error) {
    size_t used;
    enum rf_code code;
    if (stream->carried.size == 0) {
        code = read_tuples(stream, bytes, size, &used, error);
        if (code == RF_OK && used < size) {
            rf_buffer_append(&stream->carried, bytes + used, size - used);
        }
    } else {
        rf_buffer_append(&stream->carried, bytes, size);
        code = rf_buffer_check(&stream->carried, error);
        if (code == RF_OK) {
            code = read_tuples(stream, stream->carried.bytes, stream->carried.size, &used, error);
        }
        if (code == RF_OK) {
            size_t left = stream->carried.size - used;
            memmove(stream->carried.bytes, stream->carried.bytes + used, left);
            stream->carried.size = left;
        }
    }
    return code == RF_OK ? rf_buffer_check(&stream->carried, error) : code;
}

static enum rf_code read_copy(struct rf_pg *pg, struct rf_buffer *sql, struct copy_stream *stream,
                              struct rf_error *error) {
    rf_buffer_u8(sql, 0);
    enum rf_code code = rf_buffer_check(sql, error);
    if (code == RF_OK) {
        code = rf_pg_copy_out(pg, (const char *)sql->bytes, error);
    }
    while (code == RF_OK) {
        const uint8_t *bytes;
        size_t size;
        code = rf_pg_copy_next(pg, &bytes, &size, error);
        if (code != RF_OK || !bytes) {
            break;
        }
        code = take_piece(stream, bytes, size, error);
    }
    rf_buffer_release(&stream->carried);
    return code;
}

/* ---- the target ---- */

static enum rf_code read_table(const struct rf_compare_table *table, struct rf_pg *pg,
                               const struct rf_visitor *visitor, struct rf_error *error) {
    struct rf_arena arena = {0};
    struct rf_tuple_reader reader;
    struct rf_buffer sql = {0};
    enum rf_code code = rf_tuple_reader_init(&reader, table->plan, &arena, error);
    reader.keys = visitor->keys;
    if (code == RF_OK) {
        struct copy_stream stream = {
            .reader = &reader, .tuple = visitor->row, .context = visitor->context};
        if (table->plan->kept) {
            rf_keep_copy_out(table->target, table->plan, &sql);
        } else {
            rf_plan_copy_out(table->plan, table->target->schema, &sql);
        }
        code = read_copy(pg, &sql, &stream, error);
    }
    rf_buffer_release(&sql);
    rf_arena_release(&arena);
    return code;
}

/* (row hash, copy) */
static enum rf_code take_aside(void *context, const struct rf_tuple *tuple,
                               struct rf_error *error) {
    const struct rf_visitor *visitor = context;
    uint32_t size;
    const uint8_t *hash = rf_tuple_field(tuple->bytes, 0, &size);
    if (!hash || size != RF_HASH_SIZE) {
        return RF_OK; /* not ours; it will be found wanting as what it stands for */
    }
    return visitor->aside(visitor->context, rf_hash_load(hash), NULL, 0, error);
}

static enum rf_code read_asides(const struct rf_compare_table *table, struct rf_pg *pg,
                                const struct rf_visitor *visitor, struct rf_error *error) {
    bool any;
    enum rf_code code = rf_aside_any(pg, table->target, table->plan->table, &any, error);
    if (code != RF_OK || !any) {
        return code;
    }
    const struct rf_tuple_reader reader = {.columns = 2};
    struct rf_visitor inner = *visitor;
    struct copy_stream stream = {.reader = &reader, .tuple = take_aside, .context = &inner};
    struct rf_buffer sql = {0};
    rf_aside_hashes_sql(table->target, table->plan->table, &sql);
    code = read_copy(pg, &sql, &stream, error);
    rf_buffer_release(&sql);
    return code;
}

enum rf_code rf_compare_read_target(const struct rf_compare_table *table, struct rf_pg *pg,
                                    const struct rf_visitor *visitor, struct rf_error *error) {
    enum rf_code code = table->asides_only ? RF_OK : read_table(table, pg, visitor, error);
    return code == RF_OK ? read_asides(table, pg, visitor, error) : code;
}
