/* rf_capture with the limits of its working memory given, so that tests can make them tiny. */
#ifndef RF_CAPTURE_CAPTURE_RUN_H
#define RF_CAPTURE_CAPTURE_RUN_H

#include "capture/capture.h"
#include "capture/spill.h"

/* `limits`: io and folder are not looked at. */
RF_MUST_USE enum rf_code rf_capture_run(struct rf_repository *repository,
                                        const struct rf_capture_options *options,
                                        const struct rf_scratch *limits,
                                        struct rf_capture_result *result, struct rf_error *error);

#endif
