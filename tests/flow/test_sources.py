"""Real clips, a real RTSP server that is killed and frozen, a real MJPEG server."""

import contextlib
import functools
import http.server
import logging
import os
import signal
import socketserver
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
from app.media.live import Live
from app.media.uri import parse
from tests import needs
from tests.data import data

DEADLINE_S = 20.0
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


def taken(source, wanted, stop=None, deadline_s=DEADLINE_S):
    """The first so many frames of a source; fails where they do not come in time."""
    stop = stop or threading.Event()
    timer = threading.Timer(deadline_s, stop.set)
    timer.start()
    frames = []
    try:
        for frame in source.frames(stop):
            frames.append(frame)
            if len(frames) == wanted:
                stop.set()
    finally:
        timer.cancel()
    assert len(frames) == wanted, getattr(source, "state", "")
    return frames


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


# -- RTSP


class RtspServer:
    def __init__(self, *options):
        script = os.path.join(os.path.dirname(__file__), "..", "rtsp_server.py")
        self._command = [sys.executable, script, *options]
        self.port = "0"
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            self._command + ["--port", self.port], stdout=subprocess.PIPE, universal_newlines=True
        )
        self.port = self._process.stdout.readline().split()[1]

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def url(self, login="", path="/cam"):
        return f"rtsp://{login}127.0.0.1:{self.port}{path}"


@pytest.fixture
def serve():
    needs.gstreamer("GstRtspServer")
    servers = []

    def start(*options):
        servers.append(RtspServer(*options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def live(url, wait_s=0.1, **settings):
    """A live source with waits that do not grow."""
    camera = Camera("door", parse(url), **settings)
    way = reader.live_way(camera)
    return Live(camera, way, waits=lambda: iter([wait_s] * 10000))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "h265", "jpeg"])
def test_rtsp(serve, codec, transport):
    server = serve("--codec", codec, "--size", "322x240" if codec != "jpeg" else "320x240")
    frames = taken(live(server.url(), transport=transport), 20)
    assert [frame.number for frame in frames] == list(range(20))
    assert frames[0].image.shape == (240, 320 if codec == "jpeg" else 322, 3)
    assert frames[0].image.max() > 200  # the ball is white on black
    assert frames[0].time > 1e9


def test_a_password_in_the_uri_or_beside_it(serve):
    server = serve("--user", "bob", "--password", "s3cr@t")
    taken(live(server.url("bob:s3cr%40t@")), 3)
    taken(live(server.url(), user="bob", password="s3cr@t"), 3)


@pytest.mark.parametrize(
    "login, path, said",
    [
        ("bob:wr0ng@", "/cam", "the camera refused the user or password (401)"),
        ("", "/cam", "the camera refused the user or password (401)"),
        ("bob:s3cr%40t@", "/nope", "the camera has no such path (404)"),
    ],
)
def test_a_refusal_is_said_in_words_and_retried(serve, caplog, capfd, login, path, said):
    caplog.set_level(logging.DEBUG)
    server = serve("--user", "bob", "--password", "s3cr@t")
    stop = threading.Event()
    source = live(server.url(login, path))
    states = watched(source, stop, lambda: source.reconnects >= 3)
    assert source.state == "lost: " + said
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1
    shown = caplog.text + "".join(capfd.readouterr()) + repr(source) + "".join(states)
    assert not any(secret in shown for secret in ("bob", "wr0ng", "s3cr", "%40"))


def watched(source, stop, done):
    """Run a source until done() on a thread, as a pipeline does; answers the states it showed."""
    states = []
    thread = threading.Thread(target=lambda: [None for _ in source.frames(stop)])
    thread.start()
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not done() and time.monotonic() < deadline:
        states.append(source.state)
        pause.wait(0.02)
    reached = done()
    stop.set()
    thread.join(2.0)
    assert reached, source.state
    assert not thread.is_alive()
    return states


def open_things():
    return (
        len(os.listdir("/proc/self/fd")),
        threading.active_count(),
        len(os.listdir("/proc/self/task")),
    )


def test_twenty_kills_leave_nothing_behind(serve):
    server = serve()
    source = live(server.url(), 0.05)
    stop = threading.Event()
    timer = threading.Timer(90, stop.set)
    timer.start()
    kills, numbers, things = 0, [], []
    of_connection, connection = 0, -1
    for frame in source.frames(stop):
        numbers.append(frame.number)
        of_connection = of_connection + 1 if source.reconnects == connection else 1
        connection = source.reconnects
        if of_connection == 3:
            things.append(open_things())
            if kills == 20:
                stop.set()
                continue
            kills += 1
            server.kill()
            server.start()
    timer.cancel()
    assert kills == 20
    assert numbers == list(range(len(numbers)))
    early, late = np.array(things[1:6]), np.array(things[-5:])
    assert (late.max(0) <= early.max(0) + [2, 0, 2]).all(), things


