// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "collector.h"
#include "identity.h"
#include "moment.h"
#include "takeover.h"

/* Of ids the first half; 0: not known. */
#define META_MACHINE "machine"
#define META_PRODUCT "product"
#define META_BOOT    "boot"
#define META_CLEAN   "clean" /* 1: the last collector came to its end */

#define PRODUCT_FILE "/sys/class/dmi/id/product_uuid"

static int64_t machine(void)
{
	sd_id128_t id;

	return sd_id128_get_machine(&id) == 0 ? (int64_t)id.qwords[0] : 0;
}

/* Boards without a number of their own have nothing but zeros or ones there. */
static int64_t product(void)
{
	FILE *file = fopen(PRODUCT_FILE, "re");
	char text[64] = "";
	sd_id128_t id;

	if (!file)
		return 0;
	if (fgets(text, sizeof(text), file))
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	if (sd_id128_from_string(text, &id) || id.qwords[0] == UINT64_MAX)
		return 0;
	return (int64_t)id.qwords[0];
}

/* What is not known is not another one. */
static int check_id(struct store *store, const char *key, int64_t now, bool *is_other)
{
	int64_t before = 0;
	int code = store_get_meta(store, key, &before);

	if (code && code != -ENOENT)
		return code;
	*is_other |= before && now && before != now;
	return now && now != before ? store_set_meta(store, key, now) : 0;
}

/* What is not there stays what it is. */
static int get(struct store *store, const char *key, int64_t *value)
{
	int code = store_get_meta(store, key, value);

	return code == -ENOENT ? 0 : code;
}

/*
 * What a crash took back of times and data is not told by ctimes: they prove nothing of windows of before. Nor do those
 * of a clock that is behind.
 */
static int check_boot(struct collector *collector)
{
	int64_t before = 0, clean = 0, alive = 0;
	sd_id128_t boot;
	int code = sd_id128_get_boot(&boot);

	if (code >= 0)
		code = get(collector->store, META_BOOT, &before);
	if (!code)
		code = get(collector->store, META_CLEAN, &clean);
	if (!code)
		code = get(collector->store, META_ALIVE, &alive);
	if (code < 0)
		return code;
	collector->absence = GAP_NOT_TRACED;
	if (before != (int64_t)boot.qwords[0])
		collector->absence = clean ? GAP_SHUTDOWN : GAP_CRASHED;
	code = store_set_meta(collector->store, META_CLEAN, 0);
	/* Of a crash that is noted when its gap is kept: a start that dies before is made again. */
	if (!code && (collector->absence != GAP_CRASHED || !before))
		code = store_set_meta(collector->store, META_BOOT, (int64_t)boot.qwords[0]);
	if (!code && (collector->absence == GAP_CRASHED || moment_now() < alive))
		code = store_set_unsteady(collector->store, 1, INT64_MAX);
	return code;
}

static int check(struct collector *collector)
{
	bool is_other = false;
	int code = check_id(collector->store, META_MACHINE, machine(), &is_other);

	if (!code)
		code = check_id(collector->store, META_PRODUCT, product(), &is_other);
	if (!code && is_other)
		code = collector_make_fresh(collector, FRESH_OTHER_MACHINE);
	return code ? code : check_boot(collector);
}

int identity_check(struct collector *collector)
{
	int code = store_begin_durable(collector->store);

	return code ? code : store_end(collector->store, check(collector));
}

static int set_boot(struct store *store)
{
	sd_id128_t boot;
	int code = sd_id128_get_boot(&boot);

	return code < 0 ? code : store_set_meta(store, META_BOOT, (int64_t)boot.qwords[0]);
}

int identity_settle(struct collector *collector)
{
	int code = store_begin_durable(collector->store);

	if (!code)
		code = store_end(collector->store, set_boot(collector->store));
	collector->settled = !code;
	return code;
}

int identity_leave(struct collector *collector)
{
	int code = store_begin_durable(collector->store);

	return code ? code : store_end(collector->store, store_set_meta(collector->store, META_CLEAN, 1));
}
