#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares what the matrix has done with what was listed, and prints the matrix.

  matrix.py DIRECTORY COLUMN=ROOT...

ROOT is where the host sees the files of that filesystem. DIRECTORY holds COLUMN.results (see
matrix/main.c) and, for the windows 1 to 3, changed.N, deleted.N (names ended by NUL) and err.N,
which names what a list cannot vouch for. Writes COLUMN.failed there, one line for each cell that
failed.

  ok     all that must be listed is listed, in its window and in no other
  skip   this filesystem or kernel cannot do it
  known  fails, for a reason in the table below
  FAIL   fails
"""
import fnmatch
import os
import sys

# Operations (a pattern), filesystems, the first kernel without it, and why they fail. What fails no
# longer is an error.
KNOWN = [
    ("quiet-open-*", "btrfs", (5, 18), "its ctime does not tell of each change: it is not refined"),
]
KERNEL = tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])

WINDOWS = {"run": 1, "again": 2, "last": 3}


class Lists:
    """The lists of one window."""

    def __init__(self, directory, window):
        self.changed = self.read(directory, "changed.%d" % window)
        self.deleted = self.read(directory, "deleted.%d" % window)
        with open("%s/err.%d" % (directory, window), errors="surrogateescape") as file:
            self.said = file.read()

    @staticmethod
    def read(directory, name):
        with open(directory + "/" + name, "rb") as file:
            return {os.fsdecode(path) for path in file.read().split(b"\0") if path}

    def is_deleted(self, path):
        while path not in self.deleted:
            if path == "/":
                return False
            path = os.path.dirname(path)
        return True

    def below(self, top):
        return sorted(path for path in self.changed | self.deleted if path == top or path.startswith(top + "/"))

    def wrong(self, listed, top, overlay):
        """Why these lists do not hold what they must, of one operation; None if they do. What an
        overlay removes of its lower side becomes a device in the upper one. Directories it makes in its
        work directory and moves to their places, which replaces all below."""
        if listed == "quiet":
            found = self.below(top)
            return "lists " + " ".join(os.path.relpath(path, top) for path in found) if found else None
        for demand in filter(None, listed.split(", ")):
            kind, name = demand.split(" ", 1)
            path = os.path.normpath(top + "/" + name)
            is_changed, is_deleted = path in self.changed, self.is_deleted(path)
            if kind == "absent" and (is_changed or (path in self.deleted if overlay else is_deleted)):
                return "lists " + name
            if kind == "changed" and not is_changed:
                return "does not list %s as changed" % name
            if kind == "deleted" and not is_deleted and not (overlay and is_changed):
                return "does not list %s as deleted" % name
        if top + "/" in self.said or top + "'" in self.said:
            return "is incomplete"
        return None


class Column:
    def __init__(self, directory, name, root):
        self.name, self.root = name, root
        self.cells = {}    # operation: "ok", "skip", ...
        self.reasons = {}  # operation: why
        with open("%s/%s.results" % (directory, name)) as file:
            self.rows = [line.rstrip("\n").split("\t") for line in file]

    def judge(self, lists):
        for phase, operation, state, reason, listed in self.rows:
            if self.cells.get(operation) in ("skip", "FAIL"):
                continue
            if state != "ok":
                self.set(operation, "skip" if state == "skip" else "FAIL", reason, phase)
            elif phase in WINDOWS:
                wrong = lists[WINDOWS[phase]].wrong(listed, self.root + "/" + operation, self.name == "copyup")
                self.set(operation, "FAIL" if wrong else "ok", wrong or "", phase)
        for operation in self.cells:
            self.look_up_known(operation)

    def set(self, operation, cell, reason, phase):
        self.cells[operation] = cell
        self.reasons[operation] = "%s: %s" % (phase, reason)

    def look_up_known(self, operation):
        for pattern, columns, before, why in KNOWN:
            if not fnmatch.fnmatch(operation, pattern) or self.name not in columns.split() or KERNEL >= before:
                continue
            if self.cells[operation] == "FAIL":
                self.cells[operation] = "known"
            elif self.cells[operation] == "ok":
                self.cells[operation] = "FAIL"
                self.reasons[operation] = "fails no longer: take it out of the table of what is known (%s)" % why

    def write_failed(self, directory):
        with open("%s/%s.failed" % (directory, self.name), "w") as file:
            for operation, cell in self.cells.items():
                if cell == "FAIL":
                    file.write("%s: %s\n" % (operation, self.reasons[operation]))


def print_table(columns):
    operations = []
    for column in columns:
        operations += [name for name in column.cells if name not in operations]
    width = max(map(len, operations))
    print(" " * width, *("%-7s" % column.name for column in columns))
    for name in operations:
        print(name.ljust(width), *("%-7s" % column.cells.get(name, "-") for column in columns))
    for name in operations:
        for cell in ("FAIL", "known", "skip"):
            where = {}
            for column in columns:
                if column.cells.get(name) == cell:
                    where.setdefault(column.reasons[name], []).append(column.name)
            for reason, names in where.items():
                print("%s %s (%s): %s" % (cell, name, " ".join(names), reason))


def main():
    directory = sys.argv[1]
    lists = {window: Lists(directory, window) for window in WINDOWS.values()}
    columns = [Column(directory, *argument.split("=", 1)) for argument in sys.argv[2:]]
    for column in columns:
        column.judge(lists)
        column.write_failed(directory)
    print_table(columns)


main()
