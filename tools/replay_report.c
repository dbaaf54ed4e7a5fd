#include "tools/replay_report.h"

#include <inttypes.h>

#include "tools/grid.h"
#include "tools/units.h"

#define REASONS_SHOWN 10u /* without -v */

/* ---- JSON ---- */

static void put_sequences(const struct rf_replay_result *result, struct rf_json *summary) {
    struct rf_json sequences = rf_json_array();
    for (uint32_t i = 0; i < result->sequence_count; i++) {
        struct rf_json sequence = rf_json_begin(NULL);
        rf_json_text(&sequence, "name", result->sequences[i].name);
        rf_json_integer(&sequence, "value", result->sequences[i].value);
        rf_json_append(&sequences, &sequence);
    }
    rf_json_put(summary, "sequences", &sequences);
}

static const char *outcome_of(const struct rf_replay_aside *aside) {
    return aside->altered ? "altered" : "set aside";
}

static void put_reasons(const struct rf_replay_result *result, struct rf_json *summary) {
    struct rf_json reasons = rf_json_array();
    for (uint32_t i = 0; i < result->aside_count; i++) {
        const struct rf_replay_aside *aside = &result->asides[i];
        struct rf_json reason = rf_json_begin(NULL);
        rf_json_text(&reason, "table", aside->table);
        rf_json_text(&reason, "column", aside->column);
        rf_json_text(&reason, "reason", aside->reason);
        rf_json_text(&reason, "outcome", outcome_of(aside));
        rf_json_count(&reason, "values", aside->rows);
        rf_json_append(&reasons, &reason);
    }
    rf_json_put(summary, "reasons", &reasons);
}

void rf_replay_report_json(const struct rf_replay_result *result, struct rf_json *summary) {
    put_sequences(result, summary);
    rf_json_count(summary, "after", result->after_count);
    put_reasons(result, summary);
}

/* ---- for people ---- */

/* set aside: notes.body: text with a NUL (3 values) */
static void print_reasons(struct rf_task *task, const struct rf_replay_result *result) {
    char text[RF_UNITS_TEXT];
    uint32_t shown = result->aside_count;
    if (!task->settings->verbose && shown > REASONS_SHOWN) {
        shown = REASONS_SHOWN;
    }
    for (uint32_t i = 0; i < shown; i++) {
        const struct rf_replay_aside *aside = &result->asides[i];
        rf_output_printf(task->output, "%s: ", outcome_of(aside));
        rf_output_name(task->output, aside->table);
        rf_output_printf(task->output, ".");
        rf_output_name(task->output, aside->column);
        rf_output_printf(task->output, ": ");
        rf_output_name(task->output, aside->reason);
        rf_output_printf(task->output, " (%s)\n", rf_units_count(aside->rows, "value", text));
    }
    if (result->aside_reasons > shown) {
        rf_output_printf(task->output, "%s more stand in rowferry.set_aside\n",
                         rf_units_count(result->aside_reasons - shown, "reason", text));
    }
}

static void print_sequences(struct rf_task *task, const struct rf_replay_result *result) {
    char text[RF_UNITS_TEXT];
    if (result->sequence_count == 0) {
        return;
    }
    rf_output_printf(task->output, "%s set%s\n",
                     rf_units_count(result->sequence_count, "sequence", text),
                     task->settings->verbose ? ":" : "");
    for (uint32_t i = 0; task->settings->verbose && i < result->sequence_count; i++) {
        rf_output_printf(task->output, "    ");
        rf_output_name(task->output, result->sequences[i].name);
        rf_output_printf(task->output, " = %" PRId64 "\n", result->sequences[i].value);
    }
}

void rf_replay_report_print(struct rf_task *task, const struct rf_replay_result *result) {
    char text[RF_UNITS_TEXT];
    print_reasons(task, result);
    print_sequences(task, result);
    if (result->after_count > 0) {
        rf_output_printf(task->output, "after the rows: ran %s of SQL of the configuration\n",
                         rf_units_count(result->after_count, "piece", text));
    }
}
