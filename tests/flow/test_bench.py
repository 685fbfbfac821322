"""`jetwatch bench` as people run it: real processes, a real clip, a real RTSP client."""

import json
import os
import re
import signal
import socket
import time

import cv2
import numpy as np
import pytest

from app.bench import figures
from tests import needs, tiny
from tests.benched import QUICK, bench, children, measured, pattern, until_said
from tests.command import ROOT, finish, jetwatch, start
from tests.data import data


@pytest.fixture
def model(tmp_path):
    return tiny.detector(tmp_path / "tiny.onnx")


def test_a_clip_from_capture_to_a_client_that_decodes_it(tmp_path):
    needs.gstreamer("GstRtspServer")
    clip = data("videos", "bikes.mp4")
    onnx = data("models", "yolox_nano_416_dyn.onnx")
    done = bench(tmp_path, "--source", clip, "--model", onnx, *QUICK, "--layers")
    assert done.code == 0, done.err
    document = measured(tmp_path)
    (trial,) = document.trials
    (run,) = trial.runs
    assert not trial.problem and run.frames >= 100
    assert run.fps > 1 and run.latency.p50 > 1
    steps = {step.name: step.spread for step in run.steps}
    assert set(steps) >= {"to door", "detect", "track", "overlay", "stamp", "publish"}
    parts = sum(spread.mean for name, spread in steps.items() if name != "capture")
    assert parts == pytest.approx(run.latency.mean)
    assert run.glass.samples >= 50
    assert run.unread <= 0.02 * run.glass.samples  # whatever is drawn on them
    assert run.served.samples >= 50 and run.served.p50 > 0.5
    assert run.glass.mean == pytest.approx(run.latency.mean + run.served.mean, rel=0.25)
    assert run.glass.p50 > run.latency.p50  # the encoder and the client come after it
    assert run.use.cpu_percent > 1 and run.use.rss_mb > 20
    assert run.came >= run.frames - 5
    assert trial.flat[0].fps > 1 and trial.flat[0].dropped == 0
    assert trial.floor.raw.p50 > 1 and trial.floor.ours.p50 > 1
    assert trial.accuracy.agreement == 1.0 and trial.accuracy.pictures > 10  # it is its reference
    assert any("Conv" in layer.name or "Conv" in layer.kind for layer in trial.layers)
    assert trial.model_sha256.startswith("b220d4d3")
    assert document.machine.cores >= 1 and document.machine.encoder
    assert "bikes.mp4" in document.command and not document.interrupted
    assert len(document.code) == len(trial.accuracy.pictures_sha256) == 64
    page = (tmp_path / "b.html").read_text(encoding="utf-8")
    assert "<svg" in page and "bikes.mp4" in page
    columns, row = (re.split(r"\s{2,}", told) for told in speed(done.out))
    shown = dict(zip(columns, row))
    for name, value in (("fps", run.fps), ("p50 ms", run.latency.p50), ("p95 ms", run.latency.p95)):
        assert shown[name] == figures.number(value)


def speed(out):
    """The heads of the first table, and its one row."""
    lines = out.splitlines()
    return lines[lines.index("Speed") + 1 :][:2]


@pytest.mark.slow
def test_settings_are_compared_and_what_cannot_be_is_said(tmp_path, model):
    words = ("--threads", "1,2", "--precision", "fp32,int8", "--graphs", "off,on")
    done = bench(tmp_path, "--source", pattern(), "--model", model, *words, *QUICK)
    assert done.code == 0, done.err
    for trial in measured(tmp_path).trials:
        able = trial.setting["precision"] == "fp32" and trial.setting["graphs"] == "off"
        assert ("wants a GPU" in trial.problem) is not able
        assert bool(trial.runs) is able and trial.repeats == 1


@pytest.mark.slow
def test_what_a_setting_that_fails_has_said_is_kept(tmp_path, model):
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    models = f"{broken},{model}"
    done = bench(tmp_path, "--source", pattern(), "--model", models, *QUICK)
    assert done.code == 0, done.err
    first, second = measured(tmp_path).trials
    assert first.problem and not second.problem
    log = (tmp_path / "out" / "bench" / "bench.log").read_text()
    titles = [line.split(" ", 3)[3] for line in log.splitlines() if line.startswith("=== ")]
    assert titles == ["network broken", "work tiny: run 1 of 1, as fast as it goes"]


@pytest.mark.slow
def test_a_clip_of_less_than_a_second_is_told_from_a_pattern(tmp_path, model):
    frames = [np.full((240, 320, 3), 20 * number, np.uint8) for number in range(10)]
    clip = str(tmp_path / "short.avi")
    film = cv2.VideoWriter(clip, cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (320, 240))
    for frame in frames:
        film.write(frame)
    film.release()
    done = bench(tmp_path, "--source", clip, "--model", model, *QUICK)
    assert done.code == 0, done.err
    (trial,) = measured(tmp_path).trials
    assert trial.runs[0].replays > 1 and trial.flat[0].replays > 1
    assert "a clip began anew more often than every 2 s" in done.out
    assert "pattern" not in done.out


@pytest.mark.slow
def test_a_config_of_several_cameras_and_outputs(tmp_path, model):
    (tmp_path / "clips").mkdir()
    with socket.socket() as taken:  # as by the service itself
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        config = tmp_path / "two.yaml"
        config.write_text(
            f"cameras: [{{name: a, source: '{pattern()}'}}, {{name: b, source: '{pattern(15)}'}}]\n"
            f"detect: {{model: '{model}'}}\n"
            f"rtsp: {{port: {taken.getsockname()[1]}}}\n"
            "record: {path: 'clips/{camera}.mp4'}\nreport: {path: report.jsonl}\n"
            "counters: counters.json\n"
        )
        done = bench(tmp_path, config, "--cameras", "1,2", *QUICK)
    assert done.code == 0, done.err
    one, two = measured(tmp_path).trials
    assert two.runs[0].fps > 1.2 * one.runs[0].fps
    assert os.listdir(str(tmp_path / "clips")) == []  # what the service keeps is not touched
    assert not (tmp_path / "report.jsonl").exists() and not (tmp_path / "counters.json").exists()


