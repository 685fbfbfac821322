import os
import threading

import pytest

from app.errors import OutputError
from app.media.clips import Bounds, Clips, utc
from app.media.mp4 import part_of

NOON = 1795521600.0  # 2026-11-24T12:00:00Z


@pytest.fixture
def template(tmp_path):
    return str(tmp_path / "clips" / "{camera}-{time}.mp4")


def clips(template, *cameras, **bounds):
    made = Clips(template, cameras or ("gate",), Bounds(**bounds))
    made.begin()
    return made


def record(made, when, size=100, camera="gate"):
    """A finished clip of that size; returns its name."""
    path = made.new(camera, when)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(bytes(size))
    made.finish(camera, path)
    return os.path.basename(path)


def names(template):
    return sorted(os.listdir(os.path.dirname(template)))


def test_where_nothing_was_recorded_nothing_is_removed(template):
    clips(template, keep_bytes=0).make_room("gate", 100)


@pytest.mark.parametrize("when, text", [(NOON, "20261124T120000Z"), (1e30, "00000000T000000Z")])
def test_a_name_says_the_time(when, text):
    assert utc(when) == text


def test_a_name_is_never_used_twice_whatever_the_clock_does(template):
    made = clips(template)
    told = [record(made, when) for when in (NOON, NOON, NOON - 7200)]
    assert told == [
        "gate-20261124T120000Z-000001.mp4",
        "gate-20261124T120000Z-000002.mp4",
        "gate-20261124T100000Z-000003.mp4",
    ]
    assert record(clips(template), 0) == "gate-19700101T000000Z-000004.mp4", "of a later run too"


def test_the_oldest_go_by_their_number_not_by_any_clock(template):
    """A board without a battery begins in 1970; what it records then is no older."""
    made = clips(template, keep_bytes=350)
    first = [record(made, when) for when in (NOON, NOON + 60)]
    made = clips(template, keep_bytes=350)
    later = [record(made, when) for when in (0.0, 60.0)]
    for age, name in enumerate(reversed(first + later)):
        os.utime(os.path.join(os.path.dirname(template), name), (age, age))
    again = clips(template, keep_bytes=350)
    again.make_room("gate", 0)
    assert names(template) == sorted(first[1:] + later)
    again.make_room("gate", 160)
    assert names(template) == sorted(later[1:])


def test_the_oldest_of_all_cameras_go_and_what_is_not_ours_stays(template):
    made = clips(template, "a", "b/c", keep_bytes=250)
    told = [record(made, NOON, camera=one) for one in ("a", "b/c", "a", "b/c")]
    folder = os.path.dirname(template)
    others = [
        "other-20261124T120000Z-000001.mp4", "a-holiday.mp4", "a-20261124T120000Z.mp4",
        "a-20261124T120000Z-000001.mp4.bak", "xa-20261124T120000Z-000001.mp4",
        ".a-holiday.part.mp4",
    ]  # fmt: skip
    for one in others:
        with open(os.path.join(folder, one), "wb") as file:
            file.write(bytes(1000))
    again = clips(template, "a", "b/c", keep_bytes=250)
    again.make_room("a", 0)
    assert names(template) == sorted(told[2:] + others)


def test_what_somebody_else_removed_is_not_missed(template):
    made = clips(template, keep_bytes=150)
    told = [record(made, NOON) for _ in range(3)]
    os.unlink(os.path.join(os.path.dirname(template), told[0]))
    made.make_room("gate", 0)
    assert names(template) in (told[1:], told[2:])


def test_the_floor_of_the_disk_removes_as_much_as_is_missing(template):
    class Disk(Clips):
        left = 1000

        def free(self, camera):
            return self.left

    made = Disk(template, ["gate"], Bounds(free_bytes=1000))
    made.begin()
    told = [record(made, NOON) for _ in range(4)]
    made.make_room("gate", 0)
    assert names(template) == told
    made.left = 850
    with pytest.raises(OutputError, match="less than record.free_gb"):
        made.make_room("gate", 0)  # the double gives no room back
    assert names(template) == told[2:]


def test_a_disk_that_is_not_full_loses_no_clip(template):
    made = clips(template)
    told = [record(made, NOON) for _ in range(2)]
    made.make_room_on_full_disk("gate")
    assert names(template) == told


def test_what_cannot_be_played_is_removed_at_the_start(template, caplog):
    made = clips(template)
    first = record(made, NOON)
    left = os.path.join(os.path.dirname(template), ".gate-20261124T120001Z-000002.part.mp4")
    with open(left, "wb") as file:
        file.write(bytes(5000))
    clips(template)
    assert names(template) == [first]
    assert "was not finished and holds nothing, removed" in caplog.text


def test_clips_that_others_take_away_are_forgotten(template):
    """Each would stay listed for ever where nothing is ever removed, as without keep_gb."""
    made = clips(template)
    for number in range(1000):
        name = record(made, NOON + number, size=1)
        if number % 10:
            os.unlink(os.path.join(os.path.dirname(template), name))
    assert len(names(template)) == 100
    assert len(made._finished) < 3 * 100


def test_a_look_at_what_is_still_there_leaves_order_sizes_and_what_is_unfinished(template):
    made = clips(template, keep_bytes=20000)
    told = [record(made, NOON - number, size=100) for number in range(100)]
    growing = part_of(made.new("gate", NOON))
    with open(growing, "wb") as file:
        file.write(bytes(10))
    told += [record(made, NOON - number, size=100) for number in range(100, 150)]
    made.make_room("gate", 15000)
    assert names(template) == sorted(told[100:] + [os.path.basename(growing)])


def test_cameras_may_be_recorded_by_a_thread_each(template):
    cameras = [f"cam{number}" for number in range(4)]
    made = clips(template, *cameras, keep_bytes=3000)
    told = []

    def records(camera):
        for _ in range(200):
            made.begin()
            told.append(record(made, NOON, camera=camera)[-10:])
            made.make_room(camera, 0)

    threads = [threading.Thread(target=records, args=(one,)) for one in cameras]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(told)) == 800, "no number is given twice"
    left = names(template)
    assert 20 <= len(left) <= 30 and made._bytes() == 100 * len(left)
