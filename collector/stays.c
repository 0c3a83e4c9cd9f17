// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>

#include "collector.h"
#include "stays.h"

enum { KEY_BYTES = 32 };

#define KEY_CAME   "came"
#define KEY_WRITES "writes"

static void make_key(char key[KEY_BYTES], const char *what, const struct covered *row)
{
	snprintf(key, KEY_BYTES, "%s:%u", what, row->id);
}

/* store_clear_meta() finds it by the device. */
static int64_t value_of(const struct covered *row)
{
	return (int64_t)((uint64_t)row->device << 32 | row->came);
}

int stays_note(struct collector *collector, const struct covered *row)
{
	char key[KEY_BYTES];
	int code;

	make_key(key, KEY_CAME, row);
	code = store_set_meta(collector->store, key, value_of(row));
	make_key(key, KEY_WRITES, row);
	return code ? code : store_set_meta(collector->store, key, (int64_t)row->writes);
}

int stays_end(struct collector *collector, const struct covered *row)
{
	char key[KEY_BYTES];

	make_key(key, KEY_CAME, row);
	return store_set_meta(collector->store, key, 0);
}

int stays_forget(struct collector *collector, uint32_t device)
{
	return store_clear_meta(collector->store, KEY_CAME, device);
}

int stays_ask(struct collector *collector, struct covered *row, bool *stayed)
{
	int64_t before = 0, writes = 0;
	char key[KEY_BYTES];
	int code;

	*stayed = false;
	if (collector->started || tracer_origin(collector->tracer) != TRACER_TAKEN_OVER)
		return 0;
	make_key(key, KEY_CAME, row);
	code = store_get_meta(collector->store, key, &before);
	if (code || before != value_of(row))
		return code == -ENOENT ? 0 : code;
	make_key(key, KEY_WRITES, row);
	code = store_get_meta(collector->store, key, &writes);
	if (!code)
		row->writes = (uint64_t)writes;
	*stayed = !code || code == -ENOENT;
	return *stayed ? 0 : code;
}
