"""fitted: a source as its camera is configured: at most so many pictures a second, of that size."""

from __future__ import generator_stop

import contextlib
import math
import threading
from typing import Optional, Tuple

import cv2

from app.core.load import Load
from app.core.stage import Frames, Source, Wrapped

_EARLY = 0.25  # of the time between two pictures: a camera's clock is not ours


class Fitted(Wrapped):
    """Pictures that come too soon are left out, which leaves a gap in the frames' numbers."""

    def __init__(
        self,
        source: Source,
        size_wh: Optional[Tuple[int, int]] = None,
        most_fps: Optional[float] = None,
        load: Optional[Load] = None,
    ) -> None:
        """``load``: pictures become smaller while it is eased."""
        super().__init__(source)
        self._load = Load() if load is None else load
        self._size_wh = size_wh
        self._apart_s = 1 / most_fps if most_fps else 0.0

    def frames(self, stop: threading.Event) -> Frames:
        due, apart = -math.inf, self._apart_s
        with contextlib.closing(self.source.frames(stop)) as frames:
            for frame in frames:
                now = frame.captured if self.live else frame.time
                if 0 < due - now - _EARLY * apart <= apart:  # more: a clip that began again
                    continue
                due = due + apart if abs(now - due) < apart else now + apart
                wanted = self._wanted(frame.size_wh)
                if frame.size_wh != wanted:
                    image = cv2.resize(frame.image, wanted, interpolation=cv2.INTER_AREA)
                    frame = frame._replace(image=image)
                yield frame

    def _wanted(self, size_wh: Tuple[int, int]) -> Tuple[int, int]:
        wide, high = size_wh if self._size_wh is None else self._size_wh
        scale = self._load.ease.scale
        if scale == 1:
            return wide, high
        return max(2, int(wide * scale) & ~1), max(2, int(high * scale) & ~1)
