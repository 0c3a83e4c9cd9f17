// SPDX-License-Identifier: GPL-2.0
/*
 * Random operations, each of which may fail or be killed at any of its system calls, or be followed by a power cut: the
 * store is what the model says, before it or after it. FSCHANGED_SEEDS: how many rounds; FSCHANGED_SEED: the first.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "runs_model.h"

enum {
	SEEDS = 40,
	OPERATIONS = 40,
	SECOND = 1000000000,
	STEPS_MOST = 500,
	AT_ONCE = 1000,         /* entries */
	LOG_MOST = 4096 * 4096, /* bytes, without a checkpoint */
	KILLED = 99,
};

/* What is committed; the store has it as well, from the same transactions. */
struct state {
	size_t count;        /* of the model's entries */
	uint64_t kept, open; /* windows */
	uint64_t serial;
};

enum kind { PUT, TAKE_BACK, MERGE, CUT, PRUNE, KINDS };

struct plan {
	enum kind kind;
	struct state next;
	uint64_t blocks;
	bool durable, sorted;
};

static struct {
	char directory[DIRECTORY_BYTES], copy[72];
	struct store *store;
	struct state state;
} world;

/* System calls until one fails; -1: none does. */
static struct {
	int writes, reads, syncs;
	int error; /* 0: the process ends there */
	bool lasts;
} faults = {-1, -1, -1, 0, false};

static bool fails(int *left)
{
	if (*left < 0 || (*left)-- > 0)
		return false;
	if (!faults.error)
		_exit(KILLED);
	if (faults.lasts)
		*left = 0;
	errno = faults.error;
	return true;
}

/* These come before the C library's, for SQLite as well. */
int fdatasync(int file)
{
	return fails(&faults.syncs) ? -1 : (int)syscall(SYS_fdatasync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset)
{
	return fails(&faults.writes) ? -1 : syscall(SYS_pwrite64, file, bytes, size, offset);
}

ssize_t pread64(int file, void *bytes, size_t size, off64_t offset)
{
	return fails(&faults.reads) ? -1 : syscall(SYS_pread64, file, bytes, size, offset);
}

static void no_faults(void)
{
	faults.writes = faults.reads = faults.syncs = -1;
	faults.lasts = false;
}

/* The state */

static const char *const keys[] = {"count", "kept", "open", "serial"};

static int put_state(struct store *store, const struct state *state)
{
	const uint64_t values[] = {state->count, state->kept, state->open, state->serial};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(keys) / sizeof(*keys); i++)
		result = store_set_meta(store, keys[i], (int64_t)values[i]);
	return result;
}

static struct state get_state(struct store *store)
{
	int64_t values[sizeof(keys) / sizeof(*keys)];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_int_equal(store_get_meta(store, keys[i], &values[i]), 0);
	return (struct state){
		.count = (size_t)values[0],
		.kept = (uint64_t)values[1],
		.open = (uint64_t)values[2],
		.serial = (uint64_t)values[3],
	};
}

static int count_paths(const struct store_window *window, void *context)
{
	*(uint64_t *)context += window->paths;
	return 0;
}

/* All that the store says is what it was in that state. */
static void is_in_state(struct store *store, const struct state *state)
{
	uint64_t range = state->open - state->kept + 1, paths = 0;
	uint64_t first = state->kept + (uint64_t)random() % range, last = first + (uint64_t)random() % range;

	is_as_model(store, first, last, state->count);
	assert_int_equal(store_union(store, 0, state->kept - 1, check_entry, &(struct check){0}), 0);
	assert_int_equal(store_windows(store, first, first, count_paths, &paths), 0);
	assert_true(paths >= is_as_model(store, first, first, state->count));
}

static void is_sound(struct store *store)
{
	if (store_check(store))
		fail_msg("%s", store_error(store));
	assert_false(store_is_damaged(store));
}

/* Plans */

static void add_some(const struct state *state)
{
	int large = random() % 12 ? 0 : random() % 8 ? 120 : 700;

	for (int i = 0; i < 1 + random() % 30; i++)
		add_few(state->kept + (uint64_t)random() % (state->open - state->kept + 1));
	for (int i = 0; i < large; i++)
		add_large(random() % 3 ? state->open : state->kept);
}

