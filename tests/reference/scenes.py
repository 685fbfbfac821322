#!/usr/bin/env python3
"""
scenes: what the overlay draws on made-up pictures, one scene a feature.

Run alone, it writes tests/reference/overlay/*.png, which the tests compare with. To be done, and
the pictures looked at, when the overlay is meant to look otherwise.
"""

import argparse
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, ROOT)

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from app.core.detections import Detections  # noqa: E402
from app.core.event import Attribute, Place  # noqa: E402
from app.core.frame import Frame, Top  # noqa: E402
from app.media.draw import Style  # noqa: E402
from app.stages.overlay import Overlay  # noqa: E402

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "overlay")
LABELS = ("person", "bicycle", "car")
NOTHING = Style(trail_s=0.0, boxes=False, zones=False)
WALKERS = (
    (0.10, 0.35, 0.05, 0.30, 0, 7, 0.91),
    (0.30, 0.55, 0.06, 0.34, 0, 12, 0.78),
    (0.55, 0.02, 0.05, 0.06, 1, 31, 0.66),
    (0.62, 0.55, 0.22, 0.26, 2, 3, 0.95),
    (0.93, 0.40, 0.06, 0.30, 0, 44, 0.52),
)  # left, top, width, height, class, track, score


def backdrop(width, height):
    """From dark to bright, with a bright and a dark block in it."""
    across = np.linspace(20, 235, width)[None, :, None]
    down = np.linspace(1, 0.75, height)[:, None, None]
    image = (across * down * np.array([0.9, 1.0, 0.85])).astype(np.uint8) // 8 * 8
    image[height // 5 : height // 2, width // 12 : width // 4] = 240
    image[height // 2 : height * 9 // 10, width * 7 // 12 : width * 10 // 12] = (60, 40, 30)
    return image


def places(width, height, alarm=True):
    def points(*fractions):
        return tuple((x * width, y * height) for x, y in fractions)

    return (
        Place(
            "zone",
            "entrance",
            points((0.15, 0.3), (0.5, 0.3), (0.58, 0.9), (0.06, 0.9)),
            now=2,
            total=41,
            counts=(("person", 30, 0), ("car", 11, 0)),
        ),
        Place(
            "zone", "no parking", points((0.62, 0.2), (0.96, 0.2), (0.96, 0.55), (0.62, 0.55)),
            now=1, total=5, alarm=alarm,
        ),
    )  # fmt: skip


def lines(width, height):
    def points(*fractions):
        return tuple((x * width, y * height) for x, y in fractions)

    counts = (("person", 10, 8), ("car", 2, 1))
    return (
        Place("line", "gate", points((0.55, 0.9), (0.9, 0.6)), inward=12, outward=9, counts=counts),
        Place("line", "path", points((0.1, 0.2), (0.12, 0.5), (0.2, 0.8)), inward=3),
    )


def drawn(size_wh, style, shown=(), tops=None, looks=None, frames=31):
    """The last of some frames, 10 a second, in which everyone walks to the right."""
    width, height = size_wh

    def walking():
        for number in range(frames):
            table = np.array(WALKERS)
            table[:, 0] += (number - frames + 1) * 0.004 * (1 + np.arange(len(table)))
            corners = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
            when = 5 + number / 10
            yield Frame(
                "car-park",
                number,
                when,
                backdrop(width, height),
                time=83 + number / 10,
                detections=Detections(
                    xyxy=corners * [width, height, width, height],
                    score=table[:, 6],
                    class_id=table[:, 4],
                    track_id=table[:, 5],
                ),
                labels=LABELS,
                places=shown,
                tops=tops,
                attributes=looks or {},
                marks=(("capture", when + 0.002), ("watch", when + 0.038)),
            )

    image = None
    for frame in Overlay(style, lambda: 54.2).run(walking()):
        image = frame.image
    return image


_LOOKS = {
    7: (Attribute("coat", "red coat", 0.9), Attribute("bag", "no bag", 0.8)),
    3: (Attribute("kind", "van", 0.9),),
}
_SMALL, _USUAL, _LARGE = (320, 180), (640, 360), (1920, 1080)


def _whole(size_wh, theme):
    style = Style(theme=theme, strip=True)
    return drawn(size_wh, style, places(*size_wh) + lines(*size_wh), looks=_LOOKS)


SCENES = {
    "boxes": lambda: drawn(_USUAL, NOTHING._replace(boxes=True), looks=_LOOKS),
    "trails": lambda: drawn(_USUAL, NOTHING._replace(trail_s=2.0)),
    "zones": lambda: drawn(_USUAL, NOTHING._replace(zones=True), places(*_USUAL)),
    "lines": lambda: drawn(_USUAL, NOTHING._replace(zones=True), lines(*_USUAL)),
    "strip": lambda: drawn(_USUAL, NOTHING._replace(strip=True)),
    "classes": lambda: drawn(_USUAL, NOTHING, tops=(Top(2, 0.83), Top(1, 0.11))),
    "small": lambda: _whole(_SMALL, "dark"),
    "light": lambda: _whole(_USUAL, "light"),
    "plain": lambda: _whole(_USUAL, "plain"),
    "large": lambda: _whole(_LARGE, "dark")[200:760, 1000:1900],
}


def bare(name):
    """A scene's picture before anything is drawn."""
    if name == "small":
        return backdrop(*_SMALL)
    return backdrop(*_LARGE)[200:760, 1000:1900] if name == "large" else backdrop(*_USUAL)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    for name in parser.parse_args().names or SCENES:
        path = os.path.join(FOLDER, name + ".png")
        cv2.imwrite(path, SCENES[name](), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print("wrote", os.path.relpath(path))


if __name__ == "__main__":
    main()
