"""A recording that is cut into clips: lengths, sizes, clocks, crashes and disks that are full."""

import itertools
import os
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from app.core.frame import Frame
from app.errors import OutputError
from app.media.container import whole_fragments
from app.stages.record import Record, RecordSettings
from tests import disk, needs
from tests.journals import Clock

NOISE = np.random.RandomState(0).randint(0, 255, (8, 240, 320, 3)).astype(np.uint8)
NOON = 1795521600.0  # 2026-11-24T12:00:00Z


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """A machine that is busy for a second is no disk that hangs."""
    monkeypatch.setattr("app.core.aside.PATIENCE_S", 60.0)


@pytest.fixture(params=[True, False], ids=["gstreamer", "opencv"])
def with_gstreamer(request):
    if request.param:
        needs.gstreamer()
    return request.param


def settings(folder, with_gstreamer, **more):
    more = dict({"minutes": 2 / 60, "free_gb": 0.0}, **more)
    return RecordSettings(str(folder / "{camera}-{time}.mp4"), with_gstreamer, **more)


def live(number, captured, time=None, image=None, camera="gate"):
    image = NOISE[number % 8, :120, :160] if image is None else image
    time = NOON + captured if time is None else time
    return Frame(camera, number, captured, image, time=time, live=True)


def record(asked, frames, cameras=("gate",)):
    clock = Clock()

    def timed():
        for frame in frames:
            clock.now = frame.captured
            yield frame

    return [frame.number for frame in Record(asked, cameras, clock).run(timed())]


def lengths(folder):
    """Name -> how many pictures it shows. Fails on anything unfinished."""
    shown = {}
    for name in sorted(os.listdir(str(folder))):
        assert name.endswith(".mp4") and not name.startswith("."), name
        film = cv2.VideoCapture(str(folder / name))
        shown[name] = 0
        while film.read()[0]:
            shown[name] += 1
    return shown


def test_a_film_is_cut_into_clips_that_each_play(tmp_path, with_gstreamer):
    frames = (live(n, n / 10, camera="ab"[n % 2]) for n in range(100))
    record(settings(tmp_path, with_gstreamer), frames, ["a", "b"])
    shown = lengths(tmp_path)
    assert sum(shown.values()) == 100, "none is lost where it is cut"
    assert [shown[name] for name in shown if name.startswith("a")] == [11, 11, 11, 11, 6]
    # which camera's film is first to take the next number is open
    assert sorted(shown)[0] in ("a-20261124T120000Z-000001.mp4", "a-20261124T120000Z-000002.mp4")
    assert sorted(name[-10:-4] for name in shown) == [f"{n:06d}" for n in range(1, 11)]


def test_another_size_is_another_clip(tmp_path, with_gstreamer):
    pictures = [NOISE[0, :120, :160]] * 5 + [NOISE[0, :200, :160]] * 5 + [NOISE[0, :120, :160]] * 5
    record(
        settings(tmp_path, with_gstreamer, minutes=10),
        (live(n, n / 10, image=image) for n, image in enumerate(pictures)),
    )
    shown = lengths(tmp_path)
    assert list(shown.values()) == [5, 5, 5]
    sizes = [
        cv2.VideoCapture(str(tmp_path / name)).get(cv2.CAP_PROP_FRAME_HEIGHT) for name in shown
    ]
    assert sizes == [120, 200, 120]


@pytest.mark.parametrize("hours", [-5, 5, -500000])
def test_a_clock_that_is_set_begins_a_clip_and_its_length_is_the_true_one(tmp_path, hours):
    frames = [live(n, n / 10, NOON + n / 10 + (hours * 3600 if n > 14 else 0)) for n in range(45)]
    record(settings(tmp_path, False), frames)
    by_number = {name[-8:-4]: count for name, count in lengths(tmp_path).items()}
    assert by_number == {"0001": 15, "0002": 21, "0003": 9}


def test_a_camera_that_was_away_begins_a_clip(tmp_path):
    frames = [live(n, n / 10 + (60 if n > 9 else 0)) for n in range(20)]
    record(settings(tmp_path, False, minutes=10), frames)
    assert lengths(tmp_path) == {
        "gate-20261124T120000Z-000001.mp4": 10,
        "gate-20261124T120101Z-000002.mp4": 10,
    }


def test_the_oldest_go_and_a_clip_ends_early_where_it_alone_would_be_too_large(tmp_path):
    needs.gstreamer()
    asked = settings(tmp_path, True, minutes=60, keep_gb=0.004)
    frames = [live(n, n / 10, image=NOISE[n % 8]) for n in range(300)]
    record(asked, frames)
    assert len(lengths(tmp_path)) > 1
    assert sum(one.stat().st_size for one in tmp_path.iterdir()) < 4e6 * 1.5
    numbers = [int(name[-8:-4]) for name in lengths(tmp_path)]
    assert numbers[0] > 1 and numbers == list(range(numbers[0], numbers[-1] + 1))


