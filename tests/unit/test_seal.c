// SPDX-License-Identifier: GPL-2.0
/* Seals of images that the filesystems' own tools make and change. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "seal.h"

static char directory[DIRECTORY_BYTES];

static void shell(const char *script)
{
	char command[1024];

	snprintf(command, sizeof(command), "cd %s && PATH=$PATH:/usr/sbin:/sbin && { %s; } >log 2>&1", directory,
		 script);
	if (system(command) == 0)
		return;
	snprintf(command, sizeof(command), "cat %s/log", directory);
	assert_int_equal(system(command), 0);
	fail_msg("%s", script);
}

static struct seal read_image(const char *name)
{
	char path[256];
	struct seal seal;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(seal_read(path, &seal), 0);
	return seal;
}

static int try_image(const char *name)
{
	char path[256];
	struct seal seal;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return seal_read(path, &seal);
}

/* The script leaves the seal of a good image as it is. */
static void leaves(const char *script)
{
	struct seal before = read_image("image"), now;

	assert_true(before.clean);
	shell(script);
	now = read_image("image");
	assert_true(seal_holds(&before, &now));
}

/* The script breaks it, and that is said in these words. The image is then as before. */
static void breaks(const char *script, const char *words)
{
	struct seal before = read_image("image"), now;
	char text[SEAL_DIFFERENCE_BYTES];

	assert_true(before.clean);
	shell("cp --sparse=always image kept");
	shell(script);
	now = read_image("image");
	assert_false(seal_holds(&before, &now));
	seal_difference(&before, &now, text);
	if (!strstr(text, words))
		fail_msg("%s: '%s', not '%s'", script, text, words);
	shell("mv kept image");
}

static void ext(const char *type)
{
	char script[256];

	snprintf(script, sizeof(script),
		 "rm -f image; mke2fs -q -t %s -U 0a0b0c0d-0102-0304-0506-0708090a0b0c image 16M;"
		 "debugfs -w -R 'ssv lastcheck 20200101' image",
		 type);
	shell(script);
	assert_string_equal(read_image("image").uuid, "0a0b0c0d-0102-0304-0506-0708090a0b0c");
	leaves("cat image >/dev/null");
	/* As at each boot, which may write the time of the last write and how much was written. */
	leaves("e2fsck -a image");
	leaves("debugfs -w -R 'ssv wtime 20300101' image; debugfs -w -R 'ssv kbytes_written 77' image");
	breaks("e2fsck -f -y image", "checked or repaired");
	breaks("tune2fs -C 5 image", "mount count 0 to 5");
	breaks("tune2fs -L label image", "written by a block tool");
	breaks("debugfs -w -R 'ssv mtime 20200101' image", "last mount");
	breaks("debugfs -w -R 'ssv state 0' image", "not unmounted in order");
	breaks("debugfs -w -R 'ssv feature_incompat 0x2c6' image", "not unmounted in order");
	breaks("debugfs -w -R 'ssv last_orphan 12' image", "not unmounted in order");
}

static void seals_of_ext(void **state)
{
	(void)state;
	ext("ext2");
	ext("ext3");
	ext("ext4");
}

static void mounts_of_ext_are_counted(void **state)
{
	struct seal before, now;

	(void)state;
	shell("rm -f image; mke2fs -q -t ext4 image 16M");
	before = now = read_image("image");
	assert_true(seal_fits_mounted(&before, &now, 0));
	now.count++;
	assert_true(seal_fits_mounted(&before, &now, 1));
	assert_false(seal_fits_mounted(&before, &now, 0));
	now.count++;
	assert_false(seal_fits_mounted(&before, &now, 1));
	now = before;
	now.checked++;
	assert_false(seal_fits_mounted(&before, &now, 0));
	/* It has 16 bits. */
	now = before;
	before.count = UINT16_MAX;
	now.count = 0;
	assert_true(seal_fits_mounted(&before, &now, 1));
}

static void seals_of_xfs(void **state)
{
	(void)state;
	shell("rm -f image; truncate -s 512M image; mkfs.xfs -q -m uuid=0a0b0c0d-0102-0304-0506-0708090a0b0c image");
	assert_string_equal(read_image("image").uuid, "0a0b0c0d-0102-0304-0506-0708090a0b0c");
	leaves("xfs_db -r -c 'sb 0' -c print image; xfs_repair -n image");
	breaks("xfs_db -x -c 'sb 0' -c 'write fname \"label\"' image", "written by a block tool");
	breaks("xfs_db -x -c 'sb 0' -c 'write lsn 0x500000007' image", "written by a block tool");
	/* Nothing but the log. */
	breaks("xfs_db -x -c 'logformat -c 7' image", "position in the log");
	/* The flag of the record by which a mount ends: it lies behind the header. */
	breaks("offset=$(xfs_db -r -c 'sb 0' -c 'print logstart' image | cut -d' ' -f3);"
	       "at=$(xfs_db -r -c \"convert fsblock $offset daddr\" image | sed 's/.*(\\([0-9]*\\)).*/\\1/');"
	       "printf '\\0' | dd of=image bs=1 seek=$((at * 512 + 512 + 9)) conv=notrunc status=none",
	       "not unmounted in order");
	/* A log that has come to its end several times, and one whose records are padded. */
	shell("xfs_db -x -c 'logformat -c 9' image");
	leaves("true");
	shell("rm -f image; truncate -s 512M image; mkfs.xfs -q -l su=64k image");
	leaves("true");
	shell("rm -f image; truncate -s 512M image; mkfs.xfs -q -m crc=0 image");
	assert_int_equal(try_image("image"), -ENODATA);
}

static void seals_of_btrfs(void **state)
{
	(void)state;
	shell("rm -f image; truncate -s 256M image; mkfs.btrfs -q -U 0a0b0c0d-0102-0304-0506-0708090a0b0c image");
	assert_string_equal(read_image("image").uuid, "0a0b0c0d-0102-0304-0506-0708090a0b0c");
	leaves("btrfs inspect-internal dump-super image; btrfs check image");
	breaks("btrfstune -r image", "generation");
	breaks("printf '\\1' | dd of=image bs=1 seek=$((65536 + 96)) conv=notrunc status=none",
	       "not unmounted in order");
	breaks("printf 'x' | dd of=image bs=1 seek=$((65536 + 0x12b)) conv=notrunc status=none",
	       "written by a block tool");
	shell("rm -f image other; truncate -s 256M image other; mkfs.btrfs -q image other");
	assert_int_equal(try_image("image"), -ENODATA);
}

static void others_have_none(void **state)
{
	(void)state;
	shell("rm -f image; truncate -s 1M image");
	assert_int_equal(try_image("image"), -ENODATA);
	shell("rm -f image; : >image");
	assert_int_equal(try_image("image"), -ENODATA);
	shell("rm -f image; mke2fs -q -O journal_dev image 16M");
	assert_int_equal(try_image("image"), -ENODATA);
	assert_int_equal(try_image("nothing"), -ENOENT);
}

static int set_up(void **state)
{
	(void)state;
	directory_make(directory, "/tmp");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	directory_remove(directory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seals_of_ext),     cmocka_unit_test(mounts_of_ext_are_counted),
		cmocka_unit_test(seals_of_xfs),     cmocka_unit_test(seals_of_btrfs),
		cmocka_unit_test(others_have_none),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
