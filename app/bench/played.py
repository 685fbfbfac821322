"""played: how a benchmark plays its sources, and marks what it publishes."""

from __future__ import generator_stop

import threading
from typing import Iterable, List, Union

from app.core.frame import Frame
from app.core.pipeline import Lane
from app.core.stage import BatchStage, Frames, Source, Stage, Wrapped
from app.media import stamp
from app.stages.publish import Publish


class Played(Wrapped):
    """
    Another source, ``live`` or not as the benchmark wants it: a clip that is live loses frames at
    the door as a camera does; a pattern that is not loses none, and so is as fast as the pipeline.
    """

    def __init__(self, source: Source, live: bool) -> None:
        super().__init__(source)
        self.live = live

    def frames(self, stop: threading.Event) -> Frames:
        yield from self.source.frames(stop)


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
