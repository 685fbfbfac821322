import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.bench import svg
from app.media import draw_letters


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 33.5, [0, 10, 20, 30]),
        (0.26, 0.38, [0.26, 0.28, 0.30, 0.32, 0.34, 0.36, 0.38]),
        (-1, 1, [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_ticks_are_round_numbers(low, high, ticks):
    assert svg.Scale(low, high, 0, 1).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (1, 10, [1, 1.5, 2, 3, 5, 7, 10]),
        (1, 100, [1, 2, 5, 10, 20, 50, 100]),
        (1, 10000, [1, 10, 100, 1000, 10000]),
        (30, 60, [30, 35, 40, 45, 50, 55, 60]),  # no decade in it
    ],
)
def test_ticks_of_a_logarithmic_scale(low, high, ticks):
    assert svg.Scale(low, high, 0, 1, True).ticks(7) == pytest.approx(ticks)


sizes = some.floats(min_value=1e-4, max_value=1e6)


@given(some.lists(sizes, min_size=1, max_size=5), some.booleans())
def test_a_scale_holds_its_values_and_ends_at_ticks(values, zero):
    scale = svg.around(values, 10.0, 110.0, zero)
    assert scale.low <= min(values) and max(values) <= scale.high and scale.low >= 0
    assert not zero or scale.low == 0
    ticks = scale.ticks()
    assert 2 <= len(ticks) <= 8
    assert ticks[-1] == pytest.approx(scale.high) and ticks[0] == pytest.approx(scale.low)
    places = [scale.at(value) for value in sorted(values)]
    assert places == sorted(places) and places[0] >= 10 and places[-1] <= 110


@given(sizes, some.floats(min_value=1.01, max_value=1e6))
def test_a_logarithmic_scale_has_ticks_inside(low, ratio):
    scale = svg.Scale(low, low * ratio, 0.0, 100.0, True)
    assert all(low * 0.999 <= tick <= low * ratio * 1.001 for tick in scale.ticks())
    assert scale.at(low * math.sqrt(ratio)) == pytest.approx(50)


def test_equal_values_have_a_scale_too():
    for value in (0.0, 5.0):
        scale = svg.around([value, value], 0.0, 1.0)
        assert scale.low < scale.high and 0 <= scale.at(value) <= 1


@pytest.mark.parametrize(
    "values, texts",
    [
        ([], []),
        ([0.28, 0.3, 0.32], ["0.28", "0.30", "0.32"]),
        ([0, 10, 20], ["0", "10", "20"]),
        ([0.1 + 0.2, 1e-12], ["0.3", "0.0"]),
        ([1e6, 1e7], ["1e+06", "1e+07"]),
    ],
)
def test_ticks_are_written_alike(values, texts):
    assert svg.tick_texts(values) == texts


def test_the_colours_are_the_overlays():
    """So that any kind of colour vision tells them apart."""
    overlay = {"#{:02X}{:02X}{:02X}".format(*colour[::-1]) for colour in draw_letters.PALETTE}
    assert set(svg.PALETTE) <= overlay and len(set(svg.PALETTE)) == len(svg.PALETTE)


@given(some.text())
def test_any_text_can_be_written(text):
    root = ElementTree.fromstring("<svg>{}</svg>".format(svg.written(1, 2, text, "quiet")))
    assert len(root) == 1 and not len(root[0])


def test_text_stays_text():
    assert svg.escaped("<a href='x'>\"&\x00\x1b\ud800\n") == (
        "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;\ufffd\ufffd\ufffd\n"
    )


def test_a_legend_takes_the_rows_that_it_needs():
    one, low = svg.legend([("a", 'fill="red"')], 0, 100)
    many, high = svg.legend([("a" * 60, 'stroke="red"')] * 3, 0, 100)
    assert (low, high) == (20, 60)
    assert one.count("<rect") == 1 and many.count("<path") == 3 and "…" in many
