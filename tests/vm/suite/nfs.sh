# shellcheck shell=bash
# What an NFS server changes: its clients name files by handles, and no task of this machine opens them.

NFS=/mnt/nfs

# Version 4 alone, which needs no port mapper. Takes some seconds.
start_nfs_server() {
	modprobe nfsd && modprobe nfsv4 || return 1
	mkdir -p /run/rpc_pipefs /var/lib/nfs/v4recovery "$NFS"
	mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
	# For so long nobody may open a file, where the kernel waits for clients of before: 6.18 does, 90 seconds.
	echo 10 >/proc/fs/nfsd/nfsv4leasetime
	echo 10 >/proc/fs/nfsd/nfsv4gracetime
	exportfs -i -o rw,sync,no_root_squash,no_subtree_check,fsid=0,insecure "127.0.0.1:$1"
	# It goes into the background, and complains that there is no port mapper.
	rpc.mountd -N 3 2>/dev/null
	timeout 30 rpc.nfsd -N 3 1
	timeout 60 mount -t nfs4 -o vers=4.2,soft,timeo=100 127.0.0.1:/ "$NFS"
}

# Where the kernel has a server, what other tests make it miss of ACLs is a gap.
stop_nfs_server() {
	umount "$NFS"
	rpc.nfsd 0
	exportfs -ua
	kill "$(pidof rpc.mountd)"
	umount /proc/fs/nfsd
	wait_until 10 modprobe -q -r nfsd || :
}

# Outside of a test, before the collector starts.
serve_a_file_before_the_start() {
	SERVED=/mnt/served
	is_wanted file_open_by_nfs_before_the_start || return 0
	mkdir -p "$SERVED"
	truncate -s 32M "$RUN/served"
	mkfs.ext4 -q "$RUN/served"
	mount -o loop "$RUN/served" "$SERVED"
	start_nfs_server "$SERVED"
	start_holder client
	(hold client open file "$NFS/file")
}

proves file_open_by_nfs_before_the_start \
	'a file that an NFS server has open for writing since before the start: lists are incomplete until it lets go'
file_open_by_nfs_before_the_start() {
	local window
	trap 'stop_holder client; stop_nfs_server; umount -l "$SERVED"' EXIT
	begin_job "$FUNCNAME"
	for window in 1 2; do
		hold client append file "window $window"
		sync -f "$NFS"
		incomplete_dump "$FUNCNAME" "$SERVED"
		expect_said "on $SERVED may be missing: files that were open"
		commit "$FUNCNAME"
	done
	# That the client closes it is not enough: the server may keep it open (6.18 and 7 do).
	hold client close file
	stop_nfs_server
	trap 'stop_holder client; umount -l "$SERVED"' EXIT
	# In this window it was still held.
	incomplete_dump "$FUNCNAME" "$SERVED"
	commit "$FUNCNAME"
	# Others may hold files of other filesystems.
	dump "$FUNCNAME" "$SERVED"
	[[ $(<"$T/err") != *"on $SERVED"* ]] || fail "it is still incomplete: $(<"$T/err")"
	commit "$FUNCNAME"
}

proves changes_by_nfs 'what clients of an NFS server write, make, rename and remove is listed'
changes_by_nfs() {
	local top=$MATRIX/ext4/nfs here=$NFS/nfs
	mkdir -p "$top/directory/below"
	for name in write truncate chmod times rename unlink link directory/below/two copy; do
		echo old >"$top/$name"
	done
	start_nfs_server "$MATRIX/ext4" || fail "the server does not start"
	ls -lR "$here" >"$T/listing"
	begin_job "$FUNCNAME"
	echo new >>"$here/write"
	truncate -s 1 "$here/truncate"
	chmod 600 "$here/chmod"
	touch -d @1000000000 "$here/times"
	mv "$here/rename" "$here/renamed"
	rm "$here/unlink"
	ln "$here/link" "$here/linked"
	mkdir "$here/made"
	mkfifo "$here/fifo"
	ln -s target "$here/symlink"
	echo text >"$here/created"
	cp "$here/copy" "$here/copied"
	mv "$here/directory" "$here/moved"
	sync -f "$here"
	complete_dump "$FUNCNAME" "$top"
	expect_listed changed write truncate chmod times renamed link linked made fifo symlink created copied \
		moved moved/below moved/below/two
	expect_listed deleted rename unlink directory
	expect_not_listed changed copy
	commit "$FUNCNAME"
}

proves changes_by_nfs_of_forgotten_names \
	'an NFS server changes what the cache has no name of: it is listed, or the list is incomplete'
changes_by_nfs_of_forgotten_names() {
	local top=$MATRIX/ext4/nfs here=$NFS/nfs
	echo text >"$top/forgotten"
	sync
	begin_job "$FUNCNAME"
	# The client keeps the handle alone; what it asks then is that the file of this handle be changed.
	python - "$here/forgotten" <<-'END'
		import os, sys

		descriptor = os.open(sys.argv[1], os.O_PATH)
		os.sync()
		with open("/proc/sys/vm/drop_caches", "w") as file:
		    file.write("2")
		os.chmod("/proc/self/fd/%d" % descriptor, 0o600)
	END
	[ "$(stat -c %a "$top/forgotten")" = 600 ] || fail "the server has not changed it"
	dump "$FUNCNAME" "$top"
	[ "$STATUS" = 3 ] || [ "$STATUS" = 0 ] || fail "dump ended with $STATUS"
	[ "$STATUS" = 3 ] || expect_listed changed forgotten
	commit "$FUNCNAME"
	stop_nfs_server
}
