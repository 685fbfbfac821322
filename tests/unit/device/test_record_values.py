import enum
import json
from typing import Mapping, NamedTuple, Optional, Tuple

import pytest

from app.device import record


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(NamedTuple):
    size_wh: Tuple[int, int]
    colour: Colour = Colour.RED


class Outer(NamedTuple):
    name: str
    share: float
    right: bool
    inner: Optional[Inner]
    sizes: Tuple[int, ...] = ()
    roles: Mapping[str, str] = {}
    rows: Tuple[Inner, ...] = ()


FULL = Outer("a", 0.5, True, Inner((1, 2), Colour.BLUE), (3, 4), {"x": "y"}, (Inner((5, 6)),))
LEAST = Outer("", -1.0, False, None)


@pytest.mark.parametrize("value", [FULL, LEAST])
def test_there_and_back(value):
    assert record.made(Outer, json.loads(json.dumps(record.plain(value)))) == value


def test_a_default_stands_for_what_is_missing():
    given = {"name": "", "share": -1, "right": False, "inner": None}
    assert record.made(Outer, given) == LEAST
    assert isinstance(record.made(Outer, given).share, float)


WRONG = [
    ({"name": 5}, "name must be text"),
    ({"name": "a\nb"}, "name must be text that can be printed"),
    ({"name": "\ud800"}, "name must be text that can be printed"),
    ({"share": "1"}, "share must be a number"),
    ({"share": True}, "share must be a number"),
    ({"share": float("nan")}, "share must be a smaller number"),
    ({"share": float("inf")}, "share must be a smaller number"),
    ({"share": 1 << 2000}, "share must be a smaller number"),
    ({"right": 1}, "right must be true or false"),
    ({"inner": 5}, "inner must be an object"),
    ({"inner": {}}, "inner.size_wh is missing"),
    ({"inner": {"size_wh": [1]}}, "inner.size_wh must be a list of 2"),
    ({"inner": {"size_wh": [1, 2.0]}}, "inner.size_wh[1] must be a whole number"),
    ({"inner": {"size_wh": [1, True]}}, "inner.size_wh[1] must be a whole number"),
    ({"inner": {"size_wh": [1, 1 << 80]}}, "inner.size_wh[1] must be a smaller number"),
    ({"inner": {"size_wh": [1, -(10**400)]}}, "inner.size_wh[1] must be a smaller number"),
    ({"inner": {"size_wh": [1, 2], "colour": "green"}}, "inner.colour must be one of red, blue"),
    ({"inner": {"size_wh": [1, 2], "colour": []}}, "inner.colour must be one of red, blue"),
    ({"sizes": {}}, "sizes must be a list"),
    ({"sizes": "12"}, "sizes must be a list"),
    ({"roles": {"a": 1}}, "roles.a must be text"),
    ({"roles": {"a\n": "b"}}, "roles must be text that can be printed"),
    ({"rows": [{"size_wh": [1, 2]}, None]}, "rows[1] must be an object"),
    ({"new\n": 1}, "new\ufffd is unknown"),
]


@pytest.mark.parametrize("changes, said", WRONG, ids=[said for _, said in WRONG])
def test_nothing_is_taken_on_trust(changes, said):
    with pytest.raises(ValueError) as caught:
        record.made(Outer, dict(record.plain(FULL), **changes))
    assert str(caught.value) == said


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_no_object_at_all(value):
    with pytest.raises(ValueError, match="the whole must be an object"):
        record.made(Outer, value)


def test_what_cannot_be_printed_is_replaced_when_written():
    """Else a label with an escape sequence would make a good engine's sidecar unreadable."""
    value = FULL._replace(name="a\x1b[2J", roles={"x\0": "y"})
    back = record.made(Outer, record.plain(value))
    assert (back.name, back.roles) == ("a\ufffd[2J", {"x\ufffd": "y"})
