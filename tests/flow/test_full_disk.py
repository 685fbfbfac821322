"""A disk that fills up under a running service, and is emptied: the stream never stops."""

import json
import signal

import pytest

from tests import disk, needs, tiny
from tests.command import finish, start, wait_for

pytestmark = pytest.mark.slow

pytest.importorskip("onnx")

CONFIG = """
cameras:
- name: door
  source: "test://"
  size_wh: [320, 240]
  fps: 20
  zones:
  - {{name: hall, points: [[0, 0], [1, 0], [1, 1], [0, 1]], dwell_s: 0.2}}
detect: {{model: {model}}}
backend: {{kind: host}}
track: {{}}
events: {{path: {disk}/events.jsonl, snapshots: {disk}/pictures}}
counters: {disk}/counters.json
report: {{path: {disk}/found.jsonl}}
record: {{path: "{disk}/clips/{{camera}}-{{time}}.mp4", minutes: 0.05, keep_gb: 0.002, free_gb: 0}}
"""


def lines(path):
    """What a file holds; fails on half a line."""
    content = path.read_text() if path.exists() else ""
    assert not content or content.endswith("\n")
    return [json.loads(line) for line in content.splitlines()]


def test_a_full_disk_under_a_running_service(tmp_path):
    needs.gstreamer()
    with disk.small(tmp_path / "disk", 8) as folder:
        config = tmp_path / "config.yaml"
        model = tiny.detector(tmp_path / "tiny.onnx")
        config.write_text(CONFIG.format(model=model, disk=folder))
        process = start("run", config)

        def newest():
            return lines(folder / "found.jsonl")[-1]["frame"]

        wait_for(process, lambda: folder.joinpath("found.jsonl").exists() and newest() > 40)
        disk.fill(folder / "other")
        before = newest()
        clips = len(list(folder.glob("clips/*")))
        wait_for(process, lambda: False, 12)
        assert process.poll() is None, process.communicate()
        assert clips
        folder.joinpath("other").unlink()
        wait_for(process, lambda: newest() > before + 200, 20)
        late = newest()
        wait_for(process, lambda: newest() > late + 20, 20)
        process.send_signal(signal.SIGTERM)
        ran = finish(process)
        assert ran.code == 0, ran.err
        frames = [one["frame"] for one in lines(folder / "found.jsonl")]
        assert frames == sorted(set(frames)) and frames[-1] > before + 200
        told = lines(folder / "events.jsonl")
        begun = {one["id"] for one in told if one["phase"] == "begin"}
        assert begun and begun == {one["id"] for one in told if one["phase"] == "end"}
        assert json.loads(folder.joinpath("counters.json").read_text())["version"] == 1
        assert not list(folder.glob("**/*.part*")), "nothing half written"
        warned = [one for one in ran.err.splitlines() if one.startswith("WARNING")]
        assert len([one for one in warned if "found.jsonl: cannot be written" in one]) == 1, ran.err
        assert len([one for one in warned if "found.jsonl is written again" in one]) == 1, ran.err
        assert len(warned) <= 8, ran.err
