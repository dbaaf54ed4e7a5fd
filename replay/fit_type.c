#include "replay/fit_type.h"

#include <string.h>

#include "format/bytes.h"
#include "replay/quote.h"

static struct rf_fit_type found(const char *spec) {
    return (struct rf_fit_type){.spec = spec};
}

static struct rf_fit_type trouble(const char *text) {
    return (struct rf_fit_type){.trouble = text};
}

static uint64_t numbers(const struct rf_fit_type_question *question) {
    return question->census->count[RF_INTEGER] + question->census->count[RF_REAL];
}

static uint64_t texts(const struct rf_fit_type_question *question) {
    return question->census->count[RF_TEXT];
}

/* What the column's rule says is done to NUL and invalid UTF-8 in a column that stays text. */
static const char *mending(const struct rf_fit_type_question *question) {
    switch (question->settings.bad_text) {
    case RF_BAD_TEXT_STRIP:
        return "; strip";
    case RF_BAD_TEXT_REPLACE:
        return "; replace";
    case RF_BAD_TEXT_ESCAPE:
        return "; escape";
    case RF_BAD_TEXT_DEFAULT:
    case RF_BAD_TEXT_SET_ASIDE:
    case RF_BAD_TEXT_BYTEA:
        return "";
    }
    return "";
}

/* SQLite makes text of every number in a column with TEXT affinity; in any other, numbers may come
 * even where there are none yet. */
static struct rf_fit_type choose_text(const struct rf_fit_type_question *question,
                                      struct rf_arena *arena) {
    bool text_only = rf_affinity_of(question->from->declared) == RF_AFFINITY_TEXT;
    const char *head = "text";
    if (!text_only || numbers(question) > 0) {
        head = question->distinct ? "text from any, told apart" : "text from any";
    }
    return found(rf_arena_printf(arena, "%s%s", head, mending(question)));
}

/* "character varying(20)" has its 20 from format_type. */
static struct rf_fit_type choose_bounded(const struct rf_fit_type_question *question,
                                         const char *head, struct rf_arena *arena) {
    const char *bound = strchr(question->to->type, '(');
    return found(rf_arena_printf(arena, "%s%s%s", head, bound ? bound : "", mending(question)));
}

/* Two values that differ in their class alone would have the same bytes. */
static struct rf_fit_type choose_bytea(const struct rf_fit_type_question *question) {
    bool mixed = question->distinct && question->census->count[RF_BLOB] > 0;
    return found(numbers(question) + texts(question) > 0 && !mixed ? "bytea from any" : "bytea");
}

/* "timestamp(3) with time zone" becomes "timestamptz(3)". */
static const char *instant_type(const struct rf_catalog_column *to, struct rf_arena *arena) {
    const char *head = to->kind == RF_KIND_DATE        ? "date"
                       : to->kind == RF_KIND_TIME      ? "time"
                       : to->kind == RF_KIND_TIMESTAMP ? "timestamp"
                                                       : "timestamptz";
    return to->modifier < 0 ? head : rf_arena_printf(arena, "%s(%d)", head, (int)to->modifier);
}

/* Numbers that could be seconds or milliseconds are never guessed at. Texts may change their
 * spelling from row to row, but where two spellings of one moment would collide. */
static struct rf_fit_type choose_instant(const struct rf_fit_type_question *question,
                                         struct rf_arena *arena) {
    const char *type = instant_type(question->to, arena);
    bool spelled = question->proven && strncmp(question->proven, "iso", 3) == 0;
    if (question->proven && (!spelled || question->distinct)) {
        return found(rf_arena_printf(arena, "%s from %s", type, question->proven));
    }
    if (numbers(question) == 0) {
        return found(rf_arena_printf(arena, "%s from iso", type));
    }
    return trouble(rf_arena_printf(arena,
                                   "is %s, and what the source's numbers count is not certain "
                                   "(say so, as in \"type: %s from unix-ms\")",
                                   question->to->declared, type));
}

static void put_label(struct rf_buffer *spec, const char *label) {
    rf_buffer_u8(spec, '\'');
    for (const char *at = label; *at; at++) {
        if (*at == '\'') {
            rf_buffer_u8(spec, '\'');
        }
        rf_buffer_u8(spec, (uint8_t)*at);
    }
    rf_buffer_u8(spec, '\'');
}

