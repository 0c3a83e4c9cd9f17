#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Encrypted directories of ext4 (fscrypt, policy version 2).

  encrypt.py add-key MOUNT KEYFILE     adds a key, and writes into KEYFILE what identifies it
  encrypt.py encrypt DIRECTORY KEYFILE an empty one
  encrypt.py remove-key MOUNT KEYFILE  its files must be closed; from then on their names are encoded
"""
import fcntl
import os
import struct
import sys

# linux/fscrypt.h
FS_IOC_SET_ENCRYPTION_POLICY = 0x800C6613
FS_IOC_ADD_ENCRYPTION_KEY = 0xC0506617
FS_IOC_REMOVE_ENCRYPTION_KEY = 0xC0406618
SPECIFIER = struct.Struct("=II32s")
BY_IDENTIFIER, POLICY_V2 = 2, 2
AES_256_XTS, AES_256_CTS, PADDING_32 = 1, 4, 3
KEY = bytes(range(64))


def command(path, number, argument):
    argument = bytearray(argument)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, number, argument)
    finally:
        os.close(descriptor)
    return argument


def read(path):
    with open(path, "rb") as file:
        return file.read()


def add_key(mount, keyfile):
    head = SPECIFIER.pack(BY_IDENTIFIER, 0, b"") + struct.pack("=II32x", len(KEY), 0)
    answer = command(mount, FS_IOC_ADD_ENCRYPTION_KEY, head + KEY)
    with open(keyfile, "wb") as file:
        file.write(SPECIFIER.unpack_from(answer)[2][:16])


def encrypt(directory, keyfile):
    policy = struct.pack("=BBBB4x16s", POLICY_V2, AES_256_XTS, AES_256_CTS, PADDING_32, read(keyfile))
    command(directory, FS_IOC_SET_ENCRYPTION_POLICY, policy)


def remove_key(mount, keyfile):
    answer = command(mount, FS_IOC_REMOVE_ENCRYPTION_KEY,
                     SPECIFIER.pack(BY_IDENTIFIER, 0, read(keyfile)) + bytes(24))
    flags, = struct.unpack_from("=I", answer, SPECIFIER.size)
    if flags:
        sys.exit("files are still open")


COMMANDS = {"add-key": add_key, "encrypt": encrypt, "remove-key": remove_key}

if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