static struct plan make_plan(void)
{
	static const enum kind often[] = {PUT, PUT, PUT, TAKE_BACK, MERGE, MERGE, MERGE, CUT, PRUNE};
	struct plan plan = {
		.kind = often[(size_t)random() % (sizeof(often) / sizeof(*often))],
		.next = world.state,
		.blocks = 1 + (uint64_t)random() % (random() % 4 ? 6 : 100),
		.durable = random() % 4 == 0,
		.sorted = random() % 4,
	};

	model.count = world.state.count;
	plan.next.serial++;
	if (plan.kind == PUT || plan.kind == TAKE_BACK)
		add_some(&world.state);
	plan.next.count = model.count;
	plan.next.open += plan.kind == CUT;
	if (plan.kind == PRUNE && random() % 2)
		plan.next.kept += (uint64_t)random() % (plan.next.open - plan.next.kept + 1);
	return plan;
}

static int put_new(struct store *store, const struct plan *plan)
{
	size_t from = world.state.count, count = model.count - from;
	const struct dirty *put[AT_ONCE];
	int result = 0;

	assert_true(count <= AT_ONCE);
	for (size_t i = 0; i < count; i++)
		put[i] = &model.entries[from + i];
	if (plan->sorted)
		qsort(put, count, sizeof(*put), compare);
	for (size_t i = 0; !result && i < count; i++)
		result = store_put_dirty(store, put[i]);
	return result;
}

static int cut(struct store *store, const struct plan *plan)
{
	int result = store_close_window(store, plan->next.open - 1, 2 * OPENED * (int64_t)SECOND, 0);

	return result ? result : store_open_window(store, plan->next.open, OPENED * (int64_t)SECOND);
}

static int prune(struct store *store, const struct plan *plan)
{
	size_t removed;
	int result = store_mark_job(store, "job", plan->next.kept - 1, 1, COPIED_ALL);

	if (!result)
		result = store_commit_job(store, "job", 1);
	return result ? result : store_prune(store, INT64_MAX, &removed);
}

static int do_in_transaction(struct store *store, const struct plan *plan)
{
	if (plan->kind == CUT)
		return cut(store, plan);
	if (plan->kind == PRUNE)
		return plan->next.kept > 1 ? prune(store, plan) : 0;
	return put_new(store, plan);
}

static int perform(struct store *store, const struct plan *plan)
{
	uint64_t made;
	bool more;
	int result;

	if (plan->kind == MERGE)
		return store_merge(store, plan->blocks, &made, &more);
	result = plan->durable ? store_begin_durable(store) : store_begin(store);
	if (!result)
		result = do_in_transaction(store, plan);
	if (!result)
		result = put_state(store, &plan->next);
	if (!result && plan->kind != TAKE_BACK)
		return (result = store_commit(store)) ? store_rollback(store), result : 0;
	store_rollback(store);
	return result;
}

static bool changes_state(const struct plan *plan)
{
	return plan->kind != MERGE && plan->kind != TAKE_BACK;
}

static void succeeded(const struct plan *plan)
{
	if (changes_state(plan))
		world.state = plan->next;
}

/* Ways in which a plan is carried out */

static void open_world(void)
{
	if (store_open(&world.store, world.directory, STORE_WRITE))
		fail_msg("%s", store_error(world.store));
	assert_false(store_is_replaced(world.store));
}

static void plainly(const struct plan *plan)
{
	if (perform(world.store, plan))
		fail_msg("%s", store_error(world.store));
	succeeded(plan);
}

/* What was refused has not taken place for who opens it next either. */
static void open_again(void)
{
	store_close(world.store);
	open_world();
	is_sound(world.store);
}

static void with_faults(const struct plan *plan)
{
	static const int errors[] = {EIO, ENOSPC};
	int *which[] = {&faults.writes, &faults.writes, &faults.reads, &faults.syncs}, result;

	*which[random() % 4] = (int)(random() % (random() % 3 ? 12 : 200));
	faults.error = errors[random() % 2];
	faults.lasts = random() % 2;
	result = perform(world.store, plan);
	no_faults();
	assert_false(store_is_damaged(world.store));
	if (!result)
		return succeeded(plan);
	is_in_state(world.store, &world.state);
	if (random() % 2)
		open_again();
}

static void killed(const struct plan *plan)
{
	int status;
	pid_t child;

	store_close(world.store);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		open_world();
		faults.writes = (int)(random() % (random() % 3 ? 12 : 100));
		faults.error = 0;
		if (perform(world.store, plan))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED));
	open_world();
	if (WEXITSTATUS(status) == 0 || get_state(world.store).serial == plan->next.serial)
		succeeded(plan);
	is_sound(world.store);
}