static struct rf_fit_type choose_enum(const struct rf_fit_type_question *question,
                                      struct rf_arena *arena) {
    const struct rf_catalog_column *to = question->to;
    const struct rf_catalog *catalog = question->catalog;
    struct rf_buffer spec = {0};
    rf_buffer_printf(&spec, "enum ");
    rf_quote_qualified(&spec, to->type_schema, to->type_name);
    char separator = '(';
    for (uint32_t i = 0; i < catalog->label_count; i++) {
        const struct rf_catalog_label *label = &catalog->labels[i];
        if (strcmp(label->schema, to->type_schema) == 0 &&
            strcmp(label->type, to->type_name) == 0) {
            rf_buffer_u8(&spec, (uint8_t)separator);
            put_label(&spec, label->label);
            separator = ',';
        }
    }
    rf_buffer_append(&spec, separator == '(' ? "()" : ")", separator == '(' ? 3 : 2);
    const char *copy = spec.failed ? NULL : rf_arena_copy(arena, (const char *)spec.bytes);
    arena->failed = arena->failed || spec.failed;
    rf_buffer_release(&spec);
    return found(copy);
}

static struct rf_fit_type choose_boolean(const struct rf_fit_type_question *question) {
    return found(texts(question) > 0 ? "boolean from words" : "boolean");
}

static struct rf_fit_type choose(const struct rf_fit_type_question *question,
                                 struct rf_arena *arena) {
    switch (question->to->kind) {
    case RF_KIND_BOOL:
        return choose_boolean(question);
    case RF_KIND_INT2:
        return found("smallint");
    case RF_KIND_INT4:
        return found("integer");
    case RF_KIND_INT8:
        return found("bigint");
    case RF_KIND_FLOAT4:
        return found("real");
    case RF_KIND_FLOAT8:
        return found("double precision");
    case RF_KIND_NUMERIC:
        return found(rf_arena_printf(arena, "%s%s", question->to->type,
                                     question->distinct ? ", told apart" : ""));
    case RF_KIND_TEXT:
        return choose_text(question, arena);
    case RF_KIND_VARCHAR:
        return choose_bounded(question, "varchar", arena);
    case RF_KIND_CHAR:
        return choose_bounded(question, "character", arena);
    case RF_KIND_BYTEA:
        return choose_bytea(question);
    case RF_KIND_DATE:
    case RF_KIND_TIME:
    case RF_KIND_TIMESTAMP:
    case RF_KIND_TIMESTAMPTZ:
        return choose_instant(question, arena);
    case RF_KIND_JSON:
        return found(rf_arena_printf(arena, "json%s", mending(question)));
    case RF_KIND_JSONB:
        return found("jsonb");
    case RF_KIND_UUID:
        return found("uuid");
    case RF_KIND_INT8_ARRAY:
        return found("bigint[]");
    case RF_KIND_ENUM:
        return choose_enum(question, arena);
    case RF_KIND_OTHER:
        break;
    }
    return trouble(rf_arena_printf(
        arena, "is of type %s, which rowferry does not write (leave the column out with exclude)",
        question->to->declared));
}

/* What a rule asks for is read by rf_conversion_read, and held against the column by the caller. */
struct rf_fit_type rf_fit_type_choose(const struct rf_fit_type_question *question,
                                      struct rf_arena *arena) {
    if (question->settings.type && question->to->kind != RF_KIND_ENUM &&
        question->to->kind != RF_KIND_OTHER) {
        return found(question->settings.type);
    }
    return choose(question, arena);
}

bool rf_fit_type_wants_proof(const struct rf_catalog_column *to,
                             const struct rf_column_settings *settings) {
    bool instant = to->kind == RF_KIND_DATE || to->kind == RF_KIND_TIME ||
                   to->kind == RF_KIND_TIMESTAMP || to->kind == RF_KIND_TIMESTAMPTZ;
    return instant && !settings->type;
}

bool rf_fit_type_is(const struct rf_catalog_column *to, const char *type) {
    if (to->kind != RF_KIND_ENUM) {
        return strcmp(to->type, type) == 0;
    }
    struct rf_buffer name = {0};
    rf_quote_qualified(&name, to->type_schema, to->type_name);
    rf_buffer_u8(&name, 0);
    bool same = !name.failed && strcmp((const char *)name.bytes, type) == 0;
    rf_buffer_release(&name);
    return same;
}
