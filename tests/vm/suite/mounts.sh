# shellcheck shell=bash
# Filesystems that come and go: what is known of them when they are mounted again.

DISK=/dev/vdh DISK_MOUNT=/mnt/disk

# new_disk TYPE JOB: a filesystem on a disk, mounted and traced, and a job with a base.
new_disk() {
	trap drop_disk EXIT
	mkdir -p "$DISK_MOUNT"
	wipefs -q -a "$DISK"
	case $1 in
	ext4) mkfs.ext4 -q -E lazy_itable_init=0 "$DISK" && e2fsck -f -y "$DISK" ;;
	*) "mkfs.$1" -q "$DISK" ;;
	esac
	# A check that comes later shows, whatever the clock.
	[ "$1" != ext4 ] || debugfs -w -R 'ssv lastcheck 20200101' "$DISK"
	mount "$DISK" "$DISK_MOUNT"
	wait_until 20 is_traced "$DISK_MOUNT" || fail "$DISK_MOUNT is not traced"
	echo text >"$DISK_MOUNT/file"
	expect_new_base "$2"
}

# As after a full backup: what was missing before is copied.
expect_new_base() {
	expect 0 fschanged mark --job "$1"
	commit "$1"
}

commit_complete() {
	complete_dump "$1" "$DISK_MOUNT"
	commit "$1"
}

number_of() {
	stat -c %d "$1"
}

drop_disk() {
	set +e
	umount -A -l "$DISK" 2>/dev/null
}

# What the kernel does of its own accord once a filesystem is unmounted, and what the collector looks at then.
settle() {
	sync
	sleep 3
}

remount() {
	umount "$DISK_MOUNT"
	"${@:-true}"
	mount "$DISK" "$DISK_MOUNT"
}

