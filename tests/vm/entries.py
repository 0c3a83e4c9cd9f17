#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Reads and writes the tables of what is open and under way in the kernel, as something that was missed would leave them.

  entries.py find writers INODE            the key of the file that is open for writing
  entries.py find operations OPERATION     the key of the task whose last operation is that one
  entries.py get TABLE KEY MEMBER
  entries.py set TABLE KEY MEMBER=VALUE... the other members stay; where there is no such entry they are 0
  entries.py drop TABLE KEY

All keys, members and values are numbers. Exit status 1: there is no such entry, or more than one.
"""
import json
import struct
import subprocess
import sys

MEMBERS = {
    "writers": ("epoch", "inode", "look"),
    "operations": ("epoch", "serial", "settled", "dentry0", "dentry1", "inode0", "inode1", "what0", "what1", "began", "look",
                   "reported", "made_epoch", "made_dentry", "made_inode", "made_number", "made_identity"),
}
KINDS = {"writers": ("inode", ~0), "operations": ("what0", 0xff)}


def bpftool(*words):
    return subprocess.run(("bpftool", "-j", "map") + words, check=True, capture_output=True).stdout


def packed(*numbers):
    return struct.pack("<%dQ" % len(numbers), *numbers).hex(" ").split()


def read(table):
    entries = {}
    for entry in json.loads(bpftool("dump", "name", table)):
        key, value = (bytes(int(byte, 16) for byte in entry[part]) for part in ("key", "value"))
        numbers = struct.unpack("<%dQ" % len(MEMBERS[table]), value)
        entries[int.from_bytes(key, "little")] = dict(zip(MEMBERS[table], numbers))
    return entries


def find(table, number):
    member, mask = KINDS[table]
    found = [key for key, value in read(table).items() if value[member] & mask == int(number)]
    if len(found) != 1:
        sys.exit(1)
    print(*found)


def get(table, key, member):
    print(read(table)[int(key)][member])


def put(table, key, *settings):
    value = read(table).get(int(key), dict.fromkeys(MEMBERS[table], 0))
    for setting in settings:
        member, number = setting.split("=")
        assert member in value
        value[member] = int(number)
    bpftool("update", "name", table, "key", "hex", *packed(int(key)), "value", "hex", *packed(*value.values()))


def drop(table, key):
    bpftool("delete", "name", table, "key", "hex", *packed(int(key)))


COMMANDS = {"find": find, "get": get, "set": put, "drop": drop}

if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in COMMANDS or sys.argv[2] not in MEMBERS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