KILLED = """
    import os, sys
    from tests.flow.test_clips import live, record, settings
    import pathlib

    def frames():
        for number in range(400):
            yield live(number, number / 10)
        os.kill(os.getpid(), 9)

    record(settings(pathlib.Path(sys.argv[1]), sys.argv[2] == "True", minutes=10), frames())
"""


def test_what_a_kill_leaves_is_made_whole_or_removed_at_the_next_start(
    tmp_path, with_gstreamer, caplog
):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path), str(with_gstreamer)]
    killed = subprocess.run(command, timeout=60, stderr=subprocess.PIPE)
    assert killed.returncode == -9, killed.stderr
    (left,) = os.listdir(str(tmp_path))
    assert left == ".gate-20261124T120000Z-000001.part.mp4"
    record(settings(tmp_path, with_gstreamer), [live(n, n / 10) for n in range(3)])
    shown = lengths(tmp_path)
    if with_gstreamer:
        assert shown.pop("gate-20261124T120000Z-000001.mp4") >= 340, "all but its last seconds"
        assert "what there is of it can be played" in caplog.text
    else:
        assert "holds nothing, removed" in caplog.text
    assert list(shown.values()) == [3]


@pytest.mark.parametrize("left, least", [(1.0, 80), (0.9, 50), (0.5, 15), (0.02, 0)])
def test_a_file_in_fragments_can_be_cut_anywhere(tmp_path, left, least):
    needs.gstreamer()
    record(settings(tmp_path, True, minutes=1), [live(n, n / 10) for n in range(80)])
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    cut = content[: int(len(content) * left)]
    path.write_bytes(cut)
    whole = whole_fragments(str(path))
    path.write_bytes(cut[:whole] + bytes(5000))  # a power cut leaves zeros
    assert whole_fragments(str(path)) == whole
    path.write_bytes(cut[:whole])
    shown = lengths(tmp_path)[path.name]
    assert least <= shown <= 80 * left


@pytest.mark.parametrize("first", [3, 21, 62])  # whose times add up to a hair less than 2 s
def test_a_clip_is_no_picture_too_long_wherever_it_begins(tmp_path, first):
    record(settings(tmp_path, False), [live(n, n / 10) for n in range(first, first + 30)])
    assert max(lengths(tmp_path).values()) == 21


def test_a_full_disk_pauses_the_film_and_nothing_else(tmp_path, caplog):
    needs.gstreamer()
    with disk.small(tmp_path / "disk", 4) as folder:
        folder.joinpath("mine.mp4").write_bytes(b"of somebody")
        numbers = itertools.count()

        def some(count):
            for number in itertools.islice(numbers, count):
                yield live(number, number / 10, image=NOISE[number % 8, :, :160])

        def until(words):
            """GStreamer says it some pictures later, or many on a busy machine."""
            for _ in range(5000):
                if words in caplog.text:
                    return
                yield from some(1)

        def frames():
            yield from some(100)
            disk.fill(folder / "other")
            yield from until("cannot be written")
            yield from some(130)
            folder.joinpath("other").unlink()
            yield from until("written again")
            yield from some(100)

        asked = settings(folder, True, keep_gb=0.002)
        seen = record(asked, frames())
        assert seen == list(range(next(numbers))), "the stream goes on"
        assert folder.joinpath("mine.mp4").read_bytes() == b"of somebody"
        folder.joinpath("mine.mp4").unlink()
        shown = lengths(folder)
        assert max(shown.values()) <= 21 and all(shown.values())
        assert sum(shown.values()) > 60
    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 2 and "cannot be written" in told[0] and "written again" in told[1], told


def test_a_full_disk_and_one_file_that_goes_on_beside_what_there_is(tmp_path, caplog):
    needs.gstreamer()
    with disk.small(tmp_path / "disk", 4) as folder:

        def frames():
            for number in range(400):
                if number == 100:
                    disk.fill(folder / "other")
                if number == 160:
                    folder.joinpath("other").unlink()
                yield live(number, number / 10)

        record(RecordSettings(str(folder / "gate.mp4"), True), frames())
        shown = lengths(folder)
        assert list(shown) == ["gate-2.mp4", "gate.mp4"]
        assert 60 <= shown["gate.mp4"] <= 100 and shown["gate-2.mp4"] > 170
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 2


def test_less_room_than_the_floor_is_said_and_the_stream_goes_on(tmp_path, caplog):
    frames = [live(n, n / 10) for n in range(20)]
    assert len(record(settings(tmp_path, False, free_gb=1e6), frames)) == 20
    assert not lengths(tmp_path)
    assert len(caplog.records) == 1 and "less than record.free_gb" in caplog.text


def test_of_a_file_a_full_disk_ends_the_run_with_one_clear_error(tmp_path, with_gstreamer):
    with disk.small(tmp_path / "disk", 1) as folder:
        frames = (Frame("gate", n, 0.0, NOISE[n % 8], time=n / 10) for n in range(100))
        with pytest.raises(OutputError, match="Is the disk full"):
            record(RecordSettings(str(folder / "gate.mp4"), with_gstreamer), frames)
        assert not os.listdir(str(folder))
