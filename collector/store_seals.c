// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "store_private.h"
#include "store_seals.h"

int store_put_seal(struct store *store, const struct store_seal *seal)
{
	return RUN(store->database, PUT_SEAL, NUMBER(seal->filesystem), NUMBER(seal->writes),
		   BYTES(seal->bytes, seal->size));
}

int store_remove_seal(struct store *store, uint32_t filesystem)
{
	return RUN(store->database, REMOVE_SEAL, NUMBER(filesystem));
}

int store_seals(struct store *store, int (*each)(const struct store_seal *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_SEALS);
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0) {
		struct store_seal seal = {
			.filesystem = (uint32_t)rows_number(rows, 0),
			.writes = (uint64_t)rows_number(rows, 1),
		};

		seal.bytes = rows_bytes(rows, 2, &seal.size);
		result = each(&seal, context);
	}
	return result;
}

int store_was_shown(struct store *store, const struct store_filesystem *filesystem, bool *was)
{
	int64_t found = 0;
	int result = GET_NUMBER(store->database, &found, WAS_SHOWN, TEXT(filesystem->identity),
				TEXT(filesystem->mount_point), TEXT(filesystem->root));

	*was = !result;
	return result == -ENOENT ? 0 : result;
}
