#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Operations that wait in the kernel for their filesystem, each by a process of its own.

  waiting.py prepare DIRECTORY [OPERATION...]
                                        what these, or all, need
  waiting.py begin DIRECTORY RESULTS    starts them; ends when each waits in the kernel or is done, and prints those
                                        that wait. What they change is in RESULTS/OPERATION, paths ended by NUL bytes
  waiting.py finish RESULTS             waits until all are done; fails if one has failed

Each works in a directory of its own, so that none waits for the lock of another.
"""
import os
import sys
import time

PAUSE = 0.05
PATIENCE = 30  # seconds


def touch(name):
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o644))


def write(name):
    descriptor = os.open(name, os.O_WRONLY)
    os.write(descriptor, b"text")
    os.close(descriptor)


# What is done to which names: "old" is a file, "full" one with content, "empty" a directory that are there already.
OPERATIONS = {
    "create": (touch, "new"),
    "mkdir": (os.mkdir, "new"),
    "mknod": (os.mkfifo, "new"),
    "symlink": (lambda name: os.symlink("x" * 50, name), "new"),
    "link": (os.link, "old", "new"),
    "unlink": (os.unlink, "old"),
    "rmdir": (os.rmdir, "empty"),
    "rename": (os.rename, "old", "new"),
    "replace": (os.rename, "old", "full"),
    "rename-directory": (os.rename, "empty", "new"),
    "chmod": (lambda name: os.chmod(name, 0o600), "old"),
    "chown": (lambda name: os.chown(name, 5, 6), "old"),
    "utime": (lambda name: os.utime(name, ns=(1, 1)), "old"),
    "truncate": (lambda name: os.truncate(name, 3), "full"),
    "setxattr": (lambda name: os.setxattr(name, "user.new", b"value"), "old"),
    "removexattr": (lambda name: os.removexattr(name, "user.old"), "full"),
    "write": (write, "full"),
}


def prepare(directory, *operations):
    for operation in operations or OPERATIONS:
        os.makedirs("%s/%s/empty" % (directory, operation))
        os.chdir("%s/%s" % (directory, operation))
        touch("old")
        with open("full", "w") as file:
            file.write("content")
        os.setxattr("full", "user.old", b"value")
    os.sync()


def perform(directory, operation, results):
    call, *names = OPERATIONS[operation]
    result = "done"
    try:
        os.chdir(directory + "/" + operation)
        call(*names)
    except OSError as error:
        result = str(error)
    with open("%s/%s.result" % (results, operation), "w") as file:
        file.write(result)


def is_waiting(process):
    with open("/proc/%d/stat" % process) as file:
        return file.read().rpartition(")")[2].split()[0] == "D"


def wait_for_rest(processes, results):
    """A process that is seen waiting twice, or is done, is at rest."""
    deadline = time.monotonic() + PATIENCE
    waiting = set()
    while time.monotonic() < deadline:
        before, waiting = waiting, {operation for operation, process in processes.items() if is_waiting(process)}
        if all(operation in before & waiting or os.path.exists("%s/%s.result" % (results, operation))
               for operation in processes):
            return waiting
        time.sleep(PAUSE)
    sys.exit("some neither wait nor end")


def begin(directory, results):
    processes = {}
    for operation, (_, *names) in OPERATIONS.items():
        if not os.path.isdir(directory + "/" + operation):
            continue
        with open("%s/%s" % (results, operation), "w") as file:
            file.write("".join("%s/%s\0" % (operation, name) for name in names))
        process = os.fork()
        if process == 0:
            # Whoever reads what is printed must not wait for those that wait.
            os.close(1)
            perform(directory, operation, results)
            os._exit(0)
        processes[operation] = process
    print(*sorted(wait_for_rest(processes, results)))


def finish(results):
    deadline = time.monotonic() + PATIENCE
    for operation in OPERATIONS:
        if not os.path.exists("%s/%s" % (results, operation)):
            continue
        path = "%s/%s.result" % (results, operation)
        result = ""
        while not result and time.monotonic() < deadline:
            time.sleep(PAUSE / 5)
            if os.path.exists(path):
                with open(path) as file:
                    result = file.read()
        if result != "done":
            sys.exit("%s: %s" % (operation, result or "is not done"))


COMMANDS = {"prepare": prepare, "begin": begin, "finish": finish}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
