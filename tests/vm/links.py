#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Files with several links, as a mail store has them.

    links.py make DIRECTORY FILES       a store: each tenth file has 2 to 5 names, across mailboxes
    links.py window DIRECTORY SEED      some changes: names made, moved and removed, directories with names moved,
                                        exchanged and replaced, files changed through any of their names
    links.py storm DIRECTORY STOP       moves mailboxes to and fro until the file STOP is there
    links.py names DIRECTORY NAME       all names of the file, each with a NUL
    links.py aliases DIRECTORY          of each file with several names the first, and how many it has
"""

import ctypes
import os
import random
import stat
import sys
import time

MAILBOXES = 12
EXCHANGE = 2
libc = ctypes.CDLL(None, use_errno=True)


def exchange(one, two):
    if libc.renameat2(-100, os.fsencode(one), -100, os.fsencode(two), EXCHANGE):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), one)


def make(top, files):
    chance = random.Random(1)
    for number in range(MAILBOXES):
        os.makedirs("%s/user%02d/folder/cur" % (top, number))
        os.makedirs("%s/user%02d/cur" % (top, number))
    boxes = directories(top, "cur")
    for number in range(files):
        name = "%s/%d" % (chance.choice(boxes), number)
        with open(name, "w") as file:
            file.write("mail %d\n" % number)
        for alias in range(chance.randrange(1, 5) if number % 10 == 0 else 0):
            os.link(name, "%s/%d.%d" % (chance.choice(boxes), number, alias))


def directories(top, name=None):
    return sorted(path for path, _, _ in os.walk(top) if path != top and (name is None or os.path.basename(path) == name))


def names(top):
    """{inode: [paths]} of files with several links"""
    found = {}
    for path, _, files in os.walk(top):
        for file in files:
            name = os.path.join(path, file)
            status = os.lstat(name)
            if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
                found.setdefault(status.st_ino, []).append(name)
    return found


class Window:
    def __init__(self, top, seed):
        self.top = top
        self.chance = random.Random(seed)
        self.serial = seed * 100000

    def fresh(self, directory):
        self.serial += 1
        return "%s/n%d" % (directory, self.serial)

    def file(self):
        found = names(self.top)
        return sorted(self.chance.choice(sorted(found.values())))

    def directory(self):
        return self.chance.choice(directories(self.top))

    def write(self):
        with open(self.chance.choice(self.file()), "a") as file:
            file.write("more %d\n" % self.serial)

    def chmod(self):
        os.chmod(self.chance.choice(self.file()), self.chance.choice([0o600, 0o640, 0o644]))

    def set_attribute(self):
        os.setxattr(self.chance.choice(self.file()), "user.flag", b"%d" % self.chance.randrange(1000))

    def link(self):
        os.link(self.chance.choice(self.file()), self.fresh(self.directory()))

    def link_single(self):
        name = self.fresh(self.directory())
        with open(name, "w") as file:
            file.write(name)
        os.link(name, self.fresh(self.directory()))

    def move(self):
        os.rename(self.chance.choice(self.file()), self.fresh(self.directory()))

    def move_over(self):
        one, two = self.chance.choice(self.file()), self.chance.choice(self.file())
        os.rename(one, two)

    def remove(self):
        os.unlink(self.chance.choice(self.file()))

    def write_and_remove(self):
        name = self.chance.choice(self.file())
        with open(name, "a") as file:
            file.write("last words\n")
        os.unlink(name)

    def remove_all(self):
        for name in self.file():
            os.unlink(name)

    def exchange_files(self):
        one, two = self.chance.choice(self.file()), self.chance.choice(self.file())
        exchange(one, two)

    def move_directory(self):
        source = self.directory()
        target = self.directory()
        if not (target + "/").startswith(source + "/"):
            os.rename(source, self.fresh(target))

    def exchange_directories(self):
        one, two = self.directory(), self.directory()
        if not (one + "/").startswith(two + "/") and not (two + "/").startswith(one + "/"):
            exchange(one, two)

    def replace_directory(self):
        source, parent = self.directory(), self.directory()
        if (parent + "/").startswith(source + "/"):
            return
        target = self.fresh(parent)
        os.mkdir(target)
        os.rename(source, target)

    def fail_to_replace(self):
        """the hook runs, then the filesystem refuses"""
        source, target = self.directory(), self.directory()
        if (target + "/").startswith(source + "/") or (source + "/").startswith(target + "/"):
            return
        try:
            if os.listdir(target):
                os.rename(source, target)
        except OSError:
            pass

    def run(self, count):
        operations = [self.write, self.chmod, self.set_attribute, self.link, self.link, self.link_single, self.move,
                      self.move_over, self.remove, self.write_and_remove, self.remove_all, self.exchange_files,
                      self.move_directory, self.exchange_directories, self.replace_directory, self.fail_to_replace]
        for _ in range(count):
            self.chance.choice(operations)()


def storm(top, stop):
    turn = 0
    while not os.path.exists(stop):
        for number in range(MAILBOXES):
            name = "%s/user%02d" % (top, number)
            other = "%s/%s%02d" % (top, "zz" if number % 2 else "aa", number)
            os.rename(*((other, name) if turn % 2 else (name, other)))
            time.sleep(0.2)
        turn += 1
    if turn % 2:
        for number in range(MAILBOXES):
            os.rename("%s/%s%02d" % (top, "zz" if number % 2 else "aa", number), "%s/user%02d" % (top, number))


def main():
    what, top = sys.argv[1:3]
    if what == "make":
        make(top, int(sys.argv[3]))
    elif what == "window":
        Window(top, int(sys.argv[3])).run(25)
    elif what == "storm":
        storm(top, sys.argv[3])
    elif what == "names":
        inode = os.lstat(os.path.join(top, sys.argv[3])).st_ino
        for name in names(top)[inode]:
            sys.stdout.write(os.path.relpath(name, top) + "\0")
    elif what == "aliases":
        for group in sorted(names(top).values()):
            print(os.path.relpath(sorted(group)[0], top), len(group))


main()
