"""results: what was measured, as plain values, and the JSON file that holds them."""

import json
import statistics
from types import MappingProxyType
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from app import atomic
from app.device import record
from app.device.backend import Layer
from app.errors import ConfigError, OutputError

FORMAT = "jetwatch-bench/1"
CAPTURE = "capture"  # the step that ends where latency begins
TO_DOOR = "to door"  # the next: what the source still does to the picture, and how late it is
_MOST_BYTES = 64 << 20


class Spread(NamedTuple):
    """Durations in milliseconds. What too few samples were there for is None."""

    samples: int
    mean: Optional[float] = None
    p50: Optional[float] = None
    p95: Optional[float] = None
    p99: Optional[float] = None


class Step(NamedTuple):
    """One step of a frame's way: the stage that ends it, or "to NAME": the wait before it."""

    name: str
    spread: Spread


class Use(NamedTuple):
    """What a run took of the machine while it was measured. None: this machine does not tell."""

    cpu_percent: Optional[float] = None  # of the program; 100: one core
    cpu_readings: Optional[int] = None  # after the first; None: not counted
    rss_mb: Optional[float] = None  # at the end
    device_mb: Optional[float] = None  # device memory that is ours
    power_w: Optional[float] = None  # mean, of the board or the card
    readings: Optional[int] = None  # of power, or else of heat; None: not counted
    mj_per_frame: Optional[float] = None
    hottest_c: Optional[float] = None
    clocks_mhz: Mapping[str, float] = MappingProxyType({})  # means
    throttled: Tuple[str, ...] = ()  # reasons that were seen meanwhile
    others_percent: Optional[float] = None  # CPU that other programs took; 100: one core
    gpu_before_percent: Optional[float] = None  # the GPU's load before the run: of others alone


class Run(NamedTuple):
    """One run of one setting, as of its steady part."""

    warm_up_s: float  # left out at the start
    seconds: float  # that were measured
    steady: bool  # False: the rate was still changing at the end
    frames: int  # finished
    fps: Optional[float]  # finished a second, of all cameras
    latency: Spread  # from capture to the end of the last stage
    steps: Tuple[Step, ...]
    glass: Optional[Spread] = None  # from capture to a decoded picture in the RTSP client
    came: int = 0  # frames that cameras gave
    dropped: int = 0  # of these at the door
    skipped: int = 0  # not encoded, as the encoder was busy
    unseen: int = 0  # encoded, and never seen by the client
    unread: Optional[int] = None  # seen, its stamp not to be read; None: not counted
    repeated: int = 0  # pictures that the client got once more
    replays: int = 0  # how often the clip that did so most often began anew
    served: Optional[Spread] = None  # from the end of the last stage to the client's picture
    use: Use = Use()
    timeline: Tuple[Tuple[float, float, Optional[float]], ...] = ()  # s, fps, p50 latency in ms
    histogram: Tuple[Tuple[float, int], ...] = ()  # latency: upper edge in ms, frames


class Floor(NamedTuple):
    """The network alone, by turns with our way from a picture to its detections; one thread."""

    runtime: str  # "TensorRT 8.6.0", "ONNX Runtime 1.10.0"
    raw: Spread  # nothing copied, as trtexec measures it
    ours: Spread
    batch: int = 1
    raw_fps: Optional[float] = None  # pictures a second, of the network alone
    costs: Tuple[float, ...] = ()  # ms that we add, p50, of each repeat; the rest: the middle one
    uses: Tuple[Use, ...] = ()  # of the machine meanwhile, of each repeat
    pictures: int = 1  # that were timed by turns

    @property
    def cost_ms(self) -> Optional[float]:
        """What we add, p50; the median of the repeats."""
        if self.costs:
            return float(statistics.median(self.costs))
        if self.ours.p50 is None or self.raw.p50 is None:
            return None
        return self.ours.p50 - self.raw.p50


class Accuracy(NamedTuple):
    """``ap`` needs labels; ``agreement`` is with FP32 on the CPU. None: not known."""

    pictures: int
    ap: Optional[float] = None  # mAP@[.5:.95]
    ap50: Optional[float] = None
    agreement: Optional[float] = None
    source: str = ""  # what the pictures are
    pictures_sha256: str = ""  # of all of them and their labels; empty: not told


class Trial(NamedTuple):
    """One setting and what became of it. ``problem``: why not all of it could be measured."""

    name: str  # as people call it: the values that differ between trials
    setting: Mapping[str, str]  # every value: "model", "precision", "size", "batch", ...
    runs: Tuple[Run, ...] = ()  # at the cameras' own rate
    flat: Tuple[Run, ...] = ()  # as fast as it goes; empty where a camera sets the rate
    floor: Optional[Floor] = None
    accuracy: Optional[Accuracy] = None
    layers: Tuple[Layer, ...] = ()
    model_sha256: str = ""
    config: Tuple[str, ...] = ()  # lines of the YAML that was run
    problem: str = ""
    single: bool = False  # one camera, each picture of which is looked at
    repeats: int = 0  # runs at each pace that were asked for; 0: not told


class Machine(NamedTuple):
    """Where it was measured. Empty: not told, or not there."""

    name: str = ""  # "Jetson Orin Nano", or the CPU's
    cpu: str = ""
    cores: int = 0  # that this process may use
    memory_mb: int = 0
    gpu: str = ""
    system: str = ""  # "Ubuntu 18.04.6 LTS"
    kernel: str = ""
    l4t: str = ""
    jetpack: str = ""
    driver: str = ""
    cuda: str = ""
    tensorrt: str = ""
    onnxruntime: str = ""
    opencv: str = ""
    gstreamer: str = ""
    encoder: str = ""  # the element that makes H.264
    python: str = ""
    power_mode: str = ""
    clocks: str = ""  # whether they are locked, in words


class Document(NamedTuple):
    """One `jetwatch bench`."""

    format: str
    version: str  # of jetwatch
    command: str
    date: str  # UTC, ISO 8601
    machine: Machine
    trials: Tuple[Trial, ...]
    notes: Tuple[str, ...] = ()  # what speaks against these figures, for people
    interrupted: bool = False
    code: str = ""  # sha256 of Jetwatch's own files
    commit: str = ""  # of its checkout, with "+" where files are changed


def text(document: Document) -> str:
    return json.dumps(record.plain(document), indent=1, sort_keys=False) + "\n"


def write(path: str, document: Document) -> None:
    """Raises OutputError; nothing is half written."""
    try:
        atomic.write(path, text(document).encode("ascii"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def read(path: str) -> Document:
    """Raises ConfigError for what is no such file."""
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        value: Any = json.loads(content.decode("utf-8"))
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise ConfigError(
                f"{path}: is no {FORMAT} file. Make one: jetwatch bench --json {path}"
            )
        document: Document = record.made(Document, value)
        return document
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no {FORMAT} file: {error}") from error
