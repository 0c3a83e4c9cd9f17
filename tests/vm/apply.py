#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Applies the lists of changed and deleted paths to a replica, strictly as the lists say.

  apply.py [--busy] SOURCE REPLICA CHANGED DELETED

CHANGED and DELETED hold paths relative to SOURCE, each ended by a NUL byte. First what is in
DELETED goes, recursively; then each entry of CHANGED is copied alone: anything but a directory is
replaced as a whole (type, content, mode, owner, mtime, extended attributes with ACLs, device
number, hard links among the listed names), a directory gets its own metadata and nothing below it.
What is not listed stays as it was: a directory in which something is replaced keeps its mtime.

It helps no list along, so that a wrong list shows. It fails on a list that is not sorted or names
a path twice, on a changed path that is not in the source, on one whose directory is neither in the
replica nor listed, and where a directory would have to replace something else or the reverse. With
--busy, for a source that changes meanwhile, it lets these four pass: the next list must repair them.

Exit status: 0 applied, 1 the lists cannot be applied, 2 usage.
"""
import os
import stat
import sys

BLOCK = 1 << 20
TEMPORARY = b".replaced-by-apply"


class Refused(Exception):
    """The lists break their rules."""


def read_list(name):
    with open(name, "rb") as file:
        content = file.read()
    if not content:
        return []
    if not content.endswith(b"\0"):
        raise Refused("%s does not end with a NUL byte" % name)
    paths = content[:-1].split(b"\0")
    for before, path in zip(paths, paths[1:]):
        if before >= path:
            raise Refused("%s is not sorted, or names a path twice: %r, %r" % (name, before, path))
    for path in paths:
        if path != b"." and any(part in (b"", b".", b"..") for part in path.split(b"/")):
            raise Refused("%s: %r is no path below the source" % (name, path))
    return paths


def parent(path):
    return os.path.dirname(path) or b"."


def copy_content(source, target):
    while True:
        block = os.read(source, BLOCK)
        if not block:
            return
        while block:
            block = block[os.write(target, block):]


class Replica:
    def __init__(self, source, replica, busy):
        self.source = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
        self.replica = os.open(replica, os.O_RDONLY | os.O_DIRECTORY)
        self.busy = busy
        self.copies = {}       # (device, inode) in the source: the first name of it that was copied
        self.directories = {}  # listed directories: stat_result in the source
        self.times = {}        # directories that were worked in: mtime that they had

    def __del__(self):
        os.close(self.source)
        os.close(self.replica)

    def status(self, path):
        try:
            return os.stat(path, dir_fd=self.replica, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    # ---- times of directories that are not listed

    def remember(self, directory):
        if directory in self.times:
            return
        status = self.status(directory)
        if status:
            self.times[directory] = status.st_mtime_ns

    def restore_times(self):
        for directory, mtime in self.times.items():
            status = self.status(directory)
            if directory not in self.directories and status and stat.S_ISDIR(status.st_mode):
                self.set_time(directory, mtime)

    def set_time(self, path, mtime):
        os.utime(path, ns=(mtime, mtime), dir_fd=self.replica, follow_symlinks=False)

    # ---- deleting

    def delete(self, path):
        if path == b".":
            for name in self.list(path):
                self.delete(name)
            return
        status = self.status(path)
        if not status:
            return
        self.remember(parent(path))
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(path, dir_fd=self.replica)
            return
        # Directories in the order in which they are found: the reverse has all that is below first.
        found = [path]
        for directory in found:
            for name in self.list(directory):
                below = directory + b"/" + name
                if stat.S_ISDIR(self.status(below).st_mode):
                    found.append(below)
                else:
                    os.unlink(below, dir_fd=self.replica)
        for directory in reversed(found):
            os.rmdir(directory, dir_fd=self.replica)

    def list(self, directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW,
                             dir_fd=self.replica)
        try:
            return [os.fsencode(name) for name in os.listdir(descriptor)]
        finally:
            os.close(descriptor)

    # ---- copying

    def copy(self, path):
        try:
            status = os.stat(path, dir_fd=self.source, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            if self.busy:
                return
            raise Refused("%r is in the changed list, but not in the source" % path) from None
        place = self.status(parent(path))
        if not place or not stat.S_ISDIR(place.st_mode):
            if self.busy:
                return
            raise Refused("%r is in the changed list, its directory is not in the replica" % path)
        if stat.S_ISDIR(status.st_mode):
            self.copy_directory(path, status)
        else:
            self.copy_other(path, status)

    def make_way(self, path):
        if not self.busy:
            raise Refused("%r must be replaced by another type, but is not in the deleted list"
                          % path)
        self.delete(path)

    def copy_directory(self, path, status):
        present = self.status(path)
        if present and not stat.S_ISDIR(present.st_mode):
            self.make_way(path)
            present = None
        if not present:
            self.remember(parent(path))
            os.mkdir(path, 0o700, dir_fd=self.replica)
        self.directories[path] = status

    def copy_other(self, path, status):
        present = self.status(path)
        if present and stat.S_ISDIR(present.st_mode):
            self.make_way(path)
        self.remember(parent(path))
        new = os.path.join(parent(path), TEMPORARY)
        key = status.st_dev, status.st_ino
        if key in self.copies:
            self.copy_link(self.copies[key], path, new)
            return
        try:
            self.make(path, new, status)
        except OSError:
            if not self.has_changed(path, status):
                raise
            if self.status(new):
                os.unlink(new, dir_fd=self.replica)
            return
        os.rename(new, path, src_dir_fd=self.replica, dst_dir_fd=self.replica)
        if status.st_nlink > 1:
            self.copies[key] = path

    # While it was copied: it went, became something else or lost an attribute. The next list has it again.
    def has_changed(self, path, status):
        if not self.busy:
            return False
        try:
            now = os.stat(path, dir_fd=self.source, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return True
        return (now.st_ino, now.st_ctime_ns) != (status.st_ino, status.st_ctime_ns)

    # rename() does nothing where both names are the same file already: then the new name goes.
    def copy_link(self, first, path, new):
        os.link(first, new, src_dir_fd=self.replica, dst_dir_fd=self.replica, follow_symlinks=False)
        os.rename(new, path, src_dir_fd=self.replica, dst_dir_fd=self.replica)
        if self.status(new):
            os.unlink(new, dir_fd=self.replica)

    def make(self, path, new, status):
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFREG:
            self.copy_file(path, new)
        elif kind == stat.S_IFLNK:
            os.symlink(os.readlink(path, dir_fd=self.source), new, dir_fd=self.replica)
        else:
            os.mknod(new, kind | 0o600, status.st_rdev, dir_fd=self.replica)
        self.set_metadata(path, new, status)

    def copy_file(self, path, new):
        # O_NONBLOCK: in a busy source it may be a fifo by now.
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.source)
        try:
            target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self.replica)
            try:
                copy_content(source, target)
            finally:
                os.close(target)
        finally:
            os.close(source)

    # The owner first: changing it takes mode bits and capabilities away. Times last.
    def set_metadata(self, path, new, status):
        os.chown(new, status.st_uid, status.st_gid, dir_fd=self.replica, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(new, stat.S_IMODE(status.st_mode), dir_fd=self.replica)
        self.set_attributes(path, new)
        self.set_time(new, status.st_mtime_ns)

    def set_attributes(self, path, new):
        source = b"/proc/self/fd/%d/%s" % (self.source, path)
        target = b"/proc/self/fd/%d/%s" % (self.replica, new)
        wanted = os.listxattr(source, follow_symlinks=False)
        for name in os.listxattr(target, follow_symlinks=False):
            if name not in wanted:
                os.removexattr(target, name, follow_symlinks=False)
        for name in wanted:
            value = os.getxattr(source, name, follow_symlinks=False)
            os.setxattr(target, name, value, follow_symlinks=False)

    # Deepest first: what is set below a directory does not touch its times, but making it did.
    def set_directories(self):
        for path in sorted(self.directories, key=lambda path: path.count(b"/"), reverse=True):
            try:
                self.set_metadata(path, path, self.directories[path])
            except OSError:
                if not self.has_changed(path, self.directories[path]):
                    raise

    def apply(self, changed, deleted):
        for path in deleted:
            self.delete(path)
        for path in changed:
            self.copy(path)
        self.restore_times()
        self.set_directories()


def main():
    arguments = sys.argv[1:]
    busy = arguments[:1] == ["--busy"]
    if len(arguments) != 4 + busy:
        sys.stderr.write(__doc__)
        return 2
    source, replica, changed, deleted = arguments[busy:]
    try:
        changed, deleted = read_list(changed), read_list(deleted)
        Replica(source, replica, busy).apply(changed, deleted)
    except Refused as refusal:
        print("apply: %s" % refusal, file=sys.stderr)
        return 1
    except OSError as error:
        print("apply: %s" % error, file=sys.stderr)
        return 1
    print("%d changed, %d deleted" % (len(changed), len(deleted)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
