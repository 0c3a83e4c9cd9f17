#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""One life of a machine whose power will be cut, in a guest. powercut, on the host, has the switch.

  powercut.py boot SEED SOURCE-TYPE STATE-TYPE PROMISED [--first] [--last]
  powercut.py write | look DISK PATTERN
  powercut.py overwrite DIRECTORY

"boot" checks what the lives before have left: the collector starts, everything that was answered is still there, what may
have gone unseen is a gap, and the list, applied to the replica, makes it equal the source. Then files change without a
pause, windows are cut, copied and committed, until the power goes. --first makes the filesystems; --last only checks.

/dev/vda is the source, /dev/vdb the replica; /dev/vdc the state, which lies on the source where STATE-TYPE is "source".
On standard output stands a line for everything that was answered: the host keeps it, and all of it is PROMISED to the
next life.
  closed WINDOW PATHS        job NAME CURSOR
  at STAGE                   where the power may be cut: mounted, checked, traffic
  verdict WORD               of the list that was checked: complete, repaired, incomplete (then a full copy was made)

"write" puts a pattern on a disk and flushes it, then another beside it without a flush, and waits; "look" says which of
them are there.

"overwrite" changes files past the cache, so that the data are on the disk at once and the times of the file much later.

Exit status: 0 good, 1 a check has failed (after "failed: ..."), else a trap in this program.
"""
import mmap
import os
import random
import subprocess
import sys
import time

from backup import BUILD, COMPLETE, PATIENCE, Backup, Failed, Product, Promised, run, say

SOURCE, REPLICA, DISK = "/mnt/source", "/mnt/replica", "/mnt/state"
RUN = "/run/powercut"
MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}


class Life:
    def __init__(self, seed, source, state, promised, options):
        self.seed, self.types = seed, {"/dev/vda": source, "/dev/vdb": "ext4", "/dev/vdc": state}
        self.first, self.last = "--first" in options, "--last" in options
        self.tree = "%s/oracle-%s" % (SOURCE, seed)
        self.promised = Promised()
        with open(promised) as file:
            lines = [tuple(line.split()) for line in file]
        for words in lines:
            self.promised.take(words)
        self.random = random.Random(int(seed) * 1000 + len(lines))
        state = (SOURCE if state == "source" else DISK) + "/fschanged"
        self.product = Product(state, RUN, ("--watch", SOURCE))
        self.backup = Backup(self.product, self.promised, self.tree, REPLICA + "/copy", RUN)

    def mount(self):
        for device, place in (("/dev/vda", SOURCE), ("/dev/vdb", REPLICA), ("/dev/vdc", DISK)):
            if self.types[device] == "source":
                continue
            os.makedirs(place, exist_ok=True)
            if self.first:
                run(*MAKE[self.types[device]], device)
            run("mount", "-t", self.types[device], device, place)
        if self.first:
            os.mkdir(self.tree)
            os.mkdir(REPLICA + "/copy")
            os.makedirs(self.product.state)
            run("sync")
        say("at mounted")

    def check(self):
        self.promised.check(self.product)
        if self.backup.catch_up() == "complete" and not self.first:
            raise Failed("the power was cut, and no window has a gap")
        say("at checked")

    # ---- until the power goes

    def mark_other(self):
        self.product.ask("mark", "--job", "other")
        self.promised.note_windows(self.product)
        if self.random.random() < 0.5:
            self.product.ask("commit", "--job", "other")
            self.promised.note_job(self.product, "other")

    def window(self):
        time.sleep(self.random.uniform(0, 1.5))
        if self.random.random() < 0.3:
            self.mark_other()
        # A list that lacks something is not copied: the next life finds the same windows again.
        if self.backup.list() == COMPLETE:
            self.backup.apply(busy=True)
            if self.random.random() < 0.8:
                self.backup.commit()

    def work(self):
        traffic = [subprocess.Popen(words, stdin=subprocess.DEVNULL) for words in (
            (BUILD + "/random-oracle", "--traffic", "--seed", self.seed, "--files", "250", "--tasks", "2", SOURCE),
            (sys.executable, "-B", __file__, "overwrite", self.tree))]
        say("at traffic")
        while True:
            self.window()
            if any(process.poll() is not None for process in traffic):
                raise Failed("the traffic has ended")

    def live(self):
        os.makedirs(RUN)
        self.mount()
        self.product.start()
        self.check()
        if not self.last:
            self.work()
        if self.product.stop():
            raise Failed("the collector ended with %d" % self.product.collector.returncode)


def boot(*arguments):
    life = Life(*arguments[:4], arguments[4:])
    try:
        life.live()
    except Failed as failure:
        say("failed:", failure)
        for command in ("windows", "jobs"):
            say(life.product.ask(command, accept=()).stdout.decode())
        say(life.product.said())
        return 1
    return 0


# The other tasks move and remove these files: then there is a new one.
def overwrite(directory):
    while True:
        try:
            descriptor = os.open("%s/direct%d" % (directory, random.randrange(10)),
                                 os.O_WRONLY | os.O_CREAT | os.O_DIRECT | os.O_DSYNC | os.O_NONBLOCK | os.O_NOFOLLOW)
            os.pwrite(descriptor, block("%f " % time.time()), 4096 * random.randrange(4))
            os.close(descriptor)
        except OSError:
            pass
        time.sleep(0.02)


def write(disk, pattern):
    descriptor = os.open(disk, os.O_WRONLY | os.O_DIRECT)
    os.pwrite(descriptor, block(pattern), 0)
    os.fsync(descriptor)
    os.pwrite(descriptor, block(pattern), 1 << 20)
    say("at traffic")
    time.sleep(PATIENCE)


def look(disk, pattern):
    with open(disk, "rb") as file:
        for name, place in (("flushed", 0), ("unflushed", 1 << 20)):
            file.seek(place)
            say(name, "kept" if file.read(4096) == bytes(block(pattern)) else "lost")


def block(pattern):
    page = mmap.mmap(-1, 4096)  # aligned, as O_DIRECT wants it
    page.write((pattern.encode() * 4096)[:4096])
    return page


COMMANDS = {"boot": boot, "write": write, "look": look, "overwrite": overwrite}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
