"""played: how a benchmark plays its sources, and marks what it publishes."""

from __future__ import generator_stop

import contextlib
import math
import threading
from typing import Iterable, List, Union

from app.core.frame import Frame
from app.core.pipeline import Lane
from app.core.stage import BatchStage, Frames, Source, Stage, Wrapped
from app.media import stamp
from app.media.pace import BEHIND_S
from app.stages.publish import Publish


class Played(Wrapped):
    """
    Another source, ``live`` or not as the benchmark wants it: a clip that is live loses frames at
    the door as a camera does; a pattern that is not loses none, and so is as fast as the pipeline.

    A picture of a clip that is ``paced``, played at its own speed, was captured when it was due,
    however late it is read: a camera would not have waited. Where the clip is so late that it goes
    on from there, ``slipped`` counts the pictures that a camera would have given meanwhile. That
    it is opened anew at its end is no lateness.
    """

    def __init__(self, source: Source, live: bool, paced: bool = False) -> None:
        super().__init__(source)
        self.live = live
        self.slipped = 0
        self._paced = paced

    def frames(self, stop: threading.Event) -> Frames:
        frames = self.source.frames(stop)
        return self._as_due(frames) if self._paced else frames

    def _as_due(self, frames: Frames) -> Frames:
        offset, time, replays = math.inf, 0.0, self.replays
        with contextlib.closing(frames):
            for frame in frames:
                now, step = frame.captured - frame.time, frame.time - time
                if self.replays != replays:
                    offset, replays = now, self.replays
                elif now - offset > BEHIND_S and step > 0:
                    self.slipped += int(round((now - offset) / step))
                    offset = now
                offset, time = min(offset, now), frame.time
                yield frame._replace(captured=offset + frame.time)


class Stamped(Stage):
    """
    Each picture that is large enough gets a stamp with its number and the time at which it was
    taken, over all else, so that whoever decodes it can tell its age. No network sees it.
    """

    name = "stamp"

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            wide, high = frame.size_wh
            if wide >= stamp.WIDTH and high >= stamp.HEIGHT:
                stamp.draw_stamp(frame.image[..., :3], frame.number, frame.captured)
            yield frame


def stamped(lane: Lane) -> Lane:
    """The lane's stages, with a stamp right before what is published."""
    made: List[Union[BatchStage, Stage]] = []
    for stage in lane:
        made += [Stamped(), stage] if isinstance(stage, Publish) else [stage]
    return made
