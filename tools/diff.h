/* The difference of two snapshots, whichever is the older: what each table's rows and the schema
 * are in one and not in the other. The rows come from the archives alone.
 *
 * rf_command_diff (diff.c) finds the two ends, makes the list of tables and hands it to a face:
 * for people and JSON lines (diff_tell.c), for sqlite3 (diff_sqlite.c) or for psql
 * (diff_postgres.c). A face walks the rows of a table as often as it likes (diff_walk.c); none are
 * kept. */
#ifndef RF_TOOLS_DIFF_H
#define RF_TOOLS_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "format/between.h"
#include "format/block.h"
#include "format/repository.h"
#include "tools/schema_changes.h"
#include "tools/task.h"

/* The empty database before the first snapshot is an end too: number 0, and a manifest without
 * tables. */
struct rf_diff_end {
    struct rf_snapshot_name name;
    struct rf_manifest manifest;
};

enum rf_diff_change {
    RF_DIFF_SAME,
    RF_DIFF_ROWS,     /* rows differ, columns and key do not */
    RF_DIFF_NEW,      /* not there at FROM */
    RF_DIFF_DROPPED,  /* not there at TO */
    RF_DIFF_RESHAPED, /* other columns or another key: all rows go, and all come */
};
const char *rf_diff_change_name(enum rf_diff_change change);

struct rf_diff_counts {
    uint64_t inserted, updated, deleted, moved;
};

struct rf_diff_table {
    const char *name;
    const struct rf_manifest_table *before; /* NULL: new */
    const struct rf_manifest_table *after;  /* NULL: dropped */
    enum rf_diff_change change;             /* ROWS until a walk finds none that differ */
    bool remade; /* same rows' shape or not: the SQL that made it is another */
};

struct rf_diff {
    struct rf_task *task;
    struct rf_repository *repository;
    struct rf_diff_end from, to;
    struct rf_between *between;      /* what leads from one to the other, as far as is known */
    struct rf_schema_changes schema; /* of all objects, wanted or not */
    uint32_t table_count;
    struct rf_diff_table *tables; /* those that are wanted, by name */
};

/* ---- rows ---- */

enum rf_diff_event { RF_DIFF_INSERTED, RF_DIFF_UPDATED, RF_DIFF_DELETED, RF_DIFF_MOVED };

struct rf_diff_side {
    const struct rf_manifest_table *table;
    const struct rf_rows *rows; /* a block of all columns; NULL: there is no such row */
    uint32_t row;
    int64_t rowid; /* at that snapshot; 0 where the table has none */
};
static inline struct rf_value rf_diff_value(const struct rf_diff_side *side, uint32_t column) {
    return rf_rows_value(side->rows, column, side->row);
}

bool rf_diff_same_values(const struct rf_value *a, const struct rf_value *b); /* class and all */

/* A row that is another, or elsewhere. */
struct rf_diff_row {
    enum rf_diff_event event;
    struct rf_diff_side before, after;
};

static inline bool rf_diff_same_value(const struct rf_diff_row *row, uint32_t column) {
    struct rf_value before = rf_diff_value(&row->before, column);
    struct rf_value after = rf_diff_value(&row->after, column);
    return rf_diff_same_values(&before, &after);
}

/* Valid during the call alone. */
typedef enum rf_code rf_diff_visit(void *context, const struct rf_diff_row *row,
                                   struct rf_error *error);

/* All rows of the table that differ; none twice. Looks at the stop flag and shows progress. */
RF_MUST_USE enum rf_code rf_diff_walk(const struct rf_diff *diff, const struct rf_diff_table *table,
                                      rf_diff_visit *visit, void *context, struct rf_error *error);
/* All rows of one end, as inserted ones. */
RF_MUST_USE enum rf_code rf_diff_walk_whole(const struct rf_diff *diff,
                                            const struct rf_manifest_table *table,
                                            rf_diff_visit *visit, void *context,
                                            struct rf_error *error);
void rf_diff_count(struct rf_diff_counts *counts, enum rf_diff_event event);

/* ---- faces ---- */

RF_MUST_USE enum rf_code rf_diff_tell(struct rf_diff *diff, struct rf_error *error);
RF_MUST_USE enum rf_code rf_diff_sqlite(struct rf_diff *diff, struct rf_error *error);
RF_MUST_USE enum rf_code rf_diff_postgres(struct rf_diff *diff, struct rf_error *error);

/* A line of a script that says what it is for, as a comment. */
void rf_diff_comment(struct rf_output *output, const char *format, ...) RF_PRINTF(2, 3);
void rf_diff_title(const struct rf_diff *diff);

#endif
