#include "replay/conversion.h"

#include <string.h>

#include "format/value.h"
#include "replay/render.h"

#define EXACT_IN_DOUBLE (INT64_C(1) << 53)

static inline enum rf_class class_of(const struct rf_column_cells *cells, uint32_t row) {
    return cells->class ? (enum rf_class)cells->class[row] : cells->uniform;
}

static inline int64_t integer_of(const struct rf_column_cells *cells, uint32_t row) {
    int64_t integer;
    memcpy(&integer, &cells->bits[row], sizeof integer);
    return integer;
}

static inline double real_of(const struct rf_column_cells *cells, uint32_t row) {
    double real;
    memcpy(&real, &cells->bits[row], sizeof real);
    return real;
}

static void put_bytes(struct rf_buffer *out, const void *bytes, uint32_t size) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof size + (size_t)size) : NULL;
    if (at) {
        rf_put_be32(at, size);
        if (size > 0) {
            memcpy(at + sizeof size, bytes, size);
        }
    }
}

static void put_word(struct rf_buffer *out, uint64_t word) {
    uint8_t *at = out ? rf_buffer_extend(out, sizeof(uint32_t) + sizeof word) : NULL;
    if (at) {
        rf_put_be32(at, sizeof word);
        rf_put_be64(at + sizeof(uint32_t), word);
    }
}

static void put_double(struct rf_buffer *out, double real) {
    uint64_t word;
    memcpy(&word, &real, sizeof word);
    put_word(out, word);
}

