#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Mail traffic as a server with indexed Maildirs makes it, and a measure of how exact a list of it is.

  mailload.py serve ROOT           makes the mailboxes, then does as the lines on its input say and answers "done":
      window N                     the traffic of a window; read-only sessions hold the indexes of half the mailboxes
      release                      these sessions end
  mailload.py snapshot ROOT FILE   notes what every file is: type, mode, owner, times, content
  mailload.py measure BEFORE AFTER LIST...
                                   of each list: entries, and how many are the same in both snapshots

Sessions in IDLE hold the indexes of every fourth mailbox open, for reading and writing, from beginning to end.
"""
import hashlib
import json
import os
import random
import sys

MAILBOXES = 200
MESSAGES = 20
INDEXES = ("dovecot.index", "dovecot.index.log", "dovecot.index.cache")
MAIL_LONG_AGO = 1600000000


def mailbox(root, number):
    return os.path.join(root, "user%03d" % number)


def write(path, content, flags):
    descriptor = os.open(path, flags, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)


def log(box, content):
    write(os.path.join(box, "dovecot.index.log"), content, os.O_RDWR | os.O_APPEND)


def deliver(box, name):
    temporary = os.path.join(box, "tmp", name)
    write(temporary, name.encode() * 200, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.rename(temporary, os.path.join(box, "new", name))
    log(box, b"append " + name.encode())


def flag(box, chance):
    messages = sorted(os.listdir(os.path.join(box, "cur")))
    name = chance.choice(messages)
    other = name[:-1] if name.endswith("S") else name + "S"
    os.rename(os.path.join(box, "cur", name), os.path.join(box, "cur", other))
    log(box, b"flags " + name.encode())


# As a session that only reads: the server opens the indexes for writing all the same.
def read(box):
    held = [os.open(os.path.join(box, index), os.O_RDWR) for index in INDEXES]
    for descriptor in held:
        os.pread(descriptor, 4096, 0)
    for name in os.listdir(os.path.join(box, "cur"))[:5]:
        with open(os.path.join(box, "cur", name), "rb") as message:
            message.read()
    return held


def make(root):
    for number in range(MAILBOXES):
        box = mailbox(root, number)
        for directory in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(box, directory))
        for index in INDEXES:
            write(os.path.join(box, index), b"index" * 500, os.O_WRONLY | os.O_CREAT)
        for message in range(MESSAGES):
            write(os.path.join(box, "cur", "%d.%d:2," % (MAIL_LONG_AGO, message)), b"mail" * 100,
                  os.O_WRONLY | os.O_CREAT)


class Server:
    def __init__(self, root):
        self.root = root
        self.chance = random.Random(2)
        self.idle = [read(mailbox(root, number)) for number in range(0, MAILBOXES, 4)]
        self.sessions = []

    def window(self, number):
        boxes = [mailbox(self.root, box) for box in range(MAILBOXES)]
        for count, box in enumerate(self.chance.sample(boxes, 30)):
            deliver(box, "%d.%s.%d" % (MAIL_LONG_AGO + 1000, number, count))
        for box in self.chance.sample(boxes, 20):
            flag(box, self.chance)
        for box in self.chance.sample(boxes, 100):
            self.sessions.append(read(box))
        for descriptor in (held for session in self.sessions[:50] for held in session):
            os.close(descriptor)
        del self.sessions[:50]

    def release(self):
        for descriptor in (held for session in self.sessions for held in session):
            os.close(descriptor)
        self.sessions = []


def serve(root):
    make(root)
    server = Server(root)
    print("done", flush=True)
    for line in sys.stdin:
        command, *rest = line.split()
        getattr(server, command)(*rest)
        print("done", flush=True)


def describe(path):
    status = os.lstat(path)
    content = ""
    if os.path.isfile(path):
        with open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
    return [status.st_mode, status.st_uid, status.st_gid, status.st_nlink, status.st_ino, status.st_mtime_ns,
            status.st_ctime_ns, content]


def snapshot(root, target):
    found = {".": describe(root)}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = describe(path)
    with open(target, "w") as file:
        json.dump(found, file)


def measure(before, after, *lists):
    with open(before) as file:
        before = json.load(file)
    with open(after) as file:
        after = json.load(file)
    for name in lists:
        with open(name, "rb") as file:
            paths = [path.decode() for path in file.read().split(b"\0") if path]
        same = [path for path in paths if path in after and before.get(path) == after[path]]
        print(len(paths), len(same))
        missed = [path for path in after if before.get(path) != after[path] and path not in set(paths)]
        if missed:
            sys.exit("changed and not listed: %s" % missed[:10])


if __name__ == "__main__":
    {"serve": serve, "snapshot": snapshot, "measure": measure}[sys.argv[1]](*sys.argv[2:])
