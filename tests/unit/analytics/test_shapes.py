"""shapes: each mistake in one sentence, and no good shape refused."""

import pytest

from app.analytics.shapes import outside, problems, scale_problems
from app.analytics.speeds import Scale

NAN, INF = float("nan"), float("inf")
SQUARE = ((0, 0), (100, 0), (100, 100), (0, 100))


@pytest.mark.parametrize(
    "points, kind",
    [
        (SQUARE, "zone"),
        (SQUARE + SQUARE[:1], "zone"),
        (((0, 0), (1, 0), (1, 1)), "zone"),
        (((0.1, 0.1), (0.9, 0.1), (0.9, 0.101)), "zone"),
        (((0, 0), (1, 700), (900, 900)), "zone"),  # pixels, though some are 0 and 1
        (((0, 5000), (100, 5000), (100, 6000)), "zone"),  # outside: for outside() to say
        (((0, 0), (0, 5)), "line"),
        (((0, 0), (10, 10), (10, 0), (0, 10)), "line"),  # it may cross itself
    ],
)
def test_good_shapes(points, kind):
    assert problems(points, kind) is None


@pytest.mark.parametrize(
    "points, kind, part",
    [
        ((), "zone", "3 points or more, and this one has 0"),
        (SQUARE[:2], "zone", "3 points or more"),
        (SQUARE[:1], "line", "2 points or more"),
        (((0, 0), (NAN, 5)), "line", "not a finite number"),
        (((0, 0), (INF, 5)), "line", "not a finite number"),
        (((0, 0), (-3, 5)), "line", "-3; none may be below 0"),
        (((0.5, 0.5), (0.25, 300)), "line", "mix fractions of the picture (0.5) with pixels (300)"),
        (((7, 7), (7, 7)), "line", "no length"),
        (((0, 0), (5, 5), (9, 9), (2, 2)), "zone", "no area"),
        (((5, 5), (5, 5), (5, 5)), "zone", "no area"),
        (((0.1, 0.1), (0.2, 0.2), (0.3, 0.3)), "zone", "no area"),
        (((0, 0), (10, 10), (10, 0), (0, 10)), "zone", "crosses itself"),
    ],
)
def test_mistakes(points, kind, part):
    said = problems(points, kind)
    assert part in said and said.endswith(".") and "\n" not in said


def test_outside():
    assert outside(SQUARE, "zone", (640, 480)) is None
    assert outside(((0.1, 0.1), (0.9, 0.9)), "line", (640, 480)) is None
    far = ((700, 0), (800, 0), (800, 100))
    assert outside(far, "zone", (640, 480)) == (
        "The zone is wholly outside the picture of 640x480 pixels."
    )
    assert outside(far, "zone", (1280, 720)) is None


@pytest.mark.parametrize(
    "points, metres, part",
    [
        (SQUARE, SQUARE, None),
        (SQUARE, SQUARE[::-1], None),  # seen in a mirror, which is no matter to a speed
        (SQUARE, ((-5, -5), (5, -5), (5, 5), (-5, 5)), None),
        (SQUARE[:3], SQUARE, "4 points in the picture, and this one has 3"),
        (SQUARE, SQUARE[:3], "4 points on the ground"),
        (((0, 0), (50, 0), (100, 0), (0, 100)), SQUARE, "picture are on one line"),
        (SQUARE, ((0, 0), (5, 0), (9, 0), (0, 9)), "ground are on one line"),
        (SQUARE, ((0, 0), (5, 5), (5, 0), (0, 5)), "same order"),
        (SQUARE, ((0, 0), (5, NAN), (5, 0), (0, 5)), "finite number of metres"),
        (((0, 0), (-5, 5), (5, 0), (0, 5)), SQUARE, "below 0"),
    ],
)
def test_scales(points, metres, part):
    said = scale_problems(Scale(points, metres))
    assert said is None if part is None else part in said
