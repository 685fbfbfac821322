"""report: write what was found, a line of JSON a frame, as configs/detections.schema.json says."""

from __future__ import generator_stop

import contextlib
import errno
import functools
import json
import logging
import math
import os
import time
from typing import Any, Callable, Dict, Iterable, NamedTuple

import numpy as np

from app import atomic
from app.core.aside import Aside, Patience
from app.core.detections import Detections, name_of
from app.core.frame import Frame
from app.core.outage import Outage
from app.core.stage import Frames, Stage
from app.errors import OutputError

logger = logging.getLogger(__name__)

_LEAVING_S = 0.5


class ReportSettings(NamedTuple):
    path: str  # "-" is standard output


class Report(Stage):
    """
    Each line is on its way to the disk before the frame goes on.

    Of a file, a line that cannot be written ends the run with OutputError: who asked for all lines
    must not get some. Of a live camera the stream matters more: lines are lost until there is room
    again, or the disk answers, and none is ever half written. Only a reader of standard output that
    has gone away ends the run, for nobody is left to want the lines.
    """

    name = "report"

    def __init__(
        self,
        settings: ReportSettings,
        now: Callable[[], float] = time.monotonic,
        goes_on: bool = False,
    ) -> None:
        """``goes_on``: behind the lines of the pipeline before this one."""
        self._path = settings.path
        self._goes_on = goes_on
        self._now = now
        self._outage = Outage(_shown(settings.path), "lines", now)

    def run(self, frames: Iterable[Frame]) -> Frames:
        lines = _Lines(self._path, self._goes_on)
        late = Outage(_shown(self._path), "lines", self._now, pause_s=0)
        aside = Aside(late, Patience(self._now), now=self._now)
        live = False
        try:
            for frame in frames:
                line = json.dumps(entry(frame), allow_nan=False) + "\n"
                live = frame.live
                tell = functools.partial(self._tell, lines, line.encode("ascii"), live)
                if not live:
                    aside.do_here(tell)
                elif aside.do(tell):
                    aside.settled()
                yield frame
        finally:
            if not live:
                aside.do_here(lines.close)
            aside.end(lines.close)
            if not aside.left(_LEAVING_S):
                logger.error("%s does not answer, its last line is left behind", late.name)

    def _tell(self, lines: "_Lines", line: bytes, live: bool) -> None:
        if live and self._outage.waits():
            return
        try:
            lines.write(line)
        except OSError as error:
            left = self._path == "-" and error.errno == errno.EPIPE
            if left or not live:
                raise _as_output_error(self._path, error) from error
            lines.close()
            self._outage.failed(f"cannot be written ({error.strerror})")
        else:
            self._outage.worked()


def check(path: str) -> None:
    """Raise OutputError where the stage could not open its file. Changes nothing."""
    if path == "-":
        return
    try:
        atomic.check(path, special=True)
    except OSError as error:
        raise _as_output_error(path, error) from error


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


class _Lines:
    """The file, opened by the first line: a run that sees nothing leaves an old report be."""

    def __init__(self, path: str, begun: bool) -> None:
        self._path = path
        self._file: Any = None  # without a buffer: a line that is written is out
        self._begun = begun

    def write(self, line: bytes) -> None:
        """Write all of a line, or none: the system may take less at once, and then no more."""
        if self._file is None:
            self._file = self._opened()
            self._begun = True
        done = 0
        try:
            while done < len(line):
                done += self._file.write(line[done:])
        except OSError:
            with contextlib.suppress(OSError):
                end = self._file.seek(0, os.SEEK_CUR) - done
                self._file.truncate(end)
                self._file.seek(end)
            raise

    def close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        self._file = None

    def _opened(self) -> Any:
        if self._path == "-":
            os.set_blocking(1, True)
            return open(1, "wb", buffering=0, closefd=False)
        os.makedirs(os.path.dirname(self._path) or ".", exist_ok=True)
        # A pipe that nobody reads must be an error, not a wait.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK  # novm: numbers
        if not self._begun:
            flags |= os.O_TRUNC
        number = os.open(self._path, flags, 0o666)
        os.set_blocking(number, True)
        with contextlib.suppress(OSError):  # a pipe has no end
            os.lseek(number, 0, os.SEEK_END)  # else what fails now would be cut off at 0
        return open(number, "wb", buffering=0)


def _shown(path: str) -> str:
    return "standard output" if path == "-" else path


def _as_output_error(path: str, error: OSError) -> OutputError:
    return OutputError(
        f"{_shown(path)} cannot be written: {error.strerror}. Choose another with --detections FILE"
    )
