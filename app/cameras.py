"""cameras: what may stand with one camera in a config: its source, its login, its places."""

import re
from typing import Any, Dict, Iterator, NamedTuple, Optional, Set, Tuple

from app import kinds, scene
from app.analytics import shapes
from app.errors import ConfigError
from app.kinds import Flag, ListOf, Number, Text, Whole
from app.media import uri
from app.media.camera import Camera
from app.references import Secret
from app.settings import Complaint, Group, Setting
from app.stages.watch import Scene

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")


class Viewed(NamedTuple):
    """One entry of ``cameras:``."""

    camera: Camera
    model: Optional[str]
    scene: Scene
    masks: Tuple[Any, ...]


def _viewed(
    source: uri.Uri, model: Optional[str], zones: Any, lines: Any, ground: Any, masks: Any,
    **values: Any
) -> Viewed:  # fmt: skip
    return Viewed(Camera(uri=source, **values), model, Scene(zones, lines, ground), masks)


def _misplaced(viewed: Viewed) -> Iterator[Complaint]:
    """Places of one name, and those outside a picture whose size is asked for."""
    size_wh = viewed.camera.wanted_wh
    seen: Set[str] = set()
    groups: Dict[str, Any] = {"zones": viewed.scene.zones, "lines": viewed.scene.lines}
    for key, places in groups.items():
        for row, place in enumerate(places):
            if place.name in seen:
                text = f"{place.name!r} is the name of two places; give each its own"
                yield Complaint((key, row, "name"), text)
            seen.add(place.name)
            beyond = shapes.outside(place.points, key[:-1], size_wh) if size_wh else None
            if beyond is not None:
                yield Complaint((key, row, "points"), f"cannot be seen. {beyond}")


def short_name(text: str) -> Optional[str]:
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


CAMERA = Group(
    _viewed,
    (
        Setting("name", Text(check=short_name), about="a short name; also its RTSP mount"),
        Setting(
            "source",
            _Source(secret=True),
            about="a file, a folder of pictures, rtsp(s)://, http(s):// (MJPEG), "
            "v4l2:///dev/video0, csi://0 or test://",
        ),
        Setting("user", Text(), "", "the camera's user name"),
        Setting("password", Secret(), "", "the camera's password: {env: NAME} or {file: PATH}"),
        Setting("transport", Text(("tcp", "udp")), "tcp", "how RTSP carries the picture"),
        Setting("latency_ms", Whole(0, 10000), 200, "RTSP: how long to wait for late packets"),
        Setting("timeout_s", Number(0.5, 300), 4.5, "no picture for this long: connect anew"),
        Setting("size_wh", ListOf(Whole(16, 16384), 2, 2), None, "picture size; others are scaled"),
        Setting("fps", Number(0.1, 1000), None, "v4l2, csi, test: pictures a second"),
        Setting("realtime", Flag(), None, "file: play at its own speed (default: when served)"),
        Setting("loop", Flag(), False, "file: begin again at the end"),
        Setting("most_fps", Number(0.01, 1000), None, "leave out pictures that come sooner"),
        Setting("model", Text(), None, "its own, in place of detect.model"),
        Setting("zones", ListOf(scene.zone_group(Text(check=short_name)), 0, 64), (), "areas"),
        Setting(
            "lines", ListOf(scene.line_group(Text(check=short_name)), 0, 64), (), "lines to cross"
        ),
        Setting("ground", scene.GROUND, None, "what tells speeds"),
        Setting("masks", scene.MASKS, (), "areas that nobody sees, as lists of points"),
    ),
    _misplaced,
)
