"""disk: a real file system that is soon full."""

import contextlib
import os
import subprocess

import pytest


@contextlib.contextmanager
def small(folder, megabytes):
    """Mount one of that size on a new folder; skips where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        pytest.skip(f"no file system can be mounted: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted: {done.stdout.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path):
    """Write a file until the disk is full, to the last byte."""
    with open(str(path), "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\1" * 4096)
    assert os.statvfs(str(path)).f_bavail == 0


class Hanging:
    """A disk that can be made to hang: whoever writes waits in the kernel until it thaws."""

    def __init__(self, folder):
        self.folder = folder

    def freeze(self):
        subprocess.run(["fsfreeze", "--freeze", str(self.folder)], check=True)

    def thaw(self):
        subprocess.run(["fsfreeze", "--unfreeze", str(self.folder)], stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def hanging(folder, megabytes=64):
    """Mount a Hanging one of that size on a new folder; skips where that is not allowed."""
    folder.mkdir()
    image = folder.with_suffix(".ext4")
    with open(str(image), "wb") as file:
        file.truncate(megabytes << 20)
    made = Hanging(folder)
    _or_skip("mkfs.ext4", "-q", str(image))
    _or_skip("mount", "-o", "loop", str(image), str(folder))
    try:
        _or_skip("fsfreeze", "--freeze", str(folder))
        made.thaw()
        yield made
    finally:
        made.thaw()  # or nobody who has written to it could end
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _or_skip(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except OSError as error:
        pytest.skip(f"no disk can be made to hang: {error}")
    if done.returncode:
        pytest.skip(f"no disk can be made to hang: {done.stdout.decode().strip()}")
