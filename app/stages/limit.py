"""limit: only so many frames of each camera go on."""

from __future__ import generator_stop

import contextlib
import threading
from typing import Dict, Iterable, Sequence

from app.core.frame import Frame
from app.core.stage import Frames, Source, Stage, Wrapped


class Limit(Stage):
    """Passes ``frames`` of each camera on; the sources that it gave out end once that is done."""

    name = "limit"

    def __init__(self, cameras: Sequence[str], frames: int) -> None:
        self._left = dict.fromkeys(cameras, frames)

    def source(self, source: Source) -> Source:
        """The same camera, until enough of its frames have passed."""
        return _UntilEnough(source, self._left)

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            if self._left[frame.source]:
                self._left[frame.source] -= 1
                yield frame
            if not any(self._left.values()):
                return


class _UntilEnough(Wrapped):
    def __init__(self, source: Source, left: Dict[str, int]) -> None:
        super().__init__(source)
        self._left = left

    def frames(self, stop: threading.Event) -> Frames:
        with contextlib.closing(self.source.frames(stop)) as frames:
            for frame in frames:
                if not self._left[self.camera]:
                    return
                yield frame
