#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a mail store with odd files beside it, and changes it.

  changes.py make KIND ROOT        mailboxes of 20 messages, and what the windows change
  changes.py window KIND N ROOT    the changes of window N (1 to 3): the same at every run
  changes.py storm ROOT STOP       mail traffic without a pause until the file STOP is there

KIND is "mail" (10 mailboxes), "odd" (everything but mail), or "all" (50 mailboxes and the rest).
"""
import ctypes
import os
import random
import shutil
import socket
import stat
import struct
import sys

MAILBOXES = {"mail": 10, "all": 50}
MESSAGES = 20
LONG_AGO = 1000000000987654321
RENAME_EXCHANGE = 2
SYS_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}
AT_FDCWD = -100

NAMES = [
    b"with spaces", b" leading and trailing ", b"new\nline", b"\nnewline first", b"tab\there",
    b"gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5\xe6\x9c\xac", b"e\xcc\x81 combining", b"latin1 \xe9\xff",
    b"\xfe\xff\x80", b"-rf", b"--delete", b"#comment", b";comment", b"'single'", b'"double"',
    b"back\\slash", b"\\n", b"star*", b"[x]?", b"$HOME `id`", b"%s%n", b"x (deleted)", b"...",
    b"\x01\x1f\x7f", b"~", b"L" * 255,
]


def write(path, content, flags=os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
    descriptor = os.open(path, flags, 0o644)
    os.write(descriptor, content)
    os.close(descriptor)


def acl(user, mask=4):
    """An ACL that lets one more user read."""
    entries = [(0x01, 6, 0xffffffff), (0x02, 4, user), (0x04, 4, 0xffffffff),
               (0x10, mask, 0xffffffff), (0x20, 0, 0xffffffff)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def exchange(one, two):
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(SYS_RENAMEAT2[os.uname().machine], AT_FDCWD, os.fsencode(one), AT_FDCWD,
                       os.fsencode(two), RENAME_EXCHANGE):
        raise OSError(ctypes.get_errno(), "renameat2", one)


class MailStore:
    """Mailboxes in the manner of Maildir, and the traffic on them."""

    def __init__(self, root, seed):
        self.root = root
        self.random = random.Random(seed)
        self.serial = 0
        self.seed = seed

    def make(self, boxes):
        os.mkdir(self.root)
        for number in range(boxes):
            box = self.make_box("box%02d" % number)
            for _ in range(MESSAGES):
                write("%s/cur/%s:2,S" % (box, self.message_name()), self.message())

    def make_box(self, name):
        box = "%s/%s" % (self.root, name)
        os.mkdir(box)
        for part in ("cur", "new", "tmp"):
            os.mkdir("%s/%s" % (box, part))
        write(box + "/index", b"index\n")
        return box

    def message_name(self):
        self.serial += 1
        return "150%07d.M%dP%d.host" % (self.serial, self.serial, self.seed)

    def message(self):
        return b"From: somebody\n\n" + b"text %d\n" % self.serial * self.random.randint(10, 300)

    def box(self):
        return "%s/%s" % (self.root, self.random.choice(sorted(os.listdir(self.root))))

    def log(self, box):
        write(box + "/index", b"line\n", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def any_message(self):
        box = self.box()
        for part in ("cur", "new"):
            names = sorted(os.listdir("%s/%s" % (box, part)))
            if names:
                return box, part, self.random.choice(names)
        return box, "cur", None

    def deliver(self):
        box, name = self.box(), self.message_name()
        temporary = "%s/tmp/%s" % (box, name)
        write(temporary, self.message())
        os.rename(temporary, "%s/new/%s" % (box, name))
        self.log(box)

    def flag(self):
        box, part, name = self.any_message()
        if name:
            os.rename("%s/%s/%s" % (box, part, name),
                      "%s/cur/%s:2,%s" % (box, name.split(":")[0], self.random.choice("RSTF")))
            self.log(box)

    def move(self):
        box, part, name = self.any_message()
        if name:
            os.rename("%s/%s/%s" % (box, part, name), "%s/cur/%s" % (self.box(), name))

    def expunge(self):
        box, part, name = self.any_message()
        if name:
            os.unlink("%s/%s/%s" % (box, part, name))
            self.log(box)

    def rename_box(self):
        self.serial += 1
        os.rename(self.box(), "%s/renamed%d-%d" % (self.root, self.seed, self.serial))

    def remove_box(self):
        shutil.rmtree(self.box())

    def swap_boxes(self):
        one, two = self.box(), self.box()
        os.rename(one, self.root + "/swap")
        if one != two:
            os.rename(two, one)
        os.rename(self.root + "/swap", two)

    def new_box(self):
        self.serial += 1
        self.make_box("new%d-%d" % (self.seed, self.serial))

    def window(self):
        work = ([self.deliver] * 60 + [self.flag] * 40 + [self.move] * 30 + [self.expunge] * 40 +
                [self.rename_box] * 3 + [self.remove_box] * 2 + [self.swap_boxes] + [self.new_box])
        self.random.shuffle(work)
        for operation in work:
            operation()

    def storm(self, stop):
        work = ([self.deliver] * 12 + [self.flag] * 8 + [self.move] * 6 + [self.expunge] * 11 +
                [self.rename_box])
        count = 0
        while not os.path.exists(stop):
            self.random.choice(work)()
            count += 1
        print("%d operations" % count)


class Odd:
    """Everything that is not mail. What window N works with ends in N, so that nothing is the same twice."""

    def __init__(self, root):
        self.root = root

    def make(self):
        os.mkdir(self.root)
        os.chdir(self.root)
        for window in "123":
            os.mkdir(window)
            os.chdir(window)
            self.make_types()
            self.make_nest()
            self.make_metadata()
            os.mkdir("names")
            for name in NAMES[::2]:
                write(b"names/" + name, name)
            for name in NAMES[1::4]:
                os.mkdir(b"names/" + name)
                write(b"names/" + name + b"/" + name, name)
            os.chdir("..")

    def make_types(self):
        for name in ("file-to-directory", "file-to-symlink", "file-to-fifo", "removed", "remade",
                     "replaced", "over", "exchanged-file", "exchanged-file-2", "linked", "grown",
                     "cut", "hole", "truncated-by-open"):
            write(name, name.encode() * 100)
        for name in ("directory-to-file", "directory-to-symlink", "removed-directory",
                     "replaced-directory", "remade-directory", "exchanged-directory",
                     "exchanged-directory-2", "emptied", "chain"):
            os.makedirs(name + "/below/deeper")
            write(name + "/file", b"old")
            write(name + "/below/file", b"old")
            write(name + "/below/deeper/file", b"old")
        for name in ("symlink-to-file", "symlink-to-directory", "symlink-to-symlink"):
            os.symlink("old", name)
        os.mknod("device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mkfifo("fifo-to-file")

    @staticmethod
    def make_nest():
        os.makedirs("nest/a/b/c/d")
        for place in ("nest", "nest/a", "nest/a/b", "nest/a/b/c", "nest/a/b/c/d"):
            write(place + "/file", place.encode())
        os.makedirs("nest/other/sub")
        write("nest/other/sub/file", b"other")

    @staticmethod
    def make_metadata():
        os.mkdir("metadata")
        for name in ("mode", "owner", "mtime", "xattr", "xattr-removed", "acl", "acl-removed",
                     "setuid"):
            write("metadata/" + name, b"x")
            os.mkdir("metadata/%s-directory" % name)
            write("metadata/%s-directory/untouched" % name, b"x")
        for name in ("xattr-removed", "xattr-removed-directory"):
            os.setxattr("metadata/" + name, "user.old", b"value")
        for name in ("acl-removed", "acl-removed-directory"):
            os.setxattr("metadata/" + name, "system.posix_acl_access", acl(99))
        os.symlink("target", "metadata/symlink")

    def window(self, window):
        os.chdir("%s/%s" % (self.root, window))
        self.change_types()
        self.change_directories()
        self.rename_directories()
        self.change_content()
        self.change_names()
        self.exchange()
        self.link()
        self.make_special()
        self.come_and_go()
        # Last: times that are set must not be overwritten by what follows.
        self.change_metadata()

    @staticmethod
    def change_types():
        for name in ("file-to-directory", "file-to-symlink", "file-to-fifo", "symlink-to-file",
                     "symlink-to-directory", "symlink-to-symlink", "fifo-to-file"):
            os.unlink(name)
        for name in ("directory-to-file", "directory-to-symlink"):
            shutil.rmtree(name)
        for name in ("file-to-directory", "symlink-to-directory"):
            os.mkdir(name)
            write(name + "/inside", b"new")
        for name in ("directory-to-file", "symlink-to-file", "fifo-to-file"):
            write(name, b"new")
        os.symlink("/nowhere", "file-to-symlink")
        os.symlink("grown", "directory-to-symlink")
        os.symlink("new target", "symlink-to-symlink")
        os.mkfifo("file-to-fifo")

    @staticmethod
    def change_directories():
        shutil.rmtree("removed-directory")
        # By removing and making again.
        shutil.rmtree("remade-directory")
        os.makedirs("remade-directory/below")
        write("remade-directory/below/new", b"new")
        # By another one that takes its name.
        os.makedirs("replacement/below")
        write("replacement/below/file", b"from the replacement")
        write("replacement/only here", b"")
        os.rename("replaced-directory", "replaced-away")
        os.rename("replacement", "replaced-directory")
        # An empty one may be replaced by a rename alone.
        os.makedirs("emptied-2/below")
        write("emptied-2/below/new", b"new")
        shutil.rmtree("emptied")
        os.mkdir("emptied")
        os.rename("emptied-2", "emptied")
        for place in ("chain/below/deeper", "chain/below", "chain"):
            os.unlink(place + "/file")
            os.rmdir(place)

    @staticmethod
    def rename_directories():
        write("nest/a/b/c/d/before", b"written before the renames")
        os.rename("nest/a/b", "nest/a/bb")
        os.rename("nest/a", "nest/aa")
        os.rename("nest/aa/bb/c", "nest/c")
        write("nest/c/d/after", b"written after the renames")
        os.unlink("nest/c/file")
        # The old name again, with something else in it.
        os.makedirs("nest/a/b")
        write("nest/a/b/file", b"new")
        os.rename("nest/other/sub", "nest/a/b/sub")
        os.rename("nest/a/b", "nest/other/b")
        os.mkdir("into")
        os.rename("nest/c/d", "into/d")
        os.rename("into", "nest/aa/into")
        os.chmod("nest/aa/into/d", 0o711)

    @staticmethod
    def change_content():
        write("grown", b"more", os.O_WRONLY | os.O_APPEND)
        os.truncate("cut", 3)
        write("truncated-by-open", b"")
        with open("hole", "r+b") as file:
            file.seek(100000)
            file.write(b"far")
        os.unlink("removed")
        os.unlink("remade")
        write("remade", b"new")
        write("replaced.new", b"by a rename, as editors do")
        os.rename("replaced.new", "replaced")
        os.rename("over", "cut-2")
        os.rename("cut-2", "over")

    @staticmethod
    def change_names():
        for index, name in enumerate(NAMES):
            path = b"names/" + name
            if index % 4 == 1:
                os.rename(path, path[:-1] + b"_")
                write(path[:-1] + b"_/" + name[:-1] + b"_", b"new")
            elif index % 4 == 2:
                os.unlink(path)
            else:
                write(path, b"changed " + name)

    @staticmethod
    def exchange():
        exchange("exchanged-file", "exchanged-directory")
        exchange("exchanged-file-2", "exchanged-file")
        exchange("exchanged-directory-2", "exchanged-file-2")

    # Only links that are made in the window: all names of the files are known.
    @staticmethod
    def link():
        os.mkdir("links")
        os.link("linked", "links/of an old file")
        write("links/new", b"new")
        os.link("links/new", "links/new-2")
        os.link("links/new-2", "link of a new file")
        write("links/gone", b"its first name goes")
        os.link("links/gone", "links/stays")
        os.unlink("links/gone")
        os.symlink("somewhere", "links/symlink")

    @staticmethod
    def make_special():
        os.mkfifo("fifo", 0o640)
        os.mknod("character", stat.S_IFCHR | 0o640, os.makedev(1, 5))
        os.mknod("block", stat.S_IFBLK | 0o640, os.makedev(7, 200))
        os.unlink("device")
        os.mknod("device", stat.S_IFCHR | 0o600, os.makedev(1, 7))
        server = socket.socket(socket.AF_UNIX)
        server.bind("socket")
        server.close()

    @staticmethod
    def come_and_go():
        os.makedirs("gone/below")
        write("gone/below/file", b"never to be seen")
        shutil.rmtree("gone")
        write("gone-file", b"")
        os.unlink("gone-file")
        write("came", b"")
        os.rename("came", "came-and-renamed")

    @staticmethod
    def change_metadata():
        os.chdir("metadata")
        for suffix in ("", "-directory"):
            os.chmod("mode" + suffix, 0o500)
            os.chmod("setuid" + suffix, 0o6755)
            os.chown("owner" + suffix, 1001, 1002)
            os.setxattr("xattr" + suffix, "user.new", b"value" * 50)
            os.setxattr("xattr" + suffix, "trusted.new", b"\0\xff")
            os.removexattr("xattr-removed" + suffix, "user.old")
            os.setxattr("acl" + suffix, "system.posix_acl_access", acl(1003))
            os.removexattr("acl-removed" + suffix, "system.posix_acl_access")
            os.utime("mtime" + suffix, ns=(LONG_AGO, LONG_AGO))
        os.setxattr("acl-directory", "system.posix_acl_default", acl(1004))
        write("acl-directory/inherits", b"")
        os.lchown("symlink", 5, 6)
        os.utime("symlink", ns=(LONG_AGO, LONG_AGO), follow_symlinks=False)
        os.chdir("..")
        os.utime(".", ns=(LONG_AGO, LONG_AGO))


def make(kind, root):
    if kind in MAILBOXES:
        MailStore(root + "/mail", 0).make(MAILBOXES[kind])
    if kind in ("odd", "all"):
        Odd(root + "/odd").make()


def window(kind, number, root):
    if kind in MAILBOXES:
        MailStore(root + "/mail", int(number)).window()
    if kind in ("odd", "all"):
        Odd(root + "/odd").window(number)


def storm(root, stop):
    MailStore(root + "/mail", os.getpid()).storm(stop)


COMMANDS = {"make": make, "window": window, "storm": storm}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
