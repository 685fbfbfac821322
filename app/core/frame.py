"""frame: one picture and what we have learned about it."""

from types import MappingProxyType
from typing import Any, Mapping, NamedTuple, Optional, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.event import Attribute, Event, Place


class Top(NamedTuple):
    """One of the classes that a classifier named a whole picture by."""

    class_id: int
    score: float  # 0..1


class Frame(NamedTuple):
    """
    What travels through the pipeline: a value, so a stage yields a changed copy.

    The copy is shallow. ``image`` stays one buffer, and only privacy and overlay write on it.
    """

    source: str  # camera name from the config
    number: int  # 0, 1, 2... per source; a gap is a dropped frame
    captured: float  # seconds, monotonic, when the picture arrived
    image: np.ndarray  # (H, W, 3) uint8, BGR
    time: float = 0.0  # seconds: place in the clip for files, UNIX time for live sources
    live: bool = False  # of a camera, not of a file
    file: str = ""  # the picture's file name, for folders
    look: bool = True  # whether the detector is to run on it; else its tracks are moved on
    tensor: Any = None  # the backend's own; set by preprocess, cleared by detect or classify
    detections: Optional[Detections] = None
    found: Optional[Detections] = None  # where tracked: all that the detector found, also unsure
    tops: Optional[Tuple[Top, ...]] = None  # best first; set by classify
    labels: Tuple[str, ...] = ()  # names of each class_id; set by detect or classify
    private: Optional[np.ndarray] = None  # (N, 4) float32 xyxy to hide; None: not known
    ended: Tuple[int, ...] = ()  # tracks that have ended since the camera's last frame
    attributes: Mapping[int, Tuple[Attribute, ...]] = MappingProxyType({})  # of a track
    events: Tuple[Event, ...] = ()  # set by watch
    places: Tuple[Place, ...] = ()  # the camera's zones and lines; set by watch
    heat: Optional[np.ndarray] = None  # (rows, columns) seconds that things were there
    marks: Tuple[Tuple[str, float], ...] = ()  # (stage done or channel left, when)

    @property
    def size_wh(self) -> Tuple[int, int]:
        """Width and height of the picture."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def moment(self) -> float:
        """Seconds that durations in the scene are counted by: a file's place, or ``captured``."""
        return self.captured if self.live else self.time

    def marked(self, name: str, when: float) -> "Frame":
        """This frame with one more mark, at half the price of _replace."""
        return Frame(*self[:-1], self.marks + ((name, when),))

    def __repr__(self) -> str:
        return f"<Frame {self.source}#{self.number}>"
