"""A service that reads its config again, as its cameras, its viewers and its pages see it."""

import contextlib
import http.client
import json
import os
import signal
import threading
import time

import pytest

from tests import needs, tiny
from tests.camera import RtspServer
from tests.command import finish, start
from tests.flow.test_rtsp_slate import reads
from tests.flow.test_serve import free_port, served
from tests.manager import managing
from tests.viewer import Viewer, wait_for

pytest.importorskip("onnx")


@pytest.fixture(autouse=True)
def gstreamer():
    needs.gstreamer("GstRtspServer")


class Service:
    """`jetwatch run` with a manager, on a config that can be changed."""

    def __init__(self, folder, manager, cameras, more="", path=()):
        self.folder, self._manager = folder, manager
        self.model = tiny.detector(folder / "tiny.onnx")
        self.port, self.http = free_port(), free_port()
        self.write(cameras, more)
        self.process = start("run", folder / "c.yaml", env=manager.environ, path=path)

    def write(self, cameras, more="", detect=""):
        entries = "".join(f"- {{name: {name}, {rest}}}\n" for name, rest in cameras.items())
        (self.folder / "c.yaml").write_text(
            f"cameras:\n{entries}detect: {{model: '{self.model}'{detect}}}\n"
            f"rtsp: {{port: {self.port}}}\nhttp: {{port: {self.http}}}\n"
            f"report: {{path: '{self.folder}/found.jsonl'}}\n{more}"
        )

    def reload(self, cameras=None, more="", detect=""):
        """Until it is done with; what was said meanwhile."""
        if cameras is not None:
            self.write(cameras, more, detect)
        since = len(self._manager.listen())
        self.process.send_signal(signal.SIGHUP)
        done = self._manager.wait("READY=1", since=self._manager.wait("RELOADING=1", since=since))
        return [line for lines in self._manager.heard[since : done + 1] for line in lines]

    def url(self, camera):
        return f"rtsp://127.0.0.1:{self.port}/{camera}"

    def lines(self, camera):
        with contextlib.suppress(OSError):
            lines = (self.folder / "found.jsonl").read_text().splitlines(True)
            told = [json.loads(line) for line in lines if line.endswith("\n")]
            return [one for one in told if one["camera"] == camera]
        return []

    def plays(self, *cameras):
        """Until a new picture of each has gone all the way."""
        before = {name: len(self.lines(name)) for name in cameras}
        wait_for(lambda: all(len(self.lines(name)) > before[name] for name in cameras), 60)


@contextlib.contextmanager
def service(folder, cameras, more="", path=(), plays=True):
    with managing(folder) as manager:
        one = Service(folder, manager, cameras, more, path)
        one.said = ""
        try:
            if plays:
                manager.wait("READY=1", 60)
                one.plays(*cameras)
            yield one
        finally:
            one.process.send_signal(signal.SIGTERM)
            result = finish(one.process, 30)
            one.said = result.err
        assert result.code == 0, result.err


@contextlib.contextmanager
def rtsp_camera(*options):
    camera = RtspServer("--size", "320x240", *options)
    try:
        yield camera
    finally:
        camera.kill()


class Asking:
    """Asks for /healthz over and over; the codes of the answers."""

    def __init__(self, port):
        self._port, self._stop, self.codes = port, threading.Event(), set()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        while not self._stop.wait(0.05):
            self.codes.add(healthz(self._port))


