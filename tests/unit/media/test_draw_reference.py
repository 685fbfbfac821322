"""What the overlay looks like. After a change that is meant: python tests/reference/scenes.py."""

import os

import cv2
import numpy as np
import pytest

from tests.reference import scenes

# How much may differ, as a share of what the overlay changes. OpenCV 3 and 4 round the edges of
# lines a little differently; OpenCV 5 has other letters, so a word is as long as it likes.
SAME_LETTERS = cv2.getTextSize("Person 91% #12", cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)[0][0] == 267
MOST = 0.08 if SAME_LETTERS else 0.72
MOST_WITHOUT_LETTERS = 0.08


def difference(one, other):
    """Mean over the picture, after a blur that takes a line's exact edge for the same."""
    one, other = (cv2.blur(image, (9, 9)).astype(float) for image in (one, other))
    return abs(one - other).mean()


def reference(name):
    image = cv2.imread(os.path.join(scenes.FOLDER, name + ".png"))
    assert image is not None, "no such reference"
    return image


@pytest.mark.parametrize("name", sorted(scenes.SCENES))
def test_a_scene_looks_as_it_did(name):
    expected = reference(name)
    share = difference(scenes.SCENES[name](), expected) / difference(scenes.bare(name), expected)
    assert share <= (MOST_WITHOUT_LETTERS if name == "trails" else MOST)


def test_another_theme_would_be_noticed():
    other = scenes.SCENES["plain"]()
    assert difference(other, reference("light")) / difference(
        scenes.bare("light"), reference("light")
    ) > max(0.5, MOST)


def test_the_references_are_small_and_no_more_than_there_are_scenes():
    files = {
        name: os.path.getsize(os.path.join(scenes.FOLDER, name))
        for name in os.listdir(scenes.FOLDER)
    }
    assert set(files) == {name + ".png" for name in scenes.SCENES}
    assert sum(files.values()) < 400e3


def test_an_alarm_differs_by_more_than_its_colour():
    calm, alarm = (
        scenes.drawn((640, 360), scenes.NOTHING._replace(zones=True), scenes.places(640, 360, way))
        for way in (False, True)
    )
    calm, alarm = (
        cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[80:195, 400:610] for image in (calm, alarm)
    )
    plain = cv2.cvtColor(scenes.backdrop(640, 360), cv2.COLOR_BGR2GRAY)[80:195, 400:610]

    def texture(image):
        return np.abs(np.diff(image.astype(int) - plain, axis=1))[:, 5:-5].mean()

    assert texture(alarm) > 4 * texture(calm), "hatched"
