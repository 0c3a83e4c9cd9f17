// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "store_paused.h"
#include "store_private.h"

int store_keep_rest(struct store *store, const char *path, size_t length)
{
	return RUN(store->database, KEEP_REST, BYTES(path, length));
}

int store_drop_rest(struct store *store)
{
	return RUN(store->database, DROP_REST);
}

int store_pause(struct store *store, const struct store_paused *paused)
{
	int result = store_forget_paused(store, STORE_ALL_FILESYSTEMS);

	if (!result)
		result = RUN(store->database, PUT_REST);
	if (result)
		return result;
	result = RUN(store->database, PUT_PAUSED, NUMBER(paused->filesystem), NUMBER(paused->mounts),
		     TEXT(paused->version), BYTES(paused->gaps, paused->size), NUMBER(paused->entries),
		     NUMBER(paused->changed), NUMBER(paused->directories), NUMBER(paused->names));
	return one_changed(store, result);
}

int store_get_paused(struct store *store, struct store_paused *paused)
{
	auto_rows struct rows *rows =
		SELECT(store->database, GET_PAUSED, NUMBER(paused->filesystem), NUMBER(paused->mounts),
		       TEXT(paused->version), BYTES(paused->gaps, paused->size));
	int result = rows_first(rows);

	if (result)
		return result;
	paused->entries = (uint64_t)rows_number(rows, 0);
	paused->changed = (uint64_t)rows_number(rows, 1);
	paused->directories = (uint64_t)rows_number(rows, 2);
	paused->names = (uint64_t)rows_number(rows, 3);
	return 0;
}

int store_find_paused(struct store *store, uint32_t *filesystem)
{
	int64_t id = 0;
	int result = GET_NUMBER(store->database, &id, FIND_PAUSED);

	*filesystem = (uint32_t)id;
	return result == -ENOENT ? 0 : result;
}

int store_rest(struct store *store, uint64_t after,
	       int (*each)(uint64_t id, const char *path, size_t length, void *context), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, NEXT_REST, NUMBER(after));
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0) {
		size_t length;
		const char *path = rows_bytes(rows, 1, &length);

		result = each((uint64_t)rows_number(rows, 0), path, length, context);
	}
	return result;
}

int store_forget_paused(struct store *store, uint32_t filesystem)
{
	return RUN(store->database, FORGET_PAUSED, NUMBER(filesystem));
}

int store_set_scanned(struct store *store, uint32_t filesystem)
{
	return RUN(store->database, PUT_SCANNED, NUMBER(filesystem));
}

int store_is_scanned(struct store *store, uint32_t filesystem, bool *scanned)
{
	int64_t count = 0;
	int result = GET_NUMBER(store->database, &count, IS_SCANNED, NUMBER(filesystem));

	*scanned = count != 0;
	return result;
}
