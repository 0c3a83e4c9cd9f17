// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "mounts.h"

static const char table[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
			    "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/nonexistent rw,discard\n"
			    "30 27 0:40 /@/home /home rw,relatime - btrfs /dev/nonexistent2 rw,subvol=/@/home\n"
			    "31 27 0:40 / /mnt/whole rw,relatime - btrfs /dev/nonexistent2 rw\n"
			    "32 27 0:41 / /run rw,nosuid - tmpfs tmpfs rw\n"
			    "33 27 0:42 / /net rw - nfs4 server:/export rw\n"
			    "34 27 0:43 / /ssh rw - fuse.sshfs host: rw\n"
			    "35 27 8:1 / /ntfs rw - fuseblk /dev/sdz1 rw\n"
			    "36 27 0:44 / /layers rw - overlay overlay rw,upperdir=/u\n"
			    "37 27 8:2 / /odd\\040one\\040 ro - oddfs /dev/sdz2 rw\n"
			    "38 27 254:0 /gone//deleted /bound rw - ext4 /dev/nonexistent rw\n"
			    "39 27 254:0 /data/www /srv/www rw - ext4 /dev/nonexistent rw\n"
			    "40 27 0:45 / /net/new rw - newnetfs server rw\n"
			    "41 27 0:46 / /run rw - tmpfs tmpfs ro\n"
			    "42 27 0:47 / /pool rw - zfs tank/data rw\n";

struct fixture {
	char name[32];
	struct mounts mounts;
};

static void write_table(char *name, const char *text)
{
	int fd;

	strcpy(name, "/tmp/test-mounts-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	write_table(fixture->name, table);
	assert_int_equal(mounts_read(&fixture->mounts, fixture->name), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	mounts_free(&fixture->mounts);
	unlink(fixture->name);
	free(fixture);
	return 0;
}

static const struct mount *at(void **state, const char *mount_point)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < fixture->mounts.count; i++)
		if (strcmp(fixture->mounts.rows[i].mount_point, mount_point) == 0)
			return &fixture->mounts.rows[i];
	fail_msg("no mount at %s", mount_point);
	return NULL;
}

static void rows_are_read(void **state)
{
	struct fixture *fixture = *state;
	const struct mount *mount = at(state, "/home");

	assert_int_equal(fixture->mounts.count, 15);
	assert_string_equal(mount->root, "/@/home");
	assert_string_equal(mount->type, "btrfs");
	assert_string_equal(mount->source, "/dev/nonexistent2");
	assert_int_equal(mount->device, 40);
	assert_int_equal(mount->id, 30);
	assert_int_equal(at(state, "/")->device, 254 << 20);
	assert_false(at(state, "/")->read_only);
	assert_true(at(state, "/odd one ")->read_only);
	assert_true(fixture->mounts.rows[13].read_only);
}

static void classes(void **state)
{
	static const struct {
		const char *mount_point;
		enum mount_class class;
	} expected[] = {
		{"/", MOUNT_LOCAL},         {"/home", MOUNT_LOCAL},     {"/proc", MOUNT_PSEUDO},
		{"/run", MOUNT_MEMORY},     {"/net", MOUNT_REMOTE},     {"/ssh", MOUNT_REMOTE},
		{"/ntfs", MOUNT_REMOTE},    {"/pool", MOUNT_LOCAL},     {"/layers", MOUNT_LAYERED},
		{"/odd one ", MOUNT_LOCAL}, {"/net/new", MOUNT_REMOTE},
	};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		assert_int_equal(at(state, expected[i].mount_point)->class, expected[i].class);
	for (int class = MOUNT_LOCAL; class <= MOUNT_PSEUDO; class ++)
		assert_true(strlen(mount_class_reason(class)) > 20);
}

static void find_by_path(void **state)
{
	struct fixture *fixture = *state;
	const struct mounts *mounts = &fixture->mounts;

	assert_string_equal(mounts_find_path(mounts, "/homer/x")->mount_point, "/");
	assert_string_equal(mounts_find_path(mounts, "/home")->mount_point, "/home");
	assert_string_equal(mounts_find_path(mounts, "/home/a")->mount_point, "/home");
	assert_string_equal(mounts_find_path(mounts, "/")->mount_point, "/");
	assert_string_equal(mounts_find_path(mounts, "/net/new/a")->mount_point, "/net/new");
	/* The later one covers the earlier one. */
	assert_int_equal(mounts_find_path(mounts, "/run/a")->device, 46);
}

static void find_by_device(void **state)
{
	struct fixture *fixture = *state;
	const struct mounts *mounts = &fixture->mounts;

	assert_string_equal(mounts_find_device(mounts, 40, NULL)->mount_point, "/home");
	assert_string_equal(mounts_find_device(mounts, 40, "/@/home")->mount_point, "/home");
	assert_string_equal(mounts_find_device(mounts, 40, "/@/homes")->mount_point, "/mnt/whole");
	assert_string_equal(mounts_find_device(mounts, 254 << 20, "/data/www/x")->mount_point, "/");
	assert_null(mounts_find_device(mounts, 99, NULL));
}

static void check_both(const struct mount *mount, const char *path, const char *host)
{
	char result[256];

	assert_int_equal(mount_to_host(mount, path, strlen(path), result, sizeof(result)), strlen(host));
	assert_string_equal(result, host);
	assert_int_equal(mount_from_host(mount, host, result, sizeof(result)), strlen(path));
	assert_string_equal(result, path);
}

static void both_directions(void **state)
{
	char result[256];

	check_both(at(state, "/"), "/", "/");
	check_both(at(state, "/"), "/a", "/a");
	check_both(at(state, "/home"), "/@/home", "/home");
	check_both(at(state, "/home"), "/@/home/u/ x\n ", "/home/u/ x\n ");
	check_both(at(state, "/mnt/whole"), "/", "/mnt/whole");
	check_both(at(state, "/mnt/whole"), "/@/home", "/mnt/whole/@/home");
	check_both(at(state, "/odd one "), "/x", "/odd one /x");
	check_both(at(state, "/srv/www"), "/data/www", "/srv/www");
	check_both(at(state, "/srv/www"), "/data/www/i", "/srv/www/i");
	assert_int_equal(mount_to_host(at(state, "/home"), "/@/homes", 8, result, 256), -ENOENT);
	assert_int_equal(mount_to_host(at(state, "/home"), "/@", 2, result, 256), -ENOENT);
	assert_int_equal(mount_to_host(at(state, "/home"), "/", 1, result, 256), -ENOENT);
	assert_int_equal(mount_to_host(at(state, "/"), "", 0, result, 256), -ENOENT);
	assert_int_equal(mount_from_host(at(state, "/home"), "/homes", result, 256), -ENOENT);
	assert_int_equal(mount_from_host(at(state, "/home"), "/", result, 256), -ENOENT);
	assert_int_equal(mount_to_host(at(state, "/bound"), "/gone/x", 7, result, 256), -ENOENT);
	assert_int_equal(mount_from_host(at(state, "/bound"), "/bound/x", result, 256), -ENOENT);
	/* The path need not be terminated. */
	assert_int_equal(mount_to_host(at(state, "/home"), "/@/home/abc", 9, result, 256), 7);
	assert_string_equal(result, "/home/a");
}

static void sizes(void **state)
{
	char result[8] = "unused";

	assert_int_equal(mount_to_host(at(state, "/home"), "/@/home/a", 9, result, 8), 7);
	assert_int_equal(mount_to_host(at(state, "/home"), "/@/home/a", 9, result, 7), -ENAMETOOLONG);
	assert_int_equal(mount_to_host(at(state, "/"), "/", 1, result, 1), -ENAMETOOLONG);
	assert_int_equal(mount_to_host(at(state, "/"), "/", 1, result, 2), 1);
}

static void identities(void **state)
{
	struct fixture *fixture = *state;
	char *identity;

	assert_int_equal(mount_identity(at(state, "/"), &identity), 0);
	assert_string_equal(identity, "ext4:254:0");
	free(identity);
	assert_int_equal(mount_identity(&fixture->mounts.rows[4], &identity), 0);
	assert_string_equal(identity, "tmpfs:0:41");
	free(identity);
}

static void real_table(void **state)
{
	struct mounts mounts;
	struct stat root, proc;
	const struct mount *mount;
	char *identity, *again;

	(void)state;
	assert_int_equal(stat("/", &root), 0);
	assert_int_equal(stat("/proc", &proc), 0);
	assert_int_equal(mounts_read(&mounts, NULL), 0);
	mount = mounts_find_path(&mounts, "/proc");
	assert_string_equal(mount->type, "proc");
	assert_int_equal(mount->device, major(proc.st_dev) << 20 | minor(proc.st_dev));
	mount = mounts_find_path(&mounts, "/");
	if (strcmp(mount->type, "btrfs") != 0)
		assert_int_equal(mount->device, major(root.st_dev) << 20 | minor(root.st_dev));
	assert_int_equal(mount_identity(mount, &identity), 0);
	assert_int_equal(mount_identity(mount, &again), 0);
	assert_true(strlen(identity) > 4);
	assert_string_equal(identity, again);
	free(identity);
	free(again);
	mounts_free(&mounts);
}

static void bad_tables(void **state)
{
	struct mounts mounts;
	char name[32], text[512];

	(void)state;
	assert_int_equal(mounts_read(&mounts, "/nonexistent"), -ENOENT);
	/* A line that cannot be read must not be passed over. */
	snprintf(text, sizeof(text), "%.*s31 27 nonsense\n", 50, table);
	write_table(name, text);
	assert_true(mounts_read(&mounts, name) < 0);
	unlink(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(classes, setup, teardown),
		cmocka_unit_test_setup_teardown(find_by_path, setup, teardown),
		cmocka_unit_test_setup_teardown(find_by_device, setup, teardown),
		cmocka_unit_test_setup_teardown(both_directions, setup, teardown),
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(identities, setup, teardown),
		cmocka_unit_test(real_table),
		cmocka_unit_test(bad_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
