# shellcheck shell=bash
# Paths: long, deep, and seen from elsewhere.

proves deep_and_long_paths 'paths of 1,200 levels and of 4,095 bytes are listed whole; after a rename at the top, too'
deep_and_long_paths() {
	begin_job "$FUNCNAME"
	python - "$D" "$T" <<-'END'
		import os, sys

		top, results = sys.argv[1:]
		longest = 4095

		def make(path):
		    """The directories by their whole paths, then a file in the last one."""
		    parts = path.split("/")
		    for end in range(2, len(parts)):
		        try:
		            os.mkdir("/".join(parts[:end]))
		        except FileExistsError:
		            pass
		    os.close(os.open(path, os.O_WRONLY | os.O_CREAT))

		deep = top + "/deep" + "/d" * 1200 + "/f"
		long = top + "/long"
		while longest - len(long) > 2 + 250:
		    long += "/" + "l" * 249
		long += "/" + "f" * (longest - len(long) - 1)
		assert len(long) == longest and len(deep) <= longest
		for name, path in (("deep", deep), ("long", long)):
		    make(path)
		    with open(results + "/" + name, "w") as file:
		        file.write(path[len(top) + 1:])
	END
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed "$(<"$T/deep")" "$(<"$T/long")"
	commit "$FUNCNAME"
	# Now only the name at the top is recorded; the rest is found when the list is made.
	mv "$D/deep" "$D/peed"
	mv "$D/long" "$D/gnol"
	complete_dump "$FUNCNAME" "$D"
	expect_listed deleted deep long
	deep=$(<"$T/deep") long=$(<"$T/long")
	expect_listed changed "peed${deep#deep}" "gnol${long#long}"
	expect_no_losses
}

proves paths_beyond_the_longest 'what lies deeper than any path can say: it is listed, or the list is incomplete'
paths_beyond_the_longest() {
	begin_job "$FUNCNAME"
	python - "$D" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		for _ in range(25):
		    os.mkdir("b" * 250)
		    os.chdir("b" * 250)
		os.close(os.open("file", os.O_WRONLY | os.O_CREAT))
	END
	dump "$FUNCNAME" "$D"
	[ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	[ "$STATUS" = 3 ] || grep -qza '/file$' "$T/changed" || fail "the file is not listed, and nothing is said"
	commit "$FUNCNAME"
	: >"$D/after"
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"

	# So many levels that the walk gives up before it comes to what fits.
	python - "$D" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		for _ in range(2200):
		    os.mkdir("d")
		    os.chdir("d")
		os.close(os.open("bottom", os.O_WRONLY | os.O_CREAT))
	END
	dump "$FUNCNAME" "$D"
	[ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	[ "$STATUS" = 3 ] || grep -qza '/bottom$' "$T/changed" || fail "the bottom is not listed, and nothing is said"
	commit "$FUNCNAME"
	rm -r "$D"
}

proves other_namespaces_and_roots \
	'changes made in another mount namespace, through a bind mount there and in a chroot are listed by the host path'
other_namespaces_and_roots() {
	mkdir -p "$D/bound/below" "$D/root/below" "$T/elsewhere" "$T/disk"
	: >"$D/root/below/old"
	begin_job "$FUNCNAME"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -ec '
		mount --bind "$1/bound" "$2/elsewhere"
		echo text >"$2/elsewhere/below/file"
		mkdir "$2/elsewhere/directory"
		mv "$2/elsewhere/directory" "$2/elsewhere/moved"
		# The filesystem itself, mounted where only this namespace sees it, and gone from where the host has it.
		mount "$3" "$2/disk"
		umount -l "${1%/*}"
		echo text >"$2/disk/${1##*/}/by another mount"
	' sh "$D" "$T" /dev/vda
	python - "$D/root" <<-'END'
		import os, sys

		os.chroot(sys.argv[1])
		os.chdir("/")
		os.close(os.open("/below/file", os.O_WRONLY | os.O_CREAT))
		os.mkdir("/directory")
		os.rename("/below/old", "/directory/new")
	END
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed bound/below/file bound/moved "by another mount" root/below/file root/directory \
		root/directory/new
	expect_listed deleted root/below/old
	expect_no_losses
}
