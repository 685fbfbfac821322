"""disk: what is wrong with the places that are written to."""

import os
import threading
import time
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from app.conflicts import Config
from app.stages import record

LEAST = 64 << 20  # bytes that are free; with fewer, a film or the system itself will soon fail

_EVERY_S = 10.0  # between two looks
_SILENT_S = 30.0  # that a look may take
_LEAVING_S = 1.0


def folders(config: Config) -> List[str]:
    """The folders that a config writes into, each once; some may not exist yet."""
    asked: List[str] = []
    if config.record:
        asked += record.paths(config.record.path, [one.name for one in config.cameras]).values()
    if config.report and config.report.path != "-":
        asked.append(config.report.path)
    if config.events:
        asked.append(config.events.path)
        if config.events.snapshots is not None:
            asked.append(os.path.join(config.events.snapshots, "picture"))
    if config.counters:
        asked.append(config.counters)
    return sorted({os.path.dirname(path) or os.curdir for path in asked})


def complaint(folder: str, least: int = LEAST) -> str:
    """What is wrong with a place, or nothing: fewer than ``least`` bytes are free there for us."""
    try:
        found = os.statvfs(folder)
    except OSError:  # it is made later; or it has gone, which its writer tells
        return ""
    free = found.f_bavail * found.f_frsize
    return f"the disk of {folder} is full: {free >> 20} MB are free" if free < least else ""


class Asked(NamedTuple):
    """The folder that is looked at now, and since when."""

    folder: str
    since: float


class Disks:
    """
    Looks at each of these folders every ten seconds, on a thread of its own: where a server has
    gone, a look ends when it is back, and nobody may wait for that. A look that does not end is a
    complaint too; of the other folders, what was last known is told until it does.
    """

    def __init__(
        self,
        folders: Sequence[str],
        look: Callable[[str], str] = complaint,
        now: Callable[[], float] = time.monotonic,
        every_s: float = _EVERY_S,
    ) -> None:
        self._folders = folders
        self._look = look
        self._now = now
        self._every_s = every_s
        self._asked: Optional[Asked] = None
        self._found: Mapping[str, str] = {}  # of each folder; replaced, never changed
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disks", daemon=True)
        if folders:
            self._thread.start()

    def complaints(self) -> Tuple[str, ...]:
        """What is wrong with them, as of the latest look. Never waits."""
        asked, found = self._asked, dict(self._found)
        if asked is not None and self._now() - asked.since > _SILENT_S:
            found[asked.folder] = f"the disk of {asked.folder} does not answer"
        return tuple(filter(None, found.values()))

    def close(self) -> None:
        """End the thread, if it does not hang."""
        self._ending.set()
        if self._folders:
            self._thread.join(_LEAVING_S)

    def _watch(self) -> None:
        while not self._ending.is_set():
            for folder in self._folders:
                self._asked = Asked(folder, self._now())
                self._found = {**self._found, folder: self._look(folder)}
            self._asked = None
            self._ending.wait(self._every_s)
