#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes a tree, and changes it in every way that a scan has to find afterwards.

  blind.py make TOP
  blind.py change TOP N    N: any number, of the same tree again

The directory TOP itself never changes: what a scan does with it would hide what it does below.
"""
import os
import shutil
import sys

from changes import exchange, write

LONG_AGO = 1000000000987654321
DIRECTORIES = ["kept/below", "files", "loses/below/deep", "renames", "leaves/directory/deep", "arrives",
               "replaced/directory/below", "replaced/becomes-file", "exchanged/one", "exchanged/two", "mode/below",
               "links", "other", "odd"]
FILES = ["kept/old", "kept/below/old", "kept/linked", "files/untouched", "files/written", "files/mode", "files/back",
         "files/attribute", "files/truncated", "files/owner", "loses/gone", "loses/stays", "loses/below/deep/gone",
         "renames/from", "renames/over", "leaves/file", "leaves/directory/deep/file", "replaced/directory/below/old",
         "replaced/becomes-file/old", "replaced/becomes-directory", "exchanged/one/first", "exchanged/two/second",
         "mode/below/stays", "links/one", "links/three", "odd/link"]


def make(top):
    for directory in DIRECTORIES:
        os.makedirs(os.path.join(top, directory))
    os.chdir(top)
    for name in FILES:
        write(name, name.encode() * 10)
    os.link("links/one", "other/two")
    os.link("links/three", "other/three")
    os.unlink("odd/link")
    os.symlink("before", "odd/link")


def back(name):
    status = os.stat(name)
    write(name, b"mtime set back")
    os.utime(name, ns=(status.st_atime_ns, status.st_mtime_ns))


def change(top, number):
    os.chdir(top)
    write("files/written", b"written in gap " + number.encode())
    os.chmod("files/mode", 0o600 + int(number) % 8)
    back("files/back")
    os.setxattr("files/attribute", "user.number", number.encode())
    os.truncate("files/truncated", int(number))
    os.chown("files/owner", int(number), 12)
    shutil.rmtree("loses/below")
    os.unlink("loses/gone")
    write("loses/gone-" + number, b"")
    os.unlink("loses/gone-" + number)
    os.makedirs("loses/below/deep")
    write("loses/below/deep/new-" + number, b"new")
    write("loses/gone", b"again")
    os.rename("renames/from", "renames/over")
    write("renames/from", b"another " + number.encode())
    os.rename("leaves/file", "arrives/file-" + number)
    os.rename("leaves/directory", "arrives/directory-" + number)
    write("leaves/file", b"another " + number.encode())
    os.makedirs("leaves/directory/deep")
    write("leaves/directory/deep/file", number.encode())
    # Times of the directory that would hide it, if they were believed.
    shutil.rmtree("replaced/directory")
    os.makedirs("replaced/directory/below")
    write("replaced/directory/below/new-" + number, b"new")
    os.utime("replaced/directory", ns=(LONG_AGO, LONG_AGO))
    if os.path.isdir("replaced/becomes-file"):
        shutil.rmtree("replaced/becomes-file")
        write("replaced/becomes-file", b"a file now")
        os.unlink("replaced/becomes-directory")
        os.makedirs("replaced/becomes-directory/below")
    else:
        os.unlink("replaced/becomes-file")
        os.makedirs("replaced/becomes-file")
        write("replaced/becomes-file/new-" + number, b"")
        shutil.rmtree("replaced/becomes-directory")
        write("replaced/becomes-directory", b"a file now")
    exchange("exchanged/one", "exchanged/two")
    os.chmod("mode", 0o700 + int(number) % 8)
    write("links/one", b"changed by one of two names " + number.encode())
    os.link("kept/linked", "other/linked-" + number)
    os.link("links/three", "links/three-" + number)
    os.unlink("other/three")
    write("links/three", b"before the name moves")
    os.rename("links/three-" + number, "other/three")
    os.unlink("odd/link")
    os.symlink("after-" + number, "odd/link")
    os.mkfifo("odd/fifo-" + number)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "make":
        make(sys.argv[2])
    elif len(sys.argv) == 4 and sys.argv[1] == "change":
        change(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
