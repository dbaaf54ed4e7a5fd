/* The table of commands. */
#include "tools/command.h"

#include <stddef.h>
#include <string.h>

#define TAKES(option) (UINT64_C(1) << RF_OPTION_##option)
#define ALWAYS \
    (TAKES(REPO) | TAKES(CONFIG) | TAKES(JSON) | TAKES(QUIET) | TAKES(VERBOSE) | TAKES(HELP))
#define TARGET (TAKES(TARGET) | TAKES(POSTGRES_CONFIG) | TAKES(SCHEMA))
#define TABLES (TAKES(TABLE) | TAKES(EXCLUDE))
/* What becomes of tables, columns and values on their way. */
#define RULES                                                                       \
    (TAKES(FOLD_NAMES) | TAKES(EXISTING) | TAKES(ATOMIC) | TAKES(NO_FOREIGN_KEYS) | \
     TAKES(ON_MISMATCH) | TAKES(BAD_TEXT) | TAKES(ANY_LOCALE))
#define WORK (TAKES(JOBS) | TAKES(PROGRESS))
#define KEEP                                                                          \
    (TAKES(KEEP_LAST) | TAKES(KEEP_HOURLY) | TAKES(KEEP_DAILY) | TAKES(KEEP_WEEKLY) | \
     TAKES(KEEP_MONTHLY) | TAKES(KEEP_YEARLY) | TAKES(KEEP_WITHIN))
#define PROFILE TAKES(PROFILE)
/* Who is to have written what is read, and who writes. */
#define TRUST TAKES(TRUSTED_KEY)
#define SIGN (TAKES(SIGN_KEY) | TRUST)
#define SOURCE (TAKES(SAME_SOURCE) | TAKES(THROUGH_SQLITE) | TAKES(BUSY_TIMEOUT))

