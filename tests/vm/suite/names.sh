# shellcheck shell=bash
# Names: odd ones, such as the kernel does not keep as the disk has them, and such as change while they are read.

# ---- bytes

proves odd_names_in_every_format \
	'names with newlines, control bytes, no UTF-8, " (deleted)", of 255 bytes: nul, lines and json name the same files'
odd_names_in_every_format() {
	local kind
	make_odd_names() {
		python - "$D" "$1" <<-'END'
			import os, sys

			os.chdir(os.fsencode(sys.argv[1]))
			names = [b"new\nline", b"\n", b"tab\t", b"control\x01\x7f\x1b[31m", b"return\r", b"not UTF-8 \xff\xfe",
			         b"half \xc3", b"surrogate \xed\xa0\x80", b"overlong \xc0\xaf", b"file (deleted)", b"file",
			         b"directory (deleted)/file", b"space at the end ", b" ", b"back\\slash", b"\\n", b"\\012", b"quote\"'`",
			         b"#comment", b";comment", b"-option", b"--", b"*?[a]", b"{a,b}", b"$HOME", b"~", b"...", b"..a",
			         b"//deleted".replace(b"/", b":"), "ünï".encode(), "u\u0308ni".encode(), b"b" * 255,
			         b"\xff" * 255, b"\n" * 255, b"directory \n\xff/below \n\xff"]
			for name in names:
			    if sys.argv[2] == "remove":
			        os.unlink(name)
			        continue
			    os.makedirs(os.path.dirname(name) or b".", exist_ok=True)
			    with open(name, "ab") as file:
			        file.write(name)
		END
	}
	begin_job_with_full_backup "$FUNCNAME"
	for kind in make change remove; do
		make_odd_names "$kind"
		back_up "$FUNCNAME"
		expect 0 fschanged dump --job "$FUNCNAME" --pending --escape --relative-to "$D" --changed "$T/changed.lines" \
			--deleted "$T/deleted.lines"
		expect 0 fschanged dump --job "$FUNCNAME" --pending --format json --relative-to "$D" --changed "$T/changed.json" \
			--deleted "$T/deleted.json"
		python - "$T" <<-'END'
			import base64, json, os, re, sys

			def unescape(line):
			    letters = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"\\": b"\\", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
			    return re.sub(rb"\\([0-7]{3}|.)", lambda match: letters.get(match[1]) or bytes([int(match[1], 8)]), line)

			def from_json(line):
			    row = json.loads(line)
			    return base64.b64decode(row["path_base64"]) if "path_base64" in row else row["path"].encode()

			os.chdir(sys.argv[1])
			for kind in ("changed", "deleted"):
			    paths = open(kind, "rb").read().split(b"\0")[:-1]
			    lines = [unescape(line) for line in open(kind + ".lines", "rb").read().split(b"\n")[:-1]]
			    rows = [from_json(line) for line in open(kind + ".json", "rb").read().split(b"\n")[:-1]]
			    assert lines == paths, ("lines", set(lines) ^ set(paths))
			    assert rows == paths, ("json", set(rows) ^ set(paths))
			    print(kind, len(paths))
		END
		commit "$FUNCNAME"
	done
	expect_no_losses
}

# A short top, so that the path can still be written as one.
DEEP=$SOURCE/n

# Outside of a test, before the collector starts: to record each of them would take longest.
make_deep_directories() {
	python - "$DEEP" <<-'END'
		import os, sys

		os.mkdir(sys.argv[1])
		os.chdir(sys.argv[1])
		for _ in range(1998):
		    os.mkdir("d")
		    os.chdir("d")
		for name in "abcd":
		    os.close(os.open(name, os.O_WRONLY | os.O_CREAT))
	END
}

