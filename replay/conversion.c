#include "replay/conversion.h"

#include "format/value.h"
#include "replay/conversion_inner.h"

enum rf_verdict rf_judge_all_fit(RF_JUDGE_PARAMETERS) {
    (void)conversion, (void)census;
    return RF_VERDICT_YES;
}

enum rf_verdict rf_conversion_fits_census(const struct rf_conversion *conversion,
                                          const struct rf_census *census) {
    bool any = false;
    for (unsigned class = RF_INTEGER; class < RF_CLASSES; class ++) {
        if (census->count[class] > 0) {
            if (!(conversion->takes & RF_TAKES(class))) {
                return RF_VERDICT_NO;
            }
            any = true;
        }
    }
    if (!any) {
        return RF_VERDICT_YES;
    }
    if (census->longest > RF_FIELD_BYTES_MAX) {
        return RF_VERDICT_NO;
    }
    return conversion->judge ? conversion->judge(conversion, census) : RF_VERDICT_UNSURE;
}

void rf_misfit_reason(enum rf_misfit misfit, enum rf_class class,
                      const struct rf_conversion *conversion, struct rf_buffer *out) {
    const char *type = conversion->type;
    switch (misfit) {
    case RF_FITS:
        break;
    case RF_MISFIT_CLASS:
        rf_buffer_printf(out, "%s does not fit %s", rf_class_name(class), type);
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
    case RF_MISFIT_RANGE:
        if (class == RF_INTEGER) {
            rf_buffer_printf(out, "an integer beyond the range of %s", type);
        } else {
            rf_buffer_printf(out, "a number that %s cannot hold exactly", type);
        }
        break;
    case RF_MISFIT_DECIMAL:
        rf_buffer_printf(out, "%s that %s cannot hold exactly",
                         class == RF_TEXT ? "no decimal number, or one" : "a number", type);
        break;
    case RF_MISFIT_INSTANT:
        rf_buffer_printf(out, "not a %s as the column has them (%s)", type, conversion->name);
        break;
    case RF_MISFIT_SPELLING:
        rf_buffer_printf(out, "not spelled as the column's texts are (%s)", conversion->name);
        break;
    case RF_MISFIT_UUID:
        rf_buffer_printf(out, class == RF_TEXT ? "not a uuid as PostgreSQL writes it"
                                               : "a uuid has 16 bytes");
        break;
    case RF_MISFIT_JSON:
        rf_buffer_printf(out, "not JSON that %s can hold", type);
        break;
    case RF_MISFIT_ARRAY:
        rf_buffer_printf(out, "not a JSON array of integers");
        break;
    case RF_MISFIT_LABEL:
        rf_buffer_printf(out, "the text is not a label of %s", type);
        break;
    case RF_MISFIT_LENGTH:
        rf_buffer_printf(out, "the text has more characters than %s takes", type);
        break;
    case RF_MISFIT_WORD:
        rf_buffer_printf(out, "the text is no word for true or false");
        break;
    case RF_MISFIT_TRAILING:
        rf_buffer_printf(out, "%s cannot tell whether a text ends in spaces", type);
        break;
    case RF_MISFIT_TWIN:
        rf_buffer_printf(out, "the real becomes the decimal of another integer, in a key");
        break;
    }
}
