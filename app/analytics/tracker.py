"""tracker: the boxes of one camera, frame after frame, become tracks with ids."""

from collections import deque
from typing import Deque, NamedTuple, Optional, Tuple

import numpy as np

from app.core.detections import Detections
from app.vision import assign, kalman

MOST_BOXES = 500  # of one frame, best first; the others are left out
MOST_TRACKS = 1000  # beyond it those end that have not been seen for longest
MOST_ENDED = 10000  # ids kept for ended() where nobody asks
FARTHEST = 1e6  # pixels; no picture has a box out there

# A pair must cost less: of sure boxes, of less sure ones, and of tracks not confirmed. The second
# is 1 - overlap, the others 1 - overlap x score.
FIRST, SECOND, NEW = 0.85, 0.5, 0.9
WIDEST = 0.5  # sides of the box: the most that one is widened by when its place is not sure
CLASSES = 4  # that a track may have been given, to tell the most frequent


class TrackSettings(NamedTuple):
    """What counts as the same thing seen again."""

    per_class: bool = True  # false: a track may change class, and has the one most often given
    score: float = 0.6  # a track is begun and confirmed by boxes at least this sure
    low: float = 0.1  # less sure ones, down to this, carry on tracks that there are
    lost_s: float = 2.0  # how long a track that is not seen is looked for
    confirm_s: float = 0.5  # a new track counts when seen again within this, or in the next frame


class Tracker:
    """
    The tracks of one camera. Ids are 1, 2, 3... and none is given twice.

    ByteTrack (Zhang et al., arXiv:2110.06864) on a Kalman filter of boxes as in SORT (Bewley et
    al., arXiv:1602.00763), in seconds where those count frames: frames may be lost, come unevenly
    or bear the same time. Time that runs back stands still. Where a track's place is not sure, it
    and the boxes are widened before they are compared, as in C-BIoU (Yang et al.,
    arXiv:2211.14317), but by the filter's standard deviation: much after a long gap, little at
    full rate. Memory is bounded by MOST_BOXES, MOST_TRACKS and MOST_ENDED. For one thread.
    """

    def __init__(
        self,
        settings: TrackSettings = TrackSettings(),  # noqa: B008
        given: int = 0,
    ) -> None:
        """``given``: how many ids of this camera were given before, by another tracker."""
        self._settings = settings
        self._tracks = _begun(Detections.empty(), 0.0)
        self._clock = 0.0  # seconds of time that ran on
        self._when: Optional[float] = None  # of the last update
        self.given = given  # ids
        self._ended: Deque[int] = deque(maxlen=MOST_ENDED)

    def update(self, detections: Detections, when: float) -> Detections:
        """
        Take in what was found in the frame of ``when``, monotonic seconds; give the confirmed
        tracks that were seen in it, oldest first. Their boxes are the filter's, which shake a
        quarter as much as those found, and may reach over the picture's edge.
        """
        last = self._clock
        gap = self._since(when)
        self._when = when
        self._clock += gap
        self._keep(self._clock - self._tracks.seen <= self._settings.lost_s)
        tracks = self._tracks._replace(state=kalman.predict(self._tracks.state, gap))
        found = _usable(detections, self._settings.low)
        pairing = self._paired(tracks, found, last)

        seen = np.flatnonzero(pairing.row_of >= 0)
        rows = pairing.row_of[seen]
        tracks.state[:, seen] = kalman.update(tracks.state[:, seen], found.xyxy[rows])
        tracks.state[1, pairing.row_of < 0, 2:] = 0  # what hides keeps its size
        tracks.score[seen] = found.score[rows]
        tracks.seen[seen] = self._clock
        if not self._settings.per_class:
            _vote(tracks, seen, found.class_id[rows])
        confirmed = seen[tracks.id[seen] == 0]
        tracks.id[confirmed] = self.given + 1 + np.arange(len(confirmed))
        self.given += len(confirmed)

        result = self._shown(tracks, seen[tracks.id[seen] > 0])
        self._tracks = tracks
        fresh = self._clock - tracks.seen <= self._settings.confirm_s
        self._keep((tracks.id > 0) | fresh)
        self._begin(found[pairing.free & (found.score >= self._settings.score)])
        return result

    def predict(self, when: float) -> Detections:
        """
        Where the tracks of the last update() will be at ``when``, for a frame that nothing looked
        at; none once that is longer ago than lost_s. Changes no track.
        """
        gap = self._since(when)
        there = (self._tracks.id > 0) & (self._tracks.seen == self._clock)
        there &= gap <= self._settings.lost_s
        moved = kalman.predict(self._tracks.state, gap)
        return self._shown(self._tracks._replace(state=moved), np.flatnonzero(there))

    def ended(self) -> Tuple[int, ...]:
        """Ids that have ended since the last call: not seen for longer than lost_s."""
        ids = tuple(self._ended)
        self._ended.clear()
        return ids

    def _since(self, when: float) -> float:
        """Seconds from the last update; 0 where time stands still or runs back."""
        return 0.0 if self._when is None else max(0.0, when - self._when)

    def _paired(self, tracks: "_Tracks", found: Detections, last: float) -> "_Pairing":
        """ByteTrack's passes: sure boxes, then less sure ones, then tracks not yet confirmed."""
        deviation = np.sqrt(tracks.state[2, :, :2])
        sides = np.maximum(tracks.state[0, :, 2:], kalman.LEAST)
        margin = np.minimum(deviation, WIDEST * sides)
        near = assign.overlap(kalman.boxes(tracks.state), found.xyxy, margin)
        if self._settings.per_class:
            near = near * (tracks.class_id[:, None] == found.class_id)
        known = tracks.id > 0
        sure = found.score >= self._settings.score / 2
        weighted = 1 - near * found.score
        pairing = _Pairing(len(known), len(found))
        pairing.add(known, sure, weighted, FIRST)
        pairing.add(known & (tracks.seen == last), ~sure, 1 - near, SECOND)
        pairing.add(~known, found.score >= self._settings.score, weighted, NEW)
        return pairing

    def _shown(self, tracks: "_Tracks", index: np.ndarray) -> Detections:
        """These tracks as the result."""
        state = tracks.state[:, index]
        return Detections(
            xyxy=kalman.boxes(state),
            score=tracks.score[index],
            class_id=tracks.class_id[index],
            track_id=tracks.id[index],
        )

    def _begin(self, found: Detections) -> None:
        if not len(found):
            return
        begun = _begun(found, self._clock)
        state, *columns = zip(self._tracks, begun)
        self._tracks = _Tracks(
            np.concatenate(state, axis=1), *(np.concatenate(both) for both in columns)
        )
        over = len(self._tracks.id) - MOST_TRACKS
        if over > 0:
            keep = np.ones(len(self._tracks.id), bool)
            keep[np.argsort(self._tracks.seen, kind="mergesort")[:over]] = False
            self._keep(keep)

    def _keep(self, which: np.ndarray) -> None:
        """End the other tracks."""
        if which.all():
            return
        gone = self._tracks.id[~which]
        self._ended.extend(gone[gone > 0].tolist())
        state, *columns = self._tracks
        self._tracks = _Tracks(state[:, which], *(column[which] for column in columns))


