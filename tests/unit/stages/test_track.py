import numpy as np

from app.analytics.tracker import Tracker, TrackSettings
from app.core.detections import Detections
from app.core.frame import Top
from app.stages.track import Track
from tests.doubles import frame


def walker(number, x, look=True, camera="cam", step=0.1, class_id=0):
    found = None
    if look:
        found = Detections(xyxy=[(x, 50, x + 30, 120)], score=[0.9], class_id=[class_id])
    labels = ("person", "dog") if look else ()
    return frame(number, camera, detections=found, labels=labels, look=look, time=number * step)


def run(batches, cameras=("cam",), given=None):
    asked, before = TrackSettings(score=0.5), given or {}
    stage = Track({camera: Tracker(asked, before.get(camera, 0)) for camera in cameras}, given)
    return [one for batch in stage.run(batches) for one in batch]


def test_one_walker_has_one_number_and_between_looks_it_is_moved_on():
    looks = [number % 3 == 0 or number < 4 for number in range(20)]
    made = run([[walker(n, 10.0 * n, look)] for n, look in enumerate(looks)])
    assert {number for one in made[3:] for number in one.detections.track_id.tolist()} == {1}
    for number, one in enumerate(made[6:], 6):
        assert one.labels == ("person", "dog")
        assert abs(float(one.detections.xyxy[0, 0]) - 10.0 * number) < 6, number


def test_cameras_count_on_their_own():
    batches = [[walker(n, 10.0 * n, camera=c) for c in ("a", "b")] for n in range(5)]
    made = run(batches, ("a", "b"))
    last = {one.source: one.detections.track_id.tolist() for one in made}
    assert last == {"a": [1], "b": [1]}


def test_what_is_gone_for_long_has_ended_once():
    batches = [[walker(n, 10.0)] for n in range(5)]
    nothing = Detections.empty()
    batches += [[walker(n, 0.0)._replace(detections=nothing)] for n in range(5, 60)]
    made = run(batches)
    assert [number for one in made for number in one.ended] == [1]


def test_what_a_classifier_said_is_held_between_looks():
    said = frame(0, "shop", tops=(Top(1, 0.9),), labels=("open", "shut"))
    made = run([[said], [frame(1, "shop", look=False)], [walker(0, 5.0)]])
    assert made[1].tops == said.tops and made[1].labels == said.labels
    assert made[1].detections is None


def test_boxes_that_are_no_boxes_are_left_out():
    found = Detections(xyxy=np.full((2, 4), np.nan), score=[0.9, 0.8], class_id=[0, 0])
    made = run([[walker(n, 5.0)._replace(detections=found)] for n in range(4)])
    assert all(len(one.detections) == 0 for one in made)


def test_the_next_stage_gives_no_id_that_was_given_before():
    """As after a reload of the config."""
    given = {}
    for expected in (1, 2):
        made = run([[walker(n, 10.0 * n)] for n in range(9)], given=given)
        assert made[-1].detections.track_id.tolist() == [expected]
        assert given == {"cam": expected}
