"""Real clips, pictures and folders through the readers."""

import contextlib
import functools
import os
import subprocess
import sys
import threading
import time
import wave

import cv2
import numpy as np
import pytest

from app.errors import SourceError
from app.media import cv_reader, gst_reader, probe, reader
from app.media.camera import Camera
from app.media.clip import Clip
from app.media.gstreamer import DECODERS
from app.media.uri import parse
from tests import needs
from tests.data import data
from tests.taking import taken

# What ffprobe -count_frames says. The edit list of people-walking leaves out its 341st picture.
CLIPS = [
    ("vtest.avi", 795, 79.4, (768, 576)),
    ("one-by-one-person-detection.mp4", 1394, 139.3, (768, 432)),
    ("solidWhiteRight_udacity.mp4", 221, 8.8, (960, 540)),
    ("people-walking_seeed_640x360.mp4", 340, 13.56, (640, 360)),
    ("bikes.mp4", 250, 9.96, (640, 272)),
]


def clip(path, way, **settings):
    """A file read by one way only, so that the other cannot hide its faults."""
    ways = [cv_reader.file_pictures]
    if way == "gst":
        needs.gstreamer()
        ways = [functools.partial(gst_reader.file_pictures, here=probe.found())]
    return Clip(Camera("clip", parse(str(path)), **settings), ways)


@pytest.mark.parametrize("way", ["gst", "cv"])
@pytest.mark.parametrize("name, count, last_s, size_wh", CLIPS)
def test_every_frame_of_a_file_exactly_once(name, count, last_s, size_wh, way):
    number, last = 0, -1.0
    for frame in clip(data("videos", name), way).frames(threading.Event()):
        assert frame.number == number
        assert frame.time > last
        number, last = number + 1, frame.time
    assert (number, frame.size_wh) == (count, size_wh)
    assert last == pytest.approx(last_s, abs=0.01)
    assert frame.image.flags.c_contiguous and frame.image.flags.writeable


def test_both_ways_see_the_same_pictures():
    path = data("videos", "bikes.mp4")
    pairs = zip(*(clip(path, way).frames(threading.Event()) for way in ("gst", "cv")))
    for one, two in pairs:
        if one.number % 50 == 0:
            assert one.time == pytest.approx(two.time)
            assert np.abs(one.image.astype(int) - two.image).mean() < 6


@pytest.mark.parametrize("way", ["gst", "cv"])
def test_a_loop_is_seamless(way):
    frames = taken(clip(data("videos", "bikes.mp4"), way, loop=True), 510)
    assert [frame.number for frame in frames] == list(range(510))
    steps = np.diff([frame.time for frame in frames])
    assert steps == pytest.approx(0.04, abs=0.001)


def test_realtime_is_the_clips_own_speed():
    began = time.monotonic()
    frames = taken(clip(data("videos", "bikes.mp4"), "cv", realtime=True), 26)
    assert 1.0 <= time.monotonic() - began < 2.5
    assert frames[-1].captured - frames[0].captured == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("way", ["gst", "cv"])
def test_stop_is_noticed_in_a_file(way):
    stop = threading.Event()
    frames = clip(data("videos", "vtest.avi"), way).frames(stop)
    next(frames)
    stop.set()
    assert len(list(frames)) <= 1


