"""test_beside: what outlives a pipeline, and what does not."""

import pytest

from app.beside import Beside


class Things:
    """Takes letters from a Beside; logs what is made and what is let go."""

    def __init__(self):
        self.beside = Beside()
        self.log = []

    def take(self, *letters, take=None):
        for letter in letters:
            (take or self.beside.take)(
                ("letter", letter), lambda stack, one=letter: self._made(one, stack)
            )

    def _made(self, letter, stack):
        self.log.append("+" + letter)
        if letter == "x":
            raise ValueError(letter)
        stack.callback(self.log.append, "-" + letter)
        return letter

    def follow(self, *letters):
        self.log.clear()
        with self.beside.following():
            self.take(*letters)
        return " ".join(self.log)


def test_what_the_next_takes_too_is_handed_on_and_the_rest_let_go():
    things = Things()
    assert things.follow("a", "b", "c") == "+a +b +c"
    assert things.follow("b", "d") == "+d -c -a"
    assert things.follow("b", "d") == ""
    things.beside.close()
    assert things.log == ["-d", "-b"]
    assert things.beside.part == 3


def test_where_the_next_cannot_be_made_all_is_there_still():
    things = Things()
    things.follow("a", "b")
    with pytest.raises(ValueError):
        things.follow("c", "x")
    assert things.log == ["+c", "+x", "-c"]
    assert things.follow("a", "b") == "" and things.beside.part == 2


def test_what_is_tried_ahead_is_there_for_the_next():
    things = Things()
    things.follow("a")
    things.log.clear()
    with things.beside.trying():
        things.take("a", "b")
    assert things.beside.has(("letter", "b"))
    assert things.follow("b") == "-a"
    with pytest.raises(ValueError), things.beside.trying():
        things.take("c", "b", "x")
    assert things.log[-3:] == ["+c", "+x", "-c"] and things.follow("b") == ""


def test_what_stands_alone_takes_the_place_of_others_of_its_kind():
    things = Things()
    things.follow("a")
    things.log.clear()
    with things.beside.following():
        things.take("a", "b", take=things.beside.take_alone)
    assert things.log == ["-a", "+b"]


def test_all_is_let_go_whatever_one_of_them_raises():
    things = Things()
    things.follow("a")
    things.beside.take(("bad",), lambda stack: stack.callback(int, "no number"))
    things.take("b")
    with pytest.raises(ValueError):
        things.beside.close()
    assert things.log[-2:] == ["-b", "-a"]
