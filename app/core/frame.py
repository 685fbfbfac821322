"""frame: one picture and what we have learned about it."""

from typing import Any, NamedTuple, Optional, Tuple

import numpy as np

from app.core.detections import Detections


class Event(NamedTuple):
    """Something worth telling the outside world."""

    kind: str  # "line.in", "line.out", "zone.enter", "zone.exit"
    place: str  # the line's or zone's name in the config
    track_id: int
    class_id: int


class Top(NamedTuple):
    """One of the classes that a classifier named a whole picture by."""

    class_id: int
    score: float  # 0..1


class Frame(NamedTuple):
    """
    What travels through the pipeline: a value, so a stage yields a changed copy.

    The copy is shallow. ``image`` stays one buffer, and only overlay draws on it.
    """

    source: str  # camera name from the config
    number: int  # 0, 1, 2... per source; a gap is a dropped frame
    captured: float  # seconds, monotonic, when the picture arrived
    image: np.ndarray  # (H, W, 3) uint8, BGR
    time: float = 0.0  # seconds: place in the clip for files, UNIX time for live sources
    file: str = ""  # the picture's file name, for folders
    tensor: Any = None  # the backend's own; set by preprocess, cleared by detect or classify
    detections: Optional[Detections] = None
    tops: Optional[Tuple[Top, ...]] = None  # best first; set by classify
    labels: Tuple[str, ...] = ()  # names of each class_id; set by detect or classify
    events: Tuple[Event, ...] = ()
    marks: Tuple[Tuple[str, float], ...] = ()  # (stage done or channel left, when)

    @property
    def size_wh(self) -> Tuple[int, int]:
        """Width and height of the picture."""
        return self.image.shape[1], self.image.shape[0]

    def marked(self, name: str, when: float) -> "Frame":
        """This frame with one more mark, at half the price of _replace."""
        return Frame(*self[:-1], self.marks + ((name, when),))

    def __repr__(self) -> str:
        return f"<Frame {self.source}#{self.number}>"
