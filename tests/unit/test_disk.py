import contextlib
import errno
import os
import subprocess
import tempfile
import threading

import pytest

from app import config, disk
from app.disk import Disks, Place
from tests.boards import until
from tests.disk import small

LEAST = "cameras: [{name: a, source: clip.mp4}, {name: b, source: b.mp4}]\ndetect: {model: m}\n"


A, FAR, Z = Place("a"), Place("far"), Place("z")


@contextlib.contextmanager
def somebody_else():
    """Be a user who owns nothing, where one can become another; a user may not write at 0o555."""
    if os.getuid():
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def folder():
    """One that everybody can reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as made:
        os.chmod(made, 0o555)
        yield made


def test_each_place_that_is_written_to_once():
    made = config.parse(
        LEAST
        + "record: {path: 'out/{camera}/film.mp4'}\nreport: {path: found.jsonl}\n"
        + "events: {path: out/events.jsonl, snapshots: out/pictures}\ncounters: out/counts.json\n"
    )
    assert disk.places(made) == [
        Place(".", "found.jsonl"),
        Place("out"),
        Place("out", "out/events.jsonl"),
        Place("out/a"),
        Place("out/b"),
        Place("out/pictures"),
    ]
    assert disk.places(config.parse(LEAST + "report: {path: '-'}\n")) == []


def test_a_disk_with_too_little_room_is_told(tmp_path):
    free = os.statvfs(str(tmp_path)).f_bavail * os.statvfs(str(tmp_path)).f_frsize
    file = tmp_path / "found.jsonl"
    for place in (Place(str(tmp_path)), Place(str(tmp_path), str(file))):
        assert disk.complaint(place, 1) == ""
        for _ in ("without the file", "with it"):
            told = disk.complaint(place, free * 2)
            assert told.startswith("the disk of {} is full: ".format(tmp_path))
            file.write_text("")


def test_a_folder_that_may_not_be_written_to_is_told(folder):
    place = Place(folder, os.path.join(folder, "found.jsonl"))
    with somebody_else():
        told = disk.complaint(place, 0)
    assert told == "{} may not be written to by this user".format(folder)


def test_a_file_that_is_there_is_what_is_written_and_not_its_folder(folder):
    """As an administrator makes it for the service in a folder of others."""
    place = Place(folder, os.path.join(folder, "found.jsonl"))
    os.chmod(folder, 0o755)
    with open(place.file, "w"):
        os.chmod(folder, 0o555)
    for mode, said in ((0o666, ""), (0o444, place.file + " may not be written to by this user")):
        os.chmod(place.file, mode)
        with somebody_else():
            assert disk.complaint(place, 0) == said
    os.chmod(folder, 0o755)


def test_a_device_or_a_pipe_is_on_no_disk():
    with somebody_else():
        assert disk.complaint(Place("/dev", "/dev/null"), 1 << 62) == ""
        assert disk.complaint(Place("/dev"), 0)


def test_a_disk_that_is_read_only_is_told(tmp_path):
    """As one becomes where the kernel has found it broken; root is told as well."""
    with small(tmp_path / "disk", 1) as mounted:
        place = Place(str(mounted), str(mounted / "found.jsonl"))
        assert disk.complaint(place, 0) == ""
        (mounted / "found.jsonl").write_text("")
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        assert disk.complaint(place) == "the disk of {} is read-only".format(mounted)
        assert disk.complaint(Place(str(mounted))) == disk.complaint(place)


def test_a_folder_that_has_gone_is_told_but_not_one_that_is_not_there_yet(tmp_path):
    folder = tmp_path / "later"
    looked = []

    def look(place):
        looked.append(place)
        return disk.complaint(place, 0)

    def looks_twice_more():
        before = len(looked)
        return until(lambda: len(looked) > before + 4)

    disks = Disks([Place(str(folder)), Place(str(folder), str(folder / "a"))], look, every_s=0.01)
    assert looks_twice_more()
    assert disks.complaints() == ()
    folder.mkdir()
    assert looks_twice_more()
    assert disks.complaints() == ()
    folder.rmdir()
    assert until(lambda: disks.complaints() == ("{} has gone".format(folder),))
    folder.mkdir()
    assert until(lambda: disks.complaints() == ())
    disks.close()


def test_a_folder_that_cannot_be_reached_is_told():
    def stale(place):
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    disks = Disks([FAR], stale)
    assert until(lambda: disks.complaints() == ("far cannot be looked at: Stale file handle",))
    disks.close()


class Looks:
    """A look at places, of which one hangs, as on a dead server, until it is freed."""

    def __init__(self, tmp_path):
        self.fifo = str(tmp_path / "fifo")
        os.mkfifo(self.fifo)
        self.full = threading.Event()
        self.hangs = threading.Event()
        self.hanging = threading.Event()
        self.seen = []

    def __call__(self, place):
        self.seen.append(place)
        if place == FAR and self.hangs.is_set():
            self.hanging.set()
            with open(self.fifo) as file:
                file.read()
        return "{} is full".format(place.folder) if self.full.is_set() else ""

    def free(self):
        self.hangs.clear()
        with open(self.fifo, "w"):  # which waits for the look to be there
            pass


@pytest.fixture
def looks(tmp_path):
    return Looks(tmp_path)


def test_complaints_come_and_go_with_what_is_seen(looks):
    disks = Disks([A, Z], looks, every_s=0.01)
    assert until(lambda: looks.seen.count(Z) > 1)
    assert disks.complaints() == ()
    looks.full.set()
    assert until(lambda: disks.complaints() == ("a is full", "z is full"))
    looks.full.clear()
    assert until(lambda: disks.complaints() == ())
    disks.close()


def test_a_look_that_hangs_holds_nobody_up_and_is_told_after_half_a_minute(looks):
    """The main thread looked itself: a dead mount stopped it, and the watchdog with it."""
    now = [0.0]
    disks = Disks([A, FAR, Z], looks, lambda: now[0], every_s=0.01)
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
    disks = Disks([A], looks)
    assert len(watching()) == 1
    disks.close()
    assert not watching()
    looks.hangs.set()
    disks = Disks([FAR], looks)
    assert looks.hanging.wait(5)
    disks.close()
    (left,) = watching()
    assert left.daemon, "it would keep the process from its end"
    looks.free()
    assert until(lambda: not watching())
