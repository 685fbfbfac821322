"""A disk that hangs under a running service: the stream goes on, and so does SIGTERM."""

import json
import signal
import time

import pytest

from tests import disk, needs, tiny
from tests.command import finish, start, wait_for
from tests.flow.test_http import free_port
from tests.scrape import scrape, value

pytestmark = pytest.mark.slow

pytest.importorskip("onnx")

CONFIG = """
cameras:
- {{name: door, source: "test://?size=320x240&fps=20"{zone}}}
- {{name: yard, source: "test://?size=320x240&fps=20"}}
detect: {{model: {model}}}
backend: {{kind: host}}
http: {{port: {port}}}
{outputs}
"""
CLIPS = 'record: {{path: "{disk}/{{camera}}-{{time}}.mp4", minutes: 0.05, free_gb: 0}}'


class Service:
    def __init__(self, folder, outputs, zone=""):
        self.port = free_port()
        config = folder / "config.yaml"
        model = tiny.detector(folder / "tiny.onnx")
        config.write_text(CONFIG.format(model=model, port=self.port, outputs=outputs, zone=zone))
        self.process = start("run", config)

    def frames(self):
        """How many of both cameras have gone all the way; 0 where it does not answer yet."""
        try:
            told = scrape(self.port)
        except OSError:
            return 0
        return min(value(told, "jetwatch_frames_total", camera=one) for one in ("door", "yard"))

    def goes_on(self, seconds):
        """Assert that frames of both cameras go on, and soon."""
        before = self.frames()
        wait_for(self.process, lambda: self.frames() > before + 30, seconds)
        assert self.process.poll() is None, self.process.communicate()
        assert self.frames() > before + 30

    def has_ended(self):
        """All that a process can do while threads of it wait in the kernel."""
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"


@pytest.fixture
def hung(tmp_path):
    needs.gstreamer()
    with disk.hanging(tmp_path / "disk") as made:
        yield made


@pytest.fixture
def service(tmp_path, hung):
    """Begin one; it is not left running, though the disk may have to thaw for that."""
    begun = []

    def begin(outputs, zone=""):
        begun.append(Service(tmp_path, outputs, zone))
        return begun[0]

    yield begin
    for one in begun:
        if one.process.poll() is None:
            one.process.kill()
            hung.thaw()
            one.process.communicate()


def clips(folder):
    return sorted(folder.glob("door-*.mp4"))


def ended_while(hung, one):
    """The end of a service that is told to while its disk hangs; it comes in five seconds."""
    hung.freeze()
    one.goes_on(6)
    asked = time.monotonic()
    one.process.send_signal(signal.SIGTERM)
    wait_for(one.process, one.has_ended)
    assert time.monotonic() - asked < 5
    hung.thaw()
    ran = finish(one.process)
    assert ran.code == 0, ran.err
    return ran


def test_a_film_whose_disk_hangs(service, hung):
    one = service(CLIPS.format(disk=hung.folder))
    wait_for(one.process, lambda: clips(hung.folder))
    hung.freeze()
    for _ in range(4):
        time.sleep(1)
        one.goes_on(5)
    hung.thaw()
    before = len(clips(hung.folder))
    wait_for(one.process, lambda: len(clips(hung.folder)) > before + 2)
    assert len(clips(hung.folder)) > before + 2, "the film goes on"
    ran = ended_while(hung, one)
    late = [one for one in ran.err.splitlines() if "as fast as it comes" in one]
    assert len(late) == 2, ran.err


ALL = """
track: {{}}
events: {{path: {disk}/events.jsonl, snapshots: {disk}/pictures}}
counters: {disk}/counters.json
report: {{path: {disk}/found.jsonl}}
"""
ZONE = ", zones: [{name: hall, points: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0.2}]"


def test_all_that_is_written_to_a_disk_that_hangs(service, hung):
    one = service((CLIPS + ALL).format(disk=hung.folder), ZONE)

    def told(name):
        path = hung.folder / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    wait_for(one.process, lambda: told("events.jsonl") and len(told("found.jsonl")) > 100)
    hung.freeze()
    one.goes_on(6)
    for _ in range(11):  # counters are kept every ten seconds
        time.sleep(1)
        one.goes_on(3)
    hung.thaw()
    newest = told("found.jsonl")[-1]["frame"]
    wait_for(one.process, lambda: told("found.jsonl")[-1]["frame"] > newest + 200)
    frames = [row["frame"] for row in told("found.jsonl") if row["camera"] == "door"]
    assert frames == sorted(set(frames)) and frames[-1] > newest + 150
    ended_while(hung, one)
