#include "replay/conversion.h"

#include "format/value.h"
#include "replay/conversion_inner.h"

/* Object ids of built-in types are fixed for all versions of PostgreSQL (pg_type.dat). */

const struct rf_conversion rf_as_bigint = {
    .name = "bigint",
    .type = "bigint",
    .oid = 20,
    .fixed = 8,
    .align = 8,
    .hash_function = "hashint8extended",
    .exact = true,
    .put = rf_put_bigint,
    .takes = RF_TAKES(RF_INTEGER),
    .judge = rf_judge_all_fit,
};
const struct rf_conversion rf_as_double = {
    .name = "double precision",
    .type = "double precision",
    .oid = 701,
    .fixed = 8,
    .align = 8,
    .hash_function = "hashfloat8extended",
    .exact = true,
    .put = rf_put_double,
    .takes = RF_TAKES_NUMBERS,
    .judge = rf_judge_double,
};
const struct rf_conversion rf_as_boolean = {
    .name = "boolean",
    .type = "boolean",
    .oid = 16,
    .fixed = 1,
    .align = 1,
    .exact = true,
    .put = rf_put_boolean,
    .takes = RF_TAKES(RF_INTEGER),
    .judge = rf_judge_boolean,
};
const struct rf_conversion rf_as_bytea = {
    .name = "bytea",
    .type = "bytea",
    .oid = 17,
    .exact = true,
    .put = rf_put_bytea,
    .takes = RF_TAKES(RF_BLOB),
    .judge = rf_judge_all_fit,
};
const struct rf_conversion rf_as_bytea_from_any = {
    .name = "bytea from any",
    .type = "bytea",
    .oid = 17,
    .put = rf_put_bytea_from_any,
    .takes = RF_TAKES_NUMBERS | RF_TAKES(RF_TEXT) | RF_TAKES(RF_BLOB),
    .judge = rf_judge_all_fit,
};
const struct rf_conversion rf_as_text = {
    .name = "text",
    .type = "text",
    .oid = 25,
    .hash_function = "hashtextextended",
    .exact = true,
    .put = rf_put_text,
    .takes = RF_TAKES(RF_TEXT),
    .judge = rf_judge_text,
};
const struct rf_conversion rf_as_text_from_any = {
    .name = "text from any",
    .type = "text",
    .oid = 25,
    .hash_function = "hashtextextended",
    .put = rf_put_text_from_any,
    .takes = RF_TAKES_NUMBERS | RF_TAKES(RF_TEXT),
    .judge = rf_judge_text,
};
const struct rf_conversion rf_as_text_from_any_apart = {
    .name = "text from any, told apart",
    .type = "text",
    .oid = 25,
    .hash_function = "hashtextextended",
    .exact = true,
    .put = rf_put_text_from_any,
    .takes = RF_TAKES_NUMBERS | RF_TAKES(RF_TEXT),
    .judge = rf_judge_text,
    .apart = true,
};
const struct rf_conversion rf_as_numeric = {
    .name = "numeric",
    .type = "numeric",
    .oid = 1700,
    .hash_function = "hash_numeric_extended",
    .put = rf_put_numeric,
    .stored = rf_stored_numeric,
    .takes = RF_TAKES_NUMBERS | RF_TAKES(RF_TEXT),
    .judge = rf_judge_numeric,
};

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
