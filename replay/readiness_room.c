/* Room on the server's disk.
 *
 * How much a load takes was measured, not derived. For each byte of a source's pages in use, a
 * PostgreSQL 15 took so many for the database in the end, and at the peak of the load with its log:
 *
 *     a chat server of 160 tables, into the application's tables   1.4   1.4
 *     the same, into tables that rowferry made                     2.0   2.0
 *     long texts                                                   1.1   1.1
 *     files and their names                                        1.8   1.8
 *     a shop of 11 tables, 1 MB                                    4.0   4.0
 *     four numbers a row and an index                              2.8   5.1
 *     WITHOUT ROWID, two short texts, both in the key              3.1   4.3
 *     one small number a row                                       4.1   4.1
 *
 * So short rows decide: each has 24 bytes of header where SQLite needs 2 or 3. Twice is what an
 * application's database will have, and five times is what no load but that of a toy went beyond.
 *
 * Where the server runs on this machine and says where its files lie, that is held against what is
 * free there; elsewhere the number is told, for whoever can look. An estimate stops nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "replay/readiness_inner.h"

#define SIZE_RATIO 2u
#define PEAK_RATIO 5u
#define LEAST_BYTES (64u << 20) /* for the server itself: its log, its catalogs */

uint64_t rf_readiness_bytes(uint64_t source_bytes) {
    return source_bytes * SIZE_RATIO;
}

static void say_bytes(uint64_t bytes, char text[RF_READINESS_SIZE]) {
    if (bytes < (uint64_t)10 << 30) {
        snprintf(text, RF_READINESS_SIZE, "%" PRIu64 " MiB", (bytes >> 20) + 1);
    } else {
        snprintf(text, RF_READINESS_SIZE, "%" PRIu64 " GiB", (bytes >> 30) + 1);
    }
}

void rf_readiness_room(struct rf_readying *readying) {
    uint64_t bytes = readying->question->source_bytes;
    if (bytes == 0) {
        return;
    }
    uint64_t need = bytes * PEAK_RATIO + LEAST_BYTES;
    struct statvfs system;
    bool known = readying->near && readying->folder[0] && statvfs(readying->folder, &system) == 0;
    char wanted[RF_READINESS_SIZE], there[RF_READINESS_SIZE];
    say_bytes(need, wanted);
    if (!known) {
        struct rf_finding *finding = rf_find(
            readying->findings, RF_FINDING_NOTE, "server's disk",
            "what is free there cannot be seen from here; a load takes at most about %s", wanted);
        rf_finding_want(finding, "%s free", wanted);
        rf_finding_hint(finding,
                        "df -h on the server, for the folder that SHOW data_directory names.");
        return;
    }
    uint64_t open = (uint64_t)system.f_bavail * system.f_frsize;
    say_bytes(open, there);
    bool enough = open >= need;
    struct rf_finding *finding =
        rf_find(readying->findings, enough ? RF_FINDING_OK : RF_FINDING_WARNING, "server's disk",
                "%s free below %s, a load takes at most about %s", there, readying->folder, wanted);
    if (!enough) {
        rf_finding_want(finding, "%s free", wanted);
        rf_finding_hint(finding,
                        "make room there, or make the database in a tablespace that has it.");
    }
}
