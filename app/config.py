"""
config: a YAML file, or flags alone, become a checked Config.

What may be written stands once, in ``CONFIG``: the reader, the JSON Schema in configs/ and the
defaults all come from it.
"""

import os
import re
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from app import catalogue, kinds, settings
from app.device.backend import BackendSettings
from app.errors import ConfigError
from app.kinds import DEFAULTS, Flag, ListOf, Number, Text, Whole
from app.manifest import Inline, inline_group
from app.media import uri
from app.media.camera import Camera
from app.media.draw import PLAIN, Style
from app.media.mount import RtspSettings
from app.settings import Complaint, Group, Setting
from app.stages import record
from app.stages.detect import DetectSettings
from app.stages.record import RecordSettings
from app.stages.report import ReportSettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")


class Config(NamedTuple):
    """Everything that ``assemble`` needs. ``rtsp``, ``record`` and ``report`` are off when None."""

    cameras: Tuple[Camera, ...]
    detect: DetectSettings
    models: Tuple[Inline, ...] = ()  # those that the catalogue lacks
    backend: BackendSettings = BackendSettings()
    overlay: Style = PLAIN
    rtsp: Optional[RtspSettings] = None
    record: Optional[RecordSettings] = None
    report: Optional[ReportSettings] = None


def load(path: str) -> Config:
    """Read a config file. Raises one ConfigError that lists every problem with its line."""
    config: Config = settings.read(path, CONFIG)
    return config


def parse(text: str, path: str = "config") -> Config:
    """Read a config from text."""
    config: Config = settings.parse(text, CONFIG, path)
    return config


def schema() -> Dict[str, Any]:
    """The JSON Schema of a config file, as configs/schema.json has it."""
    return settings.schema(CONFIG, "Jetwatch config")


class Flags(NamedTuple):
    """What the command line may say in place of a config file, or over it."""

    source: Optional[str] = None
    model: Optional[str] = None
    record: Optional[str] = None
    report: Optional[str] = None
    rtsp: Optional[int] = None  # the port
    score: Optional[float] = None
    backend: Optional[str] = None
    threads: Optional[int] = None
    realtime: bool = False
    loop: bool = False