const struct rf_command rf_commands[RF_COMMANDS] = {
    {.name = "capture",
     .operand = "DATABASE",
     .operand_required = true,
     .options =
         ALWAYS | TABLES | WORK | SOURCE | TAKES(DRY_RUN) | PROFILE | TAKES(INCLUDE_SHADOW) | SIGN,
     .summary = "take a snapshot of a SQLite database into a repository",
     .description =
         "Reads DATABASE in one read transaction and writes what changed since the newest "
         "snapshot of the repository, which is created where there is none. The database is "
         "opened read-only; an application may go on using it. Where nothing changed, no "
         "snapshot is made.",
     .run = rf_command_capture},
    {.name = "replay",
     .options = ALWAYS | TARGET | TABLES | RULES | TAKES(REMAKE) | TAKES(OVERWRITE_TARGET) | WORK |
                TAKES(SNAPSHOT) | TAKES(TO) | TAKES(DRY_RUN) | PROFILE | TRUST,
     .summary = "bring a PostgreSQL database to a snapshot",
     .description =
         "Brings the target to the newest snapshot, or to the one named. The first time it makes "
         "the tables and loads them; later it applies what changed, one transaction a snapshot. "
         "With --to (or --snapshot) it goes to an earlier snapshot as well, in one transaction, as "
         "long as the repository has the one at which the target stands. "
         "Without --target, libpq's own environment (PGHOST, PGSERVICE, ...) says where to go.\n"
         "Rows that hold a value their column cannot hold are set aside whole, in the table "
         "rowferry.set_aside; then the exit code is 8.\n"
         "Where others have written to the tables since, nothing is changed, and the exit code is "
         "4.",
     .run = rf_command_replay},
    {.name = "sync",
     .operand = "DATABASE",
     .operand_required = true,
     .options = ALWAYS | TARGET | TABLES | RULES | TAKES(REMAKE) | TAKES(OVERWRITE_TARGET) | WORK |
                SOURCE | TAKES(DRY_RUN) | PROFILE | TAKES(INCLUDE_SHADOW) | TAKES(FINAL) |
                TAKES(VERIFY) | SIGN,
     .summary = "capture, then replay what was captured",
     .description = "Does what capture and replay do, one after the other, while it holds the "
                    "repository's lock. What stands in the way is found before anything is "
                    "written.\n"
                    "With --final the database is held so that nobody can write to it, and in the "
                    "end the target is proven equal to it: then the application may be started on "
                    "PostgreSQL. The database itself is not written to.",
     .run = rf_command_sync},
    {.name = "check",
     .operand = "DATABASE",
     .operand_required = true,
     .repo_optional = true,
     .options = ALWAYS | TARGET | TABLES | RULES | WORK | TAKES(BUSY_TIMEOUT) |
                TAKES(EXAMPLE_CONFIG) | TAKES(SQL) | PROFILE | TAKES(INCLUDE_SHADOW),
     .summary = "tell what would become of a database, and write nothing",
     .description =
         "Reads DATABASE and prints the plan: what each column holds, the PostgreSQL type it gets "
         "and why, which indexes and constraints come along and which do not, and every value that "
         "would be set aside or altered. With a target it also tells whether that is ready. "
         "--target '' means the database that libpq's environment names. Nothing is written, "
         "neither to the target nor beside DATABASE.\n"
         "The exit code is 8 where rows would be set aside, and 4 or 5 where something stands in "
         "the way of a replay.",
     .run = rf_command_check},
    {.name = "verify",
     .options = ALWAYS | TARGET | TABLES | WORK | TAKES(SNAPSHOT) | PROFILE | TRUST,
     .summary = "prove the repository, and the target equal to it",
     .description =
         "Reads the whole repository and checks every checksum, every digest and every link from "
         "snapshot to snapshot. With a target, compares its rows with the snapshot it stands at "
         "and names those that are missing, extra or different. --target '' means the database "
         "that libpq's environment names. With --snapshot the target must stand at that one.\n"
         "Everything found is printed; the exit code is 3 if there was anything.",
     .run = rf_command_verify},
    {.name = "log",
     .options = ALWAYS | TABLES | TRUST,
     .summary = "list the snapshots of a repository",
     .description = "One line a snapshot, the newest last. With --table or --exclude-table the "
                    "counts are of these tables alone, and only snapshots are listed that changed "
                    "their rows or their schema; with -v all are.",
     .run = rf_command_log},
    {.name = "show",
     .operand = "SNAPSHOT",
     .options = ALWAYS | TABLES | TAKES(SNAPSHOT) | TRUST,
     .summary = "show what one snapshot holds",
     .description =
         "Shows the newest snapshot, or the one named: the source as it was, tables with "
         "their rows, archives, schema objects, and tables that were left out. With -v "
         "also what each column holds, and the objects' SQL.",
     .run = rf_command_show},
    {.name = "restore",
     .options = ALWAYS | TAKES(SNAPSHOT) | TAKES(OUTPUT) | TAKES(FORCE) | TAKES(VERIFY) |
                TAKES(PROGRESS) | TRUST,
     .summary = "write the SQLite database as it was at a snapshot",
     .description =
         "Makes the file that --output names: the database as it was at the newest snapshot, or at "
         "the one named, from archives alone, with its schema, its rows and their rowids. A capture "
         "of it into the same repository finds nothing changed. What the snapshot does not hold "
         "(tables that were left out, the content of virtual tables), and indexes that only the "
         "application can build, are warned of.\n"
         "With --verify the hash of every row is proven on the way, and the file is read back and "
         "held against the snapshot before it gets its name.",
     .run = rf_command_restore},
    {.name = "diff",
     .operand = "FROM",
     .second_operand = "TO",
     .options = ALWAYS | TABLES | TAKES(SCHEMA) | TAKES(SQL) | TAKES(SQLITE) | TAKES(ROWS) | TRUST,
     .summary = "tell what two snapshots differ in",
     .description =
         "Compares snapshot FROM with snapshot TO, which may be the older one: rows inserted, "
         "updated, deleted and moved in each table, and what of the schema is new, gone or another. "
         "TO is the newest where it is left out, FROM the one before TO; 0 is the empty database "
         "before the first.\n"
         "With --sqlite the difference is a script that makes of a database at FROM one at TO, "
         "with --sql one for tables in PostgreSQL that a replay brought to FROM. All of it comes "
         "from the archives.",
     .run = rf_command_diff},
    {.name = "status",
     .operand = "DATABASE",
     .options = ALWAYS | TARGET | TABLES | TAKES(INCLUDE_SHADOW) | PROFILE | TRUST,
     .summary = "tell how far source, repository and target are apart",
     .description =
         "Tells how many snapshots the repository has, how old the newest is, and whether the "
         "database that it was captured from was written to since. With DATABASE, also how many "
         "rows a capture of it would find. With a target, where that stands and how far it is "
         "behind, in snapshots, rows and time. --target '' means the database that libpq's "
         "environment names.\n"
         "Snapshots of which a copy of the repository has brought only a part are named, with what "
         "is missing.",
     .run = rf_command_status},
    {.name = "prune",
     .options = ALWAYS | TARGET | KEEP | WORK | TAKES(DRY_RUN) | SIGN,
     .summary = "drop snapshots and keep the rest whole",
     .description =
         "Drops the snapshots that no --keep option keeps, and frees what only they needed. The "
         "options mean what they mean to restic: of each hour, day, week, month or year that has "
         "snapshots the newest counts, and a snapshot that any of the options keeps stays. The "
         "newest snapshot always does, and so do those at which the targets stand that are named "
         "with --target, which may be given several times. N is a number or unlimited.\n"
         "What is kept can be replayed, restored and verified as before. Where snapshots between "
         "two kept ones go, their changes are folded into one delta.\n"
         "With --dry-run every snapshot is listed, with what keeps it, and the bytes are told that "
         "would be freed.",
     .run = rf_command_prune},
    {.name = "export",
     .options = ALWAYS | TAKES(OUTPUT) | TAKES(FORCE) | TAKES(SINCE) | TAKES(SINCE_TARGET) |
                TAKES(SCHEMA) | TAKES(TRUSTED_KEY) | TAKES(PROGRESS),
     .summary = "write snapshots as one stream, for a pipe or a medium",
     .description =
         "Writes the snapshots of the repository, or those after one that the reader has, as one "
         "stream: to standard output, or to the file that --output names. `rowferry import` takes "
         "it in on another host. The repository may be captured into meanwhile; the stream has "
         "the snapshots that were there when it began.\n"
         "With --since-target the ledger of a target says what it still needs; --since-target '' "
         "means the database that libpq's environment names.",
     .run = rf_command_export},
    {.name = "import",
     .operand = "FILE",
     .operand_required = true,
     .options = ALWAYS | TAKES(TRUSTED_KEY) | TAKES(PROGRESS),
     .summary = "take in a stream that export wrote",
     .description =
         "Reads a stream from FILE, or from standard input where that is -, and takes its "
         "snapshots into the repository, which is created where there is none. Every byte is "
         "checked on its way, and a snapshot shows once it is whole. Snapshots that are there "
         "already are left as they are; so an import that was cut off goes on where it ended.\n"
         "A stream of another source, or one that goes on from a snapshot that is not here, is "
         "refused with exit code 4, and a damaged or cut one with 3.",
     .run = rf_command_import},
    {.name = "keygen",
     .repo_optional = true,
     .options = TAKES(OUTPUT) | TAKES(JSON) | TAKES(QUIET) | TAKES(VERBOSE) | TAKES(HELP),
     .summary = "make a pair of keys to sign snapshots with",
     .description =
         "Writes the secret key to the file that --output names (default: rowferry.key), readable "
         "for its owner only, and the public one beside it, to FILE.pub; prints the fingerprint of "
         "the pair. No file is replaced. The secret key stays on the host that captures, which "
         "signs with --sign-key; the public one goes to all that read, which name it with "
         "--trusted-key. Make sure by another way that it is the same: compare the fingerprint.",
     .run = rf_command_keygen},
    {.name = "profiles",
     .operand = "NAME",
     .repo_optional = true,
     .options = TAKES(JSON) | TAKES(HELP),
     .summary = "list the profiles that come with rowferry, or print one",
     .description =
         "A profile says what the tables of an application need on their way; --profile names one. "
         "Without NAME those that come with rowferry are listed; with it that one is printed, a "
         "YAML file, to be read or to start one's own from.",
     .run = rf_command_profiles},
};

const struct rf_command *rf_command_find(const char *name) {
    for (unsigned i = 0; i < RF_COMMANDS; i++) {
        if (strcmp(rf_commands[i].name, name) == 0) {
            return &rf_commands[i];
        }
    }
    return NULL;
}
