"""telemetry: how the machine is, by whichever of jetson-stats, NVML and the kernel tell it."""

import importlib.util
import logging
import threading
import time
from typing import Any, Callable, List, Sequence, Tuple

from app.core.steady import SteadyEvent, ends_within
from app.core.vitals import Vitals
from app.device import machine
from app.device.telemetry_jtop import JtopSource
from app.device.telemetry_nvml import NvmlSource
from app.device.telemetry_sysfs import SysfsSource

logger = logging.getLogger(__name__)

_EVERY_S = 1.0
_AGAIN_S = 60.0  # after a failure, until a source is begun anew
_STALE_S = 10.0  # a reading that is older is no reading; nor is one waited for any longer


class Telemetry:
    """The machine's vitals, to be read about once a second, by one thread, and not by a lane."""

    def __init__(self, sources: Sequence[Any]) -> None:
        """``sources``, best first, are closed here: what one does not tell, the next may."""
        self._sources = list(sources)
        self._failed: List[str] = []

    def read(self) -> Vitals:
        """The vitals now. Raises nothing: what cannot be known is absent."""
        readings: List[Vitals] = []
        for source in self._sources:
            try:
                readings.append(source.read())
            except Exception as error:
                if source.name not in self._failed:
                    self._failed.append(source.name)
                    logger.warning("telemetry by %s fails: %s", source.name, _short(error))
        return joined(readings)

    def close(self) -> None:
        """End every source; one that hangs is left behind."""
        while self._sources:
            _closed(self._sources.pop())


class Lookout:
    """
    Reads a source in a thread of its own, once a second, so that one that hangs hangs alone: a
    daemon that is wedged, a driver whose card has gone. Until it has read anything, and once its
    newest reading is stale, it tells nothing, and says so in the log once. A source that fails is
    begun anew a minute later; one that cannot be imported is not.
    """

    def __init__(
        self,
        name: str,
        begin: Callable[[], Any],
        clock: Callable[[], float] = time.monotonic,
        again_s: float = _AGAIN_S,
    ) -> None:
        """``begin`` makes the source, and may raise anything: one line until it reads again."""
        self.name = name
        self._clock = clock
        self._again_s = again_s
        self._newest: Tuple[float, Vitals] = (clock(), Vitals())
        self._ending = SteadyEvent()
        self._silent = False  # it was said to be
        self._failed = False  # and has not read since
        self._thread = threading.Thread(
            target=self._look, args=(begin,), name=f"telemetry-{name}", daemon=True
        )
        self._thread.start()

    def read(self) -> Vitals:
        """The newest reading, or an empty one. Never waits."""
        when, newest = self._newest
        stale = self._clock() - when > _STALE_S
        if stale and not self._silent and not self._failed:
            logger.warning("telemetry by %s: no answer for %.0f s", self.name, _STALE_S)
        self._silent = stale
        return Vitals() if stale or self._failed else newest

    def close(self) -> None:
        """Let the source go, if it is not stuck."""
        self._ending.set()
        ends_within(self._thread, 1.0)

    def _look(self, begin: Callable[[], Any]) -> None:
        while not self._ending.is_set():
            try:
                self._watch(begin())
            except Exception as error:
                if not self._ending.is_set() and not self._failed:
                    logger.warning("no telemetry by %s: %s", self.name, _short(error))
                self._failed = True
                if isinstance(error, ImportError):
                    return
            self._ending.wait(self._again_s)

    def _watch(self, source: Any) -> None:
        """Until it fails, or the end."""
        try:
            while not self._ending.is_set():
                self._newest = (self._clock(), source.read())
                if self._failed:
                    logger.info("telemetry by %s after all", self.name)
                self._failed = False
                self._ending.wait(_EVERY_S)
        finally:
            _closed(source)


def open_telemetry(root: str = "/") -> Telemetry:
    """
    What tells of this machine, or of a copy of a board's /proc and /sys under ``root``. Neither
    fails nor waits: jetson-stats and NVML, where they are installed, are begun beside it and tell
    as soon as they answer. The caller closes it.
    """
    sources: List[Any] = []
    if machine.tegra(root):
        if _installed("jtop"):
            sources.append(Lookout(JtopSource.name, JtopSource))
    elif _installed("pynvml"):
        sources.append(Lookout(NvmlSource.name, NvmlSource))
    return Telemetry([*sources, SysfsSource(root)])


def joined(readings: Sequence[Vitals]) -> Vitals:
    """
    One reading of several. The first that tells a thing counts; sensors, rails and clocks are put
    together by name, except that two sources never measure heat or power side by side: the same
    sensor has another name in each. A graphics card's are no part of the board's, so NVML's join.
    """
    made = Vitals()
    for reading in readings:
        apart = NvmlSource.name in (made.source, reading.source)
        sources = [name for name in (made.source, reading.source) if name]
        values = {
            name: _either(getattr(made, name), getattr(reading, name)) for name in Vitals._fields
        }
        if apart:
            values["temperatures"] = {**reading.temperatures, **made.temperatures}
            values["power"] = {**reading.power, **made.power}
        values["clocks"] = {**reading.clocks, **made.clocks}
        values["throttled"] = made.throttled + reading.throttled
        values["source"] = "+".join(sources)
        made = Vitals(**values)
    return made


def _either(first: Any, second: Any) -> Any:
    """The first, where it tells anything: 0 does, None and what is empty do not."""
    return second if first is None or first in ((), {}, "") else first


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):  # it is half there
        return False


def _closed(source: Any) -> None:
    try:
        source.close()
    except Exception as error:
        logger.debug("telemetry by %s does not close: %s", source.name, _short(error))


def _short(error: BaseException) -> str:
    """An error as one line; jetson-stats' have several."""
    return " ".join(f"{error}".split()) or type(error).__name__
