# SPDX-License-Identifier: GPL-2.0
"""A backup with the program under test, for tests that throw faults at it: the lists are applied to a replica, and what
the program has answered is remembered, so that it can be asked for again after the fault."""
import json
import os
import subprocess
import time

import apply
import compare

BUILD = os.path.realpath(os.environ.get("FSCHANGED_BUILD", "build"))
PROGRAM = BUILD + "/fschanged"
PATIENCE = 120  # seconds
COMPLETE, FAILED, INCOMPLETE, FRESH = 0, 1, 3, 4


class Failed(Exception):
    """What must never happen."""


class CommandFailed(Failed):
    """A command failed, and said so: the only thing of this that may be right after a fault."""


def say(*words):
    print(*words, flush=True)


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


class Product:
    """The program, asked as an administrator would."""

    def __init__(self, state, run, options=()):
        self.state, self.options = state, options
        self.log = run + "/collector"
        self.collector = None

    def ask(self, *words, accept=(COMPLETE,)):
        try:
            done = subprocess.run((PROGRAM,) + words + ("--state", self.state), stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("%s hangs" % " ".join(words)) from None
        if accept and done.returncode not in accept:
            raise CommandFailed("%s ended with %d: %s" % (" ".join(words), done.returncode, done.stderr.decode()))
        return done

    # False: it has ended before it was ready.
    def begin(self, *before):
        with open(self.log, "wb") as log:
            self.collector = subprocess.Popen(
                before + (PROGRAM, "collect", "--state", self.state) + tuple(self.options),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 600
        while self.ask("status", accept=()).returncode:
            if self.collector.poll() is not None:
                return False
            if time.monotonic() > end:
                raise Failed("the collector neither starts nor ends: " + self.said())
            time.sleep(0.1)
        return True

    def start(self):
        if not self.begin():
            raise Failed("the collector does not start: " + self.said())

    def stop(self):
        self.collector.terminate()
        try:
            return self.collector.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed("the collector does not end") from None

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()[-4000:]

    def windows(self):
        return {row["window"]: row for row in json.loads(self.ask("windows", "--json").stdout)}

    def jobs(self):
        return {row["job"]: row for row in json.loads(self.ask("jobs", "--json").stdout)}


class Promised:
    """What was answered: closed windows with their number of paths, and the cursors of jobs."""

    def __init__(self):
        self.windows, self.cursors = {}, {}

    # Written where others can keep it, and read from there.
    def note(self, *words):
        say(*words)
        self.take(words)

    def take(self, words):
        if words[:1] == ("closed",) and len(words) == 3:
            self.windows[int(words[1])] = int(words[2])
        elif words[:1] == ("job",) and len(words) == 3:
            self.cursors[words[1]] = max(int(words[2]), self.cursors.get(words[1], 0))

    def note_windows(self, product):
        for number, row in product.windows().items():
            if row["closed"] and number not in self.windows:
                self.note("closed", number, row["paths"])

    def note_job(self, product, name):
        self.note("job", name, product.jobs()[name]["cursor"])

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


class Backup:
    """The job "replica", and its copy of a tree."""

    def __init__(self, product, promised, tree, copy, run):
        self.product, self.promised, self.tree, self.copy = product, promised, tree, copy
        self.lists = run + "/changed", run + "/deleted"

    def full_copy(self):
        run("rsync", "-aHAX", "--modify-window=-1", "--delete", self.tree + "/", self.copy + "/")

    # accept: exit statuses that are no failure. False: it failed.
    def commit(self, accept=(COMPLETE,)):
        run("sync", "-f", self.copy)  # as every backup program does
        if self.product.ask("commit", "--job", "replica", accept=accept).returncode:
            return False
        self.promised.note_job(self.product, "replica")
        return True

    # The exit status of dump; of a list, the windows are promised.
    def list(self, *options, accept=(COMPLETE, INCOMPLETE, FRESH)):
        status = self.product.ask("dump", "--job", "replica", "-0", "--relative-to", self.tree, "--changed",
                                  self.lists[0], "--deleted", self.lists[1], *options, accept=accept).returncode
        if status != FAILED:
            self.promised.note_windows(self.product)
        return status

    def apply(self, busy=False):
        changed, deleted = (apply.read_list(name) for name in self.lists)
        try:
            apply.Replica(self.tree, self.copy, busy).apply(changed, deleted)
        except apply.Refused as refusal:
            raise Failed("the lists cannot be applied: %s" % refusal) from None

    def compare(self):
        found = list(compare.differences(compare.Tree(self.tree), compare.Tree(self.copy)))
        for path, what, ours, theirs in found[:20]:
            say("%s %r: source %s, replica %s" % (what, path, ours, theirs))
        if found:
            raise Failed("the replica has %d differences" % len(found))

    def gaps(self):
        job = self.product.jobs()["replica"]
        return [gap for number, row in self.product.windows().items()
                if job["cursor"] < number <= job["pending"] for gap in row["gaps"]]

    def catch_up(self):
        """A list with repair, checked by the replica rule; where it may lack something a full copy. The source must
        rest. Returns what it was."""
        status = self.list("--repair")
        if status == FRESH:
            if self.promised.cursors.get("replica"):
                raise Failed("the job is fresh, though it had committed a window")
            self.full_copy()
            verdict = "fresh"
        elif status == INCOMPLETE:
            self.product.ask("mark", "--job", "replica")
            self.full_copy()
            verdict = "incomplete"
        else:
            verdict = "repaired" if self.gaps() else "complete"
            self.apply()
            self.compare()
        self.commit()
        self.promised.note_windows(self.product)
        say("verdict", verdict)
        return verdict
