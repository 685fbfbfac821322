"""scene: the settings of what is watched: places, tracks, second looks, privacy, events."""

from typing import Any, Dict, Iterator

from app.analytics import shapes
from app.analytics.lines import Line
from app.analytics.speeds import Scale
from app.analytics.tracker import TrackSettings
from app.analytics.zones import Zone
from app.core.turns import MOST_EVER
from app.kinds import Flag, Kind, ListOf, Number, Text, Whole, kind_of
from app.media import hide
from app.settings import Complaint, Group, Setting
from app.stages.events import EventsSettings
from app.stages.look import LookSettings
from app.stages.privacy import PrivacySettings
from app.vision import polygons

_POINTS = ListOf(ListOf(Number(), 2, 2), 0, 64)
_ON_BOX = Text(tuple(polygons.ON_BOX))


def _zone_complaints(zone: Zone) -> Iterator[Complaint]:
    wrong = shapes.problems(zone.points, "zone")
    if wrong is not None:
        yield Complaint(("points",), f"cannot be used. {wrong}")


def _line_complaints(line: Line) -> Iterator[Complaint]:
    wrong = shapes.problems(line.points, "line")
    if wrong is not None:
        yield Complaint(("points",), f"cannot be used. {wrong}")


def _scale_complaints(scale: Scale) -> Iterator[Complaint]:
    wrong = shapes.scale_problems(scale)
    if wrong is not None:
        yield Complaint((), f"cannot be used. {wrong}")


class Interval(Whole):
    """How many, 1 or more; "auto" is 0."""

    def __init__(self) -> None:
        super().__init__(1, MOST_EVER)

    def read(self, node: Any, place: str, report: Any) -> Any:
        if getattr(node, "value", None) == "auto":
            return 0
        if self._number(node) is None:
            return report.wrong(node, place, f"must be a whole number or auto, not {kind_of(node)}")
        return super().read(node, place, report)

    def schema(self) -> Dict[str, Any]:
        return {"anyOf": [super().schema(), {"const": "auto"}]}

    def _range(self) -> str:
        return super()._range() + " or auto"


class _Polygon(Kind):
    """Points that enclose something."""

    def read(self, node: Any, place: str, report: Any) -> Any:
        before = len(report.problems)
        points = _POINTS.read(node, place, report)
        wrong = shapes.problems(points, "zone") if len(report.problems) == before else None
        return points if wrong is None else report.wrong(node, place, f"cannot be used. {wrong}")

    def schema(self) -> Any:
        return _POINTS.schema()


def zone_group(name: Kind) -> Group:
    return Group(
        Zone,
        (
            Setting("name", name, about="unique among the camera's zones and lines"),
            Setting("points", _POINTS, about="[x, y] of each corner, in fractions or in pixels"),
            Setting("classes", ListOf(Text()), (), "labels that count (default: all)"),
            Setting("point", _ON_BOX, "bottom", "which point of a box must be inside"),
            Setting("dwell_s", Number(0), None, "tell of a visit that lasts so long"),
            Setting("loiter_s", Number(0), None, "tell of one whose visits together last so long"),
            Setting("crowd", Whole(1), None, "tell of so many inside at once"),
        ),
        _zone_complaints,
    )


def line_group(name: Kind) -> Group:
    return Group(
        Line,
        (
            Setting("name", name, about="unique among the camera's zones and lines"),
            Setting(
                "points", _POINTS, about="[x, y] along the line; in is to its right, going along it"
            ),
            Setting("classes", ListOf(Text()), (), "labels that count (default: all)"),
            Setting("point", _ON_BOX, "bottom", "which point of a box must cross"),
        ),
        _line_complaints,
    )


GROUND = Group(
    Scale,
    (
        Setting("points", _POINTS, about="four points of the ground in the picture"),
        Setting("metres", _POINTS, about="where they are, from any origin, in the same order"),
    ),
    _scale_complaints,
)
MASKS = ListOf(_Polygon(), 0, 64)

TRACK = Group(
    TrackSettings,
    (
        Setting("per_class", Flag(), True, "a track keeps its class; false: it may change"),
        Setting("score", Number(0, 1), 0.0, "what begins a track (default: 0.2 above the model's)"),
        Setting("low", Number(0, 1), 0.1, "least score that carries on a track"),
        Setting("lost_s", Number(0, 3600), 2.0, "how long a track that is not seen is looked for"),
        Setting("confirm_s", Number(0, 60), 0.5, "a new one counts once seen again within this"),
    ),
)


def look_group(name: Kind) -> Group:
    return Group(
        LookSettings,
        (
            Setting("name", name, about="what its answers are called"),
            Setting("model", Text(), about="a classifier: in the catalogue, in models:, or a file"),
            Setting("of", ListOf(Text()), (), "labels to look at (default: all)"),
            Setting("min_size", Whole(1), 32, "pixels of a box's shorter side, at least"),
            Setting("margin", Number(0, 2), 0.1, "of the box's sides, added on each"),
            Setting("refresh_s", Number(0), 2.0, "how old an answer may be"),
            Setting("score", Number(0, 1), 0.0, "less sure answers are not told"),
        ),
    )


PRIVACY = Group(
    PrivacySettings,
    (
        Setting("classes", ListOf(Text()), (), "labels whose boxes are hidden"),
        Setting("faces", Text(), "", "a model, as centerface: all that it finds is hidden"),
        Setting("how", Text(hide.WAYS), "blur", "what is put in their place"),
        Setting("margin", Number(0, 2), 0.15, "of a box's sides, hidden around it"),
        Setting("score", Number(0, 1), 0.25, "least score of a box of these classes"),
    ),
)


def events_group(path: Kind) -> Group:
    return Group(
        EventsSettings,
        (
            Setting("path", path, about="a file: docs/events.md says what is in it"),
            Setting("max_mb", Number(0.01), 50, "where it is set aside and begun anew"),
            Setting("keep", Whole(1, 1000), 5, "how many older files are kept"),
            Setting("snapshots", path, None, "a folder: a picture of what begins"),
            Setting("snapshots_mb", Number(1), 500, "pictures together; then the oldest go"),
        ),
    )