@pytest.mark.slow
def test_ctrl_c_gives_what_there_is(tmp_path, model):
    """The run that was under way is kept, as long as it was."""
    words = ("--source", pattern(), "--model", model, "--threads", "1,2", "--seconds", "600")
    process = start("bench", *words, "--json", tmp_path / "b.json", cwd=tmp_path)
    until_said(process, r"run 1 of 3 \| measuring ([6-9]|\d\d) of")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    document = measured(tmp_path)
    assert document.interrupted and not children(process.pid)
    first, second = document.trials
    (run,) = first.runs
    assert 1 < run.seconds < 60 and run.frames > 30 and run.fps > 1
    assert run.latency.p50 > 0.1 and run.use.cpu_percent > 1
    assert not second.runs and not first.flat
    assert "interrupted" in done.out and figures.number(run.fps) in done.out


@pytest.mark.slow
def test_a_camera_that_cannot_be_reached_is_told_of_at_once(tmp_path, model):
    """Not after half a minute, and with the reason."""
    needs.gstreamer()
    began = time.monotonic()
    process = start("bench", "--source", "rtsp://127.0.0.1:9/a", "--model", model, cwd=tmp_path)
    until_said(process, "is lost: rtsp://127.0.0.1:9/a")
    assert time.monotonic() - began < 12
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130


@pytest.mark.parametrize(
    "code, told, words",
    [
        (78, "--precision 'bf16' must be one of", ["--precision", "bf16"]),
        (78, "has an empty value", ["--model", "a,,b"]),
        (78, "is called 'no_such'", ["--model", "no_such"]),
        (78, "no such file", ["--model", "no_such.onnx"]),
        (66, "no such folder", ["--labelled", "nowhere"]),
        (66, "no labels beside", ["--labelled", "."]),
        (66, "no such file", ["--source", "nowhere.mp4"]),
        (66, "the file is empty", ["--source", "empty.mp4"]),
        (78, "cannot be read", ["--compare", "a.json", "b.json"]),
        (78, "is no jetwatch-bench/1 file", ["--compare", "broken.json", "broken.json"]),
        (73, "cannot be written", ["--json", "folder"]),
        (73, "pipe: cannot be written: it is no plain file", ["--html", "pipe"]),
        (73, "taken.svg: cannot be written: it is a folder", ["--json", "taken.json"]),
        (73, "one file: b.json, ./b.json, b.svg", ["--json", "b.json", "--html", "./b.json"]),
        (73, "would be one file", ["--json", "b.json", "--html", "link"]),
        (73, "would be one file", ["--json", "b.html"]),
        (73, "would be one file", ["--json", "b.svg"]),
        (73, "would be one file", ["--json", "b.json", "--html", "b.svg"]),
        (78, "must be below", ["two.yaml"]),
        (78, "nothing comes of --write without --tune", ["--write", "a.yaml"]),
        (2, "is not a number", ["--seconds", "x"]),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, model, code, told, words):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "broken.json").write_text(json.dumps({"format": "jetwatch-bench/1", "trials": 3}))
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken.svg").mkdir()
    (tmp_path / "link").symlink_to("b.json")
    os.mkfifo(str(tmp_path / "pipe"))
    (tmp_path / "two.yaml").write_text("cameras: [{name: a, source: 'test://'}]\n")
    base = [] if "--source" in words else ["--source", pattern()]
    base += [] if "--model" in words else ["--model", model]
    if words == ["two.yaml"]:
        base, told = [], "detect is required"
    if words[0] != "--compare":
        words = [*words, *base, *QUICK]
    done = jetwatch("bench", *words, cwd=tmp_path)
    assert done.code == code, (done.code, done.out, done.err)
    assert told in done.err, done.err


@pytest.mark.slow
def test_what_is_added_to_the_network_alone_is_timed_as_often_as_the_runs(tmp_path, model):
    words = ("--source", pattern(), "--model", model, *QUICK, "--repeats", "2")
    done = bench(tmp_path, *words)
    assert done.code == 0, done.err
    (trial,) = measured(tmp_path).trials
    assert len(trial.runs) == len(trial.floor.costs) == len(trial.floor.uses) == 2
    assert all(use.others_percent is not None for use in trial.floor.uses)
    assert trial.single and "in the pipeline" in " ".join(done.out.split())


@pytest.mark.slow
def test_without_gstreamer_it_says_what_was_left_out(tmp_path, model):
    absent = tmp_path / "absent" / "gi"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError('no gi here')\n")
    done = bench(
        tmp_path, "--source", pattern(), "--model", model, *QUICK, path=[tmp_path / "absent"]
    )
    assert done.code == 0, done.err
    document = measured(tmp_path)
    assert document.trials[0].runs[0].glass is None
    assert any("nothing was encoded" in note for note in document.notes)


def test_the_script_teaches(tmp_path):
    import subprocess

    done = subprocess.run(
        [str(ROOT / "scripts" / "benchmark"), "--help"], stdout=subprocess.PIPE, timeout=60
    )
    assert done.returncode == 0 and b"jetwatch bench --help" in done.stdout
