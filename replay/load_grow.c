/* Tables that come while others are being loaded: the thread that holds the target's lock plans each
 * when its rows are there, and the workers take it from then on. When the capture has ended, the
 * ledger learns which snapshot it is that is being loaded: only then can an interrupted load be gone
 * on with. */
#include "replay/load_work.h"

/* Tables of the same cost stay in the order in which they come. */
static void announce(struct rf_load *load, struct rf_load_table *table) {
    pthread_mutex_lock(&load->mutex);
    table->coming = false;
    table->cost = rf_load_cost(table->source);
    uint32_t place = load->ready_count++;
    for (; place > 0 && load->ready[place - 1]->cost < table->cost; place--) {
        load->ready[place] = load->ready[place - 1];
    }
    load->ready[place] = table;
    load->first = load->first < place ? load->first : place;
    pthread_cond_broadcast(&load->changed);
    pthread_mutex_unlock(&load->mutex);
}

static enum rf_code add_table(struct rf_load *load, uint32_t number, struct rf_error *error) {
    const struct rf_ledger_tables none = {.count = 0};
    struct rf_load_table *table =
        rf_load_find_table(load, load->manifest->tables[number].table.name);
    if (!table) {
        return RF_OK;
    }
    enum rf_code code = rf_run_check(load->run, error);
    if (code == RF_OK) {
        code = rf_load_prepare_table(load, table, &none, error);
    }
    if (code == RF_OK && load->names.contended) {
        load->contended = true;
        return rf_fail(error, RF_FAILED, "names depend on the order of tables");
    }
    if (code == RF_OK) {
        rf_run_expect_of(load->run, table->source->table.name, table->source->digest.rows);
        announce(load, table);
    }
    return code;
}

enum rf_code rf_load_grow(struct rf_load *load, struct rf_error *error) {
    enum rf_code code = RF_OK;
    uint32_t number;
    while (code == RF_OK && rf_growth_next(load->growth, &number)) {
        code = add_table(load, number, error);
    }
    struct rf_snapshot_name name;
    if (code != RF_OK) {
        return code;
    }
    if (!rf_growth_result(load->growth, &name) || name.number != load->snapshot) {
        return rf_fail(error, RF_FAILED, "the capture came to nothing");
    }
    return rf_ledger_name_load(load->control, load->target, &name, error);
}
