"""growth: what a process takes of memory, files and threads over time, as the system sees it."""

import csv
import os
import threading
import time
from typing import NamedTuple, Optional

import numpy as np

STEP_S = 10.0
PERIOD_S = 300.0


class Vitals(NamedTuple):
    rss_mb: float
    files: int
    threads: int
    # None where the kernel does not add them up: before 4.14
    pss_mb: Optional[float] = None
    anonymous_mb: Optional[float] = None
    heap_mb: Optional[float] = None  # what malloc has from brk, and is resident


class Sample(NamedTuple):
    seconds: float  # since the first
    vitals: Vitals


class Period(NamedTuple):
    """RSS in MB of some minutes, and the medians of its parts."""

    minute: int  # where it begins
    least: float
    median: float
    most: float
    anonymous: Optional[float]
    heap: Optional[float]


def vitals(pid):
    base = f"/proc/{pid}"
    with open(base + "/status") as file:
        told = dict(line.split(":", 1) for line in file)
    one = Vitals(_mb(told["VmRSS"]), len(os.listdir(base + "/fd")), int(told["Threads"]))
    if not os.path.exists(base + "/smaps_rollup"):
        return one
    with open(base + "/smaps_rollup") as file:
        told = dict(line.split(":", 1) for line in list(file)[1:])
    heap = 0.0
    with open(base + "/smaps") as file:
        inside = False
        for line in file:
            name = line.split()[0]
            if not name.endswith(":"):  # a mapping, else one of its figures
                inside = "[heap]" in line
            elif inside and name == "Rss:":
                heap += _mb(line.split(":")[1])
    return one._replace(pss_mb=_mb(told["Pss"]), anonymous_mb=_mb(told["Anonymous"]), heap_mb=heap)


class Series:
    """A sample every ``STEP_S`` for the length of the ``with``, or of the process; kept as CSV."""

    def __init__(self, pid, path):
        self.samples = []
        self._pid = pid
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _run(self):
        began = time.monotonic()
        with open(self._path, "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("seconds",) + Vitals._fields)
            while True:
                try:
                    now = vitals(self._pid)
                except (OSError, KeyError, ValueError):  # it has ended
                    return
                self.samples.append(Sample(time.monotonic() - began, now))
                rounded = ("" if v is None else round(v, 1) for v in now)
                rows.writerow((round(self.samples[-1].seconds, 1), *rounded))
                file.flush()
                if self._over.wait(STEP_S):
                    return


def periods(samples):
    """What each five minutes took."""
    made = []
    for number in sorted({int(one.seconds // PERIOD_S) for one in samples}):
        those = [one.vitals for one in samples if int(one.seconds // PERIOD_S) == number]
        rss = [one.rss_mb for one in those]
        parts = (
            None if those[0].heap_mb is None else float(np.median(part))
            for part in ([v.anonymous_mb for v in those], [v.heap_mb for v in those])
        )
        minute = int(number * PERIOD_S / 60)
        made.append(Period(minute, min(rss), float(np.median(rss)), max(rss), *parts))
    return made


def slope(points):
    """MB per hour of a line through the second half of (seconds, MB); None of fewer than three."""
    half = [one for one in points if one[0] >= points[-1][0] / 2]
    if len(half) < 3:
        return None
    seconds, mb = np.array(half, float).T
    return float(np.polyfit(seconds, mb, 1)[0] * 3600)


def _mb(text):
    return int(text.split()[0]) / 1024