proves names_of_2000_components 'files are made, changed, moved and removed 2,000 components below the root of the filesystem'
names_of_2000_components() {
	local below
	below=$(printf 'd/%.0s' {1..1998})
	begin_job "$FUNCNAME"
	python - "$DEEP" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		for _ in range(1998):
		    os.chdir("d")
		with open("a", "w") as file:
		    file.write("text")
		os.chmod("b", 0o600)
		os.rename("c", "e")
		os.unlink("d")
		os.mkdir("f")
	END
	complete_dump "$FUNCNAME" "$DEEP"
	expect_listed changed "${below%/}" "$below"{a,b,e,f}
	expect_listed deleted "$below"{c,d}
	expect_no_losses
}

# ---- names and numbers used again

proves names_and_numbers_used_again \
	'names and inode numbers used again at once, with other types, in one window and across cuts: the replica equals'
names_and_numbers_used_again() {
	local window
	begin_job_with_full_backup "$FUNCNAME"
	start_holder again
	for window in 1 2; do
		hold again open "unlinked$window" "$D/unlinked"
		rm "$D/unlinked"
		[ "$window" != 2 ] || echo other >"$D/unlinked"
		hold again tmpfile "nameless$window" "$D"
		python - "$D" "$window" <<-'END'
			import os, sys

			def make(name, kind):
			    if kind == 0:
			        with open(name, "w") as file:
			            file.write(name)
			    elif kind == 1:
			        os.makedirs(name + "/below")
			    elif kind == 2:
			        os.symlink(name, name)
			    else:
			        os.mkfifo(name)

			def remove(name):
			    if os.path.isdir(name) and not os.path.islink(name):
			        os.rmdir(name + "/below")
			        os.rmdir(name)
			    elif os.path.lexists(name):
			        os.unlink(name)

			os.chdir(sys.argv[1])
			window = int(sys.argv[2])
			for number in range(100):
			    for turn in range(1 + number % 3):
			        remove("name%d" % number)
			        make("name%d" % number, (number + window + turn) % 4)
			    os.utime("name%d" % (number // 2), follow_symlinks=False)
		END
		hold again append "unlinked$window" "after it was removed"
		hold again append "nameless$window" "before it has a name"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
		hold again append "unlinked$window" "after the cut"
		hold again append "nameless$window" "after the cut"
		hold again link "nameless$window" "$D/named$window"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
	done
	stop_holder again
	expect_no_losses
}

# ---- renames above what is worked on

proves renames_race_with_changes \
	'directories are renamed while files deep below them change, and cuts are made: after it has settled the replica equals'
renames_race_with_changes() {
	local window race
	race() {
		python - "$D" "$T/stop" <<-'END'
			import os, random, sys

			top, stop = sys.argv[1:]
			DEPTH, NAMES = 6, 12

			def prepare():
			    for tree in range(3):
			        place = "%s/tree%d" % (top, tree)
			        os.makedirs(place + "/level" * DEPTH, exist_ok=True)

			def rename(tree):
			    """One level at a time gets another name and its old one back."""
			    while not os.path.exists(stop):
			        for level in range(DEPTH):
			            place = "%s/tree%d%s" % (top, tree, "/level" * level)
			            os.rename(place, place + "-x")
			            os.rename(place + "-x", place)

			def exchange():
			    while not os.path.exists(stop):
			        os.rename(top + "/tree1/level", top + "/tree0/moved")
			        os.rename(top + "/tree0/moved", top + "/tree1/level")

			def change(tree):
			    directory = os.open("%s/tree%d%s" % (top, tree, "/level" * DEPTH), os.O_RDONLY)
			    generator = random.Random(tree)
			    while not os.path.exists(stop):
			        for _ in range(8):
			            name = "file%d" % generator.randrange(NAMES)
			            try:
			                if generator.random() < 0.3:
			                    os.unlink(name, dir_fd=directory)
			                elif generator.random() < 0.3:
			                    os.rename(name, "file%d" % generator.randrange(NAMES), src_dir_fd=directory, dst_dir_fd=directory)
			                else:
			                    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644, dir_fd=directory)
			                    os.write(file, b"%d " % generator.randrange(1000))
			                    os.close(file)
			            except FileNotFoundError:
			                pass

			prepare()
			children = []
			for call, *arguments in ((change, 0), (change, 1), (change, 2), (rename, 0), (rename, 2), (exchange,)):
			    child = os.fork()
			    if not child:
			        try:
			            call(*arguments)
			        except FileNotFoundError:
			            os._exit(3)
			        os._exit(0)
			    children.append(child)
			for child in children:
			    os.waitpid(child, 0)
		END
	}
	begin_job_with_full_backup "$FUNCNAME"
	trap ': >"$T/stop"' EXIT
	for window in 1 2; do
		rm -f "$T/stop"
		race &
		race=$!
		sleep 0.7
		mark "$FUNCNAME"
		sleep 0.2
		: >"$T/stop"
		wait "$race"
		complete_dump "$FUNCNAME" "$D" --pending
		apply "$D" "$REPLICA/$FUNCNAME" --busy
		commit "$FUNCNAME"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
	done
	expect_no_losses
}

# ---- other filesystems

# other_filesystem MOUNT-POINT MKFS-OPTION...: a small ext4 that is traced, LOOP its device.
other_filesystem() {
	local place=$1
	shift
	truncate -s 32M "$T/image"
	LOOP=$(losetup --find --show "$T/image")
	mkfs.ext4 -q "$@" "$LOOP"
	mkdir -p "$place"
	mount "$LOOP" "$place" || return 1
	wait_until 20 is_traced "$place" || fail "$place is not traced"
}

# drop_filesystem MOUNT-POINT...
drop_filesystem() {
	set +e
	umount -A -l "$LOOP" 2>/dev/null
	losetup -d "$LOOP"
	rm "$T/image"
}

# begin_replica_of DIRECTORY JOB
begin_replica_of() {
	D=$1
	begin_job_with_full_backup "$2"
}

proves casefolded_directories \
	'files of a case-folded directory used by names in other case: a replica that tells case apart equals'
casefolded_directories() {
	local window
	[ -e /sys/fs/ext4/features/casefold ] || skip 'the kernel has no case folding'
	other_filesystem /mnt/folded -O casefold || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	mkdir -p /mnt/folded/top/Folded
	chattr +F /mnt/folded/top/Folded
	mkdir -p /mnt/folded/top/Folded/Directory/Below
	touch /mnt/folded/top/Folded/{Written,Removed,Renamed,Replaced,Mode,Link,Quiet} /mnt/folded/top/plain
	touch /mnt/folded/top/Folded/Directory/Below/{File,Removed}
	begin_replica_of /mnt/folded/top "$FUNCNAME"
	for window in 1 2; do
		cd /mnt/folded/top
		case $window in
		1)
			# Nothing is in the cache: a name that is looked up is kept as it was asked for.
			echo 2 >/proc/sys/vm/drop_caches
			echo text >Folded/wrItten
			rm Folded/rEMOVED
			mv Folded/rENAMED Folded/rENAMED.new
			echo new >Folded/other && mv Folded/other Folded/rEPLACED
			chmod 600 Folded/mODE
			echo text >Folded/dIRECTORY/bELOW/fILE
			rm Folded/dIRECTORY/bELOW/rEMOVED
			mkdir Folded/dIRECTORY/bELOW/NEW-directory
			;;
		2)
			mv Folded/dIRECTORY Folded/Moved
			echo text >Folded/mOVED/bELOW/after
			mv Folded/qUIET QUIET
			ln -s x Folded/SymLink && rm Folded/sYMlINK
			;;
		esac
		cd /
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
	done
}

