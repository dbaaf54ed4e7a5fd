#include "replay/survey.h"

#include <inttypes.h>

#include "format/state.h"
#include "replay/encode.h"
#include "replay/json_key.h"
#include "replay/quote.h"
#include "replay/render.h"
#include "replay/survey_shared.h"

/* ---- what people are shown of a value ---- */

#define SHOWN_BYTES 60u
#define SHOWN_KEY_BYTES 120u

/* At most so many bytes, without half a character at the end where the text is UTF-8. */
static uint32_t cut(const uint8_t *bytes, uint32_t size, uint32_t most) {
    if (size <= most) {
        return size;
    }
    uint32_t end = most;
    while (end > most - 3 && (bytes[end] & 0xc0) == 0x80) {
        end--;
    }
    return end;
}

static void show_blob(const struct rf_value *value, struct rf_buffer *out) {
    uint32_t size = value->size > SHOWN_BYTES / 2 ? SHOWN_BYTES / 2 : value->size;
    rf_buffer_printf(out, "x'");
    for (uint32_t i = 0; i < size; i++) {
        rf_buffer_printf(out, "%02x", value->bytes[i]);
    }
    rf_buffer_printf(out, size < value->size ? "'... (%" PRIu32 " bytes)" : "'", value->size);
}

static void show_text(const struct rf_value *value, struct rf_buffer *out) {
    uint32_t size = cut(value->bytes, value->size, SHOWN_BYTES);
    if (!rf_text_inspect(value->bytes, value->size).valid_utf8) {
        rf_buffer_printf(out, "text ");
        show_blob(value, out);
        return;
    }
    rf_buffer_u8(out, '\'');
    for (uint32_t i = 0; i < size; i++) {
        bool control = value->bytes[i] < 0x20 || value->bytes[i] == 0x7f;
        if (control) {
            rf_buffer_printf(out, "\\x%02x", value->bytes[i]);
        } else {
            rf_buffer_u8(out, value->bytes[i]);
        }
    }
    rf_buffer_printf(out, size < value->size ? "'... (%" PRIu32 " bytes)" : "'", value->size);
}

static void show_value(const struct rf_value *value, struct rf_buffer *out) {
    char number[RF_NUMBER_TEXT];
    switch (value->class) {
    case RF_NULL:
        rf_buffer_printf(out, "NULL");
        break;
    case RF_INTEGER:
        rf_buffer_append(out, number, rf_render_integer(value->integer, number));
        break;
    case RF_REAL:
        rf_buffer_append(out, number, rf_render_real(value->real, number));
        break;
    case RF_TEXT:
        show_text(value, out);
        break;
    case RF_BLOB:
        show_blob(value, out);
        break;
    }
}

/* ---- questions ---- */

void rf_survey_init(struct rf_survey *survey, const struct rf_manifest_table *source,
                    struct rf_arena *arena) {
    *survey = (struct rf_survey){.source = source, .arena = arena};
}

struct rf_survey_question *rf_survey_ask(struct rf_survey *survey, enum rf_survey_kind kind,
                                         uint32_t cell, const struct rf_conversion *conversion,
                                         uint64_t enough) {
    struct rf_survey_question *question = rf_arena_take(survey->arena, 1, sizeof *question);
    if (!question) {
        return NULL;
    }
    question->kind = kind;
    question->cell = cell;
    question->conversion = conversion;
    question->enough = enough;
    question->next = survey->first;
    rf_instant_evidence_init(&question->instants);
    rf_decimal_evidence_init(&question->decimals);
    survey->first = question;
    return question;
}

static bool is_settled(const struct rf_survey_question *question) {
    switch (question->kind) {
    case RF_SURVEY_INSTANTS:
        return question->instants.refuted;
    case RF_SURVEY_DECIMALS:
        return question->decimals.others > 0;
    case RF_SURVEY_FIT:
        break;
    }
    return question->misfits >= question->enough;
}

