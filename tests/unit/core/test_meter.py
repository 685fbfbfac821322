import numpy as np
import pytest

from app.core.detections import Detections
from app.core.frame import Top
from app.core.meter import BUCKETS_S, Durations, Meter, Newest, Sighting
from tests.doubles import frame


def finished(number, camera="cam", score=(), class_id=(), labels=("cat", "dog")):
    found = Detections(xyxy=np.zeros((len(score), 4)), score=score, class_id=class_id)
    marks = (("asked", number), ("capture", number + 0.001), ("detect", number + 0.011))
    return frame(number, camera, detections=found, labels=labels, marks=marks)._replace(
        captured=float(number)
    )


def test_nothing_yet():
    reading = Meter().read()
    assert (reading.frames, reading.objects, reading.latency.samples) == (0, 0, 0)
    assert reading.stages == () and reading.sightings == ()


def test_stage_times_come_from_the_marks():
    meter = Meter()
    for number in range(10):
        meter.add(finished(number))
    reading = meter.read()
    assert [stage.name for stage in reading.stages] == ["capture", "detect"]
    assert [stage.mean for stage in reading.stages] == pytest.approx([1, 10])
    assert reading.latency.p95 == pytest.approx(11)
    assert reading.seconds == pytest.approx(9)


def test_what_was_seen_is_summed_by_label():
    meter = Meter()
    meter.add(finished(0, score=[0.5, 0.9, 0.4], class_id=[0, 0, 1]))
    meter.add(finished(1, score=[0.7], class_id=[7]))
    meter.add(finished(0, "other"))
    reading = meter.read()
    assert [tuple(one)[:3] for one in reading.sightings] == [
        ("cat", 2, 1),
        ("class 7", 1, 1),
        ("dog", 1, 1),
    ]
    assert reading.sightings[0].score == pytest.approx(0.9)
    assert dict(reading.cameras) == {"cam": 2, "other": 1}
    assert reading.objects_now == 1


def test_a_classified_picture_is_seen_as_what_it_is_named_by_first():
    meter = Meter()
    named = (Top(1, 0.75), Top(0, 0.25))
    meter.add(finished(0)._replace(detections=None, tops=named))
    meter.add(finished(1)._replace(detections=None, tops=named))
    meter.add(finished(0, "other")._replace(detections=None, tops=()))
    reading = meter.read()
    assert reading.sightings == (Sighting("dog", 2, 2, 0.75),)
    assert reading.named_now == (Sighting("dog", 1, 1, 0.75),) and reading.objects_now == 0
    meter.add(finished(2)._replace(detections=None, tops=()))
    assert meter.read().named_now == ()


def test_memory_does_not_grow_and_percentiles_follow_the_latest():
    meter = Meter()
    for number in range(5000):
        meter.add(finished(number))
    assert meter.read().stages[0].samples == 5000


@pytest.mark.parametrize("count", [0, 1, 4095, 4096, 4097, 10000])
def test_a_histogram_counts_each_duration_once_however_often_it_is_read(count):
    rng = np.random.RandomState(count)
    values = np.concatenate([rng.exponential(0.01, count), BUCKETS_S, [0.0, 11.0, 99.0]])
    rng.shuffle(values)
    often, once = Durations(), Durations()
    for number, value in enumerate(values):
        often.add(value)
        once.add(value)
        if number % 1000 == 0:
            often.histogram("")
    edges = np.concatenate([[-np.inf], BUCKETS_S, [np.inf]])
    expected = [((values > low) & (values <= high)).sum() for low, high in zip(edges, edges[1:])]
    for one in (often, once):
        found = one.histogram("detect")
        assert found.name == "detect" and list(found.counts) == expected
        assert found.seconds == pytest.approx(values.sum())


def test_of_each_camera_the_newest_frame_is_known():
    meter = Meter()
    assert meter.read().newest == () and sum(meter.read().latencies.counts) == 0
    meter.add(finished(1))
    meter.add(finished(5, "other"))
    meter.add(finished(3))
    reading = meter.read()
    assert reading.newest == (Newest("cam", 3.0, 3.011), Newest("other", 5.0, 5.011))
    assert [one.name for one in reading.histograms] == ["capture", "detect"]
    assert sum(reading.histograms[0].counts) == sum(reading.latencies.counts) == 3
