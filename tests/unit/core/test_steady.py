import os
import pathlib
import re
import subprocess
import sys
import threading
import time

import pytest

from app.core.steady import SteadyEvent, ends_within
from tests.command import ROOT
from tests.wall_clock import WallClock


def test_it_is_an_event():
    event = SteadyEvent()
    assert not event.wait(0) and not event.wait(-1.0) and not event.is_set()
    began = time.monotonic()
    assert not event.wait(0.15)
    assert 0.15 <= time.monotonic() - began < 1
    event.set()
    assert event.wait(0) and event.wait(9) and event.wait()
    event.clear()
    assert not event.wait(0.001)


@pytest.mark.parametrize("timeout", [30, None])
def test_who_waits_learns_at_once_that_it_was_set(timeout):
    event = SteadyEvent()
    found = []
    began = time.monotonic()
    waiting = threading.Thread(target=lambda: found.append(event.wait(timeout)))
    waiting.start()
    event.set()
    assert ends_within(waiting, 20) and found == [True]
    assert time.monotonic() - began < 5


def test_a_thread_is_waited_for_within_a_limit():
    over = threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    assert not ends_within(thread, 0.05) and not ends_within(thread, -1.0)
    over.set()
    assert ends_within(thread, 20)


STEPS = """
import os, sys, threading, time
from app.core.steady import SteadyEvent, ends_within
lasting = threading.Thread(target=time.sleep, args=(300,), daemon=True)
lasting.start()
waits = {
    "event": SteadyEvent().wait,
    "thread": lambda seconds: ends_within(lasting, seconds),
    "plain": threading.Event().wait,
}
def step():
    time.sleep(0.2)
    with open(os.environ["WALL_CLOCK"], "w") as file:
        file.write(sys.argv[2])
threading.Thread(target=step).start()
began = time.monotonic()
assert not waits[sys.argv[1]](float(sys.argv[3]))
print(time.monotonic() - began)
"""


def waited_s(folder, what, step, seconds):
    """How long a wait lasts, in a process whose wall clock is set meanwhile."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), **WallClock(folder).environ)
    command = [sys.executable, "-c", STEPS, what, str(step), str(seconds)]
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=30, check=True)
    return float(ran.stdout)


@pytest.mark.parametrize("what", ["event", "thread"])
@pytest.mark.parametrize("step", [-100, 100])
def test_a_step_of_the_wall_clock_is_nothing_to_a_wait(tmp_path, what, step):
    """Python's own waits, before 3.11, would take 100 s more, or end at once."""
    assert 0.5 <= waited_s(tmp_path, what, step, 0.5) < 2


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="plain waits are steady there")
def test_a_step_would_be_something_to_a_plain_wait(tmp_path):
    """Else what is above proves nothing."""
    assert waited_s(tmp_path, "plain", 100, 10) < 2


def test_nothing_of_ours_waits_by_the_wall_clock():
    plain = re.compile(r"threading\.Event\(\)|thread(s\[-?\d\])?\.join\([^)]|\(threading\.Event\):")
    found = [
        (path.name, line.strip())
        for path in sorted((pathlib.Path(ROOT) / "app").rglob("*.py"))
        for line in path.read_text("utf-8").splitlines()
        if plain.search(line) and path.name != "steady.py"
    ]
    assert not found