def test_a_frozen_server_is_noticed_and_used_again(serve, caplog):
    caplog.set_level(logging.INFO)
    server = serve()
    source = live(server.url(), timeout_s=1.0)
    stop = threading.Event()
    timer = threading.Timer(DEADLINE_S, stop.set)
    timer.start()
    frozen = thawed = 0.0
    for frame in source.frames(stop):
        if frame.number == 5:
            server.signal(signal.SIGSTOP)
            frozen = time.monotonic()
            threading.Timer(3.0, server.signal, [signal.SIGCONT]).start()
        elif source.reconnects and not thawed:
            thawed = time.monotonic() - frozen - 3.0
            stop.set()
    timer.cancel()
    assert 0 < thawed < 5.0
    lines = [
        each.getMessage().split(":")[0] for each in caplog.records if each.name == "app.media.live"
    ]
    assert lines == ["door plays rtsp", "door is lost", "door is back"]
    assert "no picture for 1 s" in caplog.text


@pytest.mark.parametrize("state", ["refused", "back-off", "silent", "frozen"])
def test_stop_is_noticed_within_a_second(serve, state):
    server = serve()
    url, wait_s = server.url(), 0.05
    with socketserver.TCPServer(("127.0.0.1", 0), None) as silent:  # listens, never answers
        if state == "silent":
            url = "rtsp://127.0.0.1:{}/cam".format(silent.server_address[1])
        elif state in ("refused", "back-off"):
            url, wait_s = "rtsp://127.0.0.1:1/cam", 0.05 if state == "refused" else 60.0
        source = live(url, wait_s)
        stop = threading.Event()
        seen = threading.Event()

        def run():
            for _ in source.frames(stop):
                seen.set()

        thread = threading.Thread(target=run)
        thread.start()
        if state == "frozen":
            assert seen.wait(DEADLINE_S)
            server.signal(signal.SIGSTOP)
        threading.Event().wait(0.5)
        began = time.monotonic()
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()
        assert time.monotonic() - began < 1.0
        server.signal(signal.SIGCONT)


def test_a_slow_consumer_gets_the_newest(serve):
    """With every frame kept, the tenth would be frame 10; it must be one of those just made."""
    server = serve()
    stop = threading.Event()
    began = None
    for frame in live(server.url()).frames(stop):
        began = began or time.monotonic()
        if frame.number == 5:
            break
        threading.Event().wait(0.3)
    assert time.monotonic() - began < 5 * 0.3 + 0.5


# -- MJPEG over HTTP


class Mjpeg(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/secret" and "Authorization" not in self.headers:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="cam"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path.startswith("/nope"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=a-long-boundary")
        self.end_headers()
        with contextlib.suppress(OSError):  # the reader leaves when it has enough
            self._send()

    def _send(self):
        """Ten pictures, then the connection ends."""
        for value in range(10):
            jpeg = cv2.imencode(".jpg", np.full((50, 66, 3), 20 * value, np.uint8))[1].tobytes()
            head = f"--a-long-boundary\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
            self.wfile.write(head.encode() + b"\r\n\r\n" + jpeg + b"\r\n")
            threading.Event().wait(0.03)

    def log_message(self, *_):
        pass


class MjpegServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


@pytest.fixture
def mjpeg():
    needs.gstreamer()
    server = MjpegServer(("127.0.0.1", 0), Mjpeg)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield "127.0.0.1:{}".format(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


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


@pytest.mark.parametrize("login, path", [("", "/"), ("bob:s3cret@", "/secret")])
def test_http_mjpeg_is_reconnected(mjpeg, login, path):
    frames = taken(live(f"http://{login}{mjpeg}{path}"), 25)
    assert [frame.number for frame in frames] == list(range(25))
    assert frames[0].image.shape == (50, 66, 3)


def test_http_refusals_are_said_in_words(mjpeg):
    for path, said in (("/nope?token=t0k", "(404)"), ("/secret", "(401)")):
        source = live(f"http://{mjpeg}{path}")
        watched(source, threading.Event(), lambda each=source: each.reconnects >= 1)
        assert said in source.state and "t0k" not in source.state


# -- what is not there


def test_a_dead_camera_is_no_error_and_is_retried(caplog, capfd):
    needs.gstreamer()
    source = live("rtsp://bob:s3cret@127.0.0.1:1/cam")
    watched(source, threading.Event(), lambda: source.reconnects >= 3)
    assert source.state == "lost: cannot connect"
    assert [each.getMessage() for each in caplog.records] == [
        "door is lost: rtsp://***@127.0.0.1:1/cam: cannot connect"
    ]
    assert "".join(capfd.readouterr()) == ""


def test_a_missing_device_names_those_that_exist():
    needs.gstreamer()
    source = live("v4l2:///dev/video99")
    watched(source, threading.Event(), lambda: source.reconnects >= 1)
    assert source.state.startswith("lost: there is no /dev/video99; ")
    assert "/dev/video" in source.state[35:] or "no video device is plugged in" in source.state


def test_a_ribbon_camera_needs_a_jetson():
    needs.gstreamer()
    if "nvarguscamerasrc" in probe.found().elements:
        pytest.skip("this is a Jetson")
    with pytest.raises(SourceError, match="on a Jetson only"):
        reader.open_source(Camera("c", parse("csi://0")))


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
