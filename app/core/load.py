"""load: how much less is done than asked for, so that the machine keeps up and stays cool."""

from typing import NamedTuple


class Ease(NamedTuple):
    """One degree of it."""

    interval: int = 1  # the detector looks at every so many frames, at least
    fps: float = 0.0  # pictures a second that are shown and encoded, at most; 0: all
    scale: float = 1.0  # of a live camera's picture, each side


class Load:
    """The degree in force. One thread sets it, any reads it: a value that is replaced whole."""

    def __init__(self) -> None:
        self.ease = Ease()
