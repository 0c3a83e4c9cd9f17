// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "store_private.h"
#include "store_shown.h"

int store_put_shown(struct store *store, const struct store_shown *shown)
{
	return RUN(store->database, PUT_SHOWN, NUMBER(shown->filesystem), TEXT(shown->mount_point), TEXT(shown->root));
}

int store_remove_shown(struct store *store, uint32_t filesystem, const char *mount_point)
{
	return RUN(store->database, REMOVE_SHOWN, NUMBER(filesystem), TEXT(mount_point));
}

int store_was_kept(struct store *store, const struct store_filesystem *filesystem, bool *was)
{
	int64_t found = 0;
	int result = GET_NUMBER(store->database, &found, WAS_KEPT, TEXT(filesystem->identity),
				TEXT(filesystem->mount_point), TEXT(filesystem->root));

	*was = !result;
	return result == -ENOENT ? 0 : result;
}

int store_shown(struct store *store, int (*each)(const struct store_shown *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_SHOWN);
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0)
		result = each(
			&(struct store_shown){
				.filesystem = (uint32_t)rows_number(rows, 0),
				.mount_point = rows_text(rows, 1),
				.root = rows_text(rows, 2),
			},
			context);
	return result;
}
