"""Several cameras in one process: what happens to one is no matter to the others."""

import json
import signal
import time

import pytest

from tests import needs, networks
from tests.camera import RtspServer
from tests.command import finish, jetwatch, start
from tests.data import data


@pytest.fixture
def model(tmp_path):
    """A detector of two convolutions, described in a config."""
    path = networks.convolutions(tmp_path / "tiny.onnx")
    return (
        f"models: [{{name: tiny, path: {path}, decoder: yolov8, score: 0.5, "
        "input: {size: [64, 48], placement: stretch}}]\n"
        "detect: {model: tiny}\nbackend: {kind: host}\n"
    )


def told(path):
    """Camera -> its lines."""
    made = {}
    for line in path.read_text().splitlines():
        one = json.loads(line)
        made.setdefault(one["camera"], []).append(one)
    return made


def test_a_camera_that_dies_freezes_or_comes_back_larger_disturbs_no_other(tmp_path, model):
    needs.gstreamer("GstRtspServer")
    dying, frozen = RtspServer(), RtspServer()
    report = tmp_path / "seen.jsonl"
    config = tmp_path / "four.yaml"
    config.write_text(
        "cameras:\n"
        "- {name: steady, source: 'test://', size_wh: [320, 240], fps: 10}\n"
        f"- {{name: dying, source: '{dying.url()}', timeout_s: 2}}\n"
        f"- {{name: frozen, source: '{frozen.url()}', timeout_s: 2}}\n"
        "- {name: never, source: 'rtsp://127.0.0.1:9/cam', timeout_s: 2}\n"
        f"{model}track: {{}}\nreport: {{path: {report}}}\n"
    )
    process = start("run", config, "--seconds", "90")
    try:
        _wait_for(lambda: {"steady", "dying", "frozen"} <= set(_seen(report)), 40)
        dying.kill()
        frozen.signal(signal.SIGSTOP)
        began = time.time()
        time.sleep(3.5)
        before = len(told(report)["dying"])
        dying.start("--size", "640x480")
        frozen.signal(signal.SIGCONT)
        _wait_for(lambda: len(told(report)["dying"]) > before + 5, 40)
        process.send_signal(signal.SIGTERM)
        result = finish(process, 30)
    finally:
        process.kill()
        for server in (dying, frozen):
            server.kill()
    assert result.code == 0, result.err
    lines = told(report)
    times = [one["time"] for one in lines["steady"]]
    gaps = [after - first for first, after in zip(times, times[1:])]
    assert max(gaps) < 1.0, "the steady one went on"
    assert [t for t in times if began + 0.5 < t < began + 3], "also while others were away"
    assert "never" not in lines


def _seen(report):
    return told(report) if report.exists() else {}


def _wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.1)


def test_a_clip_of_no_frames_and_one_that_is_no_clip_leave_the_others_running(tmp_path, model):
    cv2 = pytest.importorskip("cv2")
    empty, garbage = tmp_path / "empty.avi", tmp_path / "garbage.mp4"
    cv2.VideoWriter(str(empty), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48)).release()
    garbage.write_bytes(b"\x00" * 5000)
    report = tmp_path / "seen.jsonl"
    config = tmp_path / "three.yaml"
    config.write_text(
        f"cameras:\n- {{name: good, source: {data('videos', 'bikes.mp4')}, realtime: false}}\n"
        f"- {{name: empty, source: {empty}}}\n- {{name: garbage, source: {garbage}}}\n"
        f"{model}report: {{path: {report}}}\n"
    )
    ran = jetwatch("run", config, "--frames", "40")
    assert ran.code == 66 and "empty" in ran.err and "garbage" in ran.err, ran.err
    assert {camera: len(lines) for camera, lines in told(report).items()} == {"good": 40}


def test_cameras_share_one_network_and_may_have_one_of_their_own(tmp_path, model):
    clip = data("videos", "bikes.mp4")
    other = networks.convolutions(tmp_path / "other.onnx")
    report = tmp_path / "seen.jsonl"
    names = tmp_path / "names.txt"
    names.write_text("\n".join("abcdefgh"))
    entry = f"{{name: NAME, source: {clip}, realtime: false, most_fps: FPS}}"
    cameras = [entry.replace("NAME", name) for name in "abc"]
    cameras[0] = cameras[0].replace("FPS", "1000")
    cameras[1] = cameras[1].replace("FPS", "1000").replace("realtime", "model: two, realtime")
    cameras[2] = cameras[2].replace("FPS", "5").replace("realtime", "size_wh: [160, 90], realtime")
    text = model.replace(
        "models: [",
        f"models: [{{name: two, path: {other}, decoder: yolov8, score: 0.5, labels: {names}, "
        "input: {size: [64, 48], placement: stretch}}, ",
    )
    config = tmp_path / "three.yaml"
    config.write_text(f"cameras: [{', '.join(cameras)}]\n{text}report: {{path: {report}}}\n")
    ran = jetwatch("run", config, "--log-level", "debug")
    assert ran.code == 0, ran.err
    lines = told(report)
    assert len(lines["a"]) == len(lines["b"]) > 3 * len(lines["c"]) > 0
    boxes = [edge for one in lines["c"] for found in one["detections"] for edge in found["box"]]
    assert boxes and max(boxes) <= 160, "in the pixels of the scaled picture"
    named = {found["label"] for one in lines["b"] for found in one["detections"]}
    assert named and named <= set("abcdefgh"), "by its own model's labels"
    unnamed = {found["label"] for one in lines["a"] for found in one["detections"]}
    assert all(label.startswith("class ") for label in unnamed)


def test_every_nth_frame_is_looked_at_and_all_are_told(tmp_path):
    config = tmp_path / "one.yaml"
    report = tmp_path / "seen.jsonl"
    config.write_text(
        f"cameras: [{{name: a, source: {data('videos', 'vtest.avi')}, realtime: false}}]\n"
        f"detect: {{model: {data('models', 'yolox_nano_416_dyn.onnx')}, interval: 4}}\n"
        f"backend: {{kind: host}}\nreport: {{path: {report}}}\n"
    )
    ran = jetwatch("run", config, "--frames", "80", seconds=100)
    assert ran.code == 0, ran.err
    lines = told(report)["a"]
    assert [one["frame"] for one in lines] == list(range(80))
    counts = [len(one["detections"]) for one in lines]
    assert min(counts[8:]) > 0, "tracks are there on the frames between"
    moved = [one["detections"][0]["box"] for one in lines[20:24]]
    assert len({tuple(box) for box in moved}) > 1
