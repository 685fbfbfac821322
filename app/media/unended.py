"""unended: the ends of what a journal tells the beginning of and, after a power cut, no end."""

from __future__ import generator_stop

import logging
import os
import re
from typing import Dict, Iterator, List, Sequence, Tuple

from app.core import notice
from app.core.event import Event

logger = logging.getLogger(__name__)

MOST = 100 * 10**6  # bytes that are read, the last ones: some 300000 lines
_BLOCK = 1 << 18  # bytes read at once; no line is longer
_AFTER = b"\0"  # follows the last line's end, so that half a line there is none of ours
_STRING = rb'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(  # the first keys, in the order that notice writes them in
    rb'\{"version": \d+, "kind": "[a-z]+", "phase": "(begin|end|once)", "id": '
    + _STRING
    + rb', "camera": '
    + _STRING
    + rb', "place": '
    + _STRING
    + rb', "time": "(\d{4}-\d\d-\d\dT[\d:.]+Z)"[ -~]*\}\Z'
)
_WITH_ALL = (b'"reason": "shutdown"}', b'"reason": "restart"}')  # all that was open ends with it


def ends(path: str, keep: int, when: float) -> List[Event]:
    """
    An end, of reason "restart", for each begin without one in the journal ``path`` and the older
    PATH.1 to PATH.``keep``, in the order of the begins; ``when`` is now, monotonic seconds. It lies
    at the last time that the journal tells, for that is how far it is known to have lasted.

    Read from the end backwards, and only to the first begin that an earlier shutdown or restart
    has ended: what began before it has ended too, as their ends come in the order of the begins,
    also where a kill cut them short. Where a line is torn, which may have been one of those ends,
    all is read, up to MOST. What is no line of ours is passed over.
    """
    files = [path] + [f"{path}.{number}" for number in range(1, keep + 1)]
    ended: Dict[bytes, bool] = {}  # id -> whether with all others
    latest: Dict[bytes, bytes] = {}  # clock -> the last time by it
    begun: Dict[bytes, Tuple[bytes, bytes]] = {}  # id -> its line, the last time by its clock
    torn = False
    for line in _backwards(files):
        found = _LINE.match(line)
        if found is None:
            torn = torn or line != _AFTER
            continue
        phase, number, camera, _, time = found.groups()
        clock = camera if time.startswith(b"1970") else b""  # a clip's time is the place in it
        latest.setdefault(clock, time)
        if phase == b"end":
            ended.setdefault(number, line.endswith(_WITH_ALL))
        elif phase == b"begin" and number not in ended:
            begun[number] = line, latest[clock]
        elif phase == b"begin" and ended[number] and not torn:
            break
    told = [_end(line, last, when) for line, last in reversed(list(begun.values()))]
    return [event for each in told for event in each]


def _end(line: bytes, last: bytes, when: float) -> Sequence[Event]:
    """The one end of what a line begins; none where it is no event after all."""
    event = notice.read(line)
    until = notice.seconds(last.decode("ascii"))
    if event is None:
        return ()
    lasted = 0.0 if until is None else max(0.0, until - event.time)  # it may have been set back
    return (
        event._replace(
            phase="end",
            time=event.time + lasted,
            when=when,
            xyxy=(),
            seconds=lasted,
            reason="restart",
            snapshot="",
        ),
    )


def _backwards(paths: Sequence[str]) -> Iterator[bytes]:
    """The lines of files, the last first, without their ends; after each file's last is _AFTER."""
    left = MOST
    for path in paths:
        if not os.path.isfile(path):  # a crash between two renames leaves a gap
            continue
        try:
            with open(path, "rb") as file:
                at = file.seek(0, os.SEEK_END)
                rest = _AFTER
                while at and left > 0:
                    size = min(_BLOCK, at)
                    at -= size
                    left -= size
                    file.seek(at)
                    rest, *lines = (file.read(size) + rest).split(b"\n")
                    yield from reversed(lines)
                    if len(rest) > _BLOCK:
                        rest = b"\0"  # too long for one of ours, however it begins
                if not at:
                    yield rest
        except OSError as error:
            logger.warning("%s cannot be read (%s): what it began gets no end", path, error)
