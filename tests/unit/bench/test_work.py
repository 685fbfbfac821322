"""The process that a benchmark's run is, without a client."""

import json
import sys

import pytest

from app import child
from app.bench import work
from app.errors import SourceError
from app.media.stamp import stamp_of
from tests import tiny


def attempt(folder, job):
    command = [sys.executable, "-m", "app.cli_bench_child", "work"]
    return child.Attempt(job, str(folder / "log"), command, work.Outcome)


def job(folder, seconds, source="test://?size=320x240&fps=50", **rest):
    config = {
        "cameras": [{"name": "door", "source": source}],
        "detect": {"model": tiny.detector(folder / "tiny.onnx")},
        "backend": {"kind": "host", "threads": 1},
    }
    return work.Job(json.dumps(config), seconds, client=False, **rest)


def told(*what):
    pass


def test_each_frame_is_told_by_what_its_stamp_says(tmp_path):
    outcome = attempt(tmp_path, job(tmp_path, 1.0, frames=20)).result(told)
    run, done = outcome.run, outcome.done
    assert run.frames == len(done) > 20 and {one.camera for one in done} == {"door"}
    numbers = [one.stamp.number for one in done]
    assert numbers == sorted(set(numbers))
    assert [one.when for one in done] == sorted(one.when for one in done)
    ages = [1000 * one.stamp.age_s(one.when) for one in done]
    assert sum(ages) / len(ages) == pytest.approx(run.latency.mean, abs=1.5)
    assert run.use.cpu_readings >= 2 and run.use.cpu_percent > 0  # a tick is a quarter of a second
    assert outcome.since == pytest.approx(done[0].when)
    assert [step.name for step in run.steps][:3] == ["capture", "to door", "to preprocess"]


@pytest.mark.parametrize("count, told_of", [(0, 0), (1, 1), (19999, 19999), (45000, 15000)])
def test_of_a_long_run_every_so_manieth_frame_is_told(count, told_of):
    rows = [work.Row(float(n), (("asked", n), ("detect", n + 0.5)), "a", n) for n in range(count)]
    done = work._done(rows, 0.0)
    assert len(done) == told_of
    assert all(one == ("a", stamp_of(int(one.when), int(one.when)), one.when) for one in done)


def test_a_run_that_is_asked_to_end_tells_what_it_has(tmp_path):
    one = attempt(tmp_path, job(tmp_path, 600.0))
    seen = []

    def interrupted(phase, done, total):
        seen.append(phase)
        if phase == "measuring" and done >= 2 and "ending" not in seen:
            raise KeyboardInterrupt

    run = one.result(interrupted, 20.0).run
    assert one.interrupted and 0.5 < run.seconds < 60 and run.frames > 20


def test_a_run_that_is_asked_to_end_too_soon_has_nothing(tmp_path):
    one = attempt(tmp_path, job(tmp_path, 600.0, "test://?size=320x240&fps=0.2"))
    seen = []

    def interrupted(phase, done, total):
        seen.append(phase)
        if phase == "measuring" and "ending" not in seen:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.result(interrupted, 20.0)


def test_a_clip_of_one_frame_is_no_run(tmp_path):
    with pytest.raises(SourceError, match="only 1 frames were finished"):
        attempt(tmp_path, job(tmp_path, 1.0, "test://?size=320x240&frames=1")).result(told)