def write_clip(path, size_wh, count):
    video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, size_wh)
    assert video.isOpened()
    for value in range(count):
        image = np.full((size_wh[1], size_wh[0], 3), 10 * value, np.uint8)
        image[:, : size_wh[0] // 2] = 255 - 10 * value
        video.write(image)
    video.release()


@pytest.mark.parametrize("way", ["gst", "cv"])
@pytest.mark.parametrize("size_wh", [(322, 138), (162, 50), (34, 34)])
def test_widths_that_gstreamer_pads(tmp_path, size_wh, way):
    write_clip(tmp_path / "odd.avi", size_wh, 10)
    frames = taken(clip(tmp_path / "odd.avi", way), 10)
    for value, frame in enumerate(frames):
        width = size_wh[0]
        assert frame.image.shape == (size_wh[1], width, 3)
        assert abs(frame.image[:, width // 2 + 16 :].mean() - 10 * value) < 4
        assert abs(frame.image[:, : width // 2 - 16].mean() - (255 - 10 * value)) < 4


@pytest.mark.parametrize("way", ["gst", "cv"])
def test_a_file_cut_in_the_middle_gives_what_it_has_then_an_error(tmp_path, way):
    whole = data("videos", "vtest.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(whole[:3000000])
    count = 0
    with pytest.raises(SourceError) as caught:
        for frame in clip(tmp_path / "cut.avi", way).frames(threading.Event()):
            count = frame.number + 1
    assert 280 <= count <= 290
    assert f"cut.avi: breaks off after {count} pictures" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "the file is empty"),
        ("page.mp4", b"<html>404</html>" * 99, "no video that can be played"),
        ("noise.avi", bytes(range(256)) * 999, "no video that can be played"),
        ("zero.avi", b"RIFF\x04\x00\x00\x00AVI ", "no video that can be played"),
    ],
)
def test_a_file_that_is_no_video_is_one_line(tmp_path, capfd, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    source = reader.open_source(Camera("c", parse(str(tmp_path / name))))
    with pytest.raises(SourceError) as caught:
        list(source.frames(threading.Event()))
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert "".join(capfd.readouterr()) == ""


def test_sound_alone_is_no_video(tmp_path):
    with contextlib.closing(wave.open(str(tmp_path / "a.wav"), "wb")) as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    source = reader.open_source(Camera("c", parse(str(tmp_path / "a.wav"))))
    with pytest.raises(SourceError, match="no video that can be played"):
        list(source.frames(threading.Event()))


def test_a_folder_of_real_pictures():
    path = data("images")
    folders = [each for each in sorted(path.rglob("*")) if list(each.glob("*.jpg"))]
    source = reader.open_source(Camera("f", parse(str(folders[0]))))
    frames = taken(source, 3)
    assert [frame.file for frame in frames] == sorted(frame.file for frame in frames)
    assert all(frame.file.endswith(".jpg") for frame in frames)


# -- decoders


@pytest.mark.parametrize("decoder", [each for each in DECODERS if not each.hardware], ids=str)
def test_a_decoder_is_trusted_once_it_has_decoded(decoder):
    needs.gstreamer()
    if decoder not in probe.found().decoders:
        pytest.skip(f"{decoder.element} is not installed")
    assert probe.decodes(decoder)


def test_a_pipeline_that_gives_nothing_is_not_trusted():
    needs.gstreamer()
    assert not probe.produces("nosuchelement ! appsink name=out", 1.0)
    assert not probe.produces("appsrc name=in ! h264parse ! appsink name=out", 1.0, b"nonsense")
    began = time.monotonic()
    assert not probe.produces("appsrc ! appsink name=out", 0.3)
    assert time.monotonic() - began < 2.0


def test_a_gif_ends(tmp_path):
    """GStreamer gave its pictures and waited for more, then called the file broken."""
    path = tmp_path / "moving.GIF"
    path.write_bytes(gif([0, 1, 0]))
    frames = list(reader.open_source(Camera("c", parse(str(path)))).frames(threading.Event()))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2])
    assert [int(frame.image[8, 8].argmax()) for frame in frames] == [2, 0, 2]


def gif(colours):
    """Pictures of 16x16 and 0.1 s, each all red (0) or all blue (1)."""
    head = b"GIF89a\x10\0\x10\0\x81\0\0" + bytes([255, 0, 0, 0, 0, 255] + [0] * 6)
    frame = b"\x21\xf9\x04\0\x0a\0\0\0\x2c\0\0\0\0\x10\0\x10\0\0\x02"
    return head + b"".join(frame + _lzw(each) for each in colours) + b";"


def _lzw(colour):
    """256 pixels in codes of three bits; "clear" (4) before each pair keeps them so short."""
    codes = [4, colour, colour] * 128 + [5]
    packed = sum(code << 3 * place for place, code in enumerate(codes)).to_bytes(145, "little")
    return bytes([len(packed)]) + packed + b"\0"


def test_without_gi_files_go_on_and_cameras_say_what_to_install(tmp_path):
    """A process in which gi cannot be imported: what a bare virtual environment is."""
    write_clip(tmp_path / "a.avi", (64, 48), 5)
    code = (
        "import sys, threading; sys.modules['gi'] = None\n"
        "from app.media import reader, uri; from app.media.camera import Camera\n"
        "from app.errors import SourceError\n"
        "clip = reader.open_source(Camera('c', uri.parse(sys.argv[1])))\n"
        "print(len(list(clip.frames(threading.Event()))))\n"
        "for text in ('rtsp://bob:s3cret@cam/x', 'http://cam/x', 'v4l2://0', 'csi://0'):\n"
        "    try: reader.open_source(Camera('c', uri.parse(text)))\n"
        "    except SourceError as exc: print(exc)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.avi")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        cwd=os.path.join(os.path.dirname(__file__), "..", ".."),
        timeout=60,
    )
    lines = result.stdout.splitlines()
    assert result.stderr == "" and result.returncode == 0
    assert lines[0] == "5" and len(lines) == 5
    for line in lines[1:]:
        assert "apt install python3-gi" in line and "--system-site-packages" in line
        assert "s3cret" not in line