bool rf_survey_settled(const struct rf_survey *survey) {
    for (const struct rf_survey_question *at = survey->first; at; at = at->next) {
        if (!is_settled(at)) {
            return false;
        }
    }
    return true;
}

/* Copies into the arena what the buffer holds, and empties it. */
static const char *keep(struct rf_arena *arena, struct rf_buffer *text, uint32_t most) {
    uint32_t size = cut(text->bytes, (uint32_t)text->size, most);
    const char *copy = rf_arena_printf(arena, "%.*s%s", (int)size, (const char *)text->bytes,
                                       size < text->size ? "..." : "");
    arena->failed |= text->failed;
    rf_buffer_clear(text);
    return copy ? rf_sayable(arena, copy) : NULL;
}

static void note_example(struct rf_survey *survey, struct rf_survey_question *question,
                         const struct rf_rows *rows, uint32_t row, int64_t rowid,
                         enum rf_misfit misfit) {
    struct rf_survey_example *example = &question->examples[question->example_count++];
    struct rf_value value = rf_rows_value(rows, question->cell, row);
    struct rf_buffer text = {0};
    example->class = value.class;
    rf_json_key(&survey->source->table, rows, row, rowid, &text);
    example->key = keep(survey->arena, &text, SHOWN_KEY_BYTES);
    show_value(&value, &text);
    example->value = keep(survey->arena, &text, UINT32_MAX);
    rf_misfit_reason(misfit, value.class, question->conversion, &text);
    example->reason = keep(survey->arena, &text, UINT32_MAX);
    rf_buffer_release(&text);
}

static bool is_of_the_type(enum rf_misfit misfit) {
    return misfit != RF_FITS && misfit != RF_MISFIT_NUL && misfit != RF_MISFIT_UTF8 &&
           misfit != RF_MISFIT_FIELD_SIZE;
}

static void try_fit(struct rf_survey *survey, struct rf_survey_question *question,
                    const struct rf_rows *rows, uint32_t row, int64_t shift) {
    if (rf_rows_class(rows, question->cell, row) == RF_NULL) {
        return;
    }
    const struct rf_conversion *how = question->conversion;
    enum rf_misfit misfit = how->put(how, &rows->cells[question->cell], row, false, NULL);
    if (!is_of_the_type(misfit)) {
        return;
    }
    question->misfits++;
    if (question->example_count < RF_SURVEY_EXAMPLES) {
        int64_t rowid = rows->rowids ? rows->rowids[row] + shift : 0;
        note_example(survey, question, rows, row, rowid, misfit);
    }
}

static void try_row(struct rf_survey *survey, struct rf_survey_question *question,
                    const struct rf_rows *rows, uint32_t row, int64_t shift) {
    struct rf_value value;
    switch (question->kind) {
    case RF_SURVEY_INSTANTS:
        value = rf_rows_value(rows, question->cell, row);
        rf_instant_evidence_add(&question->instants, &value);
        break;
    case RF_SURVEY_DECIMALS:
        value = rf_rows_value(rows, question->cell, row);
        rf_decimal_evidence_add(&question->decimals, &value);
        break;
    case RF_SURVEY_FIT:
        try_fit(survey, question, rows, row, shift);
        break;
    }
}

void rf_survey_rows(struct rf_survey *survey, const struct rf_rows *rows, uint32_t first,
                    uint32_t count, int64_t shift) {
    for (struct rf_survey_question *at = survey->first; at; at = at->next) {
        for (uint32_t i = 0; i < count && !is_settled(at); i++) {
            try_row(survey, at, rows, first + i, shift);
        }
    }
}

/* ---- passes over the archives ---- */

/* Hands all rows to `take`, until that has enough (then *more is false). What can be answered from
 * parts of the table on several threads is: that is what `survey` is for. */
struct pass {
    struct rf_survey *survey; /* or NULL */
    struct rf_run *run;
    const struct rf_manifest_table *source;
    void (*take)(void *context, const struct rf_span *span, bool *more);
    void *context;
};

