/* What the parts of the conversions share: cells taken apart, fields put together. */
#ifndef RF_REPLAY_CONVERSION_INNER_H
#define RF_REPLAY_CONVERSION_INNER_H

#include "replay/conversion.h"

#define RF_TAKES(class) (uint8_t)(1u << (class))
#define RF_TAKES_NUMBERS (RF_TAKES(RF_INTEGER) | RF_TAKES(RF_REAL))

#define RF_EXACT_IN_DOUBLE (INT64_C(1) << 53)

static inline enum rf_class rf_cell_class(const struct rf_column_cells *cells, uint32_t row) {
    return cells->class ? (enum rf_class)cells->class[row] : cells->uniform;
}

static inline int64_t rf_cell_integer(const struct rf_column_cells *cells, uint32_t row) {
    int64_t integer;
    memcpy(&integer, &cells->bits[row], sizeof integer);
    return integer;
}

static inline double rf_cell_real(const struct rf_column_cells *cells, uint32_t row) {
    double real;
    memcpy(&real, &cells->bits[row], sizeof real);
    return real;
}

/* Of texts and blobs. */
static inline const uint8_t *rf_cell_bytes(const struct rf_column_cells *cells, uint32_t row) {
    return cells->heap + cells->bits[row];
}

static inline void rf_put_field(struct rf_buffer *out, const void *bytes, uint32_t size) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof size + (size_t)size) : NULL;
    if (at) {
        rf_put_be32(at, size);
        if (size > 0) {
            memcpy(at + sizeof size, bytes, size);
        }
    }
}

static inline void rf_put_field8(struct rf_buffer *out, uint64_t word) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + sizeof word) : NULL;
    if (at) {
        rf_put_be32(at, sizeof word);
        rf_put_be64(at + sizeof(uint32_t), word);
    }
}

static inline void rf_put_field4(struct rf_buffer *out, uint32_t word) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + sizeof word) : NULL;
    if (at) {
        rf_put_be32(at, sizeof word);
        rf_put_be32(at + sizeof(uint32_t), word);
    }
}

/* Every put has these parameters, and every judge those. */
#define RF_PUT_PARAMETERS                                                                      \
    const struct rf_conversion *conversion, const struct rf_column_cells *cells, uint32_t row, \
        bool clean, struct rf_buffer *out
#define RF_JUDGE_PARAMETERS const struct rf_conversion *conversion, const struct rf_census *census

enum rf_verdict rf_judge_all_fit(RF_JUDGE_PARAMETERS);

/* conversion_number.c */
enum rf_misfit rf_put_bigint(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_integer(RF_PUT_PARAMETERS); /* integer and smallint */
enum rf_verdict rf_judge_integer(RF_JUDGE_PARAMETERS);
enum rf_misfit rf_put_double(RF_PUT_PARAMETERS);
enum rf_verdict rf_judge_double(RF_JUDGE_PARAMETERS);
enum rf_misfit rf_put_real(RF_PUT_PARAMETERS);
enum rf_verdict rf_judge_real(RF_JUDGE_PARAMETERS);
enum rf_misfit rf_put_numeric(RF_PUT_PARAMETERS);
enum rf_verdict rf_judge_numeric(RF_JUDGE_PARAMETERS);
uint32_t rf_stored_numeric(const uint8_t *field, uint32_t size);

/* conversion_text.c */
enum rf_misfit rf_text_misfit(const uint8_t *text, uint32_t size);
enum rf_misfit rf_put_text(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_passage(RF_PUT_PARAMETERS); /* text that is mended or of limited length */
enum rf_misfit rf_put_text_from_any(RF_PUT_PARAMETERS);
enum rf_verdict rf_judge_text(RF_JUDGE_PARAMETERS);
enum rf_verdict rf_judge_length(RF_JUDGE_PARAMETERS);
enum rf_verdict rf_judge_passage(RF_JUDGE_PARAMETERS); /* text with a meaning of its own */
bool rf_alters_text(const struct rf_conversion *conversion, const struct rf_column_cells *cells,
                    uint32_t row);

/* conversion_instant.c */
enum rf_misfit rf_put_instant(RF_PUT_PARAMETERS);
/* What is kept without a zone, or less than a time, must not depend on a zone. */
bool rf_instant_takes(enum rf_instant_type type, const struct rf_spelling *spelling);
/* `encoding`: one that counts, or any iso, whose spelling may be NULL. */
void rf_instant_set_encoding(struct rf_conversion *conversion, enum rf_instant_encoding encoding,
                             const struct rf_spelling *spelling);

/* conversion_json.c */
enum rf_misfit rf_put_json(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_jsonb(RF_PUT_PARAMETERS);
uint32_t rf_stored_jsonb(const uint8_t *field, uint32_t size);
enum rf_misfit rf_put_bigint_array(RF_PUT_PARAMETERS);

/* conversion_other.c */
enum rf_misfit rf_put_boolean(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_boolean_from_words(RF_PUT_PARAMETERS);
enum rf_verdict rf_judge_boolean(RF_JUDGE_PARAMETERS);
enum rf_misfit rf_put_bytea(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_bytea_from_any(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_uuid(RF_PUT_PARAMETERS);
enum rf_misfit rf_put_label(RF_PUT_PARAMETERS);
void rf_labels_sort(struct rf_label *labels, uint32_t count);

/* conversion_list.c: all that have one name only, NULL at the end. */
extern const struct rf_conversion *const rf_conversion_list[];

#endif
