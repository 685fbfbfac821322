"""Ctrl-C and SIGTERM at any moment: a clean end, whole files, no traceback."""

import json
import signal
import time

import pytest

from tests import tiny
from tests.command import finish, start

pytest.importorskip("onnx")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2])
def test_a_signal_at_any_moment_of_the_start(number, after_s, tmp_path):
    """Before Python has installed a handler SIGTERM simply ends it, with nothing said."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    process = start("run", "--source", "test://?size=320x240", "--model", model, "--detections", "-")
    time.sleep(after_s)  # the moment is what is tested
    process.send_signal(number)
    result = finish(process, 10)
    assert result.code in (0, 130, -number), (result.code, result.err)
    for line in result.out.splitlines():
        json.loads(line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_files_are_whole_after_a_signal(number, tmp_path):
    import cv2

    model = tiny.detector(tmp_path / "tiny.onnx")
    clip = tiny.clip(tmp_path / "clip.mp4", 30)
    out = tmp_path / "out"
    process = start(
        *("run", "--source", clip, "--loop", "--realtime", "--model", model),
        *("--out", out / "seen.mp4", "--detections", out / "found.jsonl"),
    )
    limit = time.monotonic() + 30
    while time.monotonic() < limit and process.poll() is None:
        found = out / "found.jsonl"
        if found.exists() and found.read_text().count("\n") >= 5:
            break
        time.sleep(0.05)
    asked = time.monotonic()
    process.send_signal(number)
    result = finish(process, 10)
    assert result.code == 0, result.err
    assert time.monotonic() - asked < 5
    lines = [json.loads(line) for line in (out / "found.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(len(lines)))
    assert sorted(one.name for one in out.iterdir()) == ["found.jsonl", "seen.mp4"]
    film = cv2.VideoCapture(str(out / "seen.mp4"))
    frames = 0
    while film.read()[0]:
        frames += 1
    assert frames == len(lines) >= 5
