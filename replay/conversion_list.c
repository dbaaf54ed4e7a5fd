/* The conversions that have one name only; those with parameters are put together by
 * conversion_read.c. Object ids of built-in types are fixed for all versions of PostgreSQL
 * (pg_type.dat). Booleans have too few values to hash, bytea no function that SQL may call. */
#include "replay/conversion_inner.h"

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

static const struct rf_conversion as_integer = {
    .name = "integer",
    .type = "integer",
    .oid = 23,
    .fixed = 4,
    .align = 4,
    .hash_function = "hashint4extended",
    .exact = true,
    .put = rf_put_integer,
    .takes = RF_TAKES(RF_INTEGER),
    .judge = rf_judge_integer,
};
static const struct rf_conversion as_smallint = {
    .name = "smallint",
    .type = "smallint",
    .oid = 21,
    .fixed = 2,
    .align = 2,
    .hash_function = "hashint2extended",
    .exact = true,
    .put = rf_put_integer,
    .takes = RF_TAKES(RF_INTEGER),
    .judge = rf_judge_integer,
};
static const struct rf_conversion as_real = {
    .name = "real",
    .type = "real",
    .oid = 700,
    .fixed = 4,
    .align = 4,
    .hash_function = "hashfloat4extended",
    .exact = true,
    .put = rf_put_real,
    .takes = RF_TAKES_NUMBERS,
    .judge = rf_judge_real,
};
static const struct rf_conversion as_boolean_from_words = {
    .name = "boolean from words",
    .type = "boolean",
    .oid = 16,
    .fixed = 1,
    .align = 1,
    .put = rf_put_boolean_from_words,
    .takes = RF_TAKES(RF_INTEGER) | RF_TAKES(RF_TEXT),
    .judge = rf_judge_boolean,
};
static const struct rf_conversion as_varchar = {
    .name = "varchar",
    .type = "character varying",
    .oid = 1043,
    .hash_function = "hashtextextended",
    .exact = true,
    .put = rf_put_text,
    .takes = RF_TAKES(RF_TEXT),
    .judge = rf_judge_text,
};
static const struct rf_conversion as_json = {
    .name = "json",
    .type = "json",
    .oid = 114,
    .exact = true,
    .put = rf_put_json,
    .takes = RF_TAKES(RF_TEXT),
    .judge = rf_judge_passage,
};
static const struct rf_conversion as_jsonb = {
    .name = "jsonb",
    .type = "jsonb",
    .oid = 3802,
    .hash_function = "jsonb_hash_extended",
    .put = rf_put_jsonb,
    .stored = rf_stored_jsonb,
    .takes = RF_TAKES(RF_TEXT),
    .judge = rf_judge_passage,
};
static const struct rf_conversion as_uuid = {
    .name = "uuid",
    .type = "uuid",
    .oid = 2950,
    .fixed = 16,
    .align = 1,
    .hash_function = "uuid_hash_extended",
    .put = rf_put_uuid,
    .takes = RF_TAKES(RF_TEXT) | RF_TAKES(RF_BLOB),
};
static const struct rf_conversion as_uuid_from_text = {
    .name = "uuid from text",
    .type = "uuid",
    .oid = 2950,
    .fixed = 16,
    .align = 1,
    .hash_function = "uuid_hash_extended",
    .exact = true,
    .put = rf_put_uuid,
    .takes = RF_TAKES(RF_TEXT),
};
static const struct rf_conversion as_uuid_from_blob = {
    .name = "uuid from blob",
    .type = "uuid",
    .oid = 2950,
    .fixed = 16,
    .align = 1,
    .hash_function = "uuid_hash_extended",
    .exact = true,
    .put = rf_put_uuid,
    .takes = RF_TAKES(RF_BLOB),
};
static const struct rf_conversion as_bigint_array = {
    .name = "bigint[]",
    .type = "bigint[]",
    .oid = 1016,
    .hash_function = "hash_array_extended",
    .put = rf_put_bigint_array,
    .takes = RF_TAKES(RF_TEXT),
    .judge = rf_judge_passage,
};

const struct rf_conversion *const rf_conversion_list[] = {
    &rf_as_bigint,
    &as_integer,
    &as_smallint,
    &rf_as_double,
    &as_real,
    &rf_as_numeric,
    &rf_as_boolean,
    &as_boolean_from_words,
    &rf_as_bytea,
    &rf_as_bytea_from_any,
    &rf_as_text,
    &rf_as_text_from_any,
    &rf_as_text_from_any_apart,
    &as_varchar,
    &as_json,
    &as_jsonb,
    &as_uuid,
    &as_uuid_from_text,
    &as_uuid_from_blob,
    &as_bigint_array,
    NULL,
};