class _Tracks(NamedTuple):
    """T tracks as parallel columns."""

    state: np.ndarray  # (5, T, 4) float64, see kalman
    id: np.ndarray  # (T,) int32; 0: not confirmed
    class_id: np.ndarray  # (T,) int32
    score: np.ndarray  # (T,) float32, of the box last seen
    seen: np.ndarray  # (T,) float64: when last, by the tracker's clock
    classes: np.ndarray  # (T, CLASSES) int32, that it was given, and how often
    votes: np.ndarray  # (T, CLASSES) int64


def _begun(found: Detections, clock: float) -> _Tracks:
    count = len(found)
    votes = np.zeros((count, CLASSES), np.int64)
    votes[:, 0] = 1
    return _Tracks(
        state=kalman.start(found.xyxy),
        id=np.zeros(count, np.int32),
        class_id=found.class_id.copy(),
        score=found.score.copy(),
        seen=np.full(count, clock),
        classes=np.repeat(found.class_id[:, None], CLASSES, axis=1),
        votes=votes,
    )


def _usable(detections: Detections, low: float) -> Detections:
    """Those that are boxes and sure enough; the best MOST_BOXES of them."""
    xyxy = detections.xyxy
    with np.errstate(invalid="ignore"):  # a NaN is less than nothing
        good = (np.abs(xyxy) <= FARTHEST).all(axis=1) & (detections.score >= low)
        good &= (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    rows = np.flatnonzero(good)
    if len(rows) > MOST_BOXES:
        rows = rows[np.argsort(-detections.score[rows], kind="mergesort")[:MOST_BOXES]]
    return detections[rows]


def _vote(tracks: _Tracks, seen: np.ndarray, class_id: np.ndarray) -> None:
    """
    Count the class that each of these tracks was given, and name each by the most frequent.
    Exact for up to CLASSES of them; a further one takes the place and the count of the rarest:
    Metwally et al., Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005.
    """
    known = (tracks.classes[seen] == class_id[:, None]) & (tracks.votes[seen] > 0)
    slot = np.where(known.any(axis=1), known.argmax(axis=1), tracks.votes[seen].argmin(axis=1))
    tracks.classes[seen, slot] = class_id
    tracks.votes[seen, slot] += 1
    tracks.class_id[seen] = tracks.classes[seen, tracks.votes[seen].argmax(axis=1)]


class _Pairing:
    """Which box each track has been given so far."""

    def __init__(self, tracks: int, boxes: int) -> None:
        self.row_of = np.full(tracks, -1)
        self.free = np.ones(boxes, bool)  # boxes not given

    def add(self, tracks: np.ndarray, boxes: np.ndarray, cost: np.ndarray, limit: float) -> None:
        """Pair those of ``tracks`` and ``boxes``, masks, that are alone yet."""
        rows = np.flatnonzero(tracks & (self.row_of < 0))
        columns = np.flatnonzero(boxes & self.free)
        row, column = assign.assign(cost[rows[:, None], columns], limit)
        self.row_of[rows[row]] = columns[column]
        self.free[columns[column]] = False
