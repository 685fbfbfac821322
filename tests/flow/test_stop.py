"""Ctrl-C and SIGTERM at any moment: a clean end, whole files, no traceback."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests import tiny
from tests.command import ROOT, finish, start, wait_for

pytest.importorskip("onnx")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2])
def test_a_signal_at_any_moment_of_the_start(number, after_s, tmp_path):
    """Before Python has installed a handler SIGTERM simply ends it, with nothing said."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    process = start(
        "run", "--source", "test://?size=320x240", "--model", model, "--detections", "-"
    )
    time.sleep(after_s)  # the moment is what is tested
    process.send_signal(number)
    result = finish(process, 10)
    if "Traceback" in result.err:
        return  # Python was still starting
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
    found = out / "found.jsonl"
    wait_for(process, lambda: found.exists() and found.read_text().count("\n") >= 5)
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


def watching(tmp_path):
    """A run that has written some lines, and where."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    out = tmp_path / "out"
    process = start(
        *("run", "--source", "test://?size=320x240", "--model", model, "--seconds", "60"),
        *("--out", out / "seen.mp4", "--detections", out / "found.jsonl"),
    )
    found = out / "found.jsonl"
    wait_for(process, lambda: found.exists() and found.read_text().count("\n") >= 5)
    return process


def test_a_dropped_ssh_leaves_a_whole_film(tmp_path):
    """SIGHUP ended it at once. The terminal sends one and so does the shell: two are no hurry."""
    process = watching(tmp_path)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    result = finish(process, 10)
    assert result.code == 0, result.err
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["found.jsonl", "seen.mp4"]


def test_nohup_is_obeyed(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = watching(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    assert finish(process, 10).code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_picture_is_no_fault_of_the_camera(number, tmp_path):
    """With --seconds it said "no picture came", exit code 66."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        source = "http://127.0.0.1:{}/x".format(silent.getsockname()[1])
        process = start("run", "--source", source, "--model", model, "--seconds", "60")
        silent.settimeout(30)
        camera, _ = silent.accept()
        with camera:
            process.send_signal(number)
            result = finish(process, 20)
    assert result.code == 0, result.err
    assert "no picture" not in result.err


def waits_for_a_reader(pid):
    """Where in the kernel its main thread is (proc(5))."""
    with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
        return "pipe_write" in file.read()


@pytest.mark.slow
def test_a_second_ctrl_c_while_nobody_reads_standard_error(tmp_path):
    """Its last words met those of the main thread: "reentrant call", and it went on."""
    model = tiny.detector(tmp_path / "tiny.onnx")
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 4096)
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "run", "--source", "test://", "--model", model],
        cwd=str(ROOT),
        stderr=writer,
    )
    os.close(writer)
    wait_for(process, lambda: waits_for_a_reader(process.pid))  # with its first word
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(10) == 130
    finally:
        process.kill()
        process.wait()
        os.close(reader)
