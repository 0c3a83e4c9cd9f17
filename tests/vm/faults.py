#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lets system calls of the collector fail, one after another, and checks after each what is left. In a guest.

  faults.py SECONDS SEED DIRECTORY REPLICA          for so long, at random
  faults.py everywhere WHICH DIRECTORY REPLICA      until each way through the program to a system call has had each of
                                                    the faults: all, or words as EIO-once,KILL-once, and phases as later
  faults.py again PHASE,FAULT,SITE DIRECTORY REPLICA  as it was printed

In each phase of a collector's life a fault is thrown in at the first call that is reached by a way, a site, which has
not had it (faults.c), until there is none: when it runs (session), lists after a gap (repair), stops, starts (later),
and starts with nothing in the kernel (cold) or nothing at all (first). What was answered must still be there; the
list makes the replica equal the source, or says that it may not; and nothing hangs. Who lives on is asked, who does
not is started again without faults, at a start also with the next one at first. A fault after which something was
found is printed with its site.
The last line has the figures.

DIRECTORY and REPLICA lie on two filesystems; the state is beside DIRECTORY. Exit status: 0 good, 1 something was found, or no
fault was thrown in.
"""
import collections
import errno
import mmap
import os
import random
import shutil
import struct
import sys
import time

from backup import BUILD, COMPLETE, FAILED, FRESH, INCOMPLETE, PATIENCE, Backup, Failed, Product, Promised, CommandFailed, say

RUN = "/run/faults"
ANY = (COMPLETE, FAILED, INCOMPLETE, FRESH)
QUIET = 3   # times that a phase has met no site that is left, after which there is none
CANNOT_FAIL = (15, 60, 202, 219, 231)  # as in faults.c
WINDOWS = 40  # that are kept, of which each check asks, before all begins anew
DEATHS = 5  # starts that have died one after another, before one without a fault

Fault = collections.namedtuple("Fault", "error on")
FAULTS = {"%s-%s" % (name, when): Fault(getattr(errno, name), when == "on")
          for name in ("EIO", "ENOSPC", "ENOMEM") for when in ("once", "on")}
FAULTS["KILL-once"] = Fault(0, False)


class Figures:
    """What faults.c shares: struct figures."""
    SIZE = 8 * (9 + 2 * 32768)
    FAULT, ERROR, ON, PASS, SITE, THROWN, CALL, CALLS, SITE_COUNT = range(9)

    def __init__(self, name):
        with open(name, "w+b") as file:
            file.truncate(self.SIZE)
            self.memory = mmap.mmap(file.fileno(), self.SIZE)

    def __getitem__(self, field):
        return struct.unpack_from("Q", self.memory, 8 * field)[0]

    def __setitem__(self, field, value):
        self.memory[8 * field:8 * field + 8] = struct.pack("Q", value)

    def want(self, fault, let_pass=0, site=0):
        self[self.THROWN] = 0
        self[self.ERROR], self[self.ON] = FAULTS[fault]
        self[self.PASS], self[self.SITE] = let_pass, site
        self[self.FAULT] = 1 + list(FAULTS).index(fault)

    def stop_wanting(self):
        self[self.FAULT] = 0
        return self[self.THROWN]

    def left(self, fault):
        """The sites that have not had it: they were met only while none was wanted."""
        bit = 1 << 1 + list(FAULTS).index(fault)
        sites = struct.iter_unpack("QQ", self.memory[8 * 9:])
        return [name for name, had in sites if name and not had & bit and name % 1024 not in CANNOT_FAIL]


def write(path, content):
    with open(path, "ab") as file:
        file.write(content)


class Trial:
    def __init__(self, source, replica):
        self.tree = source + "/tree"
        self.product = Product(source + "/state", RUN, ("--watch", source))
        self.promised = Promised()
        self.backup = Backup(self.product, self.promised, self.tree, replica, RUN)
        self.number = 0
        self.deaths = 0
        self.hurt = False  # a fault was thrown into the collector that runs
        self.figures = Figures(RUN + "/figures")
        self.counts = collections.Counter()
        for directory in (self.tree, replica):
            shutil.rmtree(directory, ignore_errors=True)
            os.makedirs(directory)

    def change(self):
        self.number += 1
        for directory in range(3):
            top = "%s/%d" % (self.tree, directory)
            os.makedirs(top, exist_ok=True)
            write("%s/new%d" % (top, self.number), b"new")
            write("%s/same" % top, b"%d" % self.number)
            os.rename("%s/new%d" % (top, self.number), "%s/moved%d" % (top, self.number))
            os.chmod("%s/same" % top, 0o600 + self.number % 8)
            old = "%s/moved%d" % (top, self.number - 4)
            if os.path.exists(old):
                os.unlink(old)
        os.rename("%s/%d" % (self.tree, self.number % 3), "%s/aside" % self.tree)
        os.rename("%s/aside" % self.tree, "%s/%d" % (self.tree, self.number % 3))

    def lives(self):
        return self.product.collector is not None and self.product.collector.poll() is None

    def begin(self):
        self.hurt = False
        return self.product.begin(BUILD + "/faults", RUN + "/figures")

    def stop(self):
        if not self.lives():
            return
        status = self.product.stop()
        if status and not self.hurt:
            raise Failed("the collector ended with %d: %s" % (status, self.product.said()))

    # What a collector leaves in the kernel belongs to its state.
    def detach(self):
        self.stop()
        self.product.ask("detach", accept=ANY)

    # After a failure nothing may be left over for the next fault.
    def forget(self):
        if self.lives():
            self.product.collector.kill()
            self.product.collector.wait()
        self.detach()
        shutil.rmtree(self.product.state, ignore_errors=True)
        self.promised.__init__()

    # ---- what a phase begins with, and what is done in it while a fault is thrown in

    def be_ready(self):
        if len(self.promised.windows) > WINDOWS:
            self.forget()
        if not self.lives():
            self.check()

    def be_blind(self):
        self.be_ready()
        for on in (0, 1):
            with open("/proc/sys/kernel/ftrace_enabled", "w") as switch:
                switch.write(str(on))
        self.change()

    def list(self, *options):
        status = self.backup.list(*options, accept=ANY)
        if status == COMPLETE:
            self.backup.apply()
            self.backup.compare()
            self.backup.commit(accept=ANY)
        elif status == INCOMPLETE and self.product.ask("mark", "--job", "replica", accept=ANY).returncode == 0:
            self.backup.full_copy()
            self.backup.commit(accept=ANY)

    def repair(self):
        self.list("--repair")

    def session(self):
        self.change()
        if self.product.ask("mark", "--job", "other", accept=ANY).returncode == 0:
            self.promised.note_windows(self.product)
        self.change()
        self.list()
        self.change()
        if self.figures[Figures.ON] and self.number % 2:
            self.product.stop()

    # ---- and afterwards

    def check_once(self):
        if not self.lives() and not self.begin():
            raise Failed("the collector does not start: " + self.product.said())
        self.promised.check(self.product)
        return self.backup.catch_up()

    # Of what has failed meanwhile in the background who lives on may tell once more, or end by it. A wrong answer is
    # wrong at once.
    def check(self):
        self.deaths = 0
        for _ in range(2 if self.lives() else 0):
            try:
                self.counts[self.check_once()] += 1
                return
            except CommandFailed as refusal:
                say("once more: %s" % refusal)
        self.counts[self.check_once()] += 1

    def throw(self, phase, fault, let_pass=0, site=0):
        """False: no call was met that could have it."""
        phase = PHASES[phase]
        if phase.prepare:
            phase.prepare(self)
        self.figures.want(fault, let_pass, site)
        phase.act(self)
        thrown = self.figures.stop_wanting()
        if not thrown:
            return False
        self.hurt = True
        self.counts["thrown"] += 1
        say("thrown: call %d of %d, site %d" % (self.figures[Figures.CALL], self.figures[Figures.CALLS], thrown))
        if fault == "KILL-once":
            self.product.collector.wait(PATIENCE)
        return True

    def run(self, phase, fault, let_pass=0, site=0):
        say("%s, %s" % (phase, fault))
        try:
            if not self.throw(phase, fault, let_pass, site):
                return False
            if not self.lives() and PHASES[phase].is_start and self.deaths < DEATHS:
                self.deaths += 1
            else:
                self.check()
        except Failed as failure:
            thrown = self.figures.stop_wanting()
            self.counts["failed"] += 1
            say("failed: %s,%s,%d: %s" % (phase, fault, thrown, failure))
            say(self.product.said())
            self.forget()
        return True


Phase = collections.namedtuple("Phase", "prepare act is_start")
PHASES = {
    "session": Phase(Trial.be_ready, Trial.session, False),
    "repair": Phase(Trial.be_blind, Trial.repair, False),
    "stop": Phase(Trial.be_ready, lambda trial: trial.product.stop(), False),
    "later": Phase(Trial.stop, Trial.begin, True),
    "cold": Phase(Trial.detach, Trial.begin, True),
    "first": Phase(Trial.forget, Trial.begin, True),
}


def at_random(trial, seconds, seed):
    chosen = random.Random(seed)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        phase = chosen.choices(list(PHASES), (8, 2, 1, 4, 2, 1))[0]
        trial.run(phase, chosen.choice(list(FAULTS)), int(chosen.paretovariate(0.3)) - 1)


def everywhere(trial, words):
    if set(words) - set(PHASES) - set(FAULTS) - {"all"}:
        sys.exit(__doc__)
    for phase in [phase for phase in PHASES if phase in words] or PHASES:
        for fault in [fault for fault in FAULTS if fault in words] or FAULTS:
            quiet = 0
            while quiet < QUIET:
                quiet = 0 if trial.run(phase, fault) else quiet + 1
            trial.check()
            say("at %s every site has had %s; %d sites until now, %d faults" % (
                phase, fault, trial.figures[Figures.SITE_COUNT], trial.counts["thrown"]))


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    os.makedirs(RUN, exist_ok=True)
    trial = Trial(*sys.argv[3:])
    trial.check()
    if sys.argv[1] == "everywhere":
        everywhere(trial, sys.argv[2].split(","))
    elif sys.argv[1] == "again":
        phase, fault, site = sys.argv[2].split(",")
        trial.run(phase, fault, site=int(site))
    else:
        at_random(trial, int(sys.argv[1]), sys.argv[2])
    trial.check()
    trial.detach()
    for fault in FAULTS:
        say("%s: %d sites were met only while none was wanted" % (fault, len(trial.figures.left(fault))))
    counts = trial.counts
    say("%d faults thrown in, %d sites met; lists afterwards: %d complete, %d repaired, %d incomplete, %d fresh; "
        "%d failed" % (counts["thrown"], trial.figures[Figures.SITE_COUNT], counts["complete"], counts["repaired"],
                       counts["incomplete"], counts["fresh"], counts["failed"]))
    return 1 if counts["failed"] or not counts["thrown"] else 0


if __name__ == "__main__":
    sys.exit(main())