mounted_again() {
	new_disk "$1" "$FUNCNAME-$1"
	# At once, and while nobody looks.
	echo text >"$DISK_MOUNT/before"
	remount
	echo text >"$DISK_MOUNT/at-once"
	complete_dump "$FUNCNAME-$1" "$DISK_MOUNT"
	expect_listed changed before at-once
	commit "$FUNCNAME-$1"
	# In peace, so that there is a seal.
	echo text >"$DISK_MOUNT/file"
	remount settle
	echo text >"$DISK_MOUNT/later"
	complete_dump "$FUNCNAME-$1" "$DISK_MOUNT"
	expect_listed changed file later
	expect_not_listed changed before
	commit "$FUNCNAME-$1"
	# More mounts than one, and each is over before it is seen.
	umount "$DISK_MOUNT"
	settle
	for number in 1 2 3; do
		mount "$DISK" "$DISK_MOUNT"
		echo text >"$DISK_MOUNT/short$number"
		umount "$DISK_MOUNT"
	done
	mount "$DISK" "$DISK_MOUNT"
	dump "$FUNCNAME-$1" "$DISK_MOUNT"
	[ "$1" = btrfs ] || [ "$STATUS" = 0 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	expect_listed changed short{1,2,3}
	commit "$FUNCNAME-$1"
	# While the collector sleeps.
	kill -STOP "$COLLECTOR"
	remount
	echo text >"$DISK_MOUNT/unseen"
	remount
	kill -CONT "$COLLECTOR"
	complete_dump "$FUNCNAME-$1" "$DISK_MOUNT"
	expect_listed changed unseen
	commit "$FUNCNAME-$1"
}

proves mounted_again_ext4 'ext4 is unmounted and mounted again, at once, later and often: nothing is missing, no gap'
mounted_again_ext4() {
	mounted_again ext4
	# With its check at boot.
	remount e2fsck -a "$DISK"
	complete_dump mounted_again-ext4 "$DISK_MOUNT"
	commit mounted_again-ext4
	# For reading, and then for writing.
	umount "$DISK_MOUNT"
	mount -o ro "$DISK" "$DISK_MOUNT"
	mount -o remount,rw "$DISK_MOUNT"
	echo text >"$DISK_MOUNT/writable"
	complete_dump mounted_again-ext4 "$DISK_MOUNT"
	expect_listed changed writable
	commit mounted_again-ext4
	# It is gone again when the collector reads what has changed on it.
	umount "$DISK_MOUNT"
	settle
	kill -STOP "$COLLECTOR"
	mount "$DISK" "$DISK_MOUNT"
	echo text >"$DISK_MOUNT/gone"
	umount "$DISK_MOUNT"
	kill -CONT "$COLLECTOR"
	settle
	mount "$DISK" "$DISK_MOUNT"
	complete_dump mounted_again-ext4 "$DISK_MOUNT"
	expect_listed changed gone
}

proves mounted_again_xfs 'xfs is unmounted and mounted again, at once, later and often: nothing is missing, no gap'
mounted_again_xfs() {
	mounted_again xfs
}

proves mounted_again_btrfs 'btrfs is unmounted and mounted again, at once and later: nothing is missing, no gap'
mounted_again_btrfs() {
	mounted_again btrfs
}

proves btrfs_mounted_out_of_sight \
	'btrfs is mounted where the collector does not see it, under another number, and changed: listed, or the list is incomplete'
btrfs_mounted_out_of_sight() {
	local number
	new_disk btrfs "$FUNCNAME"
	remount settle
	commit_complete "$FUNCNAME"
	number=$(number_of "$DISK_MOUNT")
	umount "$DISK_MOUNT"
	settle
	# Whoever comes first gets the number that is free.
	mkdir -p "$T/first"
	mount -t tmpfs first "$T/first"
	unshare -m --propagation private sh -c "mount $DISK $DISK_MOUNT && echo text >$DISK_MOUNT/hidden &&
		stat -c %d $DISK_MOUNT >$T/number && umount $DISK_MOUNT"
	umount "$T/first"
	settle
	mount "$DISK" "$DISK_MOUNT"
	dump "$FUNCNAME" "$DISK_MOUNT"
	[ "$STATUS" = 3 ] || expect_listed changed hidden
	[ "$(<"$T/number")" != "$number" ] || fail "it had the same number: this proves nothing"
	expect_new_base "$FUNCNAME"
	echo text >"$DISK_MOUNT/seen"
	complete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_listed changed seen
	commit "$FUNCNAME"
}

# A btrfs has one superblock at a time.
proves btrfs_that_stayed \
	'a btrfs that nobody knows is mounted out of sight and changed: another one that was there all the time has no gap'
btrfs_that_stayed() {
	new_disk btrfs "$FUNCNAME"
	truncate -s 128M "$T/other"
	mkfs.btrfs -q "$T/other"
	mkdir -p "$T/mount"
	for _ in 1 2 3; do
		unshare -m --propagation private sh -c "mount -o loop $T/other $T/mount && echo text >$T/mount/hidden &&
			umount $T/mount"
	done
	echo text >"$DISK_MOUNT/seen"
	settle
	complete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_listed changed seen
	commit "$FUNCNAME"
}

# incomplete_after WORDS COMMAND...: it says so, and then all is well again.
incomplete_after() {
	local words=$1
	shift
	"$@" >/dev/null 2>"$T/tool" || fail "$*: $(<"$T/tool")"
	incomplete_dump raw "$DISK_MOUNT"
	expect_said "$words"
	# The write may have come after it was counted, so the next window is its as well.
	sleep 1.5
	expect_new_base raw
	complete_dump raw "$DISK_MOUNT"
	commit raw
}

proves block_device_written 'a block device is written past its filesystem, mounted or not: the list names the program'
block_device_written() {
	new_disk ext4 raw
	settle
	incomplete_after 'by dd' dd if=/dev/zero of="$DISK" bs=4096 count=1 seek=100000 conv=notrunc oflag=direct
	incomplete_after 'by blkdiscard' blkdiscard -f -o $((400 * 1024 * 1024)) -l 4096 "$DISK"
	incomplete_after 'by debugfs' remount debugfs -w -R 'sif /file mode 0100600' "$DISK"
	incomplete_after 'by e2fsck' remount e2fsck -f -y "$DISK"
	# With time in between.
	remount settle
	complete_dump raw "$DISK_MOUNT"
	commit raw
	umount "$DISK_MOUNT"
	settle
	debugfs -w -R 'sif /file mode 0100640' "$DISK" >/dev/null
	settle
	mount "$DISK" "$DISK_MOUNT"
	incomplete_dump raw "$DISK_MOUNT"
	expect_said 'by debugfs'
	sleep 1.5
	expect_new_base raw
	# To look is not to write.
	dumpe2fs "$DISK" >/dev/null 2>&1
	blkid -p "$DISK" >/dev/null
	blockdev --getsize64 --flushbufs "$DISK" >/dev/null
	complete_dump raw "$DISK_MOUNT"
	commit raw
}

# map_disk [UUID]: a mapped device, all of which is the disk. Sets DISK.
map_disk() {
	modprobe dm-mod 2>/dev/null || :
	wipefs -q -a "$DISK"
	dmsetup create below --noudevsync ${1:+--uuid "$1"} --table "0 $(blockdev --getsz "$DISK") linear $DISK 0"
	dmsetup mknodes
	DISK=/dev/mapper/below
}

unmap_disk() {
	drop_disk
	dmsetup remove --noudevsync --retry below
}

proves disk_below_written 'the disk below a mapped device is written past the filesystem: the list names the program; but not for LVM'
disk_below_written() {
	local disk=$DISK uuid
	# LVM keeps its own records at the beginning of such a disk, and no more is known of them.
	for uuid in '' LVM-abc; do
		DISK=$disk
		map_disk "$uuid"
		new_disk ext4 raw
		trap unmap_disk EXIT
		settle
		if [ -z "$uuid" ]; then
			incomplete_after 'by dd' dd if=/dev/zero of="$disk" bs=4096 count=1 seek=100000 conv=notrunc oflag=direct
		else
			dd if="$disk" of="$disk" bs=4096 count=1 skip=1 seek=1 conv=notrunc iflag=direct oflag=direct 2>/dev/null
			complete_dump raw "$DISK_MOUNT"
		fi
		unmap_disk
		set -e
	done
	trap - EXIT
}

# store_in_device OFFSET: by a mapping.
store_in_device() {
	python3 -c 'import mmap, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
memory = mmap.mmap(file, 4096, offset=int(sys.argv[2]))
memory[0] = memory[0] ^ 1
memory.flush()' "$DISK" "$1"
}

# From then on each window is incomplete while that device is there, so it is one that goes.
proves block_device_mapped 'a block device is written by a mapping, past its filesystem: the list names the program'
block_device_mapped() {
	map_disk
	new_disk ext4 "$FUNCNAME"
	trap unmap_disk EXIT
	settle
	complete_dump "$FUNCNAME" "$DISK_MOUNT"
	store_in_device $((400 * 1024 * 1024))
	incomplete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_said 'by python3'
}

# On a filesystem of its own that goes with the test: each window with it is incomplete. So is what has its device's
# number later, which nobody else uses.
map_device_before_the_start() {
	MAPPED_DISK=/mnt/mapped-disk
	is_wanted block_device_mapped_before_the_start || return 0
	mkdir -p "$MAPPED_DISK"
	truncate -s 32M "$RUN/mapped-disk"
	MAPPED_LOOP=/dev/loop76
	losetup "$MAPPED_LOOP" "$RUN/mapped-disk"
	mkfs.ext4 -q "$MAPPED_LOOP"
	mount "$MAPPED_LOOP" "$MAPPED_DISK"
	start_holder device
	(hold device map mapped "$MAPPED_LOOP")
}

proves block_device_mapped_before_the_start \
	'a block device that was mapped before the collector started can be written unseen: each list says so, and names the program'
block_device_mapped_before_the_start() {
	local window
	trap 'set +e; stop_holder device; umount -l "$MAPPED_DISK"; losetup -d "$MAPPED_LOOP"' EXIT
	begin_job "$FUNCNAME"
	for window in 1 2 3; do
		# Nothing is stored in the first window: that it may be is enough.
		[ "$window" = 1 ] || hold device store mapped "window $window"
		incomplete_dump "$FUNCNAME" "$MAPPED_DISK"
		expect_said "written past it, last by python"
		expect_said "($(<"$RUN/device.pid"))"
		commit "$FUNCNAME"
	done
	umount "$MAPPED_DISK"
	wait_until 20 is_untraced "$MAPPED_DISK" || fail "$MAPPED_DISK is still traced"
}

# As a host of machines does: the kernel leaves a program on this function out while a task is preempted within it. That
# counts for all devices that somebody has opened for writing, as the image of many directories was written.
proves devices_written_at_once 'tasks write into block devices at once, on which no traced filesystem lies: nothing is incomplete'
devices_written_at_once() {
	local loop writers=()
	! mountpoint -q "$MANY" || umount "$MANY"
	truncate -s 16M "$T/device"
	loop=$(losetup --find --show "$T/device")
	begin_job "$FUNCNAME"
	for _ in 1 2 3; do
		timeout 4 dd if=/dev/zero of="$loop" bs=512 count=1000000 conv=notrunc 2>/dev/null &
		writers+=($!)
	done
	wait "${writers[@]}" || :
	losetup --detach "$loop"
	complete_dump "$FUNCNAME" "$D"
	expect_no_losses
}

proves device_opened_for_writing 'a block device that is opened for writing, and not written, is known: what the kernel leaves out counts for it'
device_opened_for_writing() {
	# Nobody has used its number. losetup opens it for writing, too.
	local loop=/dev/loop77 key="\"key\": $((7 << 20 | 77)),"
	! bpftool map dump name raw_writes | grep "$key" || fail "it is known before"
	truncate -s 1M "$T/device"
	losetup "$loop" "$T/device"
	trap 'losetup --detach /dev/loop77' EXIT
	exec 8<>"$loop"
	exec 8>&-
	bpftool map dump name raw_writes >"$T/known"
	grep -A 2 "$key" "$T/known" | grep '"writes": 0,' || fail "it is not known, or was written: $(<"$T/known")"
}

proves shown_elsewhere 'a filesystem is mounted again at another place: all of it is new there, the list is incomplete'
shown_elsewhere() {
	new_disk ext4 "$FUNCNAME"
	umount "$DISK_MOUNT"
	mkdir -p /mnt/elsewhere
	mount "$DISK" /mnt/elsewhere
	incomplete_dump "$FUNCNAME" /mnt
	expect_said mounted
}

# mount_subvolume NAME [PLACE]: of the disk.
mount_subvolume() {
	mount -o "subvol=$1" "$DISK" "$DISK_MOUNT${2:-}"
}

# new_subvolumes JOB: a btrfs of which one subvolume is mounted; others may be, at its directory `below`.
new_subvolumes() {
	local name
	new_disk btrfs "$1"
	for name in root home old data; do
		btrfs -q subvolume create "$DISK_MOUNT/$name"
		echo "$name" >"$DISK_MOUNT/$name/file"
	done
	mkdir "$DISK_MOUNT"/root/{below,bound,directory}
	umount "$DISK_MOUNT"
	mount_subvolume root
	wait_until 20 is_traced "$DISK_MOUNT" || fail "$DISK_MOUNT is not traced"
}

# incomplete_once JOB: it says that other content is seen, and then all is well again.
incomplete_once() {
	incomplete_dump "$1" "$DISK_MOUNT"
	expect_said 'another directory or subvolume'
	expect_new_base "$1"
	commit_complete "$1"
}

proves btrfs_other_subvolume \
	'another btrfs subvolume is mounted where one was, with a look in between, or one at a new place: the list is incomplete'
btrfs_other_subvolume() {
	new_subvolumes "$FUNCNAME"
	expect_new_base "$FUNCNAME"
	commit_complete "$FUNCNAME"
	mount_subvolume home /below
	incomplete_once "$FUNCNAME"
	# Each list is a look.
	umount "$DISK_MOUNT/below"
	commit_complete "$FUNCNAME"
	mount_subvolume home /below
	commit_complete "$FUNCNAME"
	umount "$DISK_MOUNT/below"
	commit_complete "$FUNCNAME"
	mount_subvolume old /below
	incomplete_once "$FUNCNAME"
	# Another filesystem was there.
	umount "$DISK_MOUNT/below"
	mount -t tmpfs other "$DISK_MOUNT/below"
	commit_complete "$FUNCNAME"
	umount "$DISK_MOUNT/below"
	mount_subvolume old /below
	incomplete_once "$FUNCNAME"
	# What is shown already is nothing new.
	mount --bind "$DISK_MOUNT/directory" "$DISK_MOUNT/bound"
	commit_complete "$FUNCNAME"
}

proves btrfs_subvolume_elsewhere \
	'a btrfs subvolume is mounted elsewhere for a while, changed and listed there, or below /run: when it is back the list is incomplete'
btrfs_subvolume_elsewhere() {
	new_subvolumes "$FUNCNAME"
	mount_subvolume home /below
	expect_new_base "$FUNCNAME"
	commit_complete "$FUNCNAME"
	umount "$DISK_MOUNT/below"
	mount_subvolume home /bound
	incomplete_once "$FUNCNAME"
	echo more >>"$DISK_MOUNT/bound/file"
	complete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_listed changed bound/file
	expect_not_listed changed below/file
	commit "$FUNCNAME"
	umount "$DISK_MOUNT/bound"
	mount_subvolume home /below
	incomplete_once "$FUNCNAME"
	# A tool's, of all of it.
	umount "$DISK_MOUNT/below"
	mkdir -p "$T/pool"
	mount -o subvolid=5 "$DISK" "$T/pool"
	echo more >>"$T/pool/home/file"
	commit_complete "$FUNCNAME"
	umount "$T/pool"
	mount_subvolume home /below
	incomplete_once "$FUNCNAME"
	# Where it stays mounted meanwhile, and even where it comes again behind that, it is named by its own place.
	mount -o subvolid=5 "$DISK" "$T/pool"
	umount "$DISK_MOUNT/below"
	mount_subvolume home /below
	echo more >>"$DISK_MOUNT/below/file"
	dump "$FUNCNAME" /
	expect_listed changed "${DISK_MOUNT#/}/below/file"
	commit "$FUNCNAME"
}

# The table of filesystems, full of ones that nobody has; the kernel side and the collector keep what has not ended.
fill_superblocks() {
	local number id
	id=$(bpftool map show name superblocks | sed -n '1s/:.*//p')
	for ((number = 0; number < 1024; number++)); do
		echo "$1 id $id key hex $(printf '%02x %02x' $((number % 256)) $((number / 256))) f0 ff" "${@:2}"
	done >"$T/superblocks"
	# One after another, until there is no room.
	bpftool batch file "$T/superblocks" >"$T/bpftool" 2>&1 || :
}

empty_superblocks() {
	set +e
	drop_filesystem
	fill_superblocks 'map delete'
}

proves full_table_of_filesystems_is_a_gap 'more filesystems than the table of them holds: lists are incomplete, also when it is gone at once'
full_table_of_filesystems_is_a_gap() {
	local came='01 00 00 00'
	begin_job "$FUNCNAME"
	# other_filesystem waits until it is traced.
	truncate -s 32M "$T/image"
	LOOP=$(losetup --find --show "$T/image")
	trap empty_superblocks EXIT
	mkfs.ext4 -q "$LOOP"
	mkdir -p /mnt/disk
	# shellcheck disable=SC2046 # words
	fill_superblocks 'map update' value hex $(printf '00 %.0s' {1..24}) $came 00 00 00 00
	grep -q 'Argument list too long\|E2BIG' "$T/bpftool" || fail "it is not full: $(tail -n 3 "$T/bpftool")"
	mount "$LOOP" /mnt/disk
	: >/mnt/disk/file
	sleep 1
	umount /mnt/disk
	incomplete_dump "$FUNCNAME" /mnt
	expect_said 'cannot be traced'
	commit "$FUNCNAME"
	mount "$LOOP" /mnt/disk
	incomplete_dump "$FUNCNAME" /mnt
	expect_said 'cannot be traced'
	commit "$FUNCNAME"
	# For as long as it is there.
	: >/mnt/disk/later
	incomplete_dump "$FUNCNAME" /mnt
	commit "$FUNCNAME"
}

# put_below IMAGE: what the device /dev/mapper/changing shows from now on; its number stays.
put_below() {
	local loop
	loop=$(losetup --find --show "$1")
	dmsetup create changing --noudevsync --table "0 $(blockdev --getsz "$loop") linear $loop 0"
	dmsetup mknodes
}

drop_changing() {
	set +e
	kill -CONT "$COLLECTOR"
	umount -A -l /dev/mapper/changing 2>/dev/null
	dmsetup remove --noudevsync --retry changing
	losetup -D
}

# changed_elsewhere IMAGE [COMMAND]: another host has written a file into a copy; no device has seen that.
changed_elsewhere() {
	cp "$T/image" "$1"
	echo text >"$T/text"
	debugfs -w -f - "$1" <<-END
		write $T/text elsewhere
		${2:-}
	END
}

# On a device of the device mapper: loop devices are never believed.
begin_changing() {
	modprobe dm-mod 2>/dev/null || :
	truncate -s 32M "$T/image"
	mkfs.ext4 -q "$T/image"
	trap drop_changing EXIT
	put_below "$T/image"
	mkdir -p /mnt/changing
	mount /dev/mapper/changing /mnt/changing
	wait_until 20 is_traced /mnt/changing || fail "it is not traced"
	umount /mnt/changing
	NUMBER=$(dmsetup info -c --noheadings -o major,minor changing)
}

mount_changing() {
	[ "$(dmsetup info -c --noheadings -o major,minor changing)" = "$NUMBER" ] || fail "it has another number: this proves nothing"
	mount /dev/mapper/changing /mnt/changing
	[ -e /mnt/changing/elsewhere ] || fail "it is not the other one"
}

proves other_disk_under_the_same_number 'a copy of a filesystem that was changed elsewhere is in its place before anybody looks: the list is incomplete'
other_disk_under_the_same_number() {
	begin_changing
	changed_elsewhere "$T/image-2"
	mount /dev/mapper/changing /mnt/changing
	wait_until 20 is_traced /mnt/changing || fail "it is not traced"
	expect_new_base "$FUNCNAME"
	kill -STOP "$COLLECTOR"
	umount /mnt/changing
	dmsetup remove --noudevsync --retry changing
	put_below "$T/image-2"
	mount_changing
	kill -CONT "$COLLECTOR"
	incomplete_dump "$FUNCNAME" /mnt/changing
	expect_said mounted
	commit "$FUNCNAME"
}

# As an array is that was another host's meanwhile: device and disk are the same, and at every look all is as it was.
proves mounted_elsewhere_meanwhile 'a filesystem was mounted by another host between two looks at its device: the list is incomplete'
mounted_elsewhere_meanwhile() {
	local loop count
	begin_changing
	settle
	mount /dev/mapper/changing /mnt/changing
	wait_until 20 is_traced /mnt/changing || fail "it is not traced"
	expect_new_base "$FUNCNAME"
	umount /mnt/changing
	settle
	kill -STOP "$COLLECTOR"
	count=$(dumpe2fs -h "$T/image" 2>/dev/null | sed -n 's/^Mount count: *//p')
	changed_elsewhere "$T/image-2" "ssv mnt_count $((count + 1))"
	loop=$(losetup --find --show "$T/image-2")
	dmsetup suspend --nolockfs changing
	dmsetup load changing --table "0 $(blockdev --getsz "$loop") linear $loop 0"
	dmsetup resume --noudevsync changing
	mount_changing
	kill -CONT "$COLLECTOR"
	incomplete_dump "$FUNCNAME" /mnt/changing
	expect_said mount
	commit "$FUNCNAME"
}

proves full_backup_without_a_filesystem \
	'a full backup is made, or begins, while a filesystem is not mounted: when it is, the list is incomplete'
full_backup_without_a_filesystem() {
	new_disk ext4 "$FUNCNAME"
	umount "$DISK_MOUNT"
	settle
	expect_new_base "$FUNCNAME"
	mount "$DISK" "$DISK_MOUNT"
	incomplete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_said 'full backup'
	commit "$FUNCNAME"
	# It is mounted while the backup is made.
	umount "$DISK_MOUNT"
	settle
	expect 0 fschanged mark --job "$FUNCNAME"
	mount "$DISK" "$DISK_MOUNT"
	wait_until 20 is_traced "$DISK_MOUNT" || fail "$DISK_MOUNT is not traced"
	commit "$FUNCNAME"
	incomplete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_said 'full backup'
	dump "$FUNCNAME" "$DISK_MOUNT" --pending --repair
	[ "$STATUS" = 0 ] || fail "dump --repair ended with $STATUS: $(<"$T/err")"
	expect_listed changed file
	commit "$FUNCNAME"
	# It is there when the backup begins and when that is done, and was not for a while.
	expect 0 fschanged mark --job "$FUNCNAME"
	remount settle
	wait_until 20 is_traced "$DISK_MOUNT" || fail "$DISK_MOUNT is not traced"
	commit "$FUNCNAME"
	incomplete_dump "$FUNCNAME" "$DISK_MOUNT"
	expect_said 'full backup'
	dump "$FUNCNAME" "$DISK_MOUNT" --pending --repair
	commit "$FUNCNAME"
	# All of that was before it began.
	expect_new_base "$FUNCNAME"
	complete_dump "$FUNCNAME" "$DISK_MOUNT"
}
