import os
import threading

import pytest

from app import config, disk
from app.disk import Disks
from tests.boards import until

LEAST = "cameras: [{name: a, source: clip.mp4}, {name: b, source: b.mp4}]\ndetect: {model: m}\n"


def test_each_folder_that_is_written_to_once():
    made = config.parse(
        LEAST
        + "record: {path: 'out/{camera}/film.mp4'}\nreport: {path: found.jsonl}\n"
        + "events: {path: out/events.jsonl, snapshots: out/pictures}\ncounters: out/counts.json\n"
    )
    assert disk.folders(made) == [".", "out", "out/a", "out/b", "out/pictures"]
    assert disk.folders(config.parse(LEAST + "report: {path: '-'}\n")) == []


def test_a_disk_with_too_little_room_is_told(tmp_path):
    free = os.statvfs(str(tmp_path)).f_bavail * os.statvfs(str(tmp_path)).f_frsize
    assert disk.complaint(str(tmp_path), 1) == ""
    told = disk.complaint(str(tmp_path), free * 2)
    assert told.startswith("the disk of {} is full: ".format(tmp_path))


def test_a_folder_that_is_not_there_yet_is_no_complaint(tmp_path):
    assert disk.complaint(str(tmp_path / "later"), 1 << 62) == ""


class Looks:
    """A look at three folders, of which one hangs, as on a dead server, until it is freed."""

    def __init__(self, tmp_path):
        self.fifo = str(tmp_path / "fifo")
        os.mkfifo(self.fifo)
        self.full = threading.Event()
        self.hangs = threading.Event()
        self.hanging = threading.Event()
        self.seen = []

    def __call__(self, folder):
        self.seen.append(folder)
        if folder == "far" and self.hangs.is_set():
            self.hanging.set()
            with open(self.fifo) as file:
                file.read()
        return "{} is full".format(folder) if self.full.is_set() else ""

    def free(self):
        self.hangs.clear()
        with open(self.fifo, "w"):  # which waits for the look to be there
            pass


@pytest.fixture
def looks(tmp_path):
    return Looks(tmp_path)


def test_complaints_come_and_go_with_what_is_seen(looks):
    disks = Disks(["a", "b"], looks, every_s=0.01)
    assert until(lambda: looks.seen.count("b") > 1)
    assert disks.complaints() == ()
    looks.full.set()
    assert until(lambda: disks.complaints() == ("a is full", "b is full"))
    looks.full.clear()
    assert until(lambda: disks.complaints() == ())
    disks.close()


def test_a_look_that_hangs_holds_nobody_up_and_is_told_after_half_a_minute(looks):
    """The main thread looked itself: a dead mount stopped it, and the watchdog with it."""
    now = [0.0]
    disks = Disks(["a", "far", "z"], looks, lambda: now[0], every_s=0.01)
    looks.full.set()
    assert until(lambda: len(disks.complaints()) == 3)
    looks.hangs.set()
    assert looks.hanging.wait(5)
    now[0] = 30.0
    assert disks.complaints() == ("a is full", "far is full", "z is full")
    now[0] = 30.1
    assert disks.complaints() == ("a is full", "the disk of far does not answer", "z is full")
    looks.full.clear()
    looks.free()
    assert until(lambda: disks.complaints() == ())
    disks.close()


def test_the_thread_ends_and_one_that_hangs_is_left_behind(looks):
    def watching():
        return [one for one in threading.enumerate() if one.name == "disks"]

    assert not watching()
    Disks([], looks).close()
    disks = Disks(["a"], looks)
    assert len(watching()) == 1
    disks.close()
    assert not watching()
    looks.hangs.set()
    disks = Disks(["far"], looks)
    assert looks.hanging.wait(5)
    disks.close()
    (left,) = watching()
    assert left.daemon, "it would keep the process from its end"
    looks.free()
    assert until(lambda: not watching())
