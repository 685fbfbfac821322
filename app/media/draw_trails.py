"""draw_trails: where each track of one camera has been, fading, in place."""

from typing import Dict, List, Optional, Tuple

import cv2
import numpy as np

from app.core.detections import Detections
from app.media.draw_letters import PALETTE, THEMES, Pen, pen_for

_POINTS = 16  # kept of a track
_TRACKS = 256  # kept of a camera
_UNSEEN_S = 1.0  # then a track is forgotten
_STILL = 2.0  # pixels
_PALETTE = np.array(PALETTE, np.float32)


class Trails:
    """The latest way of each track's lower middle; its memory does not grow."""

    def __init__(self, seconds: float, theme: str = "dark", scale: float = 1.0) -> None:
        self._seconds = seconds
        self._fading = THEMES[theme].shaded
        self._scale = scale
        self._size_wh: Optional[Tuple[int, int]] = None
        self._latest = 0.0
        # A row for each track: x, y, when of its latest points, then where it was last seen.
        self._points = np.zeros((_TRACKS, _POINTS + 1, 3))
        self._class_ids = np.zeros(_TRACKS, int)
        self._rows: Dict[int, int] = {}
        self._free = list(range(_TRACKS))

    def add(self, found: Detections, when: float, size_wh: Tuple[int, int]) -> None:
        """
        Take in where the tracks of a frame are at ``when``, in seconds. All is forgotten where the
        picture's size is another than before, or time goes backwards.
        """
        if size_wh != self._size_wh or when < self._latest:
            self._forget(list(self._rows))
        self._size_wh, self._latest = size_wh, when
        known = np.isfinite(found.xyxy).all(axis=1) & (found.track_id >= 0)
        known = np.flatnonzero(known)[:_TRACKS]
        rows = self._rows_of(found.track_id[known].tolist())
        self._class_ids[rows] = found.class_id[known]
        boxes = np.maximum(-1e4, np.minimum(1e5, found.xyxy[known]))
        heads = np.empty((len(known), 3))
        heads[:, 0] = (boxes[:, 0] + boxes[:, 2]) / 2
        heads[:, 1] = boxes[:, 3]
        heads[:, 2] = when
        latest = self._points[rows, -2]
        step = min(size_wh) / 20  # a curve through fewer points looks the same
        moved = np.abs(heads[:, :2] - latest[:, :2]).sum(axis=1)
        far = moved > 10 * step  # nothing walks so far unseen
        if far.any():
            self._points[rows[far], :-1, 2] = -np.inf
        further = (moved >= step) | (latest[:, 2] < when - self._seconds)
        if further.any():
            grown = rows[further]
            self._points[grown, :-2] = self._points[grown, 1:-1]
            self._points[grown, -2] = heads[further]
        self._points[rows, -1] = heads

    def draw(self, image: np.ndarray) -> None:
        """Draw on (H, W, 3) uint8, BGR, each trail in the colour of its track's class."""
        pen = pen_for(image.shape[1], image.shape[0], self._scale)
        for x1, y1, x2, y2, blue, green, red, wide in self._lines(image, pen).tolist():
            cv2.line(image, (x1, y1), (x2, y2), (blue, green, red), wide, cv2.LINE_AA)

    def _rows_of(self, track_ids: List[int]) -> np.ndarray:
        """(N,) rows, new ones for tracks not seen before, for which the unseen have to go."""
        rows = self._rows
        if len(rows) > len(track_ids):
            seen = self._points[list(rows.values()), -1, 2].tolist()
            self._forget([n for n, when in zip(rows, seen) if self._latest - when > _UNSEEN_S])
        new = [number for number in track_ids if number not in rows]
        lack = len(new) - len(self._free)
        if lack > 0:
            unseen = set(rows).difference(track_ids)
            self._forget(sorted(unseen, key=lambda n: float(self._points[rows[n], -1, 2]))[:lack])
        for number in new:
            row = rows[number] = self._free.pop()
            self._points[row, :, 2] = -np.inf
        return np.array([rows[number] for number in track_ids], int)

    def _forget(self, track_ids: List[int]) -> None:
        self._free += [self._rows.pop(number) for number in track_ids]

    def _lines(self, image: np.ndarray, pen: Pen) -> np.ndarray:
        """
        (K, 8) int: x, y where a line begins and ends, its blue, green and red, and its width. It is
        as clear as it is new: its colour is mixed with that of the scene at its middle, which costs
        less than to blend pixels.
        """
        rows = np.array(list(self._rows.values()), int)
        points = self._points[rows].reshape(-1, 3)
        apart = np.abs(points[1:, :2] - points[:-1, :2])
        shown = np.maximum(apart[:, 0], apart[:, 1]) > _STILL  # not what stands and only trembles
        shown &= points[:-1, 2] >= self._latest - self._seconds
        shown[_POINTS :: _POINTS + 1] = False  # from a track to the next
        at = np.flatnonzero(shown)
        begin, end = points.take(at, axis=0), points.take(at + 1, axis=0)
        middle = (begin + end) / 2
        clear = np.maximum(0, 1 - (self._latest - middle[:, 2]) / self._seconds)
        colours = _PALETTE[self._class_ids[rows[at // (_POINTS + 1)]] % len(_PALETTE)]
        if self._fading:
            limit = np.array([image.shape[1] - 1, image.shape[0] - 1])
            x, y = np.maximum(0, np.minimum(limit, middle[:, :2])).astype(int).T
            behind = image[y, x]
            colours = behind + (colours - behind) * clear[:, None]
        lines = np.empty((len(at), 8), int)
        lines[:, :2] = begin[:, :2] + 0.5
        lines[:, 2:4] = end[:, :2] + 0.5
        lines[:, 4:7] = colours
        # A wide smooth line takes OpenCV twice as long as a narrow one.
        lines[:, 7] = np.where(clear > 0.7, pen.thin, (pen.thin + 1) // 2)
        return lines
