#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares two directory trees completely and prints every difference.

  compare.py SOURCE REPLICA

Of every name: type, mode, owner, size and content, mtime in nanoseconds, extended attributes
(ACLs, capabilities and labels are such), device number, target of a symbolic link, and which
names are links to one file. The two directories themselves are compared as well. Two filesystems
may differ in inode numbers, ctimes, atimes and the sizes of directories: those are left out.

Exit status: 0 equal, 1 different, 2 one of them could not be read.
"""
import os
import stat
import sys

BLOCK = 1 << 20
TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}


class Tree:
    """A tree, read through a descriptor of its top: paths stay as short as they are in it."""

    def __init__(self, top):
        self.descriptor = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
        self.entries = {}  # path: stat_result
        self.names = {}    # (device, inode): all its paths
        self.read()

    def __del__(self):
        os.close(self.descriptor)

    # Not recursive: trees may be deeper than Python's stack.
    def read(self):
        pending = [b"."]
        self.entries[b"."] = os.stat(".", dir_fd=self.descriptor)
        while pending:
            directory = pending.pop()
            for name in self.list(directory):
                path = name if directory == b"." else directory + b"/" + name
                status = os.stat(path, dir_fd=self.descriptor, follow_symlinks=False)
                self.entries[path] = status
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                else:
                    self.names.setdefault((status.st_dev, status.st_ino), []).append(path)

    def list(self, directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW,
                             dir_fd=self.descriptor)
        try:
            return [os.fsencode(name) for name in os.listdir(descriptor)]
        finally:
            os.close(descriptor)

    def links(self, path):
        status = self.entries[path]
        return sorted(self.names[(status.st_dev, status.st_ino)])

    # There is no listxattr below a descriptor, but /proc leads from the descriptor to it.
    def attributes(self, path):
        place = b"/proc/self/fd/%d/%s" % (self.descriptor, path)
        return {name: os.getxattr(place, name, follow_symlinks=False)
                for name in os.listxattr(place, follow_symlinks=False)}

    def open(self, path):
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.descriptor)

    def target(self, path):
        return os.readlink(path, dir_fd=self.descriptor)


def same_content(source, replica, path):
    ours, theirs = source.open(path), replica.open(path)
    try:
        while True:
            block = os.read(ours, BLOCK)
            if block != read_exactly(theirs, len(block) or 1):
                return False
            if not block:
                return True
    finally:
        os.close(ours)
        os.close(theirs)


def read_exactly(descriptor, count):
    block = b""
    while len(block) < count:
        more = os.read(descriptor, count - len(block))
        if not more:
            break
        block += more
    return block


def type_name(status):
    return TYPES.get(stat.S_IFMT(status.st_mode), "unknown type")


def compare_status(ours, theirs):
    if ours.st_mode != theirs.st_mode:
        yield "mode", "%04o" % stat.S_IMODE(ours.st_mode), "%04o" % stat.S_IMODE(theirs.st_mode)
    if (ours.st_uid, ours.st_gid) != (theirs.st_uid, theirs.st_gid):
        yield ("owner", "%d:%d" % (ours.st_uid, ours.st_gid),
               "%d:%d" % (theirs.st_uid, theirs.st_gid))
    if ours.st_mtime_ns != theirs.st_mtime_ns:
        yield "mtime", ours.st_mtime_ns, theirs.st_mtime_ns


def compare_entry(source, replica, path):
    """All that is different about one name: what, in the source, in the replica."""
    ours, theirs = source.entries[path], replica.entries[path]
    kind = stat.S_IFMT(ours.st_mode)
    if kind != stat.S_IFMT(theirs.st_mode):
        yield "type", type_name(ours), type_name(theirs)
        return
    yield from compare_status(ours, theirs)
    attributes = source.attributes(path), replica.attributes(path)
    if attributes[0] != attributes[1]:
        yield ("xattrs",) + attributes
    if kind == stat.S_IFLNK and source.target(path) != replica.target(path):
        yield "target", source.target(path), replica.target(path)
    if kind in (stat.S_IFBLK, stat.S_IFCHR) and ours.st_rdev != theirs.st_rdev:
        yield "device", ours.st_rdev, theirs.st_rdev
    if kind == stat.S_IFREG:
        if ours.st_size != theirs.st_size:
            yield "size", ours.st_size, theirs.st_size
        elif not same_content(source, replica, path):
            yield "content", "", ""
    if kind != stat.S_IFDIR and source.links(path) != replica.links(path):
        yield "links", source.links(path), replica.links(path)


def differences(source, replica):
    for path in sorted(source.entries.keys() | replica.entries.keys()):
        if path not in replica.entries:
            yield path, "missing", type_name(source.entries[path]), ""
        elif path not in source.entries:
            yield path, "extra", "", type_name(replica.entries[path])
        else:
            for difference in compare_entry(source, replica, path):
                yield (path,) + difference


def main():
    if len(sys.argv) != 3:
        sys.stderr.write(__doc__)
        return 2
    try:
        source, replica = Tree(sys.argv[1]), Tree(sys.argv[2])
        count = 0
        for path, what, ours, theirs in differences(source, replica):
            count += 1
            print("%s %r: source %s, replica %s" % (what, path, ours, theirs))
    except OSError as error:
        print("compare: %s" % error, file=sys.stderr)
        return 2
    print("%d names, %d differences" % (len(source.entries), count))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