static enum rf_code scan(const struct pass *pass, struct rf_scan *rows, uint64_t *done,
                         struct rf_error *error) {
    bool more = true;
    enum rf_code code = RF_OK;
    while (code == RF_OK && more) {
        struct rf_span span;
        code = rf_run_check(pass->run, error);
        if (code == RF_OK) {
            code = rf_scan_next(rows, &span, error);
        }
        if (code != RF_OK || span.count == 0) {
            break;
        }
        pass->take(pass->context, &span, &more);
        *done += span.count;
        rf_run_advance(pass->run, pass->source->table.name, span.count);
    }
    return code;
}

static enum rf_code read_state(const struct pass *pass, struct rf_state *state, uint64_t *done,
                               struct rf_error *error) {
    unsigned shares = pass->survey ? rf_survey_shares(pass->survey, pass->run, state) : 1;
    if (shares > 1) {
        return rf_survey_run_shared(pass->survey, pass->run, state, shares, done, error);
    }
    struct rf_scan *read = NULL;
    enum rf_code code = rf_scan_new(state, 0, rf_state_parts(state), &read, error);
    if (code == RF_OK) {
        code = scan(pass, read, done, error);
    }
    rf_scan_free(read);
    return code;
}

static enum rf_code read_all(const struct pass *pass, struct rf_error *error) {
    uint64_t rows = pass->source->digest.rows, done = 0;
    struct rf_state *state = NULL;
    rf_run_expect_of(pass->run, pass->source->table.name, rows);
    enum rf_code code = rf_state_open(pass->run->repository, pass->source, &state, error);
    if (code == RF_OK) {
        code = read_state(pass, state, &done, error);
    }
    rf_state_close(state);
    if (code != RF_OK) {
        rf_while(error, "while looking through the rows of table %s", pass->source->table.name);
    } else if (done < rows) {
        rf_run_advance(pass->run, pass->source->table.name, rows - done);
    }
    return code;
}

static void take_for_survey(void *context, const struct rf_span *span, bool *more) {
    struct rf_survey *survey = context;
    rf_survey_rows(survey, span->rows, span->first, span->count, span->shift);
    *more = !rf_survey_settled(survey) && !survey->arena->failed;
}

enum rf_code rf_survey_run(struct rf_survey *survey, struct rf_run *run, struct rf_error *error) {
    enum rf_code code = rf_arena_check(survey->arena, error);
    if (code != RF_OK || rf_survey_settled(survey)) {
        return code;
    }
    const struct pass pass = {
        .survey = survey,
        .run = run,
        .source = survey->source,
        .take = take_for_survey,
        .context = survey,
    };
    code = read_all(&pass, error);
    return code == RF_OK ? rf_arena_check(survey->arena, error) : code;
}

/* ---- what a plan would do with the rows ---- */

struct findings {
    const struct rf_manifest_table *source;
    const struct rf_plan *plan;
    struct rf_encoder encoder;
    struct rf_buffer tuple, text;
    struct rf_survey_counts *counts;
    void (*found)(void *context, const struct rf_survey_finding *finding);
    void *context;
    const struct rf_span *span;
    uint32_t row; /* in the span's block */
};

/* All three texts of a finding lie in one buffer, a NUL behind each. */
static void report(struct findings *findings, uint32_t column, enum rf_misfit misfit,
                   bool altered) {
    if (!findings->found) {
        return;
    }
    struct rf_buffer *text = &findings->text;
    const struct rf_encoder_column *at = &findings->encoder.columns[column];
    const struct rf_rows *rows = findings->span->rows;
    struct rf_value value = rf_rows_value(rows, at->cell, findings->row);
    int64_t rowid = rows->rowids ? rows->rowids[findings->row] + findings->span->shift : 0;
    rf_buffer_clear(text);
    rf_json_key(&findings->source->table, rows, findings->row, rowid, text);
    rf_buffer_u8(text, 0);
    size_t value_at = text->size;
    show_value(&value, text);
    rf_buffer_u8(text, 0);
    size_t reason_at = text->size;
    rf_misfit_reason(misfit, value.class, at->conversion, text);
    rf_buffer_u8(text, 0);
    if (text->failed) {
        return;
    }
    char *key = (char *)text->bytes;
    rf_make_sayable(key);
    rf_make_sayable(key + value_at);
    const struct rf_survey_finding finding = {
        .key = key,
        .column = findings->plan->columns[column].source,
        .value = key + value_at,
        .class = value.class,
        .reason = key + reason_at,
        .altered = altered,
    };
    findings->found(findings->context, &finding);
}

