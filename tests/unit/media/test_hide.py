import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.media.hide import WAYS, grown, hide, hide_all, mask

each_way = pytest.mark.parametrize("how", WAYS)
each_depth = pytest.mark.parametrize("channels", [3, 4])


def scene(width=320, height=180, channels=3, seed=0):
    return np.random.RandomState(seed).randint(0, 256, (height, width, channels), np.uint8)


def code(bits, cell):
    """A picture of black and white squares, as a QR code is."""
    return np.kron(bits, np.ones((cell, cell), np.uint8))[..., None].repeat(3, 2) * np.uint8(255)


@each_way
def test_no_boxes_leave_the_picture_alone(how):
    image = scene()
    hide(image, np.empty((0, 4), np.float32), how)
    mask(image, [])
    assert (image == scene()).all()


@each_way
@each_depth
def test_only_the_grown_box_changes_and_all_of_it(how, channels):
    image = scene(channels=channels)
    hide(image, np.array([[100, 50, 180, 90]], np.float32), how, 0.25)
    changed = (image != scene(channels=channels)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (columns[0], columns[-1]) == (79, 200) and (rows[0], rows[-1]) == (39, 100)
    assert changed[39:101, 79:201].mean() > 0.95


@each_way
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", range(4))
def test_a_box_that_is_no_number_hides_all(how, bad, place):
    image, boxes = scene(), np.array([[10, 10, 20, 20], [30, 30, 60, 60]], np.float32)
    boxes[1, place] = bad
    hide(image, boxes, how)
    assert (image == image[0, 0]).all()


@each_way
@pytest.mark.parametrize("xyxy", [(180, 90, 100, 50), (100, 90, 180, 50), (180, 50, 100, 90)])
def test_corners_may_come_in_any_order(how, xyxy):
    image, expected = scene(), scene()
    hide(image, np.array([xyxy]), how)
    hide(expected, np.array([(100, 50, 180, 90)]), how)
    assert (image == expected).all()


@pytest.mark.parametrize("how", ["blur", "pixelate"])
@pytest.mark.parametrize("side", [3, 8, 17, 40, 120, 400])
def test_what_is_left_of_a_box_is_16_colours_at_most(how, side):
    image = scene(500, 500)
    hide(image, np.array([[20, 20, 20 + side, 20 + side]]), "pixelate", 0.0)
    part = image[19 : 21 + side, 19 : 21 + side].reshape(-1, 3)
    most = max(1, min(4, (side + 2) // 8)) ** 2
    assert len(np.unique(part, axis=0)) <= most


@each_way
@pytest.mark.parametrize("side", [24, 96, 240])
def test_two_different_scenes_look_the_same(how, side):
    """What differs in their detail, as two faces do, is less than a viewer or a program can use."""
    first, second = scene(300, 300, seed=1), scene(300, 300, seed=2)
    for image in (first, second):
        hide(image, np.array([[20, 20, 20 + side, 20 + side]]), how, 0.1)
    one, other = (image[20 : 20 + side, 20 : 20 + side].astype(float) for image in (first, second))
    assert abs(one - other).mean() < 16  # before: 85
    before = scene(300, 300, seed=1)[20 : 20 + side, 20 : 20 + side].astype(float)
    if one.std():
        assert abs(np.corrcoef(one.ravel(), before.ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("how", ["blur", "pixelate"])
@pytest.mark.parametrize("cell", [4, 8, 12])
def test_the_bits_of_a_code_cannot_be_read(how, cell):
    """A reader that knows where each bit of a 21 by 21 code was does little better than chance."""
    bits = np.random.RandomState(3).randint(0, 2, (21, 21)).astype(np.uint8)
    side = 21 * cell
    image = np.full((side + 60, side + 60, 3), 128, np.uint8)
    image[30:-30, 30:-30] = code(bits, cell)
    hide(image, np.array([[30, 30, 30 + side, 30 + side]]), how, 0.0)
    seen = image[30:-30, 30:-30, 0].reshape(21, cell, 21, cell).mean(axis=(1, 3))
    nearby = np.median(seen)
    read = ((seen > nearby) == bits).mean()
    assert 0.35 < read < 0.65
    assert seen.max() - seen.min() < 128, "no bit is black or white any more"


def test_stripes_as_wide_as_a_pixel_do_not_come_through_as_others():
    """Sampling without averaging would turn fine stripes into coarse ones."""
    image = np.zeros((400, 400, 3), np.uint8)
    image[:, ::2] = 255
    hide(image, np.array([[50, 50, 350, 350]]), "pixelate", 0.0)
    assert image[60:340, 60:340].min() > 100 and image[60:340, 60:340].max() < 156


@each_depth
@pytest.mark.parametrize(
    "polygon", [[(10, 10), (100, 10), (100, 80), (10, 80)], [(0, 0), (319, 0), (160, 179)]]
)
def test_a_mask_is_of_one_colour(channels, polygon):
    image = scene(channels=channels)
    mask(image, [np.array(polygon, float)])
    grey = scene(channels=channels)
    hide_all(grey)
    covered = (image == grey[0, 0]).all(axis=2)
    assert all(covered[y, x] for x, y in polygon)
    middle = np.mean(polygon, axis=0).astype(int)
    assert covered[middle[1] - 15 : middle[1] + 15, middle[0] - 15 : middle[0] + 15].all()
    assert (image == scene(channels=channels)).all(axis=2)[~covered].all()


def test_masks_that_overlap_are_both_filled():
    image = scene()
    square = np.array([(10, 10), (100, 10), (100, 80), (10, 80)], float)
    mask(image, [square, square + 30])
    assert (image[40:80, 40:100] == image[10, 10]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_mask_that_is_no_number_hides_all(bad):
    image = scene()
    mask(image, [np.array([(0, 0), (10, bad), (10, 10)])])
    assert (image == image[0, 0]).all()


def test_a_mask_far_larger_than_the_picture_covers_it():
    image = scene()
    mask(image, [np.array([(-1e6, -1e6), (1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)])])
    assert (image == image[0, 0]).all()


@each_depth
def test_hide_all_leaves_nothing(channels):
    image = scene(channels=channels)
    hide_all(image)
    assert (image == image[0, 0, 0]).all()


def test_a_picture_that_cannot_be_written_is_an_error_and_not_shown_as_it_is():
    image = scene()
    image.flags.writeable = False
    with pytest.raises(ValueError):
        hide_all(image)


edges = st.one_of(
    st.floats(-500, 500, width=32),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(edges, edges, edges, edges), max_size=4),
    st.sampled_from(WAYS),
    st.floats(0, 1),
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_any_boxes(boxes, how, margin, size_wh):
    image = scene(*size_wh)
    before = image.copy()
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    hide(image, boxes, how, margin)
    outside = np.ones(image.shape[:2], bool)
    for x1, y1, x2, y2 in grown(boxes.astype(float), size_wh[0], size_wh[1], margin).tolist():
        outside[y1:y2, x1:x2] = False
        inside = image[y1:y2, x1:x2]
        if inside.size > 8 * 8 * 3:
            assert (inside != before[y1:y2, x1:x2]).mean() > 0.9
    assert (image[outside] == before[outside]).all()
