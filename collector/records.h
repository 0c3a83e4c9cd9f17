/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records with a path each, one behind the other, as a walk and the collector send them: a packed header, whose last
 * member is the uint16_t length of the path that follows it.
 */
#ifndef FSCHANGED_RECORDS_H
#define FSCHANGED_RECORDS_H

#include <stddef.h>

typedef int records_each_function(const void *header, const char *path, size_t length, void *context);

/*
 * Calls for each, until the callback's result is other than 0, which is returned. -EINVAL: a record is cut off, or its
 * path does not begin with '/'; those before it were told.
 */
int records_each(const char *bytes, size_t size, size_t header_size, records_each_function *each, void *context);

#endif
