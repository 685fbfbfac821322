import numpy as np
import pytest

from app.bench.recorder import Recorder, Row, run_of
from app.bench.results import CAPTURE
from app.core.frame import Frame

BEGAN = 1000.0


def rows(count, fps=30.0, late_s=0.02, slow_first=0):
    made = []
    for number in range(count):
        captured = BEGAN + number / fps
        spent = late_s + (0.2 if number < slow_first else 0.0)
        marks = (
            ("asked", captured - 0.01),
            ("capture", captured + 0.1 * spent),
            ("to detect", captured + 0.25 * spent),
            ("detect", captured + spent),
        )
        made.append(Row(captured, marks))
    return made


def test_a_run_says_rate_latency_and_steps():
    run, since, until = run_of(rows(601), BEGAN)
    assert run.fps == pytest.approx(30.0)
    assert run.latency.samples == run.frames == 601
    assert run.latency.p50 == pytest.approx(20.0) and run.latency.p99 == pytest.approx(20.0)
    assert [step.name for step in run.steps] == ["capture", "to door", "to detect", "detect"]
    assert [step.spread.p50 for step in run.steps] == pytest.approx([10.0, 2.0, 3.0, 15.0])
    assert run.steady and run.seconds == pytest.approx(20.0) == pytest.approx(until - since)


def test_the_steps_add_up_to_the_latency():
    """Also what a source does to a picture that it has, as drawing a pattern."""
    run, _, _ = run_of(rows(601), BEGAN)
    parts = sum(step.spread.mean for step in run.steps if step.name != CAPTURE)
    assert parts == pytest.approx(run.latency.mean)


def test_a_picture_that_was_due_before_it_was_asked_for_took_no_time_to_come():
    late = [one._replace(captured=one.captured - 0.05) for one in rows(601)]
    run, _, _ = run_of(late, BEGAN)
    assert [step.spread.p50 for step in run.steps[:2]] == pytest.approx([0.0, 52.0])
    assert run.latency.p50 == pytest.approx(70.0)


def test_the_warm_up_is_left_out():
    run, since, _ = run_of(rows(601, slow_first=50), BEGAN)
    assert since >= BEGAN + 50 / 30 and run.warm_up_s == pytest.approx(since - BEGAN)
    assert run.latency.p99 == pytest.approx(20.0)
    assert max(edge for edge, _ in run.histogram) < 30


def test_the_timeline_shows_the_warm_up_as_well():
    run, _, _ = run_of(rows(601, slow_first=60), BEGAN)
    assert run.timeline[1][2] == pytest.approx(220.0)
    assert run.timeline[-1][1:] == pytest.approx((30.0, 20.0))


def test_every_measured_frame_is_in_the_histogram():
    run, _, _ = run_of(rows(601), BEGAN)
    assert sum(count for _, count in run.histogram) == run.frames


def test_a_percentile_needs_samples():
    run, _, _ = run_of(rows(60), BEGAN)
    assert run.latency.p50 is not None
    assert run.latency.p95 is None and run.latency.p99 is None


def test_what_came_no_more_at_the_end_counts_as_well():
    run, _, until = run_of(rows(240), BEGAN, BEGAN + 24)
    assert not run.steady and until == BEGAN + 24
    assert run.fps == pytest.approx(10, rel=0.1)


def test_a_slow_camera_may_wait_for_its_next_frame():
    run, _, _ = run_of(rows(60, fps=1.0), BEGAN, BEGAN + 61.5)
    assert run.steady and run.fps == pytest.approx(1.0)


def test_frames_before_the_recording_are_counted_and_not_kept():
    recorder = Recorder()
    image = np.zeros((2, 2, 3), np.uint8)
    frame = Frame("a", 7, 1.0, image, marks=(("asked", 0.9), ("capture", 1.0), ("detect", 1.1)))
    recorder.add(frame)
    assert recorder.rows == [] and recorder.read().frames == 1
    recorder.recording = True
    recorder.add(frame)
    assert recorder.rows == [Row(1.0, frame.marks, "a", 7)] and recorder.read().frames == 2
