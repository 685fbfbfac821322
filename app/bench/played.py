"""played: a source as a benchmark plays it: marked with its time, as a camera, or without rest."""

from __future__ import generator_stop

import threading

from app.core.stage import Frames, Source, Wrapped
from app.media import stamp


class Played(Wrapped):
    """
    Another source, ``live`` or not as the benchmark wants it: a clip that is live loses frames at
    the door as a camera does; a pattern that is not loses none, and so is as fast as the pipeline.
    Each picture that is large enough bears a stamp with the time at which it was taken.
    """

    def __init__(self, source: Source, live: bool, stamped: bool) -> None:
        super().__init__(source)
        self.live = live
        self._stamped = stamped

    def frames(self, stop: threading.Event) -> Frames:
        for frame in self.source.frames(stop):
            high, wide = frame.image.shape[:2]
            if self._stamped and wide >= stamp.WIDTH and high >= stamp.HEIGHT:
                stamp.draw_stamp(frame.image[..., :3], frame.number, frame.captured)
            yield frame