def healthz(port):
    """The code of its answer."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as line:
        line.request("GET", "/healthz")
        return line.getresponse().status


def numbers(lines):
    return [one["frame"] for one in lines]


def goes_on(lines):
    """Whether they are all of one connection: with another the numbers begin again."""
    return numbers(lines) == sorted(set(numbers(lines)))


def test_what_has_not_changed_goes_on_with_its_viewers_and_its_camera(tmp_path):
    with rtsp_camera("--pattern", "white") as camera, rtsp_camera() as other:
        yard = {"yard": f"source: '{camera.url()}'"}
        track = "track: {}\noverlay: {theme: %s}\n"
        with service(tmp_path, yard, track % "dark") as running, Viewer(
            running.url("yard")
        ) as viewer:
            viewer.see(10)
            with Asking(running.http) as asking:
                running.reload(yard, track % "light")
                viewer.see(60)
                both = dict(yard, gate=f"source: '{other.url()}'")
                running.reload(both, track % "light")
                wait_for(lambda: served(running.url("gate")))
                running.plays("gate", "yard")
                viewer.see(60)
            assert asking.codes == {200}
            with Viewer(running.url("gate")) as gone:
                gone.see(5)
                running.reload(yard, track % "dark")
                wait_for(gone.over)
            assert not served(running.url("gate"))
            viewer.see(60)
            assert viewer.ends() == ""
            found = running.lines("yard")
            assert camera.clients == 1 and other.clients == 1
        assert goes_on(found)
        tracks = [one["track_id"] for line in found for one in line["detections"]]
        assert set(tracks) == {1}, tracks
    assert running.said.count("tiny is loaded") == 1, running.said


def test_only_the_camera_whose_source_has_changed_connects_anew(tmp_path):
    with rtsp_camera() as one, rtsp_camera() as two, rtsp_camera() as three:
        cameras = {"yard": f"source: '{one.url()}'", "gate": f"source: '{two.url()}'"}
        with service(tmp_path, cameras) as running, Viewer(running.url("gate")) as viewer:
            viewer.see(5)
            running.reload(dict(cameras, gate=f"source: '{three.url()}'"))
            wait_for(lambda: three.clients)
            running.plays("yard", "gate")
            viewer.see(60)
            assert viewer.ends() == ""
            assert (one.clients, two.clients, three.clients) == (1, 1, 1)


def test_a_config_that_cannot_be_changes_nothing(tmp_path):
    with rtsp_camera() as camera:
        yard = {"yard": f"source: '{camera.url()}'"}
        with service(tmp_path, yard) as running, Viewer(running.url("yard")) as viewer:
            viewer.see(5)
            (tmp_path / "bad.onnx").write_bytes(b"no model at all")
            before = running.model
            for change in (
                {"cameras": {"yard": "sorce: here"}},
                {"more": f"counters: '{tmp_path}'"},
                {"detect": ", classes: [unicorn]"},
            ):
                said = running.reload(**dict({"cameras": yard}, **change))
                assert not any(line.startswith("STOPPING") for line in said)
                viewer.see(30)
            running.model = str(tmp_path / "bad.onnx")
            running.reload(yard)
            running.model = before
            viewer.see(30)
            lines = running.lines("yard")
            assert viewer.ends() == "" and camera.clients == 1
        assert goes_on(lines)
    assert running.said.count("is refused") >= 4, running.said
    assert running.said.count("tiny is loaded") == 1, running.said


def test_a_model_that_is_new_is_loaded_beside_the_one_that_runs(tmp_path):
    with rtsp_camera() as camera:
        yard = {"yard": f"source: '{camera.url()}'"}
        with service(tmp_path, yard) as running, Viewer(running.url("yard")) as viewer:
            viewer.see(5)
            running.model = tiny.detector(tmp_path / "other.onnx")
            running.reload(yard)
            viewer.see(30)
            assert viewer.ends() == "" and camera.clients == 1
        assert running.said.count("is loaded from") == 2, running.said


def test_a_clip_goes_on_where_it_was_and_loses_no_picture(tmp_path):
    clip = tiny.clip(tmp_path / "clip.mp4", 400, fps=25.0)
    with rtsp_camera() as camera:
        cameras = {"film": f"source: '{clip}'", "yard": f"source: '{camera.url()}'"}
        with service(tmp_path, cameras) as running:
            for theme in ("light", "dark", "light"):
                running.reload(cameras, f"overlay: {{theme: {theme}}}\n")
                running.plays("film")
            wait_for(lambda: len(running.lines("film")) >= 400)
            running.reload(cameras)
            running.plays("yard")
            assert numbers(running.lines("film")) == list(range(400))


SLOW_MODEL = """
import os, time
from app.device import host
load = host.HostBackend.load
def waiting(self, model):
    while not os.path.exists({go!r}):
        time.sleep(0.05)
    return load(self, model)
host.HostBackend.load = waiting
"""


@pytest.mark.slow
def test_who_comes_while_models_are_loaded_sees_a_slate_and_then_the_camera(tmp_path):
    go = str(tmp_path / "go")
    (tmp_path / "sitecustomize.py").write_text(SLOW_MODEL.format(go=go))
    yard = {"yard": "source: 'test://?size=640x480&fps=15'"}
    with service(tmp_path, yard, path=[tmp_path], plays=False) as running:
        wait_for(lambda: running.process.poll() is not None or served(running.url("yard")))
        with Viewer(running.url("yard")) as viewer:
            wait_for(lambda: reads(viewer.look(), "models are loaded"))
            assert healthz(running.http) == 503
            open(go, "w").close()
            wait_for(lambda: not reads(viewer.look(), "models are loaded"))
            running.plays("yard")
            assert viewer.ends() == ""


@pytest.mark.slow
def test_twenty_reloads_leave_nothing_behind(tmp_path):
    with rtsp_camera() as camera:
        yard = {"yard": f"source: '{camera.url()}'"}
        gate = dict(yard, gate="source: 'test://?size=320x240&fps=15'")
        with service(tmp_path, yard, "track: {}\n") as running, Viewer(
            running.url("yard")
        ) as viewer:

            def reloaded(times):
                for number in range(times):
                    running.reload(gate if number % 2 else yard, f"track: {{lost_s: {number + 1}}}")
                    if number % 2:
                        with Viewer(running.url("gate")) as other:
                            other.see(2)
                    viewer.see(2)
                running.reload(yard, "track: {}\n")
                time.sleep(3)  # what is told of its end is given a moment to go
                return resources(running.process.pid)

            before = reloaded(6)
            after = reloaded(20)
            assert viewer.ends() == "" and camera.clients == 1
            assert after[0] <= before[0] + 2, ("files", before, after)
            assert after[1] <= before[1] + 2, ("threads", before, after)
            assert after[2] <= before[2] * 1.1, ("memory", before, after)


def resources(pid):
    """Open files, threads, and KiB in memory."""
    with open(f"/proc/{pid}/status") as lines:
        status = dict(line.split(":", 1) for line in lines)
    files = len(os.listdir(f"/proc/{pid}/fd"))
    return files, int(status["Threads"]), int(status["VmRSS"].split()[0])
