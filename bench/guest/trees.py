#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes what tar and git work on: the same each time, and nothing is downloaded.

  trees.py DIRECTORY    DIRECTORY/tree.tar: a source tree; DIRECTORY/repository.tar: the same in git, with the tags
                        "before" and "after", between which half of the files differ
"""
import os
import random
import shutil
import subprocess
import sys

DIRECTORIES = 40
FILES = 15  # in each
WORDS = "if for while return int char struct static const size_t path name error buffer length next = ; { } ( )".split()


def write(path, chance):
    size = int(chance.lognormvariate(8, 1))  # most are some KiB, as in sources
    text = " ".join(chance.choice(WORDS) for _ in range(size // 6 + 1))
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def change(tree, chance, every):
    for directory in range(DIRECTORIES):
        path = f"{tree}/source/part{directory % 8}/module{directory:02}"
        os.makedirs(path, exist_ok=True)
        for number in range(0, FILES, every):
            write(f"{path}/file{number:02}.c", chance)


def git(tree, *words):
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "gc.auto=0"]
    subprocess.run(["git", "-C", tree, *identity, *words], check=True, stdout=subprocess.DEVNULL)


def commit(tree, tag):
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", tag)
    git(tree, "tag", tag)


def pack(tree, archive):
    names = sorted(os.listdir(tree))
    subprocess.run(["tar", "--sort=name", "--owner=0", "--group=0", "-C", tree, "-cf", archive, *names], check=True)


def main():
    top = sys.argv[1]
    tree = top + "/tree"
    chance = random.Random(1)
    shutil.rmtree(tree, ignore_errors=True)
    change(tree, chance, 1)
    pack(tree, top + "/tree.tar")
    git(tree, "init", "-q")
    commit(tree, "before")
    change(tree, chance, 2)
    commit(tree, "after")
    git(tree, "repack", "-q", "-a", "-d")
    pack(tree, top + "/repository.tar")
    shutil.rmtree(tree)


main()
