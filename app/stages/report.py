"""report: write what was found, a line of JSON a frame, as configs/detections.schema.json says."""

from __future__ import generator_stop

import contextlib
import json
import math
import os
from typing import Any, Dict, Iterable, Iterator, NamedTuple

import numpy as np

from app import atomic
from app.core.detections import Detections, name_of
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.errors import OutputError


class ReportSettings(NamedTuple):
    path: str  # "-" is standard output


class Report(Stage):
    """Each line is on its way to the disk before the frame goes on."""

    name = "report"

    def __init__(self, settings: ReportSettings) -> None:
        self._path = settings.path

    def run(self, frames: Iterable[Frame]) -> Frames:
        with contextlib.ExitStack() as stack:
            file: Any = None
            for frame in frames:
                line = json.dumps(entry(frame), allow_nan=False) + "\n"
                with _as_output_error(self._path):
                    if file is None:  # only now: a run that sees nothing leaves an old report be
                        file = stack.enter_context(_opened(self._path))
                    _write(file, line.encode("ascii"))
                yield frame


def check(path: str) -> None:
    """Raise OutputError where the stage could not open its file. Changes nothing."""
    if path == "-":
        return
    with _as_output_error(path):
        atomic.check(path)


def entry(frame: Frame) -> Dict[str, Any]:
    """What one line says. Boxes that are not numbers are left out: JSON cannot write them."""
    said: Dict[str, Any] = {
        "camera": frame.source,
        "frame": frame.number,
        "time": round(frame.time, 6) if math.isfinite(frame.time) else 0.0,
    }
    if frame.file:
        said["file"] = frame.file
    found = frame.detections if frame.detections is not None else Detections.empty()
    found = found[np.isfinite(found.xyxy).all(axis=1) & np.isfinite(found.score)]
    columns = (found.xyxy, found.score, found.class_id, found.track_id)
    said["detections"] = []
    for box, score, class_id, track_id in zip(*(column.tolist() for column in columns)):
        one: Dict[str, Any] = {
            "box": [round(edge, 2) for edge in box],
            "score": round(score, 4),
            "label": name_of(class_id, frame.labels),
            "class_id": class_id,
            "track_id": track_id,
        }
        if track_id in frame.attributes:
            one["attributes"] = [
                {"look": told.look, "label": told.label, "score": round(told.score, 4)}
                for told in frame.attributes[track_id]
            ]
        said["detections"].append(one)
    if frame.tops is not None:
        said["classes"] = [
            {
                "label": name_of(top.class_id, frame.labels),
                "class_id": top.class_id,
                "score": round(top.score, 4),
            }
            for top in frame.tops
        ]
    return said


def _opened(path: str) -> Any:
    """The file, without a buffer: a line that is written is out."""
    if path == "-":
        os.set_blocking(1, True)
        return open(1, "wb", buffering=0, closefd=False)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    # A pipe that nobody reads must be an error, not a wait.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK  # novm: numbers
    number = os.open(path, flags, 0o666)
    os.set_blocking(number, True)
    return open(number, "wb", buffering=0)


def _write(file: Any, line: bytes) -> None:
    """Write all of a line, or none of it: the system may take less at once, and then no more."""
    done = 0
    try:
        while done < len(line):
            done += file.write(line[done:])
    except OSError:
        with contextlib.suppress(OSError):
            file.truncate(file.tell() - done)
        raise


@contextlib.contextmanager
def _as_output_error(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        name = "standard output" if path == "-" else path
        raise OutputError(
            f"{name} cannot be written: {exc.strerror}. Choose another with --detections FILE"
        ) from exc
