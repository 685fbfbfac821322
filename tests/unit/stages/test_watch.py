import json

import numpy as np
import pytest

from app.analytics.lines import Line
from app.analytics.zones import Zone
from app.core.detections import Detections
from app.stages.watch import Scene, Watch, heat_of
from tests.doubles import frame

PICTURE = np.zeros((100, 200, 3), np.uint8)
SCENE = Scene(
    zones=(Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),),
    lines=(Line("middle", ((100.0, 0.0), (100.0, 100.0))),),
)


def walk(xs, track=1, camera="cam", live=False, start=0.0, step=0.1):
    """Frames of one walker whose feet are at (x, 50) in turn."""
    for number, x in enumerate(xs):
        found = Detections(
            xyxy=[(x - 5, 30, x + 5, 50)], score=[0.9], class_id=[0], track_id=[track]
        )
        when = start + number * step
        yield frame(
            number, camera, PICTURE, detections=found, labels=("person",), live=live, time=when
        )._replace(captured=1000 + when)


ACROSS = list(range(20, 180, 4))


def watched(frames, keep=None, scenes=None):
    ids = iter(f"e{number}" for number in range(10**6))
    stage = Watch(scenes or {"cam": SCENE}, None if keep is None else str(keep), lambda: next(ids))
    return list(stage.run(frames))


def events(frames):
    return [(e.kind, e.phase, e.place, e.id) for one in frames for e in one.events]


def test_a_walk_through_the_picture():
    made = watched(walk(ACROSS))
    assert events(made) == [
        ("enter", "begin", "left", "e0"), ("enter", "end", "left", "e0"),
        ("cross", "once", "middle", "e1"),
    ]  # fmt: skip
    zone, line = made[-1].places
    assert (zone.now, zone.total, line.inward + line.outward) == (0, 1, 1)


@pytest.mark.parametrize("live", [False, True])
def test_durations_are_of_the_scene_and_moments_of_the_frame(live):
    frames = list(walk(ACROSS, live=live))
    if not live:  # read ten times as fast as it was filmed
        frames = [one._replace(captured=1000 + one.time / 10) for one in frames]
    made = watched(frames)
    (end,) = [e for one in made for e in one.events if (e.kind, e.phase) == ("enter", "end")]
    (shown,) = [one for one in made if end in one.events]
    assert end.when == shown.captured
    assert end.seconds == pytest.approx(2.2, abs=0.4)


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_set_changes_no_duration_and_no_heat(hours):
    frames = list(walk(ACROSS, live=True))
    moved = [
        one._replace(time=one.time + (hours * 3600 if number > 8 else 0))
        for number, one in enumerate(frames)
    ]
    plain, made = watched(frames), watched(moved)
    assert events(made) == events(plain)
    before, after = ([e for one in run for e in one.events] for run in (plain, made))
    assert [e.seconds for e in after] == [e.seconds for e in before]
    assert after[-1].time == before[-1].time + hours * 3600, "its time is what the clock says"
    assert (made[-1].heat == plain[-1].heat).all()


def test_counts_and_heat_survive_a_restart(tmp_path):
    path = tmp_path / "counters.json"
    watched(walk(ACROSS), path)
    made = watched(walk(ACROSS, start=50.0), path)
    zone, line = made[-1].places
    assert (zone.total, line.inward + line.outward) == (2, 2)
    state = json.loads(path.read_text())["state"]["cam"]
    cells = heat_of(state, (200, 100))
    assert cells.sum() == pytest.approx(2 * (len(ACROSS) - 1) * 0.1, abs=0.2)
    rows, columns = np.nonzero(cells)
    assert set(rows) == {cells.shape[0] // 2} and columns.min() == 7 and columns.max() > 50


def test_each_camera_has_its_own_counts_and_one_without_places_has_heat():
    scenes = {"a": SCENE, "b": Scene()}
    frames = [*walk(ACROSS, camera="a"), *walk(ACROSS, camera="b")]
    made = watched(frames, scenes=scenes)
    assert {e.camera for one in made for e in one.events} == {"a"}
    assert made[-1].places == () and made[-1].heat.sum() > 0
    assert watched(frames, scenes={"a": SCENE})[-1].heat is None


def test_the_heat_of_another_shape_is_not_taken():
    assert heat_of({"heat": [[1.0, 2.0]]}, (200, 100)).sum() == 0
    assert heat_of("nonsense", (200, 100)).sum() == 0


def test_a_place_outside_the_picture_is_told_once_and_stops_nothing(caplog):
    far = Zone("far", ((900.0, 10.0), (990.0, 10.0), (990.0, 90.0)))
    made = watched(walk(ACROSS), scenes={"cam": Scene(zones=(far, SCENE.zones[0]))})
    assert len(made) == len(ACROSS) and made[-1].places[1].total == 1
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("cam: far counts nothing. ") and "200x100" in said
