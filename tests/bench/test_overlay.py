"""
What it costs to draw on a picture, and to hide what is in it.

The whole overlay has boxes, plates, trails, two zones of a seventh of the picture each, two lines
and a strip; then its parts.
"""

import itertools

import numpy as np
import pytest

from app.core.detections import Detections
from app.core.event import Attribute, Place
from app.core.frame import Frame
from app.media.draw import Style
from app.media.hide import WAYS, hide
from app.stages.overlay import Overlay
from app.stages.privacy import Privacy, PrivacySettings
from tests.bench.each import each, fed

SIZES = {"480p": (854, 480), "1080p": (1920, 1080)}
WARM_UP = 60  # frames, in which trails grow
GREY = 120
LABELS = ("person", "bicycle", "car")
NOTHING = {"boxes": False, "trail_s": 0.0, "zones": False, "strip": False}
PARTS = {
    "whole overlay": {"strip": True},
    "boxes and plates": {**NOTHING, "boxes": True},
    "trails": {**NOTHING, "trail_s": 2.0},
    "zones and lines": {**NOTHING, "zones": True},
    "strip": {**NOTHING, "strip": True},
}


def places(size_wh):
    def points(*fractions):
        return tuple((x * size_wh[0], y * size_wh[1]) for x, y in fractions)

    return (
        Place("zone", "entrance", points((0.1, 0.3), (0.4, 0.3), (0.5, 0.7), (0.05, 0.7)), 2, 41),
        Place("zone", "parking", points((0.6, 0.1), (0.95, 0.1), (0.95, 0.5), (0.6, 0.5)), 1, 5),
        Place("line", "gate", points((0.6, 0.9), (0.9, 0.6)), inward=12, outward=9),
        Place("line", "path", points((0.05, 0.2), (0.5, 0.15)), inward=3, outward=0),
    )


def frames(size_wh, objects):
    """
    Objects that walk over one grey picture at 25 frames a second, each in 15 s. Their boxes and
    scores tremble as a detector's do, so no plate is the same for long.
    """
    random = np.random.RandomState(0)
    image = np.full((size_wh[1], size_wh[0], 3), GREY, np.uint8)
    start = random.rand(objects, 2)
    for number in itertools.count():
        middle = (start + np.array([number / 25 / 15, 0])) % 1 * size_wh
        middle += random.normal(0, 0.001, (objects, 2)) * size_wh[1]
        half = np.array([0.02, 0.09]) * size_wh[1] * 0.5 * 1.4
        half = half * random.normal(1, 0.02, (objects, 2))
        found = Detections(
            xyxy=np.concatenate([middle - half, middle + half], axis=1),
            score=np.linspace(0.4, 0.9, objects) + random.normal(0, 0.03, objects),
            class_id=np.arange(objects) % 3,
            track_id=np.arange(objects),
        )
        yield Frame(
            "car-park",
            number,
            number / 25,
            image,
            time=number / 25,
            detections=found,
            labels=LABELS,
            places=places(size_wh),
            attributes={0: (Attribute("coat", "red", 0.9),)},
            marks=(("detect", number / 25 + 0.04),),
        )


each_scene = pytest.mark.parametrize(
    "size, objects", [("480p", 5), ("480p", 20), ("1080p", 5), ("1080p", 20), ("1080p", 100)]
)

hiding = pytest.mark.benchmark(group="hide 20 boxes at 1080p")


@each_scene
@pytest.mark.parametrize("part", PARTS)
def test_overlay(benchmark, part, size, objects):
    benchmark.group = f"overlay, {objects} objects at {size}"
    with fed(Overlay(Style(theme="dark", **PARTS[part])).run) as step:
        drawn = each(benchmark, step, frames(SIZES[size], objects), WARM_UP)
    assert (drawn.image != GREY).any()


@hiding
@pytest.mark.parametrize("how", WAYS)
def test_hide(benchmark, how):
    film, image = textured()
    before = image.copy()
    each(benchmark, lambda one: hide(one.image, one.detections.xyxy, how), film)
    assert (image != before).any()


@hiding
def test_privacy(benchmark):
    """Blurred, and a mask."""
    wanted = PrivacySettings(masks={"car-park": (((0, 0), (0.2, 0), (0, 0.2)),)}, classes=LABELS)
    film, image = textured()
    before = image.copy()
    with fed(Privacy(wanted, False, ["car-park"]).run) as step:
        each(benchmark, step, film)
    assert (image != before).any()


def textured():
    """Frames with something to hide, and the one picture of them all."""
    film = frames(SIZES["1080p"], 20)
    image = next(film).image
    image[...] = np.random.RandomState(1).randint(0, 256, image.shape)
    return film, image
