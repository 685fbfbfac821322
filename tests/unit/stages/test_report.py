import json
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from app.core.detections import Detections
from app.core.frame import Frame, Top
from app.errors import OutputError
from app.stages.report import Report, ReportSettings, check, entry
from tests.journals import Clock

SCHEMA = pathlib.Path(__file__).parents[3] / "configs" / "detections.schema.json"
IMAGE = np.zeros((4, 4, 3), np.uint8)


def frame(number=0, found=None, **more):
    return Frame("cam1", number, 12.5, IMAGE, detections=found, labels=("person",), **more)


def objects():
    return Detections(
        xyxy=[[1.005, 2, 3.14159, 4], [-5, 0, 10, 10], [np.nan, 0, 1, 1], [0, 0, 1, 1]],
        score=[0.87654, 1, 0.5, np.inf],
        class_id=[0, 7, 0, 0],
        track_id=[-1, 12, 3, 4],
    )


def written(path, frames):
    list(Report(ReportSettings(str(path))).run(frames))
    return path.read_text().splitlines()


def numbers(path):
    """What a file holds; fails on half a line."""
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def test_nothing_found_is_an_empty_list():
    assert entry(frame()) == {"camera": "cam1", "frame": 0, "time": 0.0, "detections": []}
    assert entry(frame(found=Detections.empty()))["detections"] == []


def test_each_object_is_said_in_full_and_no_nan():
    assert entry(frame(3, objects(), time=0.1234567))["detections"] == [
        {"box": [1.0, 2.0, 3.14, 4.0], "score": 0.8765, "label": "person", "class_id": 0,
         "track_id": -1},
        {"box": [-5.0, 0.0, 10.0, 10.0], "score": 1.0, "label": "class 7", "class_id": 7,
         "track_id": 12},
    ]  # fmt: skip
    assert entry(frame(time=float("nan")))["time"] == 0.0


def test_classes_are_said_where_a_classifier_ran():
    assert "classes" not in entry(frame())
    assert entry(frame(tops=()))["classes"] == []
    assert entry(frame(tops=(Top(0, 0.87654), Top(7, 0.1))))["classes"] == [
        {"label": "person", "class_id": 0, "score": 0.8765},
        {"label": "class 7", "class_id": 7, "score": 0.1},
    ]


def test_the_file_is_named_for_folders_only():
    assert entry(frame(file="a.jpg"))["file"] == "a.jpg"
    assert "file" not in entry(frame())


