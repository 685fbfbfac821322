"""
config: a YAML file, or flags alone, become a checked Config.

What may be written stands once, in ``CONFIG``: the reader, the JSON Schema in configs/ and the
defaults all come from it.
"""

import os
import re
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple

from app import kinds, settings
from app.device.backend import BackendSettings
from app.errors import ConfigError
from app.kinds import DEFAULTS, Flag, ListOf, Number, Text, Whole
from app.manifest import Inline, inline_group
from app.media import uri
from app.media.camera import Camera
from app.media.draw import PLAIN, Style
from app.media.draw_letters import THEMES
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


def disagreements(config: Config) -> Iterator[Complaint]:
    """What is wrong between one value and another."""
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
    taken = {os.path.realpath(path): path for path in _inputs(config)}
    if config.record and len(set(names)) == len(names):
        try:
            films = record.paths(config.record.path, names).values()
        except ConfigError as error:
            yield Complaint(("record", "path"), str(error))
            return
        for path in films:
            if os.path.realpath(path) in taken:
                yield Complaint(("record", "path"), f"{path} would be written over what is read")
            taken[os.path.realpath(path)] = path
    if config.report and os.path.realpath(config.report.path) in taken:
        yield Complaint(("report", "path"), f"{config.report.path} has another use already")


def _inputs(config: Config) -> Iterator[str]:
    """The files that are read."""
    for one in config.cameras:
        if one.uri.kind is uri.Kind.FILE:
            yield one.uri.location
    yield config.detect.model
    for model in config.models:
        yield model.path


def _camera(source: uri.Uri, **values: Any) -> Camera:
    return Camera(uri=source, **values)


def _said(text: str) -> Optional[str]:
    return None if text.strip() else "must not be empty"


def _name(text: str) -> Optional[str]:
    if _NAME.match(text):
        return None
    return "must be letters, digits, - and _ (it becomes part of a URL and of file names)"


class _Path(Text):
    """A file's path; ~ is the home folder."""

    def read(self, node: Any, place: str, report: kinds.Report) -> Any:
        text = super().read(node, place, report)
        return None if text is None else os.path.expanduser(text)


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
                Setting("file", _Path(), None, "the file whose first line holds it"),
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
        Setting("size_wh", ListOf(Whole(16, 16384), 2, 2), None, "v4l2, csi, test: picture size"),
        Setting("fps", Number(0.1, 1000), None, "v4l2, csi, test: pictures a second"),
        Setting("realtime", Flag(), None, "file: play at its own speed (default: when served)"),
        Setting("loop", Flag(), False, "file: begin again at the end"),
    ),
)

_DETECT = Group(
    DetectSettings,
    (
        Setting("model", Text(), about="a name in the catalogue or in models:, or an ONNX file"),
        Setting(
            "score", Number(0, 1), None, "least score (default: the model's own; a classifier's: 0)"
        ),
        Setting("iou", Number(0, 1), None, "most overlap of two boxes of one class"),
        Setting("classes", ListOf(Text()), (), "labels to keep (default: all)"),
        Setting("top", Whole(1, 100), 5, "a classifier: by how many classes to name a picture"),
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
                    Setting(
                        "build",
                        Text(("never", "auto")),
                        "never",
                        "gpu: whether to build an engine that is missing or does not fit",
                    ),
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
                    Setting("theme", Text(tuple(THEMES)), "dark", "plain: the cheapest to draw"),
                    Setting("boxes", Flag(), True, "draw boxes and their plates"),
                    Setting("trail_s", Number(0, 30), 2.0, "length of a track's trail; 0: none"),
                    Setting("zones", Flag(), True, "draw zones and lines, and what they counted"),
                    Setting("strip", Flag(), False, "write camera, time, rate and age in a corner"),
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
                        "address",
                        Text(check=_said),
                        "127.0.0.1",
                        "0.0.0.0 = everywhere",
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
                (Setting("path", _Path(), about="{camera} in it becomes the camera's name"),),
            ),
            None,
            "write the drawn picture to an MP4 file; absent: none is written",
        ),
        Setting(
            "report",
            Group(
                ReportSettings,
                (Setting("path", _Path(), about="a file, or - for standard output"),),
            ),
            None,
            "write what was found as JSON, one line a frame; absent: nothing is written",
        ),
    ),
    disagreements,
)
