#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Holds files open, mapped or without a name, and works with them as the lines on its input say.

  holder.py

Each line is a command; each is answered by a line, "done" or an error. KEY is a name for what is
held, without white space in it.

  open KEY PATH          open for writing, at the end of the file
  reopen KEY PATH        the same for a file that is there: nothing waits for its directory
  map KEY PATH           map shared and writable, and close the descriptor; a device as well
  tmpfile KEY DIRECTORY  open a file without a name
  ring KEY PATH          register with io_uring, open for writing, and close the descriptor
  send KEY PATH          send the descriptor, open for writing, through a socket that nobody reads
  receive KEY            read that
  append KEY TEXT        write through the descriptor
  store KEY TEXT         store at the beginning of the mapping
  begin KEY              begin a write through the descriptor whose data does not come
  finish KEY             let its data come, and wait until it is written
  submit KEY PATH        submit an asynchronous direct write of one page
  await KEY              wait until it is written
  link KEY PATH          give the open file a name
  join PATH OTHER        give a file another name
  move PATH OTHER        rename
  mode PATH BITS         change the mode, octal
  exchange PATH OTHER    exchange their first blocks (EXT4_IOC_MOVE_EXT), of which OTHER's times tell nothing
  close KEY              close or unmap
"""
import ctypes
import fcntl
import mmap
import os
import socket
import stat
import struct
import sys
import threading

MAPPED_BYTES = 8192
MOVE_EXTENT = 0xC028660F  # struct move_extent


class Held:
    def __init__(self):
        self.held = {}
        self.slow = {}

    def open(self, key, path):
        self.held[key] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def reopen(self, key, path):
        self.held[key] = os.open(path, os.O_WRONLY | os.O_APPEND)

    def map(self, key, path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.ftruncate(descriptor, MAPPED_BYTES)
        # Python's mapping would keep a descriptor of its own open if it got this one.
        self.held[key] = Mapping(descriptor)
        os.close(descriptor)

    def tmpfile(self, key, directory):
        self.held[key] = os.open(directory, os.O_WRONLY | os.O_TMPFILE, 0o644)

    def ring(self, key, path):
        self.held[key] = Ring(path)

    def send(self, key, path):
        self.held[key] = Message(path)

    def receive(self, key):
        self.held[key] = self.held[key].receive()

    def append(self, key, text):
        os.write(self.held[key], text.encode() + b"\n")

    def store(self, key, text):
        self.held[key].store(text.encode())

    def begin(self, key):
        self.slow[key] = SlowWrite(self.held[key])

    def finish(self, key):
        self.slow.pop(key).finish()

    def submit(self, key, path):
        self.slow[key] = DirectWrite(path)

    def await_(self, key):
        self.slow.pop(key).finish()

    # linkat() with AT_SYMLINK_FOLLOW, as open(2) shows it: without a directory Python calls link(), which does not follow.
    def link(self, key, path):
        root = os.open("/", os.O_RDONLY)
        os.link("/proc/self/fd/%d" % self.held[key], path, src_dir_fd=root, follow_symlinks=True)
        os.close(root)

    def join(self, path, other):
        os.link(path, other)

    def move(self, path, other):
        os.rename(path, other)

    def mode(self, path, bits):
        os.chmod(path, int(bits, 8))

    def exchange(self, path, other):
        file, donor = os.open(path, os.O_RDWR), os.open(other, os.O_RDWR)
        try:
            moved = fcntl.ioctl(file, MOVE_EXTENT, struct.pack("IIQQQQ", 0, donor, 0, 0, 1, 0))
            if not struct.unpack("IIQQQQ", moved)[5]:
                raise OSError("nothing was exchanged")
        finally:
            os.close(donor)
            os.close(file)

    def close(self, key):
        held = self.held.pop(key)
        if isinstance(held, (Mapping, Message, Ring)):
            held.close()
        else:
            os.close(held)


class Mapping:
    """mmap() by the C library: no descriptor stays open behind it."""

    def __init__(self, descriptor):
        self.library = ctypes.CDLL(None, use_errno=True)
        self.library.mmap.restype = ctypes.c_void_p
        self.library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                                      ctypes.c_int, ctypes.c_long]
        self.library.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        self.address = self.library.mmap(None, MAPPED_BYTES, mmap.PROT_READ | mmap.PROT_WRITE,
                                         mmap.MAP_SHARED, descriptor, 0)
        if self.address == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "mmap")

    # No system call: nothing tells the kernel of it but the page table.
    def store(self, content):
        ctypes.memmove(self.address, content, len(content))

    def close(self):
        self.library.munmap(self.address, MAPPED_BYTES)


class Message:
    """A file that is on its way through a socket."""

    def __init__(self, path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        self.sockets = socket.socketpair()
        socket.send_fds(self.sockets[0], [b"x"], [descriptor])
        os.close(descriptor)

    def receive(self):
        descriptor = socket.recv_fds(self.sockets[1], 1, 1)[1][0]
        self.close()
        return descriptor

    def close(self):
        for end in self.sockets:
            end.close()


class Ring:
    """A file that only io_uring has: one of its fixed files."""

    SETUP, REGISTER, REGISTER_FILES, PARAMETER_BYTES = 425, 427, 2, 120

    def __init__(self, path):
        library = ctypes.CDLL(None, use_errno=True)
        parameters = ctypes.create_string_buffer(self.PARAMETER_BYTES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        self.ring = library.syscall(self.SETUP, 1, parameters)
        if self.ring < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        files = struct.pack("i", descriptor)
        if library.syscall(self.REGISTER, self.ring, self.REGISTER_FILES, files, 1) < 0:
            raise OSError(ctypes.get_errno(), "io_uring_register")
        os.close(descriptor)

    def close(self):
        os.close(self.ring)


class SlowWrite:
    """A write from memory that is not there until it is wanted (userfaultfd)."""

    NUMBER = {"x86_64": 323, "aarch64": 282}
    UFFD_API, UFFDIO_API, UFFDIO_REGISTER, UFFDIO_ZEROPAGE = 0xAA, 0xC018AA3F, 0xC020AA00, 0xC020AA04
    REGISTER_MODE_MISSING = 1
    MESSAGE_BYTES = 32

    def __init__(self, descriptor):
        library = ctypes.CDLL(None, use_errno=True)
        number = self.NUMBER[os.uname().machine]
        self.fault = library.syscall(number, os.O_CLOEXEC)
        if self.fault < 0:
            raise OSError(ctypes.get_errno(), "userfaultfd")
        self.memory = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.range = struct.pack("QQQQ", address, mmap.PAGESIZE, self.REGISTER_MODE_MISSING, 0)
        fcntl.ioctl(self.fault, self.UFFDIO_API, struct.pack("QQQ", self.UFFD_API, 0, 0))
        fcntl.ioctl(self.fault, self.UFFDIO_REGISTER, self.range)
        self.writer = threading.Thread(target=os.write, args=(descriptor, memoryview(self.memory)))
        self.writer.start()
        # The kernel says that somebody waits for the page: the write.
        os.read(self.fault, self.MESSAGE_BYTES)

    def finish(self):
        fcntl.ioctl(self.fault, self.UFFDIO_ZEROPAGE, self.range[:16] + struct.pack("QQ", 0, 0))
        self.writer.join()
        os.close(self.fault)


class DirectWrite:
    """Goes on without any lock once it is submitted (io_submit)."""

    NUMBERS = {"x86_64": (206, 208, 209), "aarch64": (0, 4, 2)}
    PWRITE = 1
    EVENT_BYTES = 32

    def __init__(self, path):
        self.library = ctypes.CDLL(None, use_errno=True)
        setup, self.getevents, submit = self.NUMBERS[os.uname().machine]
        self.context = ctypes.c_ulong(0)
        self.descriptor = os.open(path, os.O_WRONLY | os.O_DIRECT)
        self.memory = mmap.mmap(-1, mmap.PAGESIZE)
        self.memory.write(b"x" * mmap.PAGESIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        block = ctypes.create_string_buffer(struct.pack(
            "QIIHhIQQqQII", 0, 0, 0, self.PWRITE, 0, self.descriptor, address, mmap.PAGESIZE, 0, 0, 0, 0))
        self.call(setup, 1, ctypes.byref(self.context))
        self.call(submit, self.context, 1, ctypes.byref(ctypes.pointer(block)))

    def call(self, number, *arguments):
        if self.library.syscall(ctypes.c_long(number), *arguments) < 0:
            raise OSError(ctypes.get_errno(), "asynchronous write")

    def finish(self):
        event = ctypes.create_string_buffer(self.EVENT_BYTES)
        self.call(self.getevents, self.context, ctypes.c_long(1), ctypes.c_long(1), event, None)
        os.close(self.descriptor)
        if struct.unpack("QQqq", event.raw)[2] != mmap.PAGESIZE:
            raise OSError("the direct write was short")


def main():
    held = Held()
    for line in map(str.rstrip, sys.stdin):
        command, key, *rest = line.split(None, 2)
        try:
            getattr(held, "await_" if command == "await" else command)(key, *rest)
            answer = "done"
        except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
            answer = repr(error)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