proves encrypted_directories \
	'encrypted directories with and without their key: what cannot be named is never taken for deleted'
encrypted_directories() {
	local secret=/mnt/encrypted/top/secret name
	other_filesystem /mnt/encrypted -O encrypt || skip 'the kernel cannot mount it'
	trap drop_filesystem EXIT
	mkdir -p "$secret"
	python "$HERE/encrypt.py" add-key /mnt/encrypted "$T/key"
	python "$HERE/encrypt.py" encrypt "$secret" "$T/key"
	mkdir "$secret/directory"
	for name in one two three directory/four directory/five; do
		echo "$name" >"$secret/$name"
	done
	touch "$secret/../plain"
	begin_replica_of /mnt/encrypted/top "$FUNCNAME"

	echo more >>"$secret/one"
	rm "$secret/directory/four"
	back_up "$FUNCNAME"
	expect_listed changed secret/one
	expect_listed deleted secret/directory/four
	commit "$FUNCNAME"

	# Recorded with the key, listed without.
	echo more >>"$secret/two"
	echo more >>"$secret/directory/five"
	rm "$secret/three"
	echo more >>"$secret/../plain"
	lose_key
	dump "$FUNCNAME" "$D"
	expect_not_listed deleted secret secret/two secret/directory secret/directory/five
	expect_listed changed plain
	[ "$STATUS" = 3 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	python "$HERE/encrypt.py" add-key /mnt/encrypted "$T/key"
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed secret/two secret/directory/five
	expect_listed deleted secret/three
	apply "$D" "$REPLICA/$FUNCNAME"
	expect_equal "$D" "$REPLICA/$FUNCNAME"
	commit "$FUNCNAME"

	# Removed by the name that is shown without the key.
	lose_key
	python - "$secret" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		files = [name for name in os.listdir() if not os.path.isdir(name)]
		assert len(files) == 2 and not {"one", "two"} & set(files), files
		os.unlink(files[0])
	END
	mark "$FUNCNAME"
	dump "$FUNCNAME" "$D" --pending
	[ "$STATUS" = 3 ] || fail "a list without the key is not incomplete"
	expect_not_listed deleted secret secret/two secret/one
	python "$HERE/encrypt.py" add-key /mnt/encrypted "$T/key"
	dump "$FUNCNAME" "$D" --pending
	[ "$STATUS" = 3 ] && return
	apply "$D" "$REPLICA/$FUNCNAME"
	expect_equal "$D" "$REPLICA/$FUNCNAME"
}

lose_key() {
	sync -f /mnt/encrypted
	echo 2 >/proc/sys/vm/drop_caches
	python "$HERE/encrypt.py" remove-key /mnt/encrypted "$T/key"
}

# ---- mounts

proves bound_subdirectories \
	'only subdirectories of a filesystem are mounted: the first place that shows a file; what none shows is named'
bound_subdirectories() {
	other_filesystem /mnt/whole || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	mkdir -p /mnt/whole/part/below /mnt/whole/rest /mnt/first /mnt/second
	mount --bind /mnt/whole/part /mnt/first
	mount --bind /mnt/whole/part /mnt/second
	umount /mnt/whole
	begin_job "$FUNCNAME"
	echo text >/mnt/second/below/file
	complete_dump "$FUNCNAME" /mnt
	expect_listed changed first/below/file
	expect_not_listed changed second/below/file whole/part/below/file
	umount /mnt/first
	complete_dump "$FUNCNAME" /mnt --pending
	expect_listed changed second/below/file
	commit "$FUNCNAME"
	# The whole filesystem again, where only another namespace sees it.
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -ec 'mount "$1" /mnt/whole; echo text >/mnt/whole/part/file; echo text >/mnt/whole/rest/file' sh "$LOOP"
	incomplete_dump "$FUNCNAME" /mnt
	expect_listed changed second/file
	expect_said /rest/file
	[ "$(tr '\0' '\n' <"$T/deleted" | wc -l)" = 0 ] || fail "something counts as deleted"
}

proves covered_directory 'what is hidden below another mount is named, not deleted; when it shows again it is listed'
covered_directory() {
	mkdir -p "$D/covered/below"
	touch "$D/covered/below/removed" "$D/covered/changed"
	begin_job "$FUNCNAME"
	rm "$D/covered/below/removed"
	echo text >"$D/covered/changed"
	mount -t tmpfs cover "$D/covered"
	trap 'umount -l "$D/covered"' EXIT
	# In the new mount there is a file of the same name: it is another one.
	echo other >"$D/covered/changed"
	incomplete_dump "$FUNCNAME" "$D"
	expect_not_listed deleted covered covered/below covered/below/removed covered/changed
	expect_not_listed changed covered/changed
	expect_said "$D/covered"
	umount "$D/covered"
	trap - EXIT
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed covered/changed covered/below
	expect_listed deleted covered/below/removed
	commit "$FUNCNAME"
}

# in_a_tree DIRECTORY: stays in it, and changes it when $T/go is there.
in_a_tree() {
	(
		cd "$1"
		rm -f "$T/go" "$T/gone"
		: >"$T/is-there"
		wait_until 60 test -e "$T/go"
		echo text >new
		rm -f old
		mv renamed renamed-2
		: >"$T/gone"
	) &
}

change_in_the_tree() {
	: >"$T/go"
	wait_until 20 test -e "$T/gone" || fail "the process did not change anything"
}

proves lazily_unmounted_tree \
	'umount -l while a process goes on: listed where the filesystem is mounted elsewhere, else the list says what is missing'
lazily_unmounted_tree() {
	other_filesystem /mnt/lazy || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	mkdir -p /mnt/lazy/tree /mnt/elsewhere
	touch /mnt/lazy/tree/{old,renamed}
	mount "$LOOP" /mnt/elsewhere
	begin_job "$FUNCNAME"
	in_a_tree /mnt/lazy/tree
	wait_until 20 test -e "$T/is-there"
	umount -l /mnt/lazy
	sleep 0.5
	change_in_the_tree
	# What has not changed has another place now, too.
	incomplete_dump "$FUNCNAME" /mnt
	expect_said 'at another place'
	expect_listed changed elsewhere/tree/new elsewhere/tree/renamed-2
	expect_listed deleted elsewhere/tree/old elsewhere/tree/renamed
	commit "$FUNCNAME"

	# And now from its only place.
	mkdir /mnt/elsewhere/other
	touch /mnt/elsewhere/other/{old,renamed,before}
	complete_dump "$FUNCNAME" /mnt
	commit "$FUNCNAME"
	in_a_tree /mnt/elsewhere/other
	sleep 0.5
	rm /mnt/elsewhere/other/before
	umount -l /mnt/elsewhere
	sleep 0.5
	change_in_the_tree
	dump "$FUNCNAME" /mnt
	echo "not mounted anywhere: $STATUS $(<"$T/err")"
	[ "$STATUS" = 3 ] || fail "nothing is said of a filesystem that is gone and has changed"
	[ ! -s "$T/deleted" ] || fail "what cannot be looked at counts as deleted"
	commit "$FUNCNAME"
	mount "$LOOP" /mnt/lazy
	wait_until 20 is_traced /mnt/lazy || fail "it is not traced again"
	dump "$FUNCNAME" /mnt
	[ "$STATUS" = 3 ] || is_listed changed lazy/other/new || fail "what changed meanwhile is not listed, and nothing is said"
	commit "$FUNCNAME"
	echo text >/mnt/lazy/other/after
	complete_dump "$FUNCNAME" /mnt
	expect_listed changed lazy/other/after
}

proves device_number_used_again \
	'another filesystem under the same device number and mount point in one window: neither is taken for the other'
device_number_used_again() {
	other_filesystem /mnt/disk || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	truncate -s 32M "$T/image-2"
	mkfs.ext4 -q "$T/image-2"
	echo old >/mnt/disk/first
	echo old >/mnt/disk/removed
	begin_job "$FUNCNAME"
	echo text >>/mnt/disk/first
	rm /mnt/disk/removed
	umount /mnt/disk
	losetup -d "$LOOP"
	losetup "$LOOP" "$T/image-2"
	mount "$LOOP" /mnt/disk
	echo text >/mnt/disk/second
	sleep 0.5
	incomplete_dump "$FUNCNAME" /mnt/disk
	[ ! -s "$T/deleted" ] || fail "files of the other filesystem count as deleted: $(tr '\0' ' ' <"$T/deleted")"
	expect_not_listed changed first
	commit "$FUNCNAME"
	echo text >/mnt/disk/second
	echo text >/mnt/disk/third
	complete_dump "$FUNCNAME" /mnt/disk
	expect_listed changed second third
	commit "$FUNCNAME"
	# And the first one again.
	umount /mnt/disk
	losetup -d "$LOOP"
	losetup "$LOOP" "$T/image"
	mount "$LOOP" /mnt/disk
	sleep 0.5
	incomplete_dump "$FUNCNAME" /mnt/disk
	expect_not_listed deleted second third
	commit "$FUNCNAME"
	echo text >>/mnt/disk/first
	complete_dump "$FUNCNAME" /mnt/disk
	expect_listed changed first
}

# replace_unseen COMMAND...: another filesystem at /mnt/disk, under the same device number; the command comes before its mount.
replace_unseen() {
	kill -STOP "$COLLECTOR"
	umount /mnt/disk
	losetup -d "$LOOP"
	losetup "$LOOP" "$T/image-2"
	"$@"
	mount "$LOOP" /mnt/disk
	echo text >/mnt/disk/second
	kill -CONT "$COLLECTOR"
}

proves device_replaced_unseen \
	'a filesystem is unmounted and another gets its numbers while the collector does not look: the list is incomplete'
device_replaced_unseen() {
	local mount
	other_filesystem /mnt/disk || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	truncate -s 32M "$T/image-2"
	mkfs.ext4 -q "$T/image-2"
	echo old >/mnt/disk/first
	mount=$(findmnt -n -o ID,MAJ:MIN /mnt/disk)
	begin_job "$FUNCNAME"
	# A bound mount that comes and goes is none of its end.
	mkdir -p /mnt/bound
	mount --bind /mnt/disk /mnt/bound
	umount /mnt/bound
	echo text >>/mnt/disk/first
	complete_dump "$FUNCNAME" /mnt/disk
	expect_listed changed first
	commit "$FUNCNAME"

	replace_unseen true
	[ "$(findmnt -n -o ID,MAJ:MIN /mnt/disk)" = "$mount" ] || skip 'the kernel does not use its numbers again'
	incomplete_dump "$FUNCNAME" /mnt/disk
	expect_said mounted
	expect_not_listed changed first
	[ ! -s "$T/deleted" ] || fail "files of the other filesystem count as deleted: $(tr '\0' ' ' <"$T/deleted")"
	commit "$FUNCNAME"
	echo text >/mnt/disk/third
	complete_dump "$FUNCNAME" /mnt/disk
	expect_listed changed third
	commit "$FUNCNAME"
}

# Its mount has another number then: this alone would do where the kernel side has not told that the first one ended.
proves device_replaced_by_another_mount \
	'the same, but something else is mounted in between: the list is incomplete'
device_replaced_by_another_mount() {
	local mount
	other_filesystem /mnt/disk || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	truncate -s 32M "$T/image-2"
	mkfs.ext4 -q "$T/image-2"
	mkdir -p /mnt/between
	mount=$(findmnt -n -o ID /mnt/disk)
	begin_job "$FUNCNAME"
	replace_unseen mount -t tmpfs between /mnt/between
	umount /mnt/between
	[ "$(findmnt -n -o ID /mnt/disk)" != "$mount" ] || fail "its mount has the same number: this proves nothing"
	incomplete_dump "$FUNCNAME" /mnt/disk
	expect_said mounted
	commit "$FUNCNAME"
}

proves containers_with_users \
	'changes in a container (user and mount namespace, pivot_root) are listed by the paths of the host'
containers_with_users() {
	mkdir -p "$D/image"/{data,old,proc} "$D/volume"
	echo old >"$D/volume/old"
	begin_job "$FUNCNAME"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --user --map-root-user --mount --propagation private "$PYTHON" -S -B - "$D" <<-'END'
		import ctypes, os, sys

		MS_BIND, MS_REC, MNT_DETACH, SYS_pivot_root = 4096, 16384, 2, 155
		library = ctypes.CDLL(None, use_errno=True)
		library.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p]

		def call(function, *arguments):
		    if function(*arguments):
		        raise OSError(ctypes.get_errno(), str(arguments))

		top = os.fsencode(sys.argv[1])
		call(library.mount, top + b"/image", top + b"/image", None, MS_BIND | MS_REC, None)
		call(library.mount, top + b"/volume", top + b"/image/data", None, MS_BIND, None)
		os.chdir(top + b"/image")
		call(library.syscall, SYS_pivot_root, b".", b"old")
		os.chdir("/")
		call(library.umount2, b"/old", MNT_DETACH)
		with open("/inside", "w") as file:
		    file.write("text")
		os.mkdir("/data/directory")
		os.rename("/data/old", "/data/directory/new")
		os.chmod("/data/directory", 0o700)
	END
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed image/inside volume/directory volume/directory/new
	expect_listed deleted volume/old
	expect_not_listed changed image/data/directory
	expect_no_losses
}