static enum rf_misfit put_as_bigint(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                    struct rf_buffer *out) {
    (void)clean;
    if (class_of(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    put_word(out, cells->bits[row]);
    return RF_FITS;
}

static enum rf_misfit put_as_double(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                    struct rf_buffer *out) {
    (void)clean;
    enum rf_class class = class_of(cells, row);
    if (class == RF_REAL) {
        put_word(out, cells->bits[row]);
        return RF_FITS;
    }
    if (class != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    int64_t integer = integer_of(cells, row);
    if (integer > EXACT_IN_DOUBLE || integer < -EXACT_IN_DOUBLE) {
        return RF_MISFIT_DOUBLE;
    }
    put_double(out, (double)integer);
    return RF_FITS;
}

static enum rf_misfit put_as_boolean(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                     struct rf_buffer *out) {
    (void)clean;
    if (class_of(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    if (cells->bits[row] > 1) {
        return RF_MISFIT_BOOLEAN;
    }
    uint8_t byte = (uint8_t)cells->bits[row];
    put_bytes(out, &byte, sizeof byte);
    return RF_FITS;
}

static enum rf_misfit put_as_bytea(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                   struct rf_buffer *out) {
    (void)clean;
    if (class_of(cells, row) != RF_BLOB) {
        return RF_MISFIT_CLASS;
    }
    if (cells->size[row] > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    put_bytes(out, cells->heap + cells->bits[row], cells->size[row]);
    return RF_FITS;
}

static enum rf_misfit inspect(const uint8_t *bytes, uint32_t size) {
    struct rf_text_facts facts = rf_text_inspect(bytes, size);
    if (!facts.valid_utf8) {
        return RF_MISFIT_UTF8;
    }
    return facts.has_nul ? RF_MISFIT_NUL : RF_FITS;
}

static enum rf_misfit put_as_text(const struct rf_column_cells *cells, uint32_t row, bool clean,
                                  struct rf_buffer *out) {
    if (class_of(cells, row) != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    const uint8_t *bytes = cells->heap + cells->bits[row];
    uint32_t size = cells->size[row];
    if (size > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    enum rf_misfit misfit = clean ? RF_FITS : inspect(bytes, size);
    if (misfit == RF_FITS) {
        put_bytes(out, bytes, size);
    }
    return misfit;
}

static enum rf_misfit put_as_text_or_number(const struct rf_column_cells *cells, uint32_t row,
                                            bool clean, struct rf_buffer *out) {
    char text[RF_NUMBER_TEXT];
    switch (class_of(cells, row)) {
    case RF_INTEGER:
        put_bytes(out, text, (uint32_t)rf_render_integer(integer_of(cells, row), text));
        return RF_FITS;
    case RF_REAL:
        put_bytes(out, text, (uint32_t)rf_render_real(real_of(cells, row), text));
        return RF_FITS;
    default:
        return put_as_text(cells, row, clean, out);
    }
}

static enum rf_misfit put_as_text_or_number_apart(const struct rf_column_cells *cells, uint32_t row,
                                                  bool clean, struct rf_buffer *out) {
    if (class_of(cells, row) == RF_TEXT &&
        rf_looks_rendered(cells->heap + cells->bits[row], cells->size[row])) {
        return RF_MISFIT_NUMBER_TEXT;
    }
    return put_as_text_or_number(cells, row, clean, out);
}

/* Object ids of built-in types are fixed for all versions of PostgreSQL (pg_type.dat). */
static const struct rf_conversion conversions[] = {
    {RF_AS_BIGINT, "integer", "bigint", 20, 8, put_as_bigint},
    {RF_AS_DOUBLE, "real", "double precision", 701, 8, put_as_double},
    {RF_AS_BOOLEAN, "boolean", "boolean", 16, 1, put_as_boolean},
    {RF_AS_BYTEA, "blob", "bytea", 17, 0, put_as_bytea},
    {RF_AS_TEXT, "text", "text", 25, 0, put_as_text},
    {RF_AS_TEXT_OR_NUMBER, "text or number", "text", 25, 0, put_as_text_or_number},
    {RF_AS_TEXT_OR_NUMBER_APART, "text or number, told apart", "text", 25, 0,
     put_as_text_or_number_apart},
};
#define CONVERSIONS (sizeof conversions / sizeof conversions[0])

const struct rf_conversion *rf_conversion_of(enum rf_conversion_kind kind) {
    for (size_t i = 0; i < CONVERSIONS; i++) {
        if (conversions[i].kind == kind) {
            return &conversions[i];
        }
    }
    return NULL;
}

const struct rf_conversion *rf_conversion_find(const char *name) {
    for (size_t i = 0; i < CONVERSIONS; i++) {
        if (strcmp(conversions[i].name, name) == 0) {
            return &conversions[i];
        }
    }
    return NULL;
}

void rf_misfit_reason(enum rf_misfit misfit, enum rf_class class,
                      const struct rf_conversion *conversion, struct rf_buffer *out) {
    switch (misfit) {
    case RF_FITS:
        break;
    case RF_MISFIT_CLASS:
        rf_buffer_printf(out, "%s does not fit %s", rf_class_name(class), conversion->type);
        break;
    case RF_MISFIT_NULL:
        rf_buffer_printf(out, "NULL in a column that is NOT NULL");
        break;
    case RF_MISFIT_BOOLEAN:
        rf_buffer_printf(out, "only 0 and 1 fit boolean");
        break;
    case RF_MISFIT_DOUBLE:
        rf_buffer_printf(out, "integers beyond 2^53 do not fit double precision exactly");
        break;
    case RF_MISFIT_NUL:
        rf_buffer_printf(out, "PostgreSQL text cannot hold a NUL character");
        break;
    case RF_MISFIT_UTF8:
        rf_buffer_printf(out, "the text is not valid UTF-8");
        break;
    case RF_MISFIT_NUMBER_TEXT:
        rf_buffer_printf(out, "the text looks like a number, in a key that holds numbers too");
        break;
    case RF_MISFIT_FIELD_SIZE:
        rf_buffer_printf(out, "a PostgreSQL value ends at 1 GB");
        break;
    case RF_MISFIT_ROW_SIZE:
        rf_buffer_printf(out, "a PostgreSQL row ends at 1 GB");
        break;
    case RF_MISFIT_ROW_WIDTH:
        rf_buffer_printf(out, "the row has more values than fit a PostgreSQL page");
        break;
    }
}
