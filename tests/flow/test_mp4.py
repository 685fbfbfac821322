import os
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from app.core.frame import Frame
from app.errors import OutputError
from app.media.mp4 import check, writing
from app.stages.record import Record, RecordSettings
from tests import needs


@pytest.fixture(params=[True, False], ids=["gstreamer", "opencv"])
def with_gstreamer(request):
    if request.param:
        needs.gstreamer()
    return request.param


def picture(number, width=320, height=240):
    """A grey picture whose brightness says its number."""
    return np.full((height, width, 3), 20 + number % 20 * 10, np.uint8)


def write(path, with_gstreamer, times, **size):
    with writing(str(path), with_gstreamer) as film:
        for number, time in enumerate(times):
            film.write(picture(number, **size), time)


def read(path):
    film = cv2.VideoCapture(str(path))
    levels, size = [], None
    while True:
        there, image = film.read()
        if not there:
            return levels, size
        levels.append(float(image[image.shape[0] // 2].mean()))
        size = image.shape[1::-1]


def probed(path, *options):
    command = ["ffprobe", "-v", "error", *options, str(path)]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    except OSError:
        pytest.skip("no ffprobe here")


def decoded(path):
    wanted = ("-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0")
    return int(probed(path, *wanted).rstrip(b",\n"))


def times_of(path):
    said = probed(path, "-show_entries", "packet=pts_time", "-of", "csv=p=0")
    return sorted(float(line.rstrip(b",")) for line in said.split())


@pytest.mark.parametrize("count", [1, 2, 3, 75])
def test_every_frame_that_goes_in_comes_out(tmp_path, with_gstreamer, count):
    path = tmp_path / "new" / "film.mp4"
    write(path, with_gstreamer, [n / 25 for n in range(count)])
    levels, size = read(path)
    assert size == (320, 240)
    assert levels == pytest.approx([20 + n % 20 * 10 for n in range(count)], abs=4)
    assert os.listdir(str(path.parent)) == ["film.mp4"]


def test_no_frames_leave_nothing(tmp_path, with_gstreamer):
    write(tmp_path / "film.mp4", with_gstreamer, [])
    assert os.listdir(str(tmp_path)) == []


def test_the_times_are_the_source_s(tmp_path):
    needs.gstreamer()
    write(tmp_path / "film.mp4", True, [1.7e9, 1.7e9 + 0.1, 1.7e9 + 0.5, 1.7e9 + 2, 1.7e9 + 2.1])
    assert times_of(tmp_path / "film.mp4") == pytest.approx([0, 0.1, 0.5, 2, 2.1], abs=0.002)


def test_a_clip_that_loops_goes_on(tmp_path):
    needs.gstreamer()
    write(tmp_path / "film.mp4", True, [0, 0.1, 0.2] * 3)
    assert times_of(tmp_path / "film.mp4") == pytest.approx(np.arange(9) / 10, abs=0.002)


def test_a_live_camera_s_last_frame_is_not_cut_off(tmp_path):
    """The first step is start-up jitter; with B-frames the edit list ended before the last."""
    needs.gstreamer()
    path = tmp_path / "film.mp4"
    times = [1.7e9] + [1.7e9 + 0.0086 + n / 30 for n in range(39)]
    write(path, True, times, width=640, height=360)
    assert decoded(path) == 40
    assert times_of(path) == pytest.approx(np.array(times) - 1.7e9, abs=0.002)
    assert b"has_b_frames=0" in probed(path, "-show_entries", "stream=has_b_frames")


def test_a_rate_is_not_taken_from_the_first_step(tmp_path, with_gstreamer):
    path = tmp_path / "film.mp4"
    write(path, with_gstreamer, [0.0] + [0.0086 + n / 30 for n in range(39)])
    film = cv2.VideoCapture(str(path))
    assert 28 < film.get(cv2.CAP_PROP_FPS) < 32


@pytest.mark.parametrize("step", [5e6, -5e6])
def test_a_clock_that_is_set_does_not_stretch_the_film(tmp_path, step):
    """NTP after the start moves time.time() by months on a board without a battery."""
    needs.gstreamer()
    write(tmp_path / "film.mp4", True, [n / 25 + (step if n >= 10 else 0) for n in range(20)])
    assert times_of(tmp_path / "film.mp4") == pytest.approx(np.arange(20) / 25, abs=0.002)


@pytest.mark.parametrize("width, height", [(321, 241), (50, 300), (33, 17)])
def test_odd_sizes(tmp_path, with_gstreamer, width, height):
    write(tmp_path / "film.mp4", with_gstreamer, [0, 0.1, 0.2], width=width, height=height)
    levels, size = read(tmp_path / "film.mp4")
    assert len(levels) == 3 and size == (max(64, width // 2 * 2), max(64, height // 2 * 2))


def test_a_new_size_is_letterboxed_into_the_first(tmp_path, with_gstreamer):
    with writing(str(tmp_path / "film.mp4"), with_gstreamer) as film:
        for number, size in enumerate([(320, 240), (640, 480), (100, 300), (320, 240)]):
            film.write(np.full(size[::-1] + (3,), 200, np.uint8), number / 10)
    levels, size = read(tmp_path / "film.mp4")
    assert len(levels) == 4 and size == (320, 240)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_what_was_written_before_an_error_can_be_played(tmp_path, with_gstreamer, error):
    with pytest.raises(error), writing(str(tmp_path / "film.mp4"), with_gstreamer) as film:
        for number in range(10):
            film.write(picture(number), number / 10)
        raise error
    assert len(read(tmp_path / "film.mp4")[0]) == 10
    assert os.listdir(str(tmp_path)) == ["film.mp4"]


def test_stopping_the_stage_finishes_each_camera_s_file(tmp_path, with_gstreamer):
    frames = (Frame("ab"[n % 2], n, 0.0, picture(n), time=n / 10) for n in range(20))
    settings = RecordSettings(str(tmp_path / "{camera}.mp4"), with_gstreamer)
    running = Record(settings, ["a", "b", "silent"]).run(frames)
    for _ in range(9):
        next(running)
    running.close()
    assert [len(read(tmp_path / name)[0]) for name in ("a.mp4", "b.mp4")] == [5, 4]
    assert sorted(os.listdir(str(tmp_path))) == ["a.mp4", "b.mp4"]


def test_the_old_file_is_replaced_only_by_a_whole_one(tmp_path, with_gstreamer):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with writing(str(path), with_gstreamer) as film:
        film.write(picture(0), 0)
        film.write(picture(1), 1)
        assert path.read_bytes() == b"old"
    assert len(read(path)[0]) == 2


@pytest.mark.parametrize(
    "path, says",
    [
        ("film.avi", "ends with .mp4"),
        ("folder.mp4", "is a folder"),
        ("file/film.mp4", "cannot be written: .*Choose a folder"),
        ("file/deep/film.mp4", "cannot be written: .*Choose a folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_first(tmp_path, path, says):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=says):
        check(str(tmp_path / path))
    with pytest.raises(OutputError, match=says), writing(str(tmp_path / path)):
        pytest.fail("must not begin")


FULL = """
    import resource, signal, sys
    import numpy as np
    from app.errors import OutputError
    from app.media.mp4 import writing

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    noise = np.random.RandomState(0).randint(0, 255, (40, 480, 640, 3)).astype(np.uint8)
    try:
        with writing(sys.argv[1], sys.argv[2] == "True") as film:
            for number in range(400):
                film.write(noise[number % 40], number / 10)
    except OutputError as exc:
        print(number, exc)
"""


def test_a_disk_that_fills_up_is_one_clear_line_and_leaves_nothing(tmp_path, with_gstreamer):
    """The limit on a file's size stands for the full disk: the write fails in the same place."""
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / "f.mp4")]
    done = subprocess.run(
        command + [str(with_gstreamer)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60
    )
    assert b"f.mp4 cannot be written" in done.stdout, done.stderr
    assert done.stdout.count(b"\n") == 1 and done.returncode == 0
    assert os.listdir(str(tmp_path)) == []
    if with_gstreamer:  # noticed at once, not at the end
        assert int(done.stdout.split()[0]) < 100


LACKING = """
    import sys
    import numpy as np
    from app.media import gst
    from app.media.mp4 import writing

    Gst = gst.load()
    for name in sys.argv[2:]:
        factory = Gst.ElementFactory.find(name)
        if factory is not None:
            Gst.Registry.get().remove_feature(factory)
    with writing(sys.argv[1]) as film:
        for number in range(8):
            film.write(np.full((240, 320, 3), number, np.uint8), number / 10)
"""


@pytest.mark.parametrize(
    "lacking", [("mp4mux",), ("h264parse",), ("x264enc", "openh264enc", "nvv4l2h264enc")]
)
def test_opencv_writes_where_gstreamer_lacks_an_element(tmp_path, lacking):
    needs.gstreamer()
    path = str(tmp_path / "film.mp4")
    command = [sys.executable, "-c", textwrap.dedent(LACKING), path, *lacking]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(read(path)[0]) == 8
