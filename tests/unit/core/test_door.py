import threading

import pytest

from app.core.channel import Closed, EndOfStream, Overflow
from app.core.door import FILE_DEPTH, Door
from tests.doubles import frame

LIVE = Overflow.DROP_OLDEST
FILE = Overflow.BLOCK


def taken(door, limit=1):
    return [(one.source, one.number) for one in door.take(limit)]


def test_a_new_frame_replaces_only_the_one_of_its_own_camera():
    door = Door("door", {"a": LIVE, "b": LIVE})
    door.put(frame(0, "a"))
    door.put(frame(0, "b"))
    door.put(frame(1, "a"))
    assert sorted(taken(door, 2)) == [("a", 1), ("b", 0)]
    assert [door.stats()[camera].dropped for camera in "ab"] == [1, 0]


def test_a_fast_camera_does_not_starve_a_slow_one():
    door = Door("door", {"fast": LIVE, "slow": LIVE})
    served = []
    door.put(frame(0, "slow"))
    for number in range(4):
        door.put(frame(number, "fast"))
        served += taken(door)
        door.put(frame(number + 10, "fast"))
        door.put(frame(number, "slow"))
    assert [camera for camera, _ in served] == ["fast", "slow", "fast", "slow"]


def test_taking_never_waits_to_fill_a_batch():
    door = Door("door", {"a": LIVE, "b": LIVE, "c": LIVE})
    door.put(frame(0, "a"))
    door.put(frame(0, "b"))
    assert taken(door, 8) == [("a", 0), ("b", 0)]


def test_the_writer_of_a_file_waits_and_nothing_is_lost():
    door = Door("door", {"a": FILE})
    for number in range(FILE_DEPTH):
        door.put(frame(number, "a"))
    writer = threading.Thread(target=lambda: [door.put(frame(FILE_DEPTH, "a")), door.leave("a")])
    writer.start()
    assert [one.number for (one,) in door.batches(1)] == list(range(FILE_DEPTH + 1))
    writer.join(5)
    assert door.stats()["a"] == (0, FILE_DEPTH, FILE_DEPTH + 1, 0)


def test_it_ends_when_all_have_left_and_the_last_frame_is_taken():
    door = Door("door", {"a": LIVE, "b": LIVE})
    door.put(frame(7, "b"))
    door.leave("a")
    door.leave("b")
    assert taken(door) == [("b", 7)]
    with pytest.raises(EndOfStream):
        door.take(1)


def test_cancel_wakes_a_writer_that_waits_and_forgets_what_waits():
    door = Door("door", {"a": FILE})
    for number in range(FILE_DEPTH):
        door.put(frame(number, "a"))
    woken = []

    def write():
        with pytest.raises(Closed):
            door.put(frame(FILE_DEPTH, "a"))
        woken.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    door.cancel()
    writer.join(5)
    assert woken and list(door.batches(1)) == []
