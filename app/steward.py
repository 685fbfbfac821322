"""steward: what is done once a second beside the frames: systemd, limits, the machine."""

import logging
import time
from typing import Callable, Optional

from app.conflicts import Config
from app.core.load import Load
from app.core.meter import Reading
from app.core.pipeline import Pipeline
from app.core.vitals import Vitals
from app.device.backend import Backend
from app.service.budget import Budget
from app.service.facts import Machine
from app.service.notify import Notifier
from app.service.progress import Progress
from app.service.relief import LimitsSettings, Relief, steps

logger = logging.getLogger(__name__)

_STUCK_S = 60.0  # beyond a camera's own time-out, with neither a picture nor an attempt
_SETTLED_S = 3600.0  # a fresh start for one camera's sake disturbs the others: not sooner


class Steward:
    """Looked to on the main thread. ``load`` is what it eases; ``restart``, why to begin afresh."""

    def __init__(
        self,
        config: Config,
        backend: Backend,
        notifier: Notifier,
        vitals: Callable[[], Vitals] = Vitals,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = config.limits or LimitsSettings()
        hidden = config.privacy is not None and config.privacy.classes
        self.load = Load()
        self.restart = ""
        self.vitals = Vitals()
        self.relief = Relief(limits, self.load, steps(interval=not hidden))
        self._budget = (
            None if limits.memory_mb is None else Budget(limits.memory_mb, backend.own_memory)
        )
        self._notifier = notifier
        self._progress = Progress(now)
        self._ready = False
        self._read = vitals
        self._now = now
        self._began = now()
        self._patience_s = _STUCK_S + max(camera.timeout_s for camera in config.cameras)
        self._latency = (0, 0.0)  # frames and their milliseconds, in all

    def look(self, pipeline: Pipeline, reading: Reading) -> None:
        """Once a second."""
        self.vitals = self._read()
        if reading.frames and not self._ready:
            self._ready = True
            self._notifier.ready()
        if self._progress.made(reading, pipeline.sources):
            self._notifier.progress()
        live = any(source.live for source in pipeline.sources)
        latency = self._latency_since(reading)
        self.relief.learn(self._now(), latency if live else None, self.vitals.hottest)
        spent = self._budget.spent() if self._budget else None
        self._begin_afresh(spent or self._stuck())

    @property
    def machine(self) -> Machine:
        """What is known beside the pipeline, as of the latest look."""
        reasons = (self.relief.reason,) if self.relief.reason else ()
        budget = self._budget
        if budget is None:
            return Machine(self.vitals, self.relief.level, reasons)
        return Machine(
            self.vitals,
            self.relief.level,
            reasons,
            memory_used=budget.used,
            memory_limit=budget.limit,
        )

    def _latency_since(self, reading: Reading) -> Optional[float]:
        """Mean milliseconds from capture to the end, of the frames since the last look."""
        count, total = reading.latency.samples, reading.latency.mean * reading.latency.samples
        before, self._latency = self._latency, (count, total)
        return (total - before[1]) / (count - before[0]) if count > before[0] else None

    def _stuck(self) -> str:
        names = self._progress.stuck(self._patience_s)
        if not names or self._now() - self._began < _SETTLED_S:
            return ""
        return f"{', '.join(names)}: the reader has hung for {self._patience_s:.0f} s"

    def _begin_afresh(self, why: str) -> None:
        """Where somebody starts us again."""
        if why and self._notifier.listened_to and not self.restart:
            self.restart = why
