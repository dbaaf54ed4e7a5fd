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

/* What needs no more said than this. */
static const char *const sentences[] = {
    [RF_FITS] = "NUL or invalid UTF-8 in the text is mended",
    [RF_MISFIT_NULL] = "NULL in a column that is NOT NULL",
    [RF_MISFIT_BOOLEAN] = "only 0 and 1 fit boolean",
    [RF_MISFIT_DOUBLE] = "integers beyond 2^53 do not fit double precision exactly",
    [RF_MISFIT_NUL] = "PostgreSQL text cannot hold a NUL character",
    [RF_MISFIT_UTF8] = "the text is not valid UTF-8",
    [RF_MISFIT_NUMBER_TEXT] = "the text looks like a number, in a key that holds numbers too",
    [RF_MISFIT_FIELD_SIZE] = "a PostgreSQL value ends at 1 GB",
    [RF_MISFIT_ROW_SIZE] = "a PostgreSQL row ends at 1 GB",
    [RF_MISFIT_ROW_WIDTH] = "the row has more values than fit a PostgreSQL page",
    [RF_MISFIT_ARRAY] = "the text is not a JSON array of integers",
    [RF_MISFIT_WORD] = "the text is no word for true or false",
    [RF_MISFIT_TWIN] = "as a decimal the real is another integer, in a key",
};

static const char *sentence_of(enum rf_misfit misfit) {
    return misfit < sizeof sentences / sizeof sentences[0] ? sentences[misfit] : NULL;
}

void rf_misfit_reason(enum rf_misfit misfit, enum rf_class class,
                      const struct rf_conversion *conversion, struct rf_buffer *out) {
    const char *type = conversion->type, *name = conversion->name;
    const char *sentence = sentence_of(misfit);
    switch (misfit) {
    case RF_MISFIT_CLASS:
        rf_buffer_printf(out, "%s does not fit %s", rf_class_name(class), type);
        break;
    case RF_MISFIT_RANGE:
        rf_buffer_printf(out, "%s %s",
                         class == RF_INTEGER ? "an integer beyond the range of"
                                             : "a real that would be rounded in",
                         type);
        break;
    case RF_MISFIT_DECIMAL:
        rf_buffer_printf(out, "%s that %s holds exactly",
                         class == RF_TEXT ? "the text is no decimal number" : "not a number", type);
        break;
    case RF_MISFIT_INSTANT:
        rf_buffer_printf(out, "no %s: the column is %s", type, name);
        break;
    case RF_MISFIT_SPELLING:
        rf_buffer_printf(out, "spelled otherwise: the column is %s", name);
        break;
    case RF_MISFIT_UUID:
        rf_buffer_printf(out, "%s",
                         class == RF_TEXT ? "the text is not a uuid as PostgreSQL writes it"
                                          : "a uuid has 16 bytes");
        break;
    case RF_MISFIT_JSON:
        rf_buffer_printf(out, "the text is not JSON that %s can hold", type);
        break;
    case RF_MISFIT_LABEL:
        rf_buffer_printf(out, "the text is not a label of %s", type);
        break;
    case RF_MISFIT_LENGTH:
        rf_buffer_printf(out, "the text has more characters than %s takes", type);
        break;
    case RF_MISFIT_TRAILING:
        rf_buffer_printf(out, "%s cannot tell whether a text ends in spaces", type);
        break;
    default:
        if (sentence) {
            rf_buffer_printf(out, "%s", sentence);
        }
        break;
    }
}
