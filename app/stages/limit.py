"""limit: only so many frames of each camera go on."""

from __future__ import generator_stop

from typing import Iterable, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Stage


class Limit(Stage):
    name = "limit"

    def __init__(self, cameras: Sequence[str], frames: int) -> None:
        self._left = dict.fromkeys(cameras, frames)

    def run(self, frames: Iterable[Frame]) -> Frames:
        left = dict(self._left)
        for frame in frames:
            if left[frame.source]:
                left[frame.source] -= 1
                yield frame
            if not any(left.values()):
                return
