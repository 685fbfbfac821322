"""facts: what is known of the service at one moment: values, which any thread may read."""

from typing import NamedTuple, Optional, Tuple

from app.core.meter import Histogram
from app.core.vitals import Vitals


class CameraFacts(NamedTuple):
    """Moments are monotonic seconds, as of ``Facts.when``."""

    name: str
    live: bool = True
    state: str = "connecting"  # as Source.state
    since: float = 0.0  # when the state began
    next_try: float = 0.0
    reconnects: int = 0
    frames: int = 0  # that have gone all the way
    dropped: int = 0  # at the door
    fps: float = 0.0  # finished frames a second, over the latest seconds
    dropping: float = 0.0  # 0..1 of the frames that came in the latest seconds
    captured: Optional[float] = None  # when the newest finished frame was
    patience_s: float = 5.0  # a live camera's newest frame is stale once it is older

    @property
    def lost(self) -> bool:
        return self.state.startswith("lost")

    @property
    def up(self) -> bool:
        """Whether it gives pictures now, as far as is known."""
        return self.state == "playing"


class QueueFacts(NamedTuple):
    name: str
    depth: int


class MountFacts(NamedTuple):
    """One path of the RTSP server."""

    name: str
    viewers: int
    encoded: int
    skipped: int  # while the encoder was busy


class ModelFacts(NamedTuple):
    """What a camera is looked at with, as it was loaded."""

    camera: str
    model: str
    precision: str  # "fp32", "fp16" or "int8"
    input_wh: Tuple[int, int]


class Machine(NamedTuple):
    """What is known beside the pipeline: of the machine, and of what is done about it."""

    vitals: Vitals = Vitals()
    step: int = 0  # of doing less than asked for; 0: all is done
    reasons: Tuple[str, ...] = ()  # why less is done, for people
    complaints: Tuple[str, ...] = ()  # of outputs, for people
    memory_used: Optional[int] = None  # bytes of this process
    memory_limit: Optional[int] = None  # its budget


NO_MACHINE = Machine()


class Facts(NamedTuple):
    """Moments are monotonic seconds."""

    when: float
    running: bool = False  # False while the first models are loaded or built
    loading: bool = False  # models of another config are, beside what runs: no facts meanwhile
    progressed: float = 0.0  # when a frame was last finished, or a camera tried again
    patience_s: float = 60.0  # without progress, before it counts as hung
    backend: str = ""
    pictures: bool = False  # whether any are drawn that could be shown
    cameras: Tuple[CameraFacts, ...] = ()
    models: Tuple[ModelFacts, ...] = ()
    queues: Tuple[QueueFacts, ...] = ()
    mounts: Tuple[MountFacts, ...] = ()
    stages: Tuple[Histogram, ...] = ()
    latencies: Optional[Histogram] = None
    machine: Machine = NO_MACHINE

    @property
    def frames(self) -> int:
        return sum(camera.frames for camera in self.cameras)
