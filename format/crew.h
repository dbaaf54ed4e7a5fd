/* Work that is given out in one order, done on several threads, and taken back in the same order. Inner
 * header of format/.
 *
 * One thread owns a crew: it submits jobs, which it keeps in place until it has taken them back, and
 * takes the oldest when it wants to know what came of it. So what is told of the work does not depend on the
 * number of threads. With one thread there is no other than the owner's, and a job is done when it is submitted. */
#ifndef RF_FORMAT_CREW_H
#define RF_FORMAT_CREW_H

#include <stdbool.h>

#include "format/block.h"
#include "format/error.h"

/* What a thread keeps from job to job. */
struct rf_crew_memory {
    struct rf_codec *codec;
    struct rf_rows rows;
    struct rf_buffer cells;
    struct rf_buffer hashes; /* of the rows of a block */
};
/* Gives back what rows beyond the usual size took. */
void rf_crew_memory_trim(struct rf_crew_memory *memory);

struct rf_crew_job {
    void (*run)(struct rf_crew_job *job, struct rf_crew_memory *memory);
    bool done; /* the crew's */
};

struct rf_crew;
/* `places`: how many jobs may be out at once, >= 1. */
RF_MUST_USE enum rf_code rf_crew_new(unsigned threads, unsigned places, struct rf_crew **crew,
                                     struct rf_error *error);
void rf_crew_free(struct rf_crew *crew); /* waits for what is out; NULL is fine */

unsigned rf_crew_out(const struct rf_crew *crew); /* jobs that were submitted and not taken */
/* While fewer are out than there are places. */
void rf_crew_submit(struct rf_crew *crew, struct rf_crew_job *job);
/* The oldest job that is out, once it is done; NULL when none is. */
struct rf_crew_job *rf_crew_take(struct rf_crew *crew);
/* Does the job at once, on the owner's thread, while none is out. */
void rf_crew_run_here(struct rf_crew *crew, struct rf_crew_job *job);

#endif
