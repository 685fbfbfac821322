#!/usr/bin/env python3
"""
overlay: what it costs to draw on a picture, and to hide what is in it.

Prints the median milliseconds a frame of the whole overlay (boxes, plates, trails, two zones of a
seventh of the picture each, two lines, a strip) and of its parts, then of hiding as many boxes, on
this machine's CPU.
"""

import argparse
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from app.core.detections import Detections  # noqa: E402
from app.core.event import Attribute, Place  # noqa: E402
from app.core.frame import Frame  # noqa: E402
from app.media.draw import Style  # noqa: E402
from app.media.hide import WAYS, hide  # noqa: E402
from app.stages.overlay import Overlay  # noqa: E402
from app.stages.privacy import Privacy, PrivacySettings  # noqa: E402

SIZES = {"480p": (854, 480), "1080p": (1920, 1080)}
LABELS = ("person", "bicycle", "car")
NOTHING = {"boxes": False, "trail_s": 0.0, "zones": False, "strip": False}
PARTS = {
    "whole overlay": {"strip": True},
    "  boxes and plates": {**NOTHING, "boxes": True},
    "  trails": {**NOTHING, "trail_s": 2.0},
    "  zones and lines": {**NOTHING, "zones": True},
    "  strip": {**NOTHING, "strip": True},
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


def frames(size_wh, count, objects):
    """
    Objects that walk over one grey picture at 25 frames a second, each in 15 s. Their boxes and
    scores tremble as a detector's do, so no plate is the same for long.
    """
    random = np.random.RandomState(0)
    image = np.full((size_wh[1], size_wh[0], 3), 120, np.uint8)
    start = random.rand(objects, 2)
    for number in range(count):
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


def timed(run, source):
    """Median milliseconds a frame after the first 60, in which trails grow."""
    spent, began = [], [0.0]

    def watched():
        for frame in source:
            began[0] = time.perf_counter()
            yield frame

    for _ in run(watched()):
        spent.append((time.perf_counter() - began[0]) * 1000)
    return statistics.median(spent[60:])


def hiding(how):
    def run(source):
        for frame in source:
            hide(frame.image, frame.detections.xyxy, how)
            yield frame

    return run


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=260, help="drawn for each figure; over 60")
    parser.add_argument("--objects", type=int, nargs="+", default=[5, 20, 100])
    parser.add_argument("--theme", default="dark", choices=("dark", "light", "plain"))
    parser.add_argument("--opencv-threads", type=int, default=0, help="0: as many as it likes")
    given = parser.parse_args()
    if given.opencv_threads:
        cv2.setNumThreads(given.opencv_threads)
    print(f"OpenCV {cv2.__version__}, numpy {np.__version__}; ms a frame, median")
    print(f"{'objects':<22}" + "".join(f"{count:>8}" for count in given.objects))
    runs = {
        name: Overlay(Style(theme=given.theme, **settings)).run for name, settings in PARTS.items()
    }
    runs.update({f"hide: {how}": hiding(how) for how in WAYS})
    wanted = PrivacySettings(masks={"car-park": (((0, 0), (0.2, 0), (0, 0.2)),)}, classes=LABELS)
    runs["privacy, blur"] = lambda source: Privacy(wanted, False, ["car-park"]).run(source)
    for size, size_wh in SIZES.items():
        print(size)
        for name, run in runs.items():
            values = [timed(run, frames(size_wh, given.frames, n)) for n in given.objects]
            print(f"{name:<22}" + "".join(f"{value:>8.2f}" for value in values))


if __name__ == "__main__":
    main()
