"""stage: what a pipeline is made of: Sources, then Stages."""

import abc
import threading
import time
from typing import FrozenSet, Generator, Iterable, Sequence

from app.core.frame import Frame
from app.core.steady import SteadyEvent

Frames = Generator[Frame, None, None]
Batch = Sequence[Frame]  # frames that were taken together, at most one of each camera
Batches = Generator[Batch, None, None]


class Stop(SteadyEvent):
    """
    Set: a pipeline is to end. By hand_on() it makes room for the next, which goes on with some of
    its cameras: these are not let go, and all that was taken of them goes all the way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: FrozenSet[str] = frozenset()  # the cameras that the next one goes on with
        self.when = 0.0  # monotonic seconds: when it was handed on

    def hand_on(self, cameras: Iterable[str]) -> None:
        self.kept, self.when = frozenset(cameras), time.monotonic()
        self.set()


def kept(stop: threading.Event) -> FrozenSet[str]:
    """The cameras that another pipeline goes on with after this stop; mostly none."""
    return stop.kept if isinstance(stop, Stop) else frozenset()


class Source(abc.ABC):
    """One camera. ``live`` sources lose old frames rather than fall behind; others lose none."""

    name = "capture"
    camera: str
    live: bool
    state = "playing"  # for people: "connecting", "playing", "lost: reason"
    since = 0.0  # monotonic seconds: when the state began; of "lost", when the last picture came
    next_try = 0.0  # monotonic seconds: when a lost camera is tried again
    reconnects = 0
    replays = 0  # how often a clip has begun anew

    @abc.abstractmethod
    def frames(self, stop: threading.Event) -> Frames:
        """
        Yield frames until the stream ends. Must notice ``stop`` within a second.

        Runs on a thread of its own, opens and closes what it needs there. Raises SourceError
        if the source cannot be read at all; a live camera that is lost is no error and is retried.
        """


class Wrapped(Source):
    """A source whose frames are another's, changed; how that one is, this one is."""

    def __init__(self, source: Source) -> None:
        self.camera = source.camera
        self.live = source.live
        self.source = source

    @property
    def state(self) -> str:  # type: ignore[override]
        return self.source.state

    @property
    def since(self) -> float:  # type: ignore[override]
        return self.source.since

    @property
    def next_try(self) -> float:  # type: ignore[override]
        return self.source.next_try

    @property
    def reconnects(self) -> int:  # type: ignore[override]
        return self.source.reconnects

    @property
    def replays(self) -> int:  # type: ignore[override]
        return self.source.replays


class Stage(abc.ABC):
    name = "stage"

    @abc.abstractmethod
    def run(self, frames: Iterable[Frame]) -> Frames:
        """
        Yield each frame on, changed or not. Set up above the loop, tear down in a
        ``with`` around it: all of it runs on one thread. To drop a frame, do not
        yield it. To fail, raise.
        """


class BatchStage(abc.ABC):
    """A stage for which frames that were taken together stay together. Such stages come first."""

    name = "stage"

    @abc.abstractmethod
    def run(self, batches: Iterable[Batch]) -> Batches:
        """Yield each batch on, as Stage.run does its frames; an empty one is not yielded."""
