#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""One life of a machine whose power will be cut, in a guest. powercut, on the host, has the switch.

  powercut.py boot SEED SOURCE-TYPE STATE-TYPE PROMISED [--first] [--last]
  powercut.py write | look DISK PATTERN

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

Exit status: 0 good, 1 a check has failed (after "failed: ..."), else a trap in this program.
"""
import json
import os
import random
import subprocess
import sys
import time

import apply
import compare

BUILD = os.path.realpath(os.environ.get("FSCHANGED_BUILD", "build"))
PROGRAM = BUILD + "/fschanged"
SOURCE, REPLICA, DISK = "/mnt/source", "/mnt/replica", "/mnt/state"
RUN = "/run/powercut"
PATIENCE = 120  # seconds
MAKE = {
    "ext4": ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0"),
    "xfs": ("mkfs.xfs", "-q", "-f"),
    "btrfs": ("mkfs.btrfs", "-q", "-f"),
}


class Failed(Exception):
    pass


def say(*words):
    print(*words, flush=True)


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


class Product:
    """The program under test, asked as an administrator would."""

    def __init__(self, state):
        self.state = state
        self.collector = None

    def ask(self, *words, accept=(0,)):
        done = subprocess.run((PROGRAM,) + words + ("--state", self.state), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE)
        if accept and done.returncode not in accept:
            raise Failed("%s ended with %d: %s" % (" ".join(words), done.returncode, done.stderr.decode()))
        return done

    def start(self):
        with open(RUN + "/collector", "wb") as log:
            self.collector = subprocess.Popen(
                (PROGRAM, "collect", "--state", self.state, "--watch", SOURCE), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)
        end = time.monotonic() + 600
        while self.ask("status", accept=()).returncode:
            if self.collector.poll() is not None or time.monotonic() > end:
                with open(RUN + "/collector") as log:
                    raise Failed("the collector does not start: " + log.read())
            time.sleep(0.1)

    def stop(self):
        self.collector.terminate()
        if self.collector.wait(PATIENCE):
            raise Failed("the collector ended with %d" % self.collector.returncode)

    def windows(self):
        return {row["window"]: row for row in json.loads(self.ask("windows", "--json").stdout)}

    def jobs(self):
        return {row["job"]: row for row in json.loads(self.ask("jobs", "--json").stdout)}

    # What was answered may be printed from then on: the host takes it for promised.
    def tell_windows(self, known):
        for number, row in self.windows().items():
            if row["closed"] and number not in known:
                known.add(number)
                say("closed", number, row["paths"])

    def tell_job(self, name):
        say("job", name, self.jobs()[name]["cursor"])


class Promised:
    """What earlier lives were answered."""

    def __init__(self, path):
        self.windows, self.cursors = {}, {}
        with open(path) as file:
            for line in file:
                words = line.split()
                if words[:1] == ["closed"] and len(words) == 3:
                    self.windows[int(words[1])] = int(words[2])
                elif words[:1] == ["job"] and len(words) == 3:
                    self.cursors[words[1]] = max(int(words[2]), self.cursors.get(words[1], 0))

    def check(self, product):
        windows, jobs = product.windows(), product.jobs()
        for number, paths in self.windows.items():
            if number not in windows or not windows[number]["closed"]:
                raise Failed("window %d was closed, now it is %s" % (number, windows.get(number, "not there")))
            if windows[number]["paths"] < paths:
                raise Failed("window %d had %d paths, now %s" % (number, paths, windows[number]))
        for name, cursor in self.cursors.items():
            if name not in jobs or jobs[name]["cursor"] < cursor:
                raise Failed("job %s had committed %d, now it is %s" % (name, cursor, jobs.get(name, "not there")))


class Life:
    def __init__(self, seed, source, state, promised, options):
        self.random = random.Random(int(seed) * 1000 + len(open(promised).readlines()))
        self.seed, self.types = seed, {"/dev/vda": source, "/dev/vdb": "ext4", "/dev/vdc": state}
        self.first, self.last = "--first" in options, "--last" in options
        self.tree = "%s/oracle-%s" % (SOURCE, seed)
        self.product = Product((SOURCE if state == "source" else DISK) + "/fschanged")
        self.promised = Promised(promised)
        self.known = set(self.promised.windows)

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

    # ---- copies

    def full_copy(self):
        run("rsync", "-aHAX", "--modify-window=-1", "--delete", self.tree + "/", REPLICA + "/copy/")

    def commit(self, job):
        run("sync", "-f", REPLICA)  # as every backup program does
        self.product.ask("commit", "--job", job)
        self.product.tell_job(job)

    def list(self, *options):
        self.lists = RUN + "/changed", RUN + "/deleted"
        status = self.product.ask("dump", "--job", "replica", "-0", "--relative-to", self.tree, "--changed",
                                  self.lists[0], "--deleted", self.lists[1], *options, accept=(0, 3, 4)).returncode
        self.product.tell_windows(self.known)
        return status

    def apply(self, busy):
        changed, deleted = (apply.read_list(name) for name in self.lists)
        try:
            apply.Replica(self.tree, REPLICA + "/copy", busy).apply(changed, deleted)
        except apply.Refused as refusal:
            raise Failed("the lists cannot be applied: %s" % refusal) from None

    def compare(self):
        found = list(compare.differences(compare.Tree(self.tree), compare.Tree(REPLICA + "/copy")))
        for path, what, ours, theirs in found[:20]:
            say("%s %r: source %s, replica %s" % (what, path, ours, theirs))
        if found:
            raise Failed("the replica has %d differences" % len(found))

    # ---- what the life before has left

    def gaps(self):
        job = self.product.jobs()["replica"]
        return [gap for number, row in self.product.windows().items()
                if job["cursor"] < number <= job["pending"] for gap in row["gaps"]]

    def check(self):
        self.promised.check(self.product)
        status = self.list("--repair")
        if status == 4:
            if self.promised.cursors.get("replica"):
                raise Failed("the job is fresh, though it had committed a window")
            self.full_copy()
            say("verdict fresh")
        elif status == 3:
            self.product.ask("mark", "--job", "replica")
            self.full_copy()
            say("verdict incomplete")
        else:
            gaps = self.gaps()
            if not gaps and not self.first:
                raise Failed("the power was cut, and no window has a gap")
            self.apply(busy=False)
            self.compare()
            say("verdict", "repaired" if gaps else "complete")
        self.commit("replica")
        self.product.tell_windows(self.known)
        say("at checked")

    # ---- until the power goes

    def window(self):
        time.sleep(self.random.uniform(0, 1.5))
        if self.random.random() < 0.3:
            self.product.ask("mark", "--job", "other")
            self.product.tell_windows(self.known)
            if self.random.random() < 0.5:
                self.product.ask("commit", "--job", "other")
                self.product.tell_job("other")
        # A list that lacks something is not copied: the next life finds the same windows again.
        if self.list() == 0:
            self.apply(busy=True)
            if self.random.random() < 0.8:
                self.commit("replica")

    def work(self):
        # A session of its own: what becomes of it is nobody's business.
        traffic = subprocess.Popen((BUILD + "/random-oracle", "--traffic", "--seed", self.seed, "--files", "250",
                                    "--tasks", "2", SOURCE), stdin=subprocess.DEVNULL)
        say("at traffic")
        while True:
            self.window()
            if traffic.poll() is not None:
                raise Failed("the traffic has ended with %d" % traffic.returncode)

    def live(self):
        os.makedirs(RUN)
        self.mount()
        self.product.start()
        self.check()
        if not self.last:
            self.work()
        self.product.stop()


def boot(*arguments):
    life = Life(*arguments[:4], arguments[4:])
    try:
        life.live()
    except Failed as failure:
        say("failed:", failure)
        for command in ("windows", "jobs"):
            say(life.product.ask(command, accept=()).stdout.decode())
        with open(RUN + "/collector") as log:
            say(log.read()[-4000:])
        return 1
    return 0


def write(disk, pattern):
    descriptor = os.open(disk, os.O_WRONLY | os.O_DIRECT)
    block = memoryview(compare_block(pattern))
    os.pwrite(descriptor, block, 0)
    os.fsync(descriptor)
    os.pwrite(descriptor, block, 1 << 20)
    say("at traffic")
    time.sleep(PATIENCE)


def look(disk, pattern):
    with open(disk, "rb") as file:
        for name, place in (("flushed", 0), ("unflushed", 1 << 20)):
            file.seek(place)
            say(name, "kept" if file.read(4096) == bytes(compare_block(pattern)) else "lost")


def compare_block(pattern):
    import mmap
    block = mmap.mmap(-1, 4096)  # aligned, as O_DIRECT wants it
    block.write((pattern.encode() * 4096)[:4096])
    return block


COMMANDS = {"boot": boot, "write": write, "look": look}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    sys.exit(COMMANDS[sys.argv[1]](*sys.argv[2:]))
