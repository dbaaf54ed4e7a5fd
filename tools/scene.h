/* A run at one moment, as people are to see it: plain numbers and names, without a thread or a
 * terminal. progress_board.c takes it down, screen_layout.c sets it on lines. */
#ifndef RF_TOOLS_SCENE_H
#define RF_TOOLS_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/watch.h"
#include "tools/message.h"

/* The parts that a watch tells of, and the proof of the repository, which counts bytes alone. */
#define RF_SCENE_PROOF RF_WATCH_PARTS
#define RF_SCENE_PARTS (RF_WATCH_PARTS + 1u)

struct rf_scene_part {
    bool begun;
    bool open;    /* some table's rows are not known: `expected` is not all there is */
    bool growing; /* more will be expected of it: what is being captured */
    bool ended;   /* no table of it is under way or waits */
    uint32_t tables, tables_done;
    uint64_t rows, expected;
    uint64_t bytes, bytes_expected; /* the latter of the proof alone */
    double rows_rate, bytes_rate;   /* a second, of late; 0 where it is not known */
};

struct rf_scene_table {
    const char *name; /* as the source has it */
    enum rf_watch_part part;
    enum rf_watch_state state;
    uint64_t rows, expected; /* 0: not known */
    double rate;             /* rows a second */
    uint64_t size;           /* rows known of it in any part: what it is sorted by */
};

struct rf_scene_worker {
    enum rf_watch_part part;
    unsigned number;
    const char *doing; /* NULL: it waits */
    const char *table; /* may be NULL */
};

#define RF_SCENE_WORKERS 64u /* of a part; as many of all are shown */

struct rf_scene {
    const char *command, *source, *target; /* the latter two may be NULL */
    const char *phase; /* what the run says it is at (progress.h); NULL: nothing */
    uint64_t seconds;  /* since the beginning */
    struct rf_scene_part parts[RF_SCENE_PARTS];
    uint32_t table_count;
    struct rf_scene_table *tables;
    uint32_t unlisted; /* tables beyond those that are done */
    uint32_t worker_count;
    struct rf_scene_worker workers[RF_SCENE_WORKERS];
    struct rf_message_recent messages;
};

#endif