proves watched_place_names_files 'a filesystem mounted at several places: files are named by the place that is watched'
watched_place_names_files() {
	local elsewhere=$T/mounts-1 state=$T/state
	mkdir -p "$elsewhere" "$T/mounts-2" "$state" "$D/watched/below"
	mount --bind "$D/watched" "$elsewhere"
	mount --bind "$D/watched" "$T/mounts-2"
	OTHER_COLLECTOR=
	trap 'set +e; kill $OTHER_COLLECTOR; wait $OTHER_COLLECTOR; "$PROGRAM" detach --state "$T/state"; umount -l "$T/mounts-1" "$T/mounts-2"' EXIT
	"$PROGRAM" collect --state "$state" --watch "$T/mounts-2" >"$T/collector" 2>&1 &
	OTHER_COLLECTOR=$!
	wait_until 100 "$PROGRAM" status --state "$state" >/dev/null 2>&1 || fail "the collector did not start"
	expect 4 fschanged dump --state "$state" --job a
	expect 0 fschanged commit --state "$state" --job a
	echo text >"$D/watched/below/file"
	echo text >"$elsewhere/other"
	: >"$D/outside"
	expect 0 fschanged dump --state "$state" --job a
	cat "$T/out"
	grep -qx "$T/mounts-2/below/file" "$T/out" && grep -qx "$T/mounts-2/other" "$T/out" || fail "they have other names"
	! grep -v "^$T/mounts-2" "$T/out" || fail "something else is listed"
}

