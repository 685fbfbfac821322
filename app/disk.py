"""disk: what is wrong with the places that are written to."""

import os
import threading
import time
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from app.conflicts import Config
from app.core.steady import SteadyEvent, ends_within
from app.stages import record

LEAST = 64 << 20  # bytes that are free; with fewer, a film or the system itself will soon fail

_EVERY_S = 10.0  # between two looks
_SILENT_S = 30.0  # that a look may take
_LEAVING_S = 0.5


class Place(NamedTuple):
    """A folder in which files are made; or, once ``file`` is there, that file alone is written."""

    folder: str
    file: str = ""


def places(config: Config) -> List[Place]:
    """What a config writes, each once; some may not exist yet."""
    made: Set[Place] = set()
    if config.record:
        films = record.paths(config.record.path, [one.name for one in config.cameras])
        made.update(Place(_folder_of(path)) for path in films.values())
    if config.report and config.report.path != "-":
        made.add(Place(_folder_of(config.report.path), config.report.path))
    if config.events:
        made.add(Place(_folder_of(config.events.path), config.events.path))
        if config.events.snapshots is not None:
            made.add(Place(config.events.snapshots))
    if config.counters:
        made.add(Place(_folder_of(config.counters)))
    return sorted(made)


def complaint(place: Place, least: int = LEAST) -> str:
    """
    What is wrong with a place, or nothing: it is read-only, not ours to write, or fewer than
    ``least`` bytes are free there for us. Raises OSError where it cannot be looked at.
    """
    target, wanted = place.folder, os.W_OK | os.X_OK  # novm: numbers
    if place.file and os.path.exists(place.file):
        if not os.path.isfile(place.file):
            return ""  # a pipe or a device, which is on no disk
        target, wanted = place.file, os.W_OK
    found = os.statvfs(target)
    if found.f_flag & os.ST_RDONLY:
        return f"the disk of {place.folder} is read-only"
    if not os.access(target, wanted):
        return f"{target} may not be written to by this user"
    free = found.f_bavail * found.f_frsize
    return f"the disk of {place.folder} is full: {free >> 20} MB are free" if free < least else ""


class Asked(NamedTuple):
    """The place that is looked at now, and since when."""

    place: Place
    since: float


class Disks:
    """
    Looks at each of these places every ten seconds, on a thread of its own: where a server has
    gone, a look ends when it is back, and nobody may wait for that. A look that does not end is a
    complaint too; of the other places, what was last known is told until it does. So is a folder
    that was there once and is no more; one that was not yet is made by who first writes.
    """

    def __init__(
        self,
        places: Sequence[Place],
        look: Callable[[Place], str] = complaint,
        now: Callable[[], float] = time.monotonic,
        every_s: float = _EVERY_S,
    ) -> None:
        self._places = places
        self._look = look
        self._now = now
        self._every_s = every_s
        self._asked: Optional[Asked] = None
        self._found: Mapping[Place, str] = {}  # replaced, never changed
        self._seen: Set[Place] = set()
        self._ending = SteadyEvent()
        self._thread = threading.Thread(target=self._watch, name="disks", daemon=True)
        if places:
            self._thread.start()

    def complaints(self) -> Tuple[str, ...]:
        """What is wrong with them, as of the latest look. Never waits."""
        asked, found = self._asked, dict(self._found)
        if asked is not None and self._now() - asked.since > _SILENT_S:
            found[asked.place] = f"the disk of {asked.place.folder} does not answer"
        told = list(filter(None, found.values()))
        return tuple(sorted(set(told), key=told.index))

    def close(self) -> None:
        """End the thread, if it does not hang."""
        self._ending.set()
        if self._places:
            ends_within(self._thread, _LEAVING_S)

    def _watch(self) -> None:
        while not self._ending.is_set():
            for place in self._places:
                self._asked = Asked(place, self._now())
                self._found = {**self._found, place: self._told(place)}
            self._asked = None
            self._ending.wait(self._every_s)

    def _told(self, place: Place) -> str:
        try:
            told = self._look(place)
        except (FileNotFoundError, NotADirectoryError):
            return f"{place.folder} has gone" if place in self._seen else ""
        except OSError as error:
            return f"{place.folder} cannot be looked at: {error.strerror}"
        self._seen.add(place)
        return told


def _folder_of(path: str) -> str:
    return os.path.dirname(path) or os.curdir
