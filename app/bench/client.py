"""client: a viewer of our own stream, which decodes it and reads the stamp of each picture."""

import contextlib
import logging
import threading
import time
from typing import List, NamedTuple, Optional

from app.core.steady import SteadyEvent, ends_within
from app.errors import AppError
from app.media import uri
from app.media.camera import Camera
from app.media.reader import open_source
from app.media.stamp import Stamp, read_stamp

logger = logging.getLogger(__name__)


_THREAD = "bench client"


def of_others(record: logging.LogRecord) -> bool:
    """A filter for loggers: all but what a client of ours says, which comes and goes."""
    return record.threadName != _THREAD


class Seen(NamedTuple):
    when: float  # monotonic: the decoded picture is here
    stamp: Optional[Stamp]  # None: unreadable


class Client:
    """Watches a stream until close(), in a thread of its own; keeps what it saw."""

    def __init__(self, url: str) -> None:
        self._source = open_source(Camera("client", uri.parse(url), latency_ms=0))
        self._stop = SteadyEvent()
        self._seen: List[Seen] = []
        self._thread = threading.Thread(target=self._watch, name=_THREAD, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        ends_within(self._thread, 5.0)

    def seen(self, since: float, until: float) -> List[Seen]:
        """The pictures of that time."""
        return [one for one in self._seen if since <= one.when <= until]

    def _watch(self) -> None:
        try:
            with contextlib.closing(self._source.frames(self._stop)) as frames:
                for frame in frames:
                    now = time.monotonic()
                    self._seen.append(Seen(now, read_stamp(frame.image)))
        except AppError as error:
            logger.warning("the client: %s", error)
