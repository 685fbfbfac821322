"""track: boxes of one object get one number, from picture to picture."""

from __future__ import generator_stop

from typing import Dict, Iterable, Mapping, Optional, Tuple

from app.analytics.tracker import Tracker
from app.core.frame import Frame, Top
from app.core.stage import Batch, Batches, BatchStage


class Track(BatchStage):
    """
    A tracker of each of these cameras; of others, what a classifier said last is held. What the
    detector found becomes the tracks that are seen; on a frame that it did not look at, tracks
    are moved on.
    """

    name = "track"

    def __init__(
        self, trackers: Mapping[str, Tracker], given: Optional[Dict[str, int]] = None
    ) -> None:
        """``given``: of a camera, the ids that it has had; kept up to date, for later trackers."""
        self._given: Dict[str, int] = {} if given is None else given
        self._trackers = trackers
        self._labels: Dict[str, Tuple[str, ...]] = {}
        self._tops: Dict[str, Optional[Tuple[Top, ...]]] = {}

    def run(self, batches: Iterable[Batch]) -> Batches:
        for batch in batches:
            yield [self._tracked(frame) for frame in batch]

    def _tracked(self, frame: Frame) -> Frame:
        tracker = self._trackers.get(frame.source)
        if tracker is None:
            return self._held(frame)
        if frame.detections is None:
            tracks = tracker.predict(frame.moment)
        else:
            tracks = tracker.update(frame.detections, frame.moment)
            self._labels[frame.source] = frame.labels
            self._given[frame.source] = tracker.given
        labels = self._labels.get(frame.source, ())
        return frame._replace(
            detections=tracks, found=frame.detections, labels=labels, ended=tracker.ended()
        )

    def _held(self, frame: Frame) -> Frame:
        if frame.look:
            self._tops[frame.source] = frame.tops
            self._labels[frame.source] = frame.labels
            return frame
        return frame._replace(
            tops=self._tops.get(frame.source), labels=self._labels.get(frame.source, ())
        )