def test_real_output_fits_the_schema(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(SCHEMA.read_text())
    frames = [frame(0), frame(1, objects(), time=1.7e9), frame(2, objects(), file="é.jpg")]
    frames += [frame(3, tops=()), frame(4, tops=(Top(0, 1.0), Top(7, 0.0)))]
    lines = written(tmp_path / "out" / "d.jsonl", frames)
    assert len(lines) == 5
    for line in lines:
        jsonschema.validate(json.loads(line), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(dict(json.loads(lines[0]), extra=1), schema)


def test_a_line_is_out_before_the_next_frame_and_an_old_file_is_replaced(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text("old\n")
    running = Report(ReportSettings(str(path))).run(frame(n) for n in range(3))
    next(running)
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0]
    next(running)
    running.close()  # as Ctrl-C does
    assert [json.loads(line)["frame"] for line in path.read_text().splitlines()] == [0, 1]


def test_dash_is_standard_output(capfd):
    list(Report(ReportSettings("-")).run([frame(0), frame(1)]))
    assert [json.loads(line)["frame"] for line in capfd.readouterr().out.splitlines()] == [0, 1]


def test_what_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "d.jsonl"):
        with pytest.raises(OutputError, match=r"cannot be written: .*--detections"):
            check(str(path))
        with pytest.raises(OutputError, match="cannot be written"):
            list(Report(ReportSettings(str(path))).run([frame()]))


def test_check_leaves_everything_as_it_was(tmp_path):
    old = tmp_path / "old.jsonl"
    old.write_text("old\n")
    check(str(old))
    check(str(tmp_path / "new.jsonl"))
    check("-")
    assert old.read_text() == "old\n" and [path.name for path in tmp_path.iterdir()] == [old.name]


@pytest.mark.skipif(not pathlib.Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_clear_line():
    with pytest.raises(OutputError, match="No space left"):
        list(Report(ReportSettings("/dev/full")).run([frame()]))


def test_errors_of_those_before_are_not_ours(tmp_path):
    def broken():
        yield frame()
        raise OSError("the camera's")

    with pytest.raises(OSError, match="the camera's"):
        written(tmp_path / "d.jsonl", broken())


def test_a_run_that_sees_nothing_leaves_an_old_report_be(tmp_path):
    path = tmp_path / "d.jsonl"
    path.write_text("precious\n")
    check(str(path))
    assert list(Report(ReportSettings(str(path))).run([])) == []
    assert path.read_text() == "precious\n"


def test_checking_changes_nothing_not_even_a_link(tmp_path):
    link = tmp_path / "link.jsonl"
    link.symlink_to(tmp_path / "real.jsonl")
    check(str(link))
    check(str(tmp_path / "new" / "d.jsonl"))
    assert [one.name for one in tmp_path.iterdir()] == ["link.jsonl"]


def test_a_pipe_that_nobody_reads_is_an_error_and_no_wait(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(str(path))
    check(str(path))
    with pytest.raises(OutputError, match="pipe cannot be written"):
        list(Report(ReportSettings(str(path))).run([frame(0)]))


def live(number):
    return frame(number, live=True)


def test_of_a_live_camera_lines_are_lost_while_the_disk_is_full(tmp_path, caplog):
    path = tmp_path / "d.jsonl"
    clock = Clock()
    size = len(json.dumps(entry(live(0)))) + 1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    running = Report(ReportSettings(str(path)), clock).run(live(n) for n in range(9))
    next(running)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size * 5 // 2, hard))
    try:
        for _ in range(4):
            next(running)
        clock.now += 5
        next(running)
        assert numbers(path) == [0, 1], "no half line, also while the disk is full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    next(running)
    assert numbers(path) == [0, 1], "it is not tried at every frame"
    clock.now += 5
    list(running)
    assert numbers(path) == [0, 1, 7, 8]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: cannot be written (File too large); all else goes on, it is tried again",
        f"{path} is written again, 5 lines are lost",
    ]


def test_of_a_live_camera_a_pipe_s_reader_may_come_and_go(tmp_path, caplog):
    path, clock = tmp_path / "pipe", Clock()
    os.mkfifo(str(path))
    running = Report(ReportSettings(str(path)), clock).run(live(n) for n in range(9))
    next(running)
    for wanted in (1, 3):
        reader = os.open(str(path), os.O_RDONLY | os.O_NONBLOCK)
        clock.now += 5
        next(running)
        assert json.loads(os.read(reader, 1000).decode())["frame"] == wanted
        os.close(reader)
        next(running)
    assert len(caplog.records) == 5, "a beginning and an end of each"
    assert "Broken pipe" in caplog.text


def test_standard_output_that_nobody_reads_ends_a_live_run_too():
    code = (
        "import os; from app.stages.report import *;"
        "from tests.unit.stages.test_report import live;"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1);"
        "list(Report(ReportSettings('-')).run([live(0)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE)
    assert b"OutputError: standard output cannot be written: Broken pipe" in done.stderr


def test_a_reader_that_stalls_does_not_stop_a_live_camera(tmp_path, caplog):
    """As a disk that hangs, the pipe takes no more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(str(pipe))
    reader = os.open(str(pipe), os.O_RDONLY | os.O_NONBLOCK)
    try:
        frames = (frame(number, objects(), live=True) for number in range(1000))
        began = time.monotonic()
        assert len(list(Report(ReportSettings(str(pipe))).run(frames))) == 1000
        assert time.monotonic() - began < 30
    finally:
        told = [record.levelname for record in caplog.records]
        os.close(reader)  # which lets it go
        for thread in threading.enumerate():
            if thread.name == "aside":
                thread.join(60)
    assert told == ["WARNING", "ERROR"]
