/* Tables in an open-addressed set of pointers, each put there once by compare-and-exchange. */
#include "tools/progress_board.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS (2u * RF_BOARD_TABLES) /* never more than half full, so that a search is short */

/* A table in one part of the run. */
struct count {
    atomic_int state; /* enum rf_watch_state; RF_WATCH_AS_BEFORE: nothing was told */
    atomic_uint_fast64_t rows, bytes, expected;
};

/* How fast a number grows; of the display alone. */
struct pace {
    uint64_t last;
    double seconds; /* of that look */
    double rate;
};

struct entry {
    struct count counts[RF_WATCH_PARTS];
    struct pace pace[RF_WATCH_PARTS];
    char name[];
};

struct place {
    _Atomic(const char *) doing;
    _Atomic(struct entry *) table;
    atomic_bool used;
};

struct rf_board {
    struct rf_watch watch;
    _Atomic(struct entry *) slots[SLOTS];
    atomic_uint entries;
    struct count rest[RF_WATCH_PARTS]; /* of tables that are not listed, their states aside */
    atomic_uint unlisted;              /* those of them that are done */
    struct place places[RF_WATCH_PARTS][RF_SCENE_WORKERS];
    atomic_uint_fast64_t proof_done, proof_expected;
    struct pace rows[RF_SCENE_PARTS], bytes[RF_SCENE_PARTS];
    struct rf_scene_table tables[RF_BOARD_TABLES];
};

/* ---- the writers' side ---- */

static size_t slot_of(const char *name) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    }
    return hash % SLOTS;
}

static struct entry *new_entry(const char *name) {
    size_t size = strlen(name) + 1;
    struct entry *entry = calloc(1, sizeof *entry + size);
    if (entry) {
        memcpy(entry->name, name, size);
    }
    return entry;
}

/* The table's entry, made if it has none; NULL where there is no room for one. */
static struct entry *find(struct rf_board *board, const char *name) {
    struct entry *made = NULL;
    for (size_t i = slot_of(name);; i = (i + 1) % SLOTS) {
        struct entry *there = atomic_load(&board->slots[i]);
        if (!there && !made) {
            if (atomic_fetch_add(&board->entries, 1) >= RF_BOARD_TABLES ||
                !(made = new_entry(name))) {
                atomic_fetch_sub(&board->entries, 1);
                return NULL;
            }
        }
        if (!there && atomic_compare_exchange_strong(&board->slots[i], &there, made)) {
            return made;
        }
        if (strcmp(there->name, name) == 0) {
            if (made) { /* somebody else was quicker */
                free(made);
                atomic_fetch_sub(&board->entries, 1);
            }
            return there;
        }
    }
}

/* What is under way stays so when more of it is announced; rows that come begin a table. */
static void reach(struct count *count, enum rf_watch_state told, bool rows) {
    int now = atomic_load(&count->state);
    int next;
    do {
        bool under_way = now == RF_WATCH_ROWS || now == RF_WATCH_INDEXES;
        next = told == RF_WATCH_WAITING && under_way ? now : (int)told;
        if (told == RF_WATCH_AS_BEFORE) {
            next = rows && now < RF_WATCH_ROWS ? RF_WATCH_ROWS : now;
        }
    } while (!atomic_compare_exchange_weak(&count->state, &now, next));
}

static void on_table(void *context, const struct rf_watch_table *told) {
    struct rf_board *board = context;
    struct entry *entry = find(board, told->table);
    struct count *count = entry ? &entry->counts[told->part] : &board->rest[told->part];
    atomic_fetch_add(&count->rows, told->rows);
    atomic_fetch_add(&count->bytes, told->bytes);
    atomic_fetch_add(&count->expected, (uint64_t)told->expected);
    if (entry) {
        reach(count, told->state, told->rows > 0);
    } else if (told->state == RF_WATCH_DONE) {
        atomic_fetch_add(&board->unlisted, 1);
    }
}

static void on_worker(void *context, enum rf_watch_part part, unsigned number, const char *doing,
                      const char *table) {
    struct rf_board *board = context;
    if (number < RF_SCENE_WORKERS) {
        struct place *place = &board->places[part][number];
        atomic_store(&place->table, table ? find(board, table) : NULL);
        atomic_store(&place->doing, doing);
        atomic_store(&place->used, true);
    }
}

void rf_board_proof(struct rf_board *board, uint64_t done, uint64_t expected) {
    atomic_store(&board->proof_expected, expected);
    atomic_store(&board->proof_done, done);
}

struct rf_board *rf_board_new(void) {
    struct rf_board *board = calloc(1, sizeof *board);
    if (board) {
        board->watch = (struct rf_watch){.table = on_table, .worker = on_worker, .context = board};
    }
    return board;
}

void rf_board_free(struct rf_board *board) {
    for (size_t i = 0; board && i < SLOTS; i++) {
        free(atomic_load(&board->slots[i]));
    }
    free(board);
}

const struct rf_watch *rf_board_watch(const struct rf_board *board) {
    return &board->watch;
}

/* ---- the display's side ---- */

#define PACE_SECONDS 3.0 /* that far back the rate remembers, roughly */

