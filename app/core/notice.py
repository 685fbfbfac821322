"""notice: an event as the outside reads it, one line of configs/events.schema.json; and back."""

import datetime
import json
import math
from typing import Any, Dict, Optional

from app.core.event import Attribute, Event

VERSION = 1  # of the schema; it rises when a receiver has to change

_EPOCH = datetime.datetime(1970, 1, 1)
_KINDS = ("enter", "dwell", "loiter", "crowd", "cross")


def line(event: Event, now: float) -> bytes:
    """``as_json`` as one line of ASCII, with its end."""
    return json.dumps(as_json(event, now), allow_nan=False).encode("ascii") + b"\n"


def as_json(event: Event, now: float) -> Dict[str, Any]:
    """
    What the schema says of an event; ``now`` is the moment of writing, monotonic seconds. What
    does not apply is absent, as is a box or a speed that is no number: JSON cannot write them.
    """
    said: Dict[str, Any] = {
        "version": VERSION,
        "kind": event.kind,
        "phase": event.phase,
        "id": event.id,
        "camera": event.camera,
        "place": event.place,
        "time": iso(event.time),
        "age_ms": int(_number((now - event.when) * 1000, 0)),
    }
    if event.kind == "crowd":
        said["present"] = int(event.present)
    else:
        said.update(_track(event))
    if event.kind == "cross":
        said["direction"] = event.direction
    if event.phase == "end":
        said["seconds"] = _number(event.seconds, 3)
        said["reason"] = event.reason
    elif event.snapshot:
        said["snapshot"] = event.snapshot
    return said


def iso(seconds: float) -> str:
    """UNIX time as "2026-01-02T03:04:05.678Z"; what no calendar holds as the beginning of 1970."""
    try:
        moment = _EPOCH + datetime.timedelta(milliseconds=round(seconds * 1000))
    except (ValueError, OverflowError):
        moment = _EPOCH
    return moment.isoformat(timespec="milliseconds") + "Z"


def read(text: bytes) -> Optional[Event]:
    """
    The event of a line, as ``line`` made it, but for ``when``, which is 0, and what was rounded;
    None where it is none of ours. Keys that are not known are passed over.
    """
    try:
        said = json.loads(text.decode("ascii"))
        time = seconds(said["time"])
        if said["version"] != VERSION or said["kind"] not in _KINDS or time is None:
            return None
        event = Event(
            kind=str(said["kind"]),
            phase=str(said["phase"]),
            id=str(said["id"]),
            camera=str(said["camera"]),
            place=str(said["place"]),
            time=time,
            when=0.0,
            xyxy=tuple(float(edge) for edge in said.get("box", ())),
            attributes=tuple(
                Attribute(str(one["look"]), str(one["label"]), float(one["score"]))
                for one in said.get("attributes", ())
            ),
            direction=str(said.get("direction", "")),
            seconds=float(said.get("seconds", 0)),
            reason=str(said.get("reason", "")),
            present=int(said.get("present", 0)),
            speed=float(said.get("speed_mps", 0)),
            snapshot=str(said.get("snapshot", "")),
        )
        if event.kind == "crowd":
            return event
        return event._replace(
            track_id=int(said["track"]),
            class_id=int(said["class_id"]),
            label=str(said["label"]),
            score=float(said["score"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def seconds(iso_time: str) -> Optional[float]:
    """UNIX time of what ``iso`` wrote; None where it is something else."""
    try:
        moment = datetime.datetime.strptime(iso_time, "%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, TypeError):
        return None
    return (moment - _EPOCH).total_seconds()


def _track(event: Event) -> Dict[str, Any]:
    said: Dict[str, Any] = {
        "track": int(event.track_id),
        "label": event.label,
        "class_id": int(event.class_id),
        "score": min(1.0, _number(event.score, 4)),
    }
    if event.xyxy and all(math.isfinite(edge) for edge in event.xyxy):
        said["box"] = [round(float(edge), 2) for edge in event.xyxy]
    if event.attributes:
        said["attributes"] = [
            {"look": one.look, "label": one.label, "score": min(1.0, _number(one.score, 4))}
            for one in event.attributes
        ]
    speed = _number(event.speed, 2)
    if speed > 0:
        said["speed_mps"] = speed
    return said


def _number(value: float, digits: int) -> float:
    """Rounded, and 0 for what is less or no number."""
    return max(0.0, round(float(value), digits)) if math.isfinite(value) else 0.0
