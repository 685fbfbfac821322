import numpy as np
import pytest

from app.core.event import Place
from app.media import draw_places
from app.media.draw_letters import THEMES, pen_for
from app.media.draw_places import Places

CALM, ALARM = THEMES["dark"].calm, THEMES["dark"].alarm
SQUARE = ((100.0, 60.0), (220.0, 60.0), (220.0, 140.0), (100.0, 140.0))


def grey(width=320, height=180, value=90):
    return np.full((height, width, 3), value, np.uint8)


def coloured(image, colour):
    return (image == colour).all(axis=2)


def test_no_places_leave_the_picture_alone():
    image = grey()
    places = Places()
    places.draw(image, ())
    places.label(image, ())
    assert (image == 90).all()


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_zone_is_tinted_inside_and_untouched_outside(value):
    image = grey(value=value)
    Places().draw(image, [Place("zone", "a", SQUARE)])
    inside = image[80:120, 120:200].reshape(-1, 3)
    assert (inside == inside[0]).all() and (inside[0] != value).any()
    outside = np.ones(image.shape[:2], bool)
    outside[50:151, 90:231] = False
    assert (image[outside] == value).all()
    assert coloured(image, CALM).any(), "its border"


def test_a_zone_is_drawn_alike_on_each_picture_and_anew_when_something_changes():
    places, twice = Places(), [grey(), grey()]
    for image in twice:
        places.draw(image, [Place("zone", "a", SQUARE, now=3)])
    assert (twice[0] == twice[1]).all()
    alarmed, moved, large = grey(), grey(), grey(640, 360)
    places.draw(alarmed, [Place("zone", "a", SQUARE, alarm=True)])
    assert coloured(alarmed, ALARM).any() and not coloured(alarmed, CALM).any()
    places.draw(moved, [Place("zone", "a", tuple((x + 50, y) for x, y in SQUARE))])
    assert (moved[100, 260] != 90).any() and (moved[100, 120] == 90).all()
    places.draw(large, [Place("zone", "a", SQUARE)])
    fresh = grey(640, 360)
    Places().draw(fresh, [Place("zone", "a", SQUARE)])
    assert (large == fresh).all()


@pytest.mark.parametrize("theme", sorted(THEMES))
@pytest.mark.parametrize("kind", ["zone", "line"])
@pytest.mark.parametrize(
    "points",
    [
        (),
        ((5.0, 5.0),),
        ((5.0, 5.0), (5.0, 5.0)),
        ((np.nan, 0.0), (5.0, 5.0), (9.0, 0.0)),
        ((0.0, 0.0), (np.inf, 5.0)),
        ((0.0, 0.0), (1e30, 5.0)),
        ((-900.0, -900.0), (-800.0, -900.0), (-800.0, -700.0)),
        ((400.0, 10.0), (900.0, 10.0), (900.0, 90.0)),
        ((-500.0, -500.0), (900.0, -500.0), (900.0, 900.0), (-500.0, 900.0)),
        ((160.0, 0.0), (160.0, 179.0)),
    ],
)
def test_points_of_any_kind_do_not_matter(theme, kind, points):
    for size_wh in ((320, 180), (7, 5), (1, 1)):
        image = grey(*size_wh)
        places = Places(theme)
        for place in (Place(kind, "a", points), Place(kind, "a", points, alarm=True)):
            places.draw(image, [place])
            places.label(image, [place])


@pytest.mark.parametrize(
    "path, inward",
    [
        (((60.0, 90.0), (260.0, 90.0)), (160, 98)),  # to the right: in is down
        (((260.0, 90.0), (60.0, 90.0)), (160, 82)),
        (((160.0, 20.0), (160.0, 160.0)), (152, 90)),  # down: in is to the left
        (((160.0, 160.0), (160.0, 20.0)), (168, 90)),
        (((60.0, 20.0), (60.0, 90.0), (270.0, 90.0)), (130, 98)),  # on the part that is halfway
    ],
)
def test_a_line_s_arrow_points_to_its_right(path, inward):
    image = grey()
    Places().draw(image, [Place("line", "gate", path)])
    x, y = inward
    assert coloured(image, CALM)[y, x]
    middle = np.array([130, 90] if len(path) == 3 else [160, 90])
    away = 2 * middle - inward
    assert not coloured(image, CALM)[away[1], away[0]], "and not to its left"


def test_a_line_s_plate_is_on_the_other_side():
    image = grey(640, 360)
    places, line = Places(), [Place("line", "gate", ((100.0, 180.0), (500.0, 180.0)), inward=3)]
    places.label(image, line)
    plate = np.flatnonzero((image != 90).any(axis=(1, 2)))
    assert plate[-1] < 180


@pytest.mark.parametrize("kind, rows", [("zone", 2), ("line", 4)])
def test_classes_are_told_apart_where_there_are_several(kind, rows):
    one, many = (("person", 4, 2),), (("person", 4, 2), ("car", 1, 0), ("dog", 0, 1))

    def plate(counts, size=(1280, 720)):
        image = grey(*size)
        Places().label(
            image, [Place(kind, "gate", ((100.0, 150.0), (300.0, 150.0)), counts=counts)]
        )
        return len(np.flatnonzero((image != 90).any(axis=(1, 2))))

    assert plate(()) == plate(one) > 0
    assert plate(many) == rows * plate(one)
    assert plate(many, (320, 180)) == plate(one, (320, 180)), "no room for them"


def test_a_count_that_changes_is_written_anew():
    places = Places()
    images = [grey(), grey(), grey()]
    for image, now in zip(images, (1, 1, 2)):
        places.label(image, [Place("zone", "a", SQUARE, now=now)])
    assert (images[0] == images[1]).all() and (images[0] != images[2]).any()


def test_a_zone_s_plate_is_above_it_or_in_the_picture():
    for top in (60.0, 0.0):
        image = grey()
        points = ((100.0, top), (220.0, top), (220.0, 140.0))
        Places().label(image, [Place("zone", "entrance", points)])
        rows = np.flatnonzero((image != 90).any(axis=(1, 2)))
        assert len(rows) == pen_for(320, 180).plate_height and (
            rows[-1] < 60 if top else rows[0] == 0
        )


def test_what_is_no_longer_told_is_forgotten():
    places = Places()
    for number in range(20):
        places.draw(grey(), [Place("zone", str(number), SQUARE)])
        places.label(grey(), [Place("zone", str(number), SQUARE)])
    assert len(places._shapes) <= 2 and len(places._plates) <= 2


@pytest.mark.parametrize("side", [1, 30, 31, 300])
def test_dashes_begin_and_end_at_corners(side):
    points = np.array([[0, 0], [side, 0], [side, side]])
    dashes = draw_places._dashes(points, 12)
    ends = {tuple(end) for dash in dashes for end in dash.tolist()}
    assert {(0, 0), (side, 0), (side, side)} <= ends
