/* Booleans, bytes, uuids and labels. */
#include <stdlib.h>
#include <strings.h>

#include "replay/conversion_inner.h"
#include "replay/render.h"
#include "replay/uuid.h"

enum rf_misfit rf_put_boolean(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    if (rf_cell_class(cells, row) != RF_INTEGER) {
        return RF_MISFIT_CLASS;
    }
    if (cells->bits[row] > 1) {
        return RF_MISFIT_BOOLEAN;
    }
    uint8_t byte = (uint8_t)cells->bits[row];
    rf_put_field(out, &byte, sizeof byte);
    return RF_FITS;
}

static bool is_among(const char *const *words, const uint8_t *text, uint32_t size) {
    for (; *words; words++) {
        if (strlen(*words) == size && strncasecmp(*words, (const char *)text, size) == 0) {
            return true;
        }
    }
    return false;
}

enum rf_misfit rf_put_boolean_from_words(RF_PUT_PARAMETERS) {
    static const char *const yes[] = {"t", "true", "y", "yes", "on", "1", NULL};
    static const char *const no[] = {"f", "false", "n", "no", "off", "0", NULL};
    if (rf_cell_class(cells, row) != RF_TEXT) {
        return rf_put_boolean(conversion, cells, row, clean, out);
    }
    const uint8_t *text = rf_cell_bytes(cells, row);
    uint8_t byte = is_among(yes, text, cells->size[row]);
    if (!byte && !is_among(no, text, cells->size[row])) {
        return RF_MISFIT_WORD;
    }
    rf_put_field(out, &byte, sizeof byte);
    return RF_FITS;
}

enum rf_verdict rf_judge_boolean(RF_JUDGE_PARAMETERS) {
    (void)conversion;
    if (census->min_integer < 0 || census->max_integer > 1) {
        return RF_VERDICT_NO;
    }
    return census->count[RF_TEXT] > 0 ? RF_VERDICT_UNSURE : RF_VERDICT_YES;
}

enum rf_misfit rf_put_bytea(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    if (rf_cell_class(cells, row) != RF_BLOB) {
        return RF_MISFIT_CLASS;
    }
    if (cells->size[row] > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    }
    rf_put_field(out, rf_cell_bytes(cells, row), cells->size[row]);
    return RF_FITS;
}

enum rf_misfit rf_put_bytea_from_any(RF_PUT_PARAMETERS) {
    (void)conversion, (void)clean;
    char text[RF_NUMBER_TEXT];
    enum rf_class class = rf_cell_class(cells, row);
    if (class == RF_INTEGER) {
        rf_put_field(out, text, (uint32_t)rf_render_integer(rf_cell_integer(cells, row), text));
    } else if (class == RF_REAL) {
        rf_put_field(out, text, (uint32_t)rf_render_real(rf_cell_real(cells, row), text));
    } else if (cells->size[row] > RF_FIELD_BYTES_MAX) {
        return RF_MISFIT_FIELD_SIZE;
    } else {
        rf_put_field(out, rf_cell_bytes(cells, row), cells->size[row]);
    }
    return RF_FITS;
}

enum rf_misfit rf_put_uuid(RF_PUT_PARAMETERS) {
    (void)clean;
    uint8_t uuid[RF_UUID_BYTES];
    enum rf_class class = rf_cell_class(cells, row);
    if (!(conversion->takes & RF_TAKES(class))) {
        return RF_MISFIT_CLASS;
    }
    const uint8_t *bytes = rf_cell_bytes(cells, row);
    uint32_t size = cells->size[row];
    bool fits =
        class == RF_TEXT ? rf_uuid_of_text(bytes, size, uuid) : rf_uuid_of_blob(bytes, size, uuid);
    if (!fits) {
        return RF_MISFIT_UUID;
    }
    rf_put_field(out, uuid, sizeof uuid);
    return RF_FITS;
}

static int compare_labels(const void *left, const void *right) {
    const struct rf_label *a = left, *b = right;
    uint32_t common = a->size < b->size ? a->size : b->size;
    int order = common > 0 ? memcmp(a->bytes, b->bytes, common) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

void rf_labels_sort(struct rf_label *labels, uint32_t count) {
    if (count > 0) {
        qsort(labels, count, sizeof *labels, compare_labels);
    }
}

enum rf_misfit rf_put_label(RF_PUT_PARAMETERS) {
    (void)clean;
    if (rf_cell_class(cells, row) != RF_TEXT) {
        return RF_MISFIT_CLASS;
    }
    const struct rf_label text = {(const char *)rf_cell_bytes(cells, row), cells->size[row]};
    const struct rf_label *label = conversion->label_count == 0
                                       ? NULL
                                       : bsearch(&text, conversion->labels, conversion->label_count,
                                                 sizeof text, compare_labels);
    if (!label) {
        return RF_MISFIT_LABEL;
    }
    rf_put_field(out, text.bytes, text.size);
    return RF_FITS;
}
