"""kill -9 in the middle of a run, and a start afterwards: no event stays open for ever."""

import json
import signal

import pytest

from tests import tiny
from tests.command import ROOT, finish, jetwatch, start, wait_for

pytest.importorskip("onnx")


def config_of(tmp_path, source):
    """The tiny detector's one object stands in the zone from its second frame on."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    path = tmp_path / "config.yaml"
    path.write_text(
        f"cameras:\n- name: door\n{source}\n"
        "  zones:\n  - {name: hall, points: [[0, 0], [1, 0], [1, 1], [0, 1]], crowd: 1,\n"
        "     dwell_s: 0.2}\n"
        f"detect: {{model: {model}}}\nbackend: {{kind: host}}\ntrack: {{}}\n"
        f"events: {{path: {tmp_path}/out/events.jsonl, max_mb: 0.01, keep: 50}}\n"
    )
    return path


def told(tmp_path):
    """All lines, oldest first; a rotation under our eyes is looked at again."""
    folder = tmp_path / "out"
    files = sorted(folder.glob("events.jsonl.[0-9]*"), key=lambda one: -int(one.suffix[1:]))
    texts = [one.read_text() for one in [*files, folder / "events.jsonl"] if one.exists()]
    return [json.loads(row) for text in texts for row in text.splitlines()]


def seen(tmp_path, kind, runs_before):
    try:
        begun = [one for one in told(tmp_path) if (one["kind"], one["phase"]) == (kind, "begin")]
    except (OSError, ValueError):
        return False
    return len(begun) > runs_before


CLIP = "  source: {clip}\n  loop: true\n  realtime: true"
CAMERA = "  source: 'test://'\n  size_wh: [320, 240]\n  fps: 20"


@pytest.mark.parametrize("source", [CLIP, CAMERA], ids=["clip", "camera"])
def test_after_each_kill_every_begin_has_one_end(source, tmp_path):
    clip = tiny.clip(tmp_path / "clip.mp4", 30)
    config = config_of(tmp_path, source.format(clip=clip))
    for number, kind in enumerate(("enter", "dwell", "crowd")):
        process = start("run", config)
        before = len({one["id"] for one in told(tmp_path) if one["kind"] == kind})
        wait_for(process, lambda kind=kind, before=before: seen(tmp_path, kind, before))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        lines = told(tmp_path)
        ended = {one["id"] for one in lines if one["phase"] == "end"}
        left = [one["id"] for one in lines if one["phase"] == "begin" and one["id"] not in ended]
        assert left, "it was killed while something was going on"
        assert number == 0 or any(one.get("reason") == "restart" for one in lines)
    ran = jetwatch("run", config, "--frames", "8")
    assert ran.code == 0, ran.err
    lines = told(tmp_path)
    short = [(one["id"], one["phase"]) for one in lines]
    begun = [number for number, phase in short if phase == "begin"]
    assert len(set(short)) == len(short) and len(set(begun)) == len(begun), "ids are not used again"
    assert sorted(begun) == sorted(number for number, phase in short if phase == "end")
    assert all(short.index((one, "begin")) < short.index((one, "end")) for one in begun)
    reasons = {one["id"]: one["reason"] for one in lines if one["phase"] == "end"}
    assert all(reasons[one] == "restart" for one in left), "and not by the last one's shutdown"
    validator = pytest.importorskip("jsonschema").Draft7Validator(
        json.loads((ROOT / "configs" / "events.schema.json").read_text())
    )
    for one in lines:
        validator.validate(one)


def test_what_was_left_open_ends_though_no_camera_is_there(tmp_path):
    config = config_of(tmp_path, CAMERA)
    process = start("run", config)
    wait_for(process, lambda: seen(tmp_path, "enter", 0))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    config_of(tmp_path, "  source: 'http://127.0.0.1:9/none'")
    process = start("run", config)
    wait_for(process, lambda: told(tmp_path)[-1].get("reason") == "restart")
    process.send_signal(signal.SIGTERM)
    result = finish(process, 20)
    assert result.code == 0, result.err
    lines = told(tmp_path)
    ended = [one["id"] for one in lines if one["phase"] == "end"]
    assert sorted(ended) == sorted(one["id"] for one in lines if one["phase"] == "begin")
