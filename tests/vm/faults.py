#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lets system calls of the collector fail, one after another, and checks after each what is left. In a guest.

  faults.py SECONDS SEED DIRECTORY REPLICA    trials for so long, spread evenly over the calls and the faults
  faults.py all STEP DIRECTORY REPLICA        every STEPth call, with each fault, once and from then on
  faults.py sites STEP DIRECTORY REPLICA      every STEPth pair of a fault and a way through the program to a call;
                                              STEP+FIRST: from the pair FIRST on; sites:CALL: to calls of that number
  faults.py again CALL,FAULT,WHEN,START DIRECTORY REPLICA
                                              one trial as it was printed

A trial: the collector starts, files change, windows are marked, listed and committed, the collector stops; at the K-th
of all its system calls, or at the first one from a site, a fault is thrown in (faults.c); where a site is not met again,
at a call soon after that which it was at first. Then it starts without faults.
What was answered must still be there; the list makes the replica equal the source, or says that it may not; and nothing
hangs. A trial that found something is printed with its K. The last line has the figures.

DIRECTORY and REPLICA lie on two filesystems; the state is beside DIRECTORY. Exit status: 0 good, 1 something was found.
"""
import collections
import os
import random
import shutil
import struct
import sys
import time

from backup import BUILD, COMPLETE, FAILED, FRESH, INCOMPLETE, Backup, Failed, Product, Promised, say

FAULTS = [(fault, when) for fault in ("EIO", "ENOSPC", "ENOMEM") for when in ("once", "on")] + [("KILL", "once")]
RUN = "/run/faults"
LATE = 100 # system calls after which a site is not awaited any longer
ANY = (COMPLETE, FAILED, INCOMPLETE, FRESH)


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
        self.figures = collections.Counter()
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

    # ---- while faults are thrown in

    def mark(self):
        if self.product.ask("mark", "--job", "other", accept=ANY).returncode == 0:
            self.promised.note_windows(self.product)

    def copy(self, *options):
        status = self.backup.list(*options, accept=ANY)
        if status == COMPLETE:
            self.backup.apply()
            self.backup.compare()
            self.backup.commit(accept=ANY)
        elif status == INCOMPLETE and self.product.ask("mark", "--job", "replica", accept=ANY).returncode == 0:
            self.backup.full_copy()
            self.backup.commit(accept=ANY)

    def session(self):
        self.copy("--repair")
        self.change()
        self.mark()
        self.change()
        self.copy()
        self.change()

    def with_fault(self, at, fault, when):
        if self.product.begin(BUILD + "/faults", str(at), fault, when, RUN + "/figures"):
            ready = self.calls()[0]
            self.sites_until_ready = self.sites()
            self.session()
        else:
            ready = 0
            self.change()
        self.product.stop()
        return ready

    def calls(self):
        with open(RUN + "/figures", "rb") as file:
            return struct.unpack("QQQ", file.read(24))

    def sites(self):
        """In the order in which they were met."""
        with open(RUN + "/figures", "rb") as file:
            count = struct.unpack("24xQ", file.read(32))[0]
            return [Site(*site) for site in struct.iter_unpack("QQ", file.read(16 * count))]

    # ---- and afterwards

    def check(self):
        self.product.start()
        self.promised.check(self.product)
        verdict = self.backup.catch_up()
        if self.product.stop():
            raise Failed("the collector ended with %d: %s" % (self.product.collector.returncode, self.product.said()))
        self.figures[verdict] += 1

    def run(self, kind, at, fault, when):
        PREPARE[kind](self)
        say("trial: call %s, %s %s, %s" % (at, fault, when, kind))
        self.figures["trials"] += 1
        try:
            self.with_fault(at, fault, when)
            calls, failed, at_site = self.calls()
            say("system call %d failed, of %d%s" % (failed - 1, calls, ", at the site" if at_site else ""))
            self.figures["thrown"] += failed > 0
            self.figures["at_site"] += at_site
            self.check()
        except Failed as failure:
            self.figures["failed"] += 1
            say("failed: call %s, %s %s, %s: %s" % (at, fault, when, kind, failure))
            say(self.product.said())
            self.start_again()

    # After a failure nothing may be left over for the next trial.
    def start_again(self):
        if self.product.collector and self.product.collector.poll() is None:
            self.product.collector.kill()
            self.product.collector.wait()
        self.detach()
        shutil.rmtree(self.product.state, ignore_errors=True)
        self.promised.__init__()

    # What a collector leaves in the kernel belongs to its state.
    def detach(self):
        self.product.ask("detach", accept=ANY)

    def count(self, kinds=("first", "later")):
        """The calls of each kind of start, and its sites: all of one that finds in the kernel what another has left; of
        the others those until the collector is ready, and each site once."""
        known, starts = set(), {}
        for kind in kinds:
            PREPARE[kind](self)
            ready = self.with_fault(0, "EIO", "once")
            calls, sites = self.calls()[0], self.sites()
            say("%s start: %d system calls, %d of them before it was ready; %d sites, %d of them before" % (
                kind, calls, ready, len(sites), len(self.sites_until_ready)))
            starts[kind] = Start(ready, calls, sites if kind == "later" else self.sites_until_ready)
            self.check()
        for kind in sorted(kinds, key=("later", "cold", "first").index):
            starts[kind] = starts[kind]._replace(sites=[site for site in starts[kind].sites if site.name not in known])
            known.update(site.name for site in starts[kind].sites)
        return starts


Site = collections.namedtuple("Site", "name call")
Start = collections.namedtuple("Start", "ready calls sites")

# What is there when the collector starts: nothing, all, or nothing in the kernel.
PREPARE = {"first": Trial.start_again, "later": lambda trial: None, "cold": Trial.detach}


# A fifth of them while the collector starts for the first time, a fifth while it starts later, the rest when it is ready.
def sample(trial, seconds, seed):
    starts = trial.count()
    ready, calls = starts["later"].ready, starts["later"].calls
    chosen = random.Random(seed)
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        first, last = ((1, starts["first"].ready), (1, ready), (ready + 1, calls))[min(number % 5, 2)]
        yield ("later" if number % 5 else "cold", chosen.randint(first, last)) + FAULTS[number % len(FAULTS)]
        number += 1


def every(trial, step):
    starts = trial.count()
    for kind, calls in (("later", starts["later"].calls), ("cold", starts["first"].ready)):
        for at in range(1, calls + 1, step):
            for fault in FAULTS:
                yield (kind, at) + fault


# With a STEP that 7 does not divide each site gets its turn, and the faults change from one to the next.
def at_sites(trial, call, step, first):
    starts = trial.count(PREPARE)
    pairs = [(kind, site, fault) for kind, start in starts.items() for site in start.sites for fault in FAULTS
             if call in ("", str(site.name % 1024))]
    for kind, site, fault in pairs[first::step]:
        yield (kind, "@%d+%d" % (site.name, site.call + LATE)) + fault


def again(trial, words):
    call, fault, when, kind = words.split(",")
    trial.count()
    yield kind, call, fault, when


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    os.makedirs(RUN, exist_ok=True)
    trial = Trial(*sys.argv[3:])
    if sys.argv[1] == "all":
        trials = every(trial, int(sys.argv[2]))
    elif sys.argv[1].startswith("sites"):
        step, _, first = sys.argv[2].partition("+")
        trials = at_sites(trial, sys.argv[1][len("sites:"):], int(step), int(first or 0))
    elif sys.argv[1] == "again":
        trials = again(trial, sys.argv[2])
    else:
        trials = sample(trial, int(sys.argv[1]), sys.argv[2])
    for chosen in trials:
        trial.run(*chosen)
    trial.detach()
    figures = trial.figures
    say("%d trials, in %d a fault was thrown in, in %d at a site; lists afterwards: %d complete, %d repaired, "
        "%d incomplete, %d fresh; %d failed" % tuple(figures[name] for name in (
            "trials", "thrown", "at_site", "complete", "repaired", "incomplete", "fresh", "failed")))
    return 1 if figures["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