/* Of the log only a part is on the disk. */
static void with_power_cut(const struct plan *plan)
{
	char log[128];
	struct stat status;
	struct state state;
	struct store *store;
	bool more = true;
	uint64_t made;

	plainly(plan);
	snprintf(log, sizeof(log), "%s/fschanged.db-wal", world.directory);
	if (stat(log, &status) || status.st_size >= LOG_MOST)
		return;
	run_command("rm -rf '%2$s'; mkdir '%2$s' && cp '%1$s'/fschanged.db '%1$s'/fschanged.db-wal '%2$s'",
		    world.directory, world.copy);
	snprintf(log, sizeof(log), "%s/fschanged.db-wal", world.copy);
	assert_int_equal(truncate(log, status.st_size - (random() % 2 ? random() % (status.st_size + 1) : 0)), 0);
	assert_int_equal(store_open(&store, world.copy, STORE_WRITE), 0);
	assert_false(store_is_replaced(store));
	state = get_state(store);
	assert_true(state.serial <= world.state.serial);
	is_sound(store);
	is_in_state(store, &state);
	for (int steps = 0; more; steps++) {
		assert_true(steps < STEPS_MOST);
		assert_int_equal(store_merge(store, plan->blocks, &made, &more), 0);
	}
	is_in_state(store, &state);
	is_sound(store);
	store_close(store);
}

struct watched {
	struct check check; /* first: it is what check_entry() sees */
	const struct plan *plan;
};

static int check_and_perform(const struct dirty *entry, void *context)
{
	struct watched *watched = context;

	if (watched->plan)
		plainly(watched->plan);
	watched->plan = NULL;
	return check_entry(entry, &watched->check);
}

/* Another connection reads meanwhile. */
static void while_read(const struct plan *plan)
{
	struct watched watched = {.plan = plan};
	struct state state = world.state;
	struct store *reader;

	for (size_t i = 0; i < state.count; i++)
		if (model.entries[i].window >= state.kept)
			sorted[watched.check.count++] = &model.entries[i];
	qsort(sorted, watched.check.count, sizeof(*sorted), compare);
	assert_int_equal(store_open(&reader, world.directory, STORE_READ), 0);
	assert_int_equal(store_union(reader, 1, state.open, check_and_perform, &watched), 0);
	assert_int_equal(watched.check.next, watched.check.count);
	if (watched.plan)
		plainly(plan);
	is_in_state(reader, &world.state);
	store_close(reader);
}

static void after_reopening(const struct plan *plan)
{
	open_again();
	plainly(plan);
}

static void round_of(unsigned seed)
{
	static void (*const ways[])(const struct plan *) = {plainly,         plainly,     plainly,        plainly,
							    with_faults,     with_faults, with_power_cut, killed,
							    after_reopening, while_read};

	srandom(seed);
	for (int i = 0; i < OPERATIONS; i++) {
		struct plan plan = make_plan();

		ways[(size_t)random() % (sizeof(ways) / sizeof(*ways))](&plan);
		assert_true(get_state(world.store).serial == world.state.serial);
		is_in_state(world.store, &world.state);
	}
	is_sound(world.store);
}

static void begin_world(void)
{
	model.count = 0;
	no_faults();
	directory_make(world.directory, "/tmp");
	snprintf(world.copy, sizeof(world.copy), "%s/copy", world.directory);
	assert_int_equal(store_open(&world.store, world.directory, STORE_WRITE), 0);
	world.state = (struct state){.kept = 1, .open = 1};
	assert_int_equal(store_open_window(world.store, 1, OPENED * (int64_t)SECOND), 0);
	assert_int_equal(put_state(world.store, &world.state), 0);
	store_close(world.store);
	open_world();
}

static unsigned setting(const char *name, unsigned otherwise)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : otherwise;
}

static void is_the_model_whatever_comes(void **state)
{
	unsigned first = setting("FSCHANGED_SEED", 1), count = setting("FSCHANGED_SEEDS", SEEDS);

	(void)state;
	for (unsigned seed = first; seed < first + count; seed++) {
		print_message("seed %u\n", seed);
		begin_world();
		round_of(seed);
		store_close(world.store);
		directory_remove(world.directory);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_the_model_whatever_comes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
