import numpy as np
import pytest

from app.core.detections import Detections
from app.core.frame import Top
from app.media.draw import Style, draw, draw_classes, facts
from app.media.draw_letters import PALETTE, colour_of, paint_on, pen_for, plain, written

SIZES = [(320, 180), (320, 320), (854, 480), (1920, 1080), (1080, 1920), (3840, 2160)]


def found(*xyxy, labels=1):
    boxes = np.array(xyxy, np.float32).reshape(-1, 4)
    count = len(boxes)
    return Detections(
        xyxy=boxes, score=np.linspace(0.5, 0.9, count), class_id=np.arange(count) % labels
    )


def grey(width, height):
    return np.full((height, width, 3), 90, np.uint8)


def test_no_detections_leave_the_picture_alone():
    image = grey(320, 180)
    draw(image, Detections.empty(), ())
    assert (image == 90).all()


@pytest.mark.parametrize(
    "xyxy",
    [
        (np.nan, 0, 10, 10),
        (np.inf, 0, 10, 10),
        (50, 50, 50, 80),
        (80, 80, 50, 50),
        (-50, -50, -10, -10),
        (400, 10, 500, 90),
        (-1e30, 200, 1e30, 300),
    ],
)
def test_a_box_that_cannot_be_shown_is_not(xyxy):
    image = grey(320, 180)
    draw(image, found(xyxy), ["person"])
    assert (image == 90).all()


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize("box", [(0.3, 0.4, 0.4, 0.5), (0.3, 0.4, 0.6, 0.8), (0, 0, 1, 1)])
def test_each_side_is_a_line_between_two_of_black(width, height, box):
    image = grey(width, height)
    xyxy = np.array(box) * np.array([width, height] * 2)
    draw(image, found(xyxy), ["H"], Style(score=False))
    pen = pen_for(width, height)
    edge = max(1, pen.thin // 3)
    line = [(0, 0, 0)] * edge + [colour_of(0)] * pen.thin + [(0, 0, 0)] * edge
    out = pen.thin // 2 + edge
    # Also of a box as large as the picture all of it shows.
    most = np.array([width, height] * 2) - 1 - out
    x1, y1, x2, y2 = np.minimum(most, np.maximum(out, xyxy.round())).astype(int)
    x, y = (x1 + x2) // 2, (y1 + y2) // 2
    assert (image[y, x1 - out :][: len(line)] == line).all(), "left"
    assert (image[y, : x2 + out + 1][-len(line) :] == line).all(), "right"
    assert (image[: y2 + out + 1, x][-len(line) :] == line).all(), "lower"
    assert (image[y1 - out :, x2 - (x2 - x1) // 3][: len(line)] == line).all(), "upper"
    inside = image[y1 + pen.plate_height + out : y2 - 4 * pen.line, x1 + 4 * pen.line : x]
    assert (inside == 90).all()


def test_a_bad_box_does_not_hide_a_good_one():
    image, alone = grey(320, 180), grey(320, 180)
    draw(image, found((np.nan, 0, 10, 10), (50, 50, 90, 90)), ["person"])
    draw(alone, found((0, 0, 0, 0), (50, 50, 90, 90)), ["person"])
    assert (image == alone).all() and (image != 90).any()


@pytest.mark.parametrize("width, height", SIZES)
@pytest.mark.parametrize(
    "corner", [(0, 0, 0.05, 0.05), (0.95, 0, 1, 0.05), (0, 0.95, 0.05, 1), (0.95, 0.95, 1, 1),
               (0, 0, 1, 1), (-5, -5, 5, 5), (0.4, 0, 0.6, 0.9)]
)  # fmt: skip
def test_the_whole_plate_is_in_the_picture(width, height, corner):
    image = grey(width, height)
    draw(image, found(np.array(corner) * np.array([width, height] * 2)), ["refrigerator"])
    plate = (image == colour_of(0)).all(axis=2)
    pen = pen_for(width, height)
    rows = np.flatnonzero(plate.sum(axis=1) > 4 * pen.line)
    assert len(rows) >= pen.plate_height - 2 * pen.line
    wide = plate[rows[len(rows) // 2]].sum()
    assert wide > 0


@pytest.mark.parametrize("width, height", SIZES)
def test_letters_are_legible(width, height):
    image = grey(width, height)
    draw(
        image, found((width * 0.3, height * 0.4, width * 0.6, height * 0.9)), ["H"], Style(1, False)
    )
    ink = np.flatnonzero(
        (image[: int(height * 0.4) - 2 * pen_for(width, height).line].max(axis=2) < 85).any(axis=1)
    )
    assert len(ink) >= max(7, min(width, height) / 90)


def test_a_long_label_is_cut_and_keeps_its_score():
    image = grey(640, 360)
    draw(image, found((300, 100, 340, 200)), ["x" * 500])
    plate = (image == colour_of(0)).all(axis=2)
    assert plate[:95].any() and plate.any(axis=0).sum() <= 330


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 5), (33, 9)])
def test_tiny_pictures_do_not_matter(size):
    image = grey(*size)
    draw(image, found((-5, -5, 50, 50)), ["person"])


@pytest.mark.parametrize(
    "text, plate",
    [("", ""), ("person", "person"), ("vélo", "velo"), ("犬 dog", "? dog"), ("a\nb", "a?b")],
)
def test_text_that_opencv_can_write(text, plate):
    assert plain(text) == plate


@pytest.mark.parametrize(
    "score, track_id, style, text",
    [
        (0.5, -1, Style(), " 50%"),
        (0.9, 12, Style(), " 90% #12"),
        (np.nan, 0, Style(), " #0"),
        (0.9, 12, Style(score=False), " #12"),
        (0.9, 12, Style(score=False, track=False), ""),
    ],
)
def test_a_plate_says_score_and_track_after_the_name(score, track_id, style, text):
    assert facts(score, track_id, style) == text


@pytest.mark.parametrize("class_id, name", [(0, "velo"), (1, "class 1")])
def test_a_plate_says_the_name_of_its_class(class_id, name):
    image = grey(640, 360)
    objects = found((200, 100, 300, 300)).replace(class_id=[class_id])
    draw(image, objects, ["vélo"], Style(score=False))
    pen = pen_for(640, 360)
    plate = written(name, "", paint_on(colour_of(class_id)), 320, pen)
    top, left = 100 - pen.plate_height, 200 - pen.line // 2
    assert (image[top:100, left : left + plate.shape[1]] == plate).all()


def test_colours_are_distinct_and_stable():
    assert len(set(PALETTE)) == len(PALETTE) >= 20
    assert colour_of(3) == colour_of(3 + len(PALETTE)) and colour_of(-1) in PALETTE


def test_the_surest_is_on_top():
    image = grey(640, 360)
    objects = found((100, 100, 300, 300), (100, 100, 300, 300), labels=2)
    draw(image, objects, ["a", "b"])
    assert (image == colour_of(1)).all(axis=2).any()
    assert not (image == colour_of(0)).all(axis=2).any()


@pytest.mark.parametrize("width, height", SIZES)
def test_classes_stand_in_the_corner_one_under_the_other(width, height):
    image = grey(width, height)
    draw_classes(image, [Top(2, 0.9), Top(0, 0.08), Top(1, 0.004)], ["x" * 500, "b", "cat"])
    pen = pen_for(width, height)
    first, second, unsaid = (
        np.flatnonzero((image == colour_of(number)).all(axis=2).any(axis=1)) for number in (2, 0, 1)
    )
    assert len(first) == len(second) == pen.plate_height and not len(unsaid)
    assert second[0] == first[-1] + 1
    changed = np.flatnonzero((image != 90).any(axis=(0, 2)))
    assert changed[-1] < max(width // 2, 160), "a long label is cut"


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 5), (33, 9), (60, 30)])
def test_a_picture_too_small_for_all_classes_has_those_that_fit(size):
    image = grey(*size)
    draw_classes(image, [Top(number, 0.9) for number in range(5)], ["cat"])
    assert (image != 90).any() == (size[1] >= pen_for(*size).plate_height + pen_for(*size).margin)