proves writes_to_a_full_disk \
	'on a disk that becomes full: a write that ends early, one that fails, names that cannot be made: the replica equals'
writes_to_a_full_disk() {
	other_filesystem /mnt/full || fail "it cannot be mounted"
	trap drop_filesystem EXIT
	mkdir /mnt/full/top
	for name in short failing kept; do
		echo old >"/mnt/full/top/$name"
	done
	begin_replica_of /mnt/full/top "$FUNCNAME"
	head -c 64M /dev/zero >/mnt/full/filler 2>/dev/null || :
	truncate -s -20480 /mnt/full/filler
	sync -f /mnt/full
	python - "$D" <<-'END'
		import errno, os, sys

		os.chdir(sys.argv[1])
		short = os.open("short", os.O_WRONLY | os.O_APPEND)
		written = os.write(short, b"x" * 100000)
		assert 0 < written < 100000, written
		os.close(short)
		try:
		    with open("failing", "r+b", 0) as file:
		        file.truncate(0)
		        file.write(b"y" * 100000)
		        assert False, "there is room"
		except OSError as error:
		    assert error.errno == errno.ENOSPC, error
		for number in range(20):
		    try:
		        os.mkdir("directory%d" % number)
		    except OSError as error:
		        assert error.errno == errno.ENOSPC, error
	END
	back_up "$FUNCNAME"
	expect_listed changed short failing
	expect_not_listed changed kept
	commit "$FUNCNAME"
}