def with_flags(base: Optional[Config], flags: Flags) -> Config:
    """A config, or none, with the flags put over it. Raises ConfigError."""
    if base is None:
        if flags.source is None:
            raise ConfigError("there is nothing to watch. Name a CONFIG file or --source URI")
        base = Config((), DetectSettings(flags.model or catalogue.default()))
    cameras = base.cameras
    if flags.source is not None:
        source = uri.parse(flags.source)
        # One camera keeps its name and ways, but its password is not for another source.
        alone = cameras[0] if len(cameras) == 1 else Camera("camera", source)
        cameras = (alone._replace(uri=source, user="", password=""),)
    if flags.realtime:
        cameras = tuple(camera._replace(realtime=True) for camera in cameras)
    if flags.loop:
        cameras = tuple(camera._replace(loop=True) for camera in cameras)
    rtsp = base.rtsp
    if flags.rtsp is not None:
        rtsp = (rtsp or RtspSettings())._replace(port=flags.rtsp)
    config = base._replace(
        cameras=cameras,
        detect=_over(base.detect, model=flags.model, score=flags.score),
        backend=_over(base.backend, kind=flags.backend, threads=flags.threads),
        rtsp=rtsp,
        record=base.record if flags.record is None else RecordSettings(flags.record),
        report=base.report if flags.report is None else ReportSettings(flags.report),
    )
    wrong = [complaint.text for complaint in _disagreements(config)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def _over(settings_: Any, **values: Any) -> Any:
    """The settings with those values that are not None."""
    return settings_._replace(**{key: value for key, value in values.items() if value is not None})


def _disagreements(config: Config) -> Iterator[Complaint]:
    names = [one.name for one in config.cameras]
    for row, name in enumerate(names):
        if name in names[:row]:
            yield Complaint(
                ("cameras", row, "name"),
                f"{name!r} is the name of two cameras; give each its own",
            )
    models = [entry.name for entry in config.models]
    for row, name in enumerate(models):
        if name in models[:row]:
            yield Complaint(
                ("models", row, "name"), f"{name!r} is the name of two models; give each its own"
            )
    if config.record and len(set(names)) == len(names):
        try:
            record.paths(config.record.path, names)
        except ConfigError as error:
            yield Complaint(("record", "path"), str(error))


def _camera(source: uri.Uri, **values: Any) -> Camera:
    return Camera(uri=source, **values)


def _name(text: str) -> Optional[str]:
    if _NAME.match(text):
        return None
    return "must be letters, digits, - and _ (it becomes part of a URL and of file names)"


class _Source(Text):
    """A source's URI. What it says is never repeated in a message."""

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        text = super().read(node, place, report)
        if text is None:
            return None
        try:
            return uri.parse(text)
        except ConfigError as error:
            return report.wrong(node, place, f"cannot be used: {error}")


class _Secret(Group):
    """A password by reference: {env: NAME} or {file: PATH}, never written out."""

    def __init__(self) -> None:
        super().__init__(
            lambda env, file: (env, file),
            (
                Setting("env", Text(), None, "the environment variable that holds it"),
                Setting("file", Text(), None, "the file whose first line holds it"),
            ),
        )

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        if kinds.kind_of(node) != "a mapping":
            return report.wrong(node, place, "must be {env: NAME} or {file: PATH}, not written out")
        told = super().read(node, place, report)
        if told is None:
            return None
        env, file = told
        if (env is None) == (file is None):
            return report.wrong(node, place, "must have one of env and file")
        if env is not None:
            if env not in os.environ:
                return report.wrong(node, place, f"names {env}, which the environment lacks")
            return os.environ[env]
        try:
            with open(file) as lines:
                return lines.readline().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            return report.wrong(node, place, f"names {file}, which cannot be read: {error}")


_CAMERA = Group(
    _camera,
    (
        Setting("name", Text(check=_name), about="a short name; also its RTSP mount"),
        Setting(
            "source",
            _Source(secret=True),
            about="a file, a folder of pictures, rtsp(s)://, http(s):// (MJPEG), "
            "v4l2:///dev/video0, csi://0 or test://",
        ),
        Setting("user", Text(), "", "the camera's user name"),
        Setting("password", _Secret(), "", "the camera's password: {env: NAME} or {file: PATH}"),
        Setting("transport", Text(("tcp", "udp")), "tcp", "how RTSP carries the picture"),
        Setting("latency_ms", Whole(0, 10000), 200, "RTSP: how long to wait for late packets"),
        Setting("timeout_s", Number(0.5, 300), 5.0, "no picture for this long: connect anew"),
        Setting("size_wh", ListOf(Whole(16, 16384), 2, 2), None, "v4l2, csi: picture to ask for"),
        Setting("fps", Number(0.1, 1000), None, "v4l2, csi: pictures a second to ask for"),
        Setting("realtime", Flag(), None, "file: play at its own speed (default: when served)"),
        Setting("loop", Flag(), False, "file: begin again at the end"),
    ),
)

_DETECT = Group(
    DetectSettings,
    (
        Setting("model", Text(), about="a name in the catalogue or in models:, or an ONNX file"),
        Setting("score", Number(0, 1), None, "least score (default: the model's own)"),
        Setting("iou", Number(0, 1), None, "most overlap of two boxes of one class"),
        Setting("classes", ListOf(Text()), (), "labels to keep (default: all)"),
    ),
)

CONFIG = Group(
    Config,
    (
        Setting("cameras", ListOf(_CAMERA, 1, 64), about="the cameras, at least one"),
        Setting("detect", _DETECT, about="what to look for"),
        Setting("models", ListOf(inline_group()), (), "models that the catalogue lacks"),
        Setting(
            "backend",
            Group(
                BackendSettings,
                (
                    Setting("kind", Text(("auto", "host", "gpu")), "auto", "where to compute"),
                    Setting("threads", Whole(0, 256), 0, "host: inference threads; 0 = all cores"),
                ),
            ),
            DEFAULTS,
            "the machine's accelerator",
        ),
        Setting(
            "overlay",
            Group(
                Style,
                (
                    Setting("scale", Number(0.25, 4), 1.0, "size of lines and letters"),
                    Setting("score", Flag(), True, "write the score on a plate"),
                    Setting("track", Flag(), True, "write the track's number on a plate"),
                ),
            ),
            DEFAULTS,
            "what is drawn",
        ),
        Setting(
            "rtsp",
            Group(
                RtspSettings,
                (
                    Setting(
                        "address", Text(), "127.0.0.1", "where to listen; 0.0.0.0 = everywhere"
                    ),
                    Setting("port", Whole(1, 65535), 8554, "TCP port"),
                    Setting("bitrate_kbps", Whole(50, 100000), 2500, "H.264 bit rate"),
                    Setting("keyframe_s", Number(0.1, 60), 1.0, "seconds between key frames"),
                ),
            ),
            None,
            "serve rtsp://ADDRESS:PORT/CAMERA; absent: nothing is served",
        ),
        Setting(
            "record",
            Group(
                RecordSettings,
                (Setting("path", Text(), about="{camera} in it becomes the camera's name"),),
            ),
            None,
            "write the drawn picture to an MP4 file; absent: none is written",
        ),
        Setting(
            "report",
            Group(
                ReportSettings,
                (Setting("path", Text(), about="a file, or - for standard output"),),
            ),
            None,
            "write what was found as JSON, one line a frame; absent: nothing is written",
        ),
    ),
    _disagreements,
)
