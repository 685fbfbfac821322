"""event: something worth telling the outside world, once or from a beginning to its end."""

from typing import NamedTuple, Tuple


class Attribute(NamedTuple):
    """What a second look says of a track."""

    look: str  # the look's name in the config, as "colour"
    label: str
    score: float  # 0..1


class Event(NamedTuple):
    """
    What happened at a place, as configs/events.schema.json writes it.

    ``kind`` is "enter" (in a zone from begin to end), "dwell", "loiter" (there for longer than
    allowed), "crowd" (a zone holds too many; no track) or "cross" (a line; once). Each "begin" has
    one "end" of the same ``id``, also where the track is lost or the process ends; where that is
    killed, the next one tells it.
    """

    kind: str
    phase: str  # "begin", "end" or "once"
    id: str  # unique for ever; a begin and its end share it
    camera: str
    place: str  # the zone's or line's name in the config
    time: float  # UNIX time, seconds
    when: float  # monotonic seconds: ``frame.captured`` of what showed it
    track_id: int = -1  # -1: of no one track
    class_id: int = -1
    label: str = ""
    score: float = 0.0
    xyxy: Tuple[float, ...] = ()  # pixels of the picture; empty: of no one box
    attributes: Tuple[Attribute, ...] = ()
    direction: str = ""  # a line: "in" or "out"
    seconds: float = 0.0  # end: since its begin
    reason: str = ""  # end: "left", "lost", "fewer", "shutdown" or "restart"
    present: int = 0  # a crowd: how many are there
    speed: float = 0.0  # of the track, metres a second; 0: not known
    snapshot: str = ""  # a picture's file; empty: none


class Place(NamedTuple):
    """A zone or a line as it stands at one frame, for whoever draws or tells it."""

    kind: str  # "zone" or "line"
    name: str
    points: Tuple[Tuple[float, float], ...]  # pixels: a zone's polygon, a line's path
    now: int = 0  # zone: how many are in it
    total: int = 0  # zone: entered since the counters began
    inward: int = 0  # line: crossings to its right, seen along the path
    outward: int = 0  # line: crossings to its left
    counts: Tuple[Tuple[str, int, int], ...] = ()  # label, entered or inward, outward
    alarm: bool = False  # a zone with a dwell, loiter or crowd event begun and not ended
