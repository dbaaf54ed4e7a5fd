#include "capture/index_outlet.h"

enum rf_code rf_index_outlet_open(struct rf_index_outlet *outlet,
                                  const struct rf_outlet_settings *settings,
                                  const struct rf_table *table, struct rf_error *error) {
    *outlet = (struct rf_index_outlet){.settings = settings, .open = true};
    if (settings->dry_run) {
        return RF_OK;
    }
    enum rf_code code =
        rf_index_writer_new(rf_repository_io(settings->repository),
                            rf_repository_tmp(settings->repository), table, &outlet->writer, error);
    outlet->open = code == RF_OK;
    return code;
}

struct rf_keyed_rows rf_piece_rows(const struct rf_piece *piece) {
    return (struct rf_keyed_rows){
        .count = piece->rows,
        .rowids = piece->rowids,
        .hashes = piece->hashes,
        .keys = piece->keys,
        .key_starts = piece->key_starts,
    };
}

enum rf_code rf_index_outlet_put(struct rf_index_outlet *outlet, const struct rf_piece *piece,
                                 struct rf_error *error) {
    const struct rf_keyed_rows rows = rf_piece_rows(piece);
    const struct rf_index_put put = {
        .identity = piece->identity,
        .begins = piece->begins,
        .ends = piece->ends,
        .rows = &rows,
        .sum = piece->digest.sum,
        .census = piece->census,
    };
    return outlet->writer ? rf_index_writer_put(outlet->writer, &put, error) : RF_OK;
}

enum rf_code rf_index_outlet_put_part(struct rf_index_outlet *outlet,
                                      const struct rf_keyed_rows *rows, uint32_t count,
                                      struct rf_error *error) {
    struct rf_keyed_rows part = *rows;
    struct rf_digest digest = {0};
    part.count = count;
    for (uint32_t i = 0; i < count; i++) {
        rf_digest_add(&digest, rows->hashes[i]);
    }
    const struct rf_index_put put = {
        .begins = true, .ends = true, .rows = &part, .sum = digest.sum};
    return outlet->writer ? rf_index_writer_put(outlet->writer, &put, error) : RF_OK;
}

enum rf_code rf_index_outlet_copy(struct rf_index_outlet *outlet, struct rf_index_reader *reader,
                                  uint32_t first, uint32_t end, struct rf_error *error) {
    return outlet->writer ? rf_index_writer_copy(outlet->writer, reader, first, end, error) : RF_OK;
}

enum rf_code rf_index_outlet_settle(struct rf_index_outlet *outlet, struct rf_error *error) {
    return outlet->writer ? rf_index_writer_settle(outlet->writer, error) : RF_OK;
}

enum rf_code rf_index_outlet_finish(struct rf_index_outlet *outlet,
                                    const struct rf_manifest_table *table, struct rf_error *error) {
    const struct rf_outlet_settings *settings = outlet->settings;
    struct rf_index_writer *writer = outlet->writer;
    if (!writer || !rf_index_wanted(&settings->index_least, table)) {
        rf_index_outlet_abort(outlet);
        return RF_OK;
    }
    outlet->open = false;
    outlet->writer = NULL;
    return rf_index_list_finish(settings->indexes, settings->repository, writer, table, error);
}

void rf_index_outlet_abort(struct rf_index_outlet *outlet) {
    rf_index_writer_abort(outlet->writer);
    outlet->writer = NULL;
    outlet->open = false;
}