/* Blocks come in bursts, so the rate is smoothed. */
static double keep_pace(struct pace *pace, uint64_t value, double seconds) {
    double span = seconds - pace->seconds;
    if (value < pace->last || pace->seconds == 0) {
        *pace = (struct pace){.last = value, .seconds = seconds};
    } else if (span > 0) {
        double now = (double)(value - pace->last) / span;
        double weight = span / (PACE_SECONDS + span);
        pace->rate = pace->rate == 0 ? now : pace->rate + (now - pace->rate) * weight;
        pace->last = value;
        pace->seconds = seconds;
    }
    return pace->rate;
}

static void add_to_part(struct rf_scene_part *part, const struct rf_scene_table *table,
                        uint64_t bytes) {
    part->begun = true;
    part->tables++;
    part->tables_done += table->state == RF_WATCH_DONE;
    part->rows += table->rows;
    part->expected += table->expected;
    part->bytes += bytes;
    part->open |= table->expected == 0 && table->state != RF_WATCH_DONE;
}

/* Of the parts that a table has a state in, that which is under way is shown; else the last one. */
static bool is_shown_before(const struct rf_scene_table *table,
                            const struct rf_scene_table *shown) {
    bool active = shown->state == RF_WATCH_ROWS || shown->state == RF_WATCH_INDEXES;
    return !active && table->state != RF_WATCH_AS_BEFORE;
}

static void look_at_table(struct rf_board *board, struct entry *entry, double seconds,
                          struct rf_scene *scene) {
    struct rf_scene_table shown = {.name = entry->name};
    uint64_t size = 0;
    for (unsigned i = 0; i < RF_WATCH_PARTS; i++) {
        struct count *count = &entry->counts[i];
        struct rf_scene_table table = {
            .name = entry->name,
            .part = (enum rf_watch_part)i,
            .state = (enum rf_watch_state)atomic_load(&count->state),
            .rows = atomic_load(&count->rows),
            .expected = atomic_load(&count->expected),
        };
        if (table.state == RF_WATCH_AS_BEFORE) {
            continue;
        }
        table.expected = (int64_t)table.expected < 0 ? 0 : table.expected;
        table.rate = keep_pace(&entry->pace[i], table.rows, seconds);
        add_to_part(&scene->parts[i], &table, atomic_load(&count->bytes));
        uint64_t most = table.rows > table.expected ? table.rows : table.expected;
        size = most > size ? most : size;
        if (is_shown_before(&table, &shown)) {
            shown = table;
        }
    }
    shown.size = size;
    if (shown.state != RF_WATCH_AS_BEFORE && scene->table_count < RF_BOARD_TABLES) {
        board->tables[scene->table_count++] = shown;
    }
}

static void look_at_rest(struct rf_board *board, struct rf_scene *scene) {
    scene->unlisted = atomic_load(&board->unlisted);
    for (unsigned i = 0; i < RF_WATCH_PARTS; i++) {
        struct count *rest = &board->rest[i];
        scene->parts[i].rows += atomic_load(&rest->rows);
        scene->parts[i].bytes += atomic_load(&rest->bytes);
        scene->parts[i].expected += atomic_load(&rest->expected);
    }
}

static void look_at_workers(struct rf_board *board, struct rf_scene *scene) {
    for (unsigned i = 0; i < RF_WATCH_PARTS; i++) {
        for (unsigned j = 0; j < RF_SCENE_WORKERS && scene->worker_count < RF_SCENE_WORKERS; j++) {
            struct place *place = &board->places[i][j];
            if (!atomic_load(&place->used)) {
                continue;
            }
            const struct entry *table = atomic_load(&place->table);
            scene->workers[scene->worker_count++] = (struct rf_scene_worker){
                .part = (enum rf_watch_part)i,
                .number = j,
                .doing = atomic_load(&place->doing),
                .table = table ? table->name : NULL,
            };
        }
    }
}

static void look_at_proof(struct rf_board *board, struct rf_scene *scene) {
    struct rf_scene_part *proof = &scene->parts[RF_SCENE_PROOF];
    proof->bytes = atomic_load(&board->proof_done);
    proof->bytes_expected = atomic_load(&board->proof_expected);
    proof->begun = proof->bytes_expected > 0;
    proof->ended = proof->begun && proof->bytes >= proof->bytes_expected;
}

void rf_board_look(struct rf_board *board, double seconds, struct rf_scene *scene) {
    memset(scene->parts, 0, sizeof scene->parts);
    scene->table_count = 0;
    scene->tables = board->tables;
    scene->worker_count = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        struct entry *entry = atomic_load(&board->slots[i]);
        if (entry) {
            look_at_table(board, entry, seconds, scene);
        }
    }
    look_at_rest(board, scene);
    look_at_workers(board, scene);
    look_at_proof(board, scene);
    const struct rf_scene_part *capture = &scene->parts[RF_WATCH_CAPTURE];
    for (unsigned i = 0; i < RF_SCENE_PARTS; i++) {
        struct rf_scene_part *part = &scene->parts[i];
        part->growing =
            i == RF_WATCH_REPLAY && capture->begun && capture->tables_done < capture->tables;
        part->ended |= part->tables > 0 && part->tables_done == part->tables;
        part->rows_rate = keep_pace(&board->rows[i], part->rows, seconds);
        part->bytes_rate = keep_pace(&board->bytes[i], part->bytes, seconds);
    }
}
