"""journals: a journal of numbered lines, and what its files hold."""

import json
import os

from app.media.journal import Journal


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def lines(*numbers, size=0):
    return [
        json.dumps({"n": number, "fill": "x" * size}).encode("ascii") + b"\n" for number in numbers
    ]


def numbers(path):
    """What a file holds; fails on half a line."""
    content = path.read_bytes()
    assert not content or content.endswith(b"\n")
    return [json.loads(line.decode("ascii"))["n"] for line in content.splitlines()]


def everything(path, keep):
    """What the files hold, oldest first."""
    files = [path.with_name(f"{path.name}.{n}") for n in range(keep, 0, -1)] + [path]
    return [number for file in files if file.exists() for number in numbers(file)]


def names(path):
    return sorted(os.listdir(str(path.parent)))


def opened(path, now, max_mb=50, keep=3):
    return Journal(str(path), max_mb, keep, now)
