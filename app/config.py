"""
config: a YAML file, or flags alone, become a checked Config.

What may be written stands once, in ``CONFIG``: the reader, the JSON Schema in configs/ and the
defaults all come from it.
"""

from typing import Any, Dict, Tuple

from app import scene, settings
from app.cameras import CAMERA, Viewed, short_name
from app.conflicts import Config, disagreements
from app.device.backend import BY_CPU, BY_GPU, BackendSettings
from app.kinds import DEFAULTS, Flag, ListOf, Number, Text, Whole
from app.manifest import inline_group
from app.media.draw import Style
from app.media.draw_letters import THEMES
from app.references import FilePath
from app.served import HTTP, RTSP
from app.service.relief import LimitsSettings
from app.settings import Group, Setting
from app.stages.detect import DetectSettings
from app.stages.privacy import PrivacySettings
from app.stages.record import RecordSettings
from app.stages.report import ReportSettings


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


def _config(cameras: Tuple[Viewed, ...], **rest: Any) -> Config:
    """What stands with each camera, by the camera's name."""
    named = {one.camera.name: one for one in cameras}
    masks = {name: one.masks for name, one in named.items() if one.masks}
    privacy = rest.pop("privacy")
    if masks:
        known: PrivacySettings = privacy or PrivacySettings()
        privacy = known._replace(masks=masks)
    scenes = {name: one.scene for name, one in named.items() if one.scene.zones or one.scene.lines}
    return Config(
        cameras=tuple(one.camera for one in cameras),
        models_of={name: one.model for name, one in named.items() if one.model is not None},
        scenes=scenes,
        privacy=privacy,
        **rest,
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
        Setting("interval", scene.Interval(), 1, "look at every so many pictures, or auto"),
        Setting("latency_ms", Number(1, 60000), 100.0, "auto: how late a picture may be"),
    ),
)

CONFIG = Group(
    _config,
    (
        Setting("cameras", ListOf(CAMERA, 1, 64), about="the cameras, at least one"),
        Setting("detect", _DETECT, about="what to look for"),
        Setting("models", ListOf(inline_group()), (), "models that the catalogue lacks"),
        Setting("track", scene.TRACK, None, "number what is found; absent: where it is needed"),
        Setting(
            "looks", ListOf(scene.look_group(Text(check=short_name)), 0, 16), (), "second looks"
        ),
        Setting("privacy", scene.PRIVACY, None, "what nobody sees"),
        Setting(
            "events", scene.events_group(FilePath()), None, "tell what happens; absent: nothing"
        ),
        Setting("counters", FilePath(), None, "the file in which counts survive a restart"),
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
                    Setting(
                        "placing",
                        Text((BY_GPU, BY_CPU)),
                        BY_GPU,
                        "gpu: who resizes pictures into the network's input",
                    ),
                    Setting("graphs", Flag(), True, "gpu: start each frame as one CUDA graph"),
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
                    Setting("heat", Flag(), False, "colour where things were for how long"),
                    Setting("strip", Flag(), False, "write camera, time, rate and age in a corner"),
                ),
            ),
            DEFAULTS,
            "what is drawn",
        ),
        Setting(
            "rtsp",
            RTSP,
            None,
            "serve rtsp://ADDRESS:PORT/CAMERA; absent: nothing is served",
        ),
        Setting(
            "http",
            HTTP,
            None,
            "health, metrics and snapshots at http://ADDRESS:PORT/; absent: nothing listens",
        ),
        Setting(
            "record",
            Group(
                RecordSettings,
                (
                    Setting(
                        "path",
                        FilePath(),
                        about="{camera} in it becomes the camera's name, {time} a clip's begin",
                    ),
                    Setting("minutes", Number(0.05, 1440), None, "of a clip; absent: one file"),
                    Setting("keep_gb", Number(0.001), None, "all clips; then the oldest go"),
                    Setting("free_gb", Number(0), 1.0, "of the disk; below it the oldest clips go"),
                ),
            ),
            None,
            "write the drawn picture to MP4 files; absent: none is written",
        ),
        Setting(
            "limits",
            Group(
                LimitsSettings,
                (
                    Setting(
                        "memory_mb",
                        Whole(64, 1 << 20),
                        None,
                        "of the process: near it a warning, at it a clean restart by systemd",
                    ),
                    Setting(
                        "latency_ms",
                        Number(1, 60000),
                        None,
                        "from a live camera to the end; above it less is done, step by step",
                    ),
                    Setting(
                        "max_temperature_c",
                        Number(30, 120),
                        None,
                        "of the hottest sensor; above it less is done, step by step",
                    ),
                ),
            ),
            None,
            "what the machine must keep; absent: nothing is watched",
        ),
        Setting(
            "report",
            Group(
                ReportSettings,
                (Setting("path", FilePath(), about="a file, or - for standard output"),),
            ),
            None,
            "write what was found as JSON, one line a frame; absent: nothing is written",
        ),
    ),
    disagreements,
)
