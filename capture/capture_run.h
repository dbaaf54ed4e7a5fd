/* rf_capture with its limits given, so that tests can make them tiny and feed other rows. */
#ifndef RF_CAPTURE_CAPTURE_RUN_H
#define RF_CAPTURE_CAPTURE_RUN_H

#include "capture/capture.h"
#include "capture/index_store.h"
#include "capture/row_feed.h"
#include "capture/spill.h"

struct rf_capture_limits {
    struct rf_scratch scratch; /* io and folder are not looked at */
    struct rf_index_least index_least;
    enum rf_code (*open_feed)(const struct rf_row_feed_options *options, struct rf_row_feed **feed,
                              struct rf_error *error); /* rf_row_feed_open, or one like it */
};

RF_MUST_USE enum rf_code rf_capture_run(struct rf_repository *repository,
                                        const struct rf_capture_options *options,
                                        const struct rf_capture_limits *limits,
                                        struct rf_capture_result *result, struct rf_error *error);

#endif
