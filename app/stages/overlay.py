"""overlay: draw what was found on the picture, in place."""

from __future__ import generator_stop

from typing import Iterable

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.draw import PLAIN, Style, draw, draw_classes


class Overlay(Stage):
    name = "overlay"

    def __init__(self, style: Style = PLAIN) -> None:
        self._style = style

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            if frame.detections is not None:
                draw(frame.image, frame.detections, frame.labels, self._style)
            if frame.tops is not None:
                draw_classes(frame.image, frame.tops, frame.labels, self._style)
            yield frame
