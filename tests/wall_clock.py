"""wall_clock: a process whose wall clock a test sets while it runs."""

import os
import pathlib
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(__file__).with_suffix(".c")


class WallClock:
    """Give ``environ`` to a process."""

    def __init__(self, folder):
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            pytest.skip("no C compiler, with which the clock of a process could be set")
        library = folder / "wall_clock.so"
        command = [compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        self._fast = folder / "fast"
        self.set(0)
        self.environ = {"LD_PRELOAD": str(library), "WALL_CLOCK": str(self._fast)}

    def set(self, seconds):
        """So far from the true time."""
        new = self._fast.with_suffix(".new")
        new.write_text(str(seconds))
        os.replace(str(new), str(self._fast))
