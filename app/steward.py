"""steward: what is done once a second beside the frames: systemd, limits, the machine."""

import logging
import time
from typing import Callable, Container, Dict, Optional, Tuple

from app.chosen import beginning_s, shrinkable, slowest_s, stuck_s
from app.conflicts import Config
from app.core.load import Ease, Load
from app.core.meter import Reading
from app.core.pipeline import Pipeline
from app.core.vitals import Vitals
from app.device.backend import Backend
from app.errors import ConfigError
from app.service import heap
from app.service.budget import Budget
from app.service.facts import Machine
from app.service.notify import Notifier
from app.service.progress import Progress
from app.service.relief import LimitsSettings, Relief, steps

logger = logging.getLogger(__name__)

_SILENT_S = 20.0  # beyond what a camera may take, for an attempt to connect and the wait before it
_EARLY_S = 60.0  # after the first frame; what is too much by then is so from the start
_TRIM_S = 10.0  # between two times that free memory is given back
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
        complaints: Callable[[], Tuple[str, ...]] = tuple,
        load: Optional[Load] = None,
        granted: Optional[int] = None,
        began: Optional[float] = None,
        first: bool = True,
    ) -> None:
        """
        ``vitals`` of the machine and ``complaints`` of outputs are asked for; neither waits.
        ``granted``: bytes of memory beyond which the kernel kills. ``began``: when the process
        did, by the clock ``now``; reloads come later. ``first``: of this process's pipelines, so
        what is too much soon is so from the start.
        """
        limits = config.limits or LimitsSettings()
        hidden = config.privacy is not None and config.privacy.classes
        self.load = Load() if load is None else load
        self.load.ease = Ease()
        self.restart = ""
        self.vitals = Vitals()
        can = steps(
            interval=not hidden,
            shown=config.rtsp is not None,
            scale=any(shrinkable(config, camera.name) for camera in config.cameras),
            own=config.detect.interval,
        )
        self.relief = Relief(limits, self.load, can)
        self._budget = (
            None
            if limits.memory_mb is None
            else Budget(limits.memory_mb, backend.own_memory, granted=granted)
        )
        self._notifier = notifier
        self._progress = Progress(now)
        self._read = vitals
        self._complaints = complaints
        self._now = now
        self._began = now() if began is None else began
        self._trimmed = now()
        self._begins = first
        self._first: Optional[float] = None  # frame, when it was seen
        self._looked = False
        self._beginning_s = beginning_s(config)
        self._patience_s = stuck_s(config)
        notifier.expect(_SILENT_S + slowest_s(config))
        self._finished: Dict[str, float] = {}  # camera -> when its newest frame was

    def look(self, pipeline: Pipeline, reading: Reading) -> None:
        """Once a second. Raises ConfigError where the memory budget cannot be kept at all."""
        now = self._now()
        self.vitals = self._read()
        if reading.frames:
            self._first = now if self._first is None else self._first
            self._notifier.ready()
        made = self._progress.made(reading, pipeline.sources)
        if made:
            self._notifier.progress()
        if self._first is None and (made or not self._looked):  # at first: the models are loaded
            self._notifier.extend(self._beginning_s)
        self._looked = True
        live = {source.camera for source in pipeline.sources if source.live}
        live -= set(pipeline.ended)
        late = self._late(reading, live)
        self.relief.learn(now, late, self.vitals.hottest)
        if now - self._trimmed >= _TRIM_S:
            self._trimmed = now
            heap.give_back()
        self._mind_memory(now)
        if not self.restart and self._notifier.listened_to and now - self._began > _SETTLED_S:
            names = self._progress.stuck(self._patience_s, live)
            if names:
                self.restart = f"{', '.join(names)}: the reader has hung"

    @property
    def progressed(self) -> float:
        """When a frame was last finished, or a camera tried again; -inf before the first."""
        return self._progress.latest

    def _late(self, reading: Reading, cameras: Container[str]) -> Optional[float]:
        """Milliseconds from capture to the end of the latest frames; of the worst camera."""
        worst = None
        for one in reading.newest:
            if one.camera in cameras and one.finished != self._finished.get(one.camera):
                self._finished[one.camera] = one.finished
                worst = max(worst or 0.0, 1000 * (one.finished - one.captured))
        return worst

    def _mind_memory(self, now: float) -> None:
        if self._budget is None:
            return
        spent = self._budget.spent(afresh=self._notifier.listened_to)
        if spent is None or not self._notifier.listened_to:
            return
        early = self._first is None or now - self._first < _EARLY_S
        if self._begins and early:  # it would be so each time
            raise ConfigError(f"{spent} from the start. Raise limits.memory_mb")
        self.restart = self.restart or spent

    @property
    def machine(self) -> Machine:
        """What is known beside the pipeline, as of the latest look."""
        reasons = (self.relief.reason,) if self.relief.reason else ()
        made = Machine(self.vitals, self.relief.level, reasons, self._complaints())
        budget = self._budget
        if budget is None:
            return made
        return made._replace(memory_used=budget.used, memory_limit=budget.limit)
