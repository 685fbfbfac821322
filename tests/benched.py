"""benched: `jetwatch bench` in a process of its own, and what it measured."""

import os
import re

from app.bench import results
from tests.command import jetwatch

QUICK = ("--seconds", "1", "--repeats", "1")


def pattern(fps=30):
    return f"test://?size=320x240&fps={fps}"


def measured(folder):
    return results.read(str(folder / "b.json"))


def bench(folder, *words, **rest):
    files = ("--json", folder / "b.json", "--html", folder / "b.html")
    return jetwatch("bench", *files, *words, cwd=folder, seconds=120, **rest)


def children(pid):
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(name)
        except (OSError, ValueError):
            pass
    return found


def until_said(process, pattern):
    """Read what it says on standard error until that is among it; the rest is still there."""
    said = []
    for line in process.stderr:
        said.append(line)
        if re.search(pattern, line):
            return
    raise AssertionError("".join(said))
