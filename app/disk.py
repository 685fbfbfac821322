"""disk: which of the places that are written to are full."""

import os
from typing import Iterator, List, Optional, Sequence

from app.conflicts import Config
from app.stages import record

LEAST = 64 << 20  # bytes that are free; with fewer, a film or the system itself will soon fail


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


def complaints(folders: Sequence[str], least: int = LEAST) -> Iterator[str]:
    """A sentence for each place with less than ``least`` bytes free for us."""
    for folder in folders:
        free = _free(folder)
        if free is not None and free < least:
            yield f"the disk of {folder} is full: {free >> 20} MB are free"


def _free(folder: str) -> Optional[int]:
    try:
        found = os.statvfs(folder)
    except OSError:  # it is made later; or it has gone, which its writer tells
        return None
    return found.f_bavail * found.f_frsize
