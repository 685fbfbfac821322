"""Each example in configs/ as it stands, but for its cameras, which are clips here."""

import json
import os
import re
import socket

import numpy as np
import pytest

from app import config
from tests.command import ROOT, jetwatch
from tests.data import data

MODELS = {
    "yolox_nano": "yolox_nano_416_dyn.onnx",
    "centerface": "centerface_dyn.onnx",
    "mobilenet_v2": "mobilenet_v2_1.0_224_deq_fp32.onnx",
}
CLIPS = {
    "door-counter": "vtest.avi",
    "parking": "vtest.avi",
    "privacy": "vtest.avi",
}
EXAMPLES = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


@pytest.fixture
def engines(tmp_path):
    folder = tmp_path / "engines"
    folder.mkdir()
    for name, file in MODELS.items():
        os.symlink(str(data("models", file)), str(folder / f"{name}.onnx"))
    return folder


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def on_clips(name, tmp_path, **changes):
    """The example with a clip for each camera, writing under tmp_path."""
    clip = data("videos", CLIPS.get(name, "people-walking_seeed_640x360.mp4"))
    text = (ROOT / "configs" / f"{name}.yaml").read_text()
    text = re.sub(r"(?m)^(\s+source: )\S+", rf"\g<1>{clip}", text)
    text = re.sub(r"(?m)^(\s+)(user|password|loop): .*$", "", text)
    text = text.replace(" out/", f" {tmp_path}/").replace("realtime: true", "realtime: false")
    text = text.replace("model: deimv2_femto", "model: yolox_nano")
    text = re.sub(r"port: 8554", f"port: {free_port()}", text)
    for old, new in changes.items():
        text = text.replace(old, new)
    path = tmp_path / f"{name}.yaml"
    path.write_text(text)
    return path


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_runs_on_a_clip(name, engines, tmp_path):
    path = on_clips(name, tmp_path)
    env = {"JETWATCH_ENGINES": str(engines)}
    checked = jetwatch("check", path, env=env)
    assert checked.code == 0, checked.err
    ran = jetwatch("run", path, "--frames", "25", env=env, seconds=110)
    assert ran.code == 0 and "frames in" in ran.err, ran.err
    wanted = config.load(str(path))
    cameras = [camera.name for camera in wanted.cameras]
    if wanted.report:
        told = lines_of(tmp_path / os.path.basename(wanted.report.path))
        assert {line["camera"] for line in told} == set(cameras)
        assert any(line["detections"] or line.get("classes") for line in told)
    if wanted.record:
        for camera in cameras:
            assert (tmp_path / os.path.basename(wanted.record.path).format(camera=camera)).exists()
    if wanted.counters:
        kept = json.loads((tmp_path / os.path.basename(wanted.counters)).read_text())
        assert set(kept["state"]) == set(cameras)


def test_people_at_a_door_are_counted(engines, tmp_path):
    """As they walk over a yard: into the zone, over the line."""
    path = on_clips("door-counter", tmp_path)
    env = {"JETWATCH_ENGINES": str(engines)}
    ran = jetwatch("run", path, "--frames", "200", env=env, seconds=110)
    assert ran.code == 0, ran.err
    events = lines_of(tmp_path / "door-events.jsonl")
    begun = [one["id"] for one in events if one["phase"] == "begin"]
    ended = [one["id"] for one in events if one["phase"] == "end"]
    assert begun and sorted(begun) == sorted(ended), "each begin has its end"
    state = json.loads((tmp_path / "door-counters.json").read_text())["state"]["door"]
    entered = len([one for one in events if (one["kind"], one["phase"]) == ("enter", "begin")])
    assert state["zones"]["hall"]["person"][0] == entered
    crossed = [one for one in events if one["kind"] == "cross"]
    assert sum(map(sum, state["lines"]["threshold"].values())) == len(crossed) > 0
    drawn = jetwatch("heatmap", path, "--out", tmp_path, env=env)
    assert drawn.code == 0 and (tmp_path / "door.heat.jpg").stat().st_size > 10000
    again = jetwatch("run", path, "--frames", "40", env=env)
    assert again.code == 0, again.err
    later = json.loads((tmp_path / "door-counters.json").read_text())["state"]["door"]
    assert later["zones"]["hall"]["person"][0] >= entered, "counts go on"


def test_what_is_hidden_is_not_in_the_film(engines, tmp_path):
    cv2 = pytest.importorskip("cv2")
    nothing = "overlay: {boxes: false, zones: false, trail_s: 0}"
    changes = {"overlay: {score: false}": nothing, "how: pixelate": "how: fill"}
    path = on_clips("privacy", tmp_path, **changes)
    env = {"JETWATCH_ENGINES": str(engines)}
    ran = jetwatch("run", path, "--frames", "40", "--out", tmp_path / "film.mp4", env=env)
    assert ran.code == 0, ran.err
    film, clip = (
        cv2.VideoCapture(str(one))
        for one in (tmp_path / "film.mp4", data("videos", CLIPS["privacy"]))
    )
    told = lines_of(tmp_path / "square.jsonl")
    checked = 0
    for line in told:
        (_, seen), (_, real) = film.read(), clip.read()
        tall, wide = seen.shape[:2]
        masked = seen[4 : tall // 5 - 8, 4 : int(wide * 0.3) - 8].astype(int)
        assert masked.std(axis=(0, 1)).max() < 4, "a mask is one colour"
        for one in line["detections"]:
            x1, y1, x2, y2 = np.clip(np.round(one["box"]).astype(int), 0, [wide, tall] * 2)
            if one["label"] != "person" or min(x2 - x1, y2 - y1) < 30:
                continue
            inner = slice(y1 + 4, y2 - 4), slice(x1 + 4, x2 - 4)  # but for what H.264 smears
            assert real[inner].std(axis=(0, 1)).max() > 20 > 4 * seen[inner].std(axis=(0, 1)).max()
            checked += 1
    assert checked > 5
