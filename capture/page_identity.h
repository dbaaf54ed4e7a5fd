/* What a leaf is, as a hash: two leaves of the same identity have the same cells in the same order.
 *
 * It is made in two steps: of what is on the leaf itself, which is all for most leaves, and of what
 * overflows from it. Neither knows the numbers of any pages, nor what lies between cells. */
#ifndef RF_CAPTURE_PAGE_IDENTITY_H
#define RF_CAPTURE_PAGE_IDENTITY_H

#include "capture/page_cell.h"
#include "capture/page_overflow.h"
#include "format/bytes.h"
#include "format/error.h"
#include "format/hash.h"

/* `divider` may be NULL; `seed` is mixed in; `scratch` is reused from leaf to leaf. *elsewhere:
 * bytes of the rows that were not hashed, since they are on overflow pages. */
RF_MUST_USE enum rf_code rf_page_identify(const struct rf_tree_shape *shape,
                                          const struct rf_page *leaf, const struct rf_cell *divider,
                                          struct rf_hash seed, struct rf_buffer *scratch,
                                          struct rf_hash *identity, uint64_t *elsewhere,
                                          struct rf_error *error);
/* Adds the overflow pages to an identity. */
RF_MUST_USE enum rf_code rf_page_identify_overflow(
    const struct rf_tree_shape *shape, const struct rf_page *leaf, const struct rf_cell *divider,
    struct rf_overflow *overflow, struct rf_hash *identity, struct rf_error *error);

#endif
