"""show: keep each camera's newest picture for whoever asks for it now and then."""

from __future__ import generator_stop

from typing import Dict, Iterable, NamedTuple, Optional

import numpy as np

from app.core.frame import Frame
from app.core.stage import Frames, Stage


class Shown(NamedTuple):
    captured: float  # monotonic seconds
    image: np.ndarray  # (H, W, 3) uint8, BGR; to be read only


class Show(Stage):
    """Stands behind all that writes on a picture, so that what it keeps does not change."""

    name = "show"

    def __init__(self) -> None:
        self._newest: Dict[str, Shown] = {}

    def newest(self, camera: str) -> Optional[Shown]:
        """Any thread may ask."""
        return self._newest.get(camera)

    def run(self, frames: Iterable[Frame]) -> Frames:
        for frame in frames:
            self._newest[frame.source] = Shown(frame.captured, frame.image)
            yield frame
