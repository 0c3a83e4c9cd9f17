#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Changes files without a pause and notes what is done, so that the list of each window can be checked.

  storm.py run DIRECTORY TASKS NOTES PAUSE STOP
                                            until the file STOP exists, and rests while PAUSE does; NOTES is made, and
                                            lies where nothing is watched
  storm.py check RESULTS CUTS               what RESULTS holds of each cut N, from 0 on: copies of NOTES, asked.N from
                                            before the cut was asked for and answered.N from after the answer; from 1 on
                                            the lists of the window, changed.N and deleted.N

Each task works in a directory of its own and counts its operations: in NOTES stand how many it has begun and how many
it has ended. What began after one cut was answered and ended before the next was asked for must be in the list between
them; what went on meanwhile in that list or in the next.
"""
import mmap
import os
import struct
import sys
import time

PAIR = struct.Struct("QQ")  # begun, ended


def create(name):
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    os.write(descriptor, name.encode())
    os.close(descriptor)


def append(name):
    descriptor = os.open(name, os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b" and more")
    os.close(descriptor)


def set_acl(name):
    """Read by its owner and by user 99: version 2 (include/uapi/linux/posix_acl_xattr.h)."""
    entries = ((1, 6, -1), (2, 4, 99), (4, 4, -1), (16, 4, -1), (32, 0, -1))
    os.setxattr(name, "system.posix_acl_access",
                struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries))


# One round. Each name is used in one round only, and nothing is made below a directory that goes again.
STEPS = (
    (create, ("file%d",)),
    (lambda name: os.chmod(name, 0o600), ("file%d",)),
    (os.rename, ("file%d", "moved%d")),
    (append, ("moved%d",)),
    (os.mkdir, ("directory%d",)),
    (os.rename, ("moved%d", "below/file%d")),
    (lambda name: os.symlink("nowhere", name), ("link%d",)),
    (os.rmdir, ("directory%d",)),
    (lambda name: os.utime(name, ns=(1, 1)), ("below/file%d",)),
    (lambda name: os.truncate(name, 3), ("below/file%d",)),
    (set_acl, ("below/file%d",)),
    (os.unlink, ("link%d",)),
    # Some stay, for the replica.
    (lambda name: name.endswith("0") or os.unlink(name), ("below/file%d",)),
)


def names(operation):
    return [name % (operation // len(STEPS)) for name in STEPS[operation % len(STEPS)][1]]


def rest(pause, stop):
    while os.path.exists(pause) and not os.path.exists(stop):
        time.sleep(0.02)


def work(directory, notes, task, pause, stop):
    os.makedirs(directory + "/below")
    os.chdir(directory)
    begun, ended, operation = 2 * task, 2 * task + 1, 0
    while operation % 16 or not os.path.exists(stop):
        arguments = names(operation)
        if operation % 16 == 0:
            rest(pause, stop)
        notes[begun] = operation + 1
        STEPS[operation % len(STEPS)][0](*arguments)
        operation += 1
        notes[ended] = operation


def run(directory, tasks, path, pause, stop):
    tasks = int(tasks)
    with open(path, "wb+") as file:
        file.truncate(tasks * PAIR.size)
        # Numbers of one word: who reads meanwhile sees the old or the new one.
        notes = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
    children = []
    for task in range(tasks):
        child = os.fork()
        if child == 0:
            work("%s/task%d" % (directory, task), notes, task, pause, stop)
            os._exit(0)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    sys.exit(1 if failed else 0)


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Cut:
    def __init__(self, results, number):
        self.asked = list(PAIR.iter_unpack(read("%s/asked.%d" % (results, number))))
        self.answered = list(PAIR.iter_unpack(read("%s/answered.%d" % (results, number))))
        self.listed = set()
        for kind in ("changed", "deleted") if number else ():
            self.listed.update(read("%s/%s.%d" % (results, kind, number)).split(b"\0"))


def missing(task, operations, *lists):
    for operation in operations:
        for name in names(operation):
            path = b"task%d/%s" % (task, name.encode())
            if not any(path in entries for entries in lists):
                yield operation, path


def check(results, count):
    cuts = [Cut(results, number) for number in range(int(count))]
    inside = across = failures = 0
    for number in range(1, len(cuts)):
        before, cut = cuts[number - 1], cuts[number]
        after = cuts[number + 1:number + 2]
        for task, (begun, _) in enumerate(before.answered):
            within = range(begun, cut.asked[task][1])
            straddle = range(within.stop, cut.answered[task][0]) if after else ()
            inside += len(within)
            across += len(straddle)
            lost = list(missing(task, within, cut.listed))
            lost += missing(task, straddle, cut.listed, *(other.listed for other in after))
            failures += len(lost)
            for operation, path in lost[:5]:
                print("cut %d: operation %d of %d to %d, around the cut to %d: %r is not listed" % (
                    number, operation, begun, within.stop, cut.answered[task][0], path))
    print("%d operations within %d windows, %d around a cut, %d not listed" % (
        inside, len(cuts) - 1, across, failures))
    sys.exit(1 if failures or not inside else 0)


COMMANDS = {"run": (run, 5), "check": (check, 2)}

if __name__ == "__main__":
    command, count = COMMANDS.get(sys.argv[1] if len(sys.argv) > 1 else "", (None, 0))
    if not command or len(sys.argv) != 2 + count:
        sys.exit(__doc__)
    command(*sys.argv[2:])
