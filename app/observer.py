"""observer: once a second, what a pipeline is at becomes facts on the board."""

import collections
import functools
from typing import Deque, Iterator, Mapping, NamedTuple, Optional, Tuple

from app.chosen import stuck_s
from app.conflicts import Config
from app.core.meter import Newest, Reading
from app.core.pipeline import Pipeline
from app.core.stage import Source
from app.device.backend import Backend
from app.media.camera import Camera
from app.media.picture import jpeg
from app.service.board import Board, Picture
from app.service.facts import (
    NO_MACHINE,
    CameraFacts,
    Facts,
    Machine,
    ModelFacts,
    MountFacts,
    QueueFacts,
)
from app.stages.preprocess import Preprocess
from app.stages.publish import Publish
from app.stages.show import Show

_WINDOW_S = 5.0  # over which rates are taken
_STALE_S = 5.0


class _Count(NamedTuple):
    """Of one camera at one moment."""

    frames: int  # finished
    came: int  # at the door
    dropped: int  # there


class _Moment(NamedTuple):
    when: float
    counts: Mapping[str, _Count]


class Observer:
    """Used by the main thread alone. Its facts, and the pictures, are for the board's readers."""

    def __init__(
        self, config: Config, pipeline: Pipeline, backend: Backend, board: Board, now: float
    ) -> None:
        self._pipeline = pipeline
        self._board = board
        self._cameras = {camera.name: camera for camera in config.cameras}
        self._moments: Deque[_Moment] = collections.deque()
        stages = [stage for lane in pipeline.lanes for stage in lane]
        self._publish = [stage for stage in stages if isinstance(stage, Publish)]
        self._show = [stage for stage in stages if isinstance(stage, Show)]
        self._facts = Facts(
            now,
            running=True,
            progressed=now,
            patience_s=stuck_s(config),
            backend=backend.name,
            pictures=bool(self._show),
            models=tuple(one for stage in stages for one in _models(stage)),
        )
        board.pictures = self._picture

    def update(
        self, now: float, reading: Reading, progressed: float, machine: Machine = NO_MACHINE
    ) -> None:
        """
        Moments in monotonic seconds. ``reading`` of the pipeline's meter, just taken;
        ``progressed``: when anything was last done; the pipeline's beginning counts as that too.
        """
        self._facts = self._facts._replace(
            when=now,
            progressed=max(self._facts.progressed, progressed),
            cameras=self._camera_facts(now, reading),
            queues=self._queues(),
            mounts=self._mounts(),
            stages=reading.histograms,
            latencies=reading.latencies,
            machine=machine,
        )
        self._board.update(self._facts)

    def _camera_facts(self, now: float, reading: Reading) -> Tuple[CameraFacts, ...]:
        done, doors = dict(reading.cameras), self._pipeline.dropped()
        counts = {
            name: _Count(done.get(name, 0), one.accepted, one.dropped)
            for name, one in doors.items()
        }
        self._moments.append(_Moment(now, counts))
        while len(self._moments) > 2 and now - self._moments[1].when >= _WINDOW_S:
            self._moments.popleft()
        before = self._moments[0]
        newest = {one.camera: one for one in reading.newest}
        return tuple(
            _facts_of(
                source,
                self._cameras[source.camera],
                _Span(now - before.when, before.counts[source.camera], counts[source.camera]),
                newest.get(source.camera),
                self._pipeline.ended.get(source.camera),
            )
            for source in self._pipeline.sources
        )

    def _queues(self) -> Tuple[QueueFacts, ...]:
        waiting = sum(one.depth for one in self._pipeline.dropped().values())
        queues = self._pipeline.queues().items()
        return (QueueFacts("door", waiting), *(QueueFacts(name, q.depth) for name, q in queues))

    def _mounts(self) -> Tuple[MountFacts, ...]:
        return tuple(
            MountFacts(name, one.viewers, one.encoded, one.skipped)
            for publish in self._publish
            for name, one in publish.stats().items()
        )

    def _picture(self, camera: str) -> Optional[Picture]:
        """Asked by the threads that answer; the picture is theirs to look at, not to change."""
        for show in self._show:
            shown = show.newest(camera)
            if shown is not None:
                return Picture(shown.captured, functools.partial(jpeg, shown.image))
        return None


def _models(stage: object) -> Iterator[ModelFacts]:
    if isinstance(stage, Preprocess):
        for camera, network in stage.networks.items():
            size_wh = network.input.size_wh
            yield ModelFacts(camera, network.model.name, network.precision, size_wh)


class _Span(NamedTuple):
    """What a camera's counts were and are, and how many seconds apart."""

    seconds: float
    before: _Count
    after: _Count

    @property
    def fps(self) -> float:
        return (self.after.frames - self.before.frames) / self.seconds if self.seconds > 0 else 0.0

    @property
    def dropping(self) -> float:
        came = self.after.came - self.before.came
        return (self.after.dropped - self.before.dropped) / came if came > 0 else 0.0


def _facts_of(
    source: Source,
    camera: Camera,
    span: _Span,
    newest: Optional[Newest],
    ended: Optional[str],
) -> CameraFacts:
    """``ended``: why the source gives no more, "" where it was at its end; None: it goes on."""
    apart_s = 1 / camera.most_fps if camera.most_fps else 0.0
    return CameraFacts(
        source.camera,
        source.live,
        source.state if ended is None else f"ended: {ended}" if ended else "ended",
        source.since,
        source.next_try,
        source.reconnects,
        span.after.frames,
        span.after.dropped,
        span.fps,
        span.dropping,
        None if newest is None else newest.captured,
        max(_STALE_S, 3 * apart_s),
    )