/* What is wrong with the row as a whole is told of its largest value, as the ledger does. */
static uint32_t largest(const struct findings *findings) {
    uint32_t best = 0, size = 0;
    for (uint32_t i = 0; i < findings->encoder.count; i++) {
        struct rf_value value =
            rf_rows_value(findings->span->rows, findings->encoder.columns[i].cell, findings->row);
        if (value.size > size) {
            best = i;
            size = value.size;
        }
    }
    return best;
}

static void report_misfits(struct findings *findings, uint32_t column, enum rf_misfit misfit) {
    findings->counts->set_aside++;
    if (misfit == RF_MISFIT_ROW_SIZE || misfit == RF_MISFIT_ROW_WIDTH) {
        report(findings, largest(findings), misfit, false);
        return;
    }
    for (uint32_t i = column; i < findings->encoder.count; i++) {
        misfit = rf_encode_probe(&findings->encoder, findings->span->rows, findings->row, i);
        if (misfit != RF_FITS) {
            report(findings, i, misfit, false);
        }
    }
}

static void report_altered(struct findings *findings) {
    bool altered = false;
    for (uint32_t i = 0; i < findings->encoder.count; i++) {
        enum rf_misfit misfit;
        if (rf_encode_alters(&findings->encoder, findings->span->rows, findings->row, i, &misfit)) {
            altered = true;
            report(findings, i, misfit, true);
        }
    }
    findings->counts->altered += altered;
}

#define TUPLE_KEPT (4u << 20)

static void take_for_plan(void *context, const struct rf_span *span, bool *more) {
    struct findings *findings = context;
    findings->span = span;
    for (uint32_t i = 0; i < span->count; i++) {
        findings->row = span->first + i;
        rf_buffer_clear(&findings->tuple);
        uint32_t column;
        enum rf_misfit misfit =
            rf_encode_row(&findings->encoder, span->rows, findings->row, &findings->tuple, &column);
        if (misfit != RF_FITS) {
            report_misfits(findings, column, misfit);
        } else if (findings->encoder.may_alter) {
            report_altered(findings);
        }
    }
    findings->counts->rows += span->count;
    *more = !findings->tuple.failed && !findings->text.failed;
    if (*more && findings->tuple.capacity > TUPLE_KEPT) {
        rf_buffer_release(&findings->tuple);
    }
}

enum rf_code rf_survey_plan(struct rf_run *run, const struct rf_manifest_table *source,
                            const struct rf_plan *plan,
                            void (*found)(void *context, const struct rf_survey_finding *finding),
                            void *context, struct rf_survey_counts *counts,
                            struct rf_error *error) {
    *counts = (struct rf_survey_counts){.rows = 0};
    struct rf_arena arena = {0};
    struct findings findings = {
        .source = source, .plan = plan, .counts = counts, .found = found, .context = context};
    const struct pass pass = {
        .run = run, .source = source, .take = take_for_plan, .context = &findings};
    enum rf_code code = rf_plan_encoder(plan, source->census, &arena, &findings.encoder, error);
    if (code == RF_OK) {
        code = read_all(&pass, error);
    }
    if (code == RF_OK && (findings.tuple.failed || findings.text.failed)) {
        code = rf_fail_memory(error);
    }
    rf_buffer_release(&findings.tuple);
    rf_buffer_release(&findings.text);
    rf_arena_release(&arena);
    return code;
}
