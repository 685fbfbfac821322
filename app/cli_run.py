"""cli_run: `jetwatch run`: pipelines one after another, and what is done beside them."""

import argparse
import contextlib
import logging
import math
import os
import time
from typing import Any, Optional, TypeVar

from app import config, console
from app.apart import Apart
from app.cli_maker import Maker
from app.cli_signals import Asked, has_terminal, stopping
from app.conflicts import Config
from app.core.pipeline import Pipeline
from app.device.telemetry import open_telemetry
from app.errors import AppError, RestartWanted, SourceError
from app.flags import Flags, with_flags
from app.observer import Observer
from app.service import cgroup, heap
from app.service.board import Board
from app.service.notify import Notifier
from app.steward import Steward
from app.terminal import Terminal

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RELOADING_S = 900.0  # of systemd's patience: models are loaded, perhaps built
_LOOK_S = 0.2  # between two looks at whether models are loaded
_LEAVING_S = 2.0  # that what is being loaded at the end may still take
_TRIAL_S = 10.0  # a reload is over by then, though no camera gives a frame


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Until the cameras end or a signal comes. A SIGHUP makes a service read its config again."""
    notifier = Notifier(os.environ)
    service = notifier.listened_to or not has_terminal()
    with stopping(reloads=service and bool(arguments.config)) as asked:
        _Run(arguments, terminal, notifier, asked).run()
    return 0


class _Run:
    """The pipeline of a config; where the config changes, the next one."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        terminal: Terminal,
        notifier: Notifier,
        asked: Asked,
    ) -> None:
        self._arguments = arguments
        self._terminal = terminal
        self._notifier = notifier
        self._asked = asked
        self._telemetry = open_telemetry()
        self._began = time.monotonic()
        self._next: Optional[Config] = None
        self._board = Board()
        self._maker = Maker(arguments, terminal, notifier, asked, self._board)
        self._loading: Optional[Apart[Config]] = None  # the next one's models, beside what runs
        self._busy: Optional[Apart[Any]] = None  # whatever the maker was asked for last
        self._proven = False  # a frame has gone all the way through the latest pipeline
        self._reloading = False  # systemd has been told so
        self._complaint = ""  # of the config, for systemctl status

    def run(self) -> None:
        heap.limit_arenas()
        chosen = self._read()
        try:
            with contextlib.closing(self._telemetry):
                self._follow(chosen)
        finally:
            self._notifier.stopping()
            if self._busy is None or self._busy.over(_LEAVING_S):
                self._maker.beside.close()  # else it is all left behind, with what still loads

    def _follow(self, first: Config) -> None:
        """
        Run one config after another. One that fails before a frame has gone all the way is
        refused, and what ran before runs again.
        """
        chosen: Optional[Config] = first
        good: Optional[Config] = None  # what can be gone back to
        while chosen is not None:
            self._next, back = None, None
            try:
                self._once(chosen)
                good = chosen
            except AppError as error:
                if self._proven or good is None:
                    raise
                self._refused(error)
                back, good = good, None
            self._settle()
            if self._asked.ended:
                return
            if self._next is not None:
                self._complaint = ""
            chosen = self._next or back

    def _once(self, chosen: Config) -> None:
        """One pipeline, from its models to its end."""
        self._proven = False
        stop = self._asked.again()
        made = self._waited(Apart(lambda: self._maker.made(chosen)))
        if made is None:
            return
        pipeline, beside = made.pipeline, self._maker.beside
        steward = Steward(
            chosen,
            made.backend,
            self._notifier,
            self._telemetry.read,
            complaints=made.disks.complaints,
            load=beside.load,
            granted=cgroup.granted(),
            began=self._began,
            first=beside.part == 1,
        )
        before = console.Moment(time.monotonic(), pipeline.meter.read())
        trial_over = before.when + _TRIAL_S
        observer = Observer(chosen, pipeline, made.backend, self._board, before.when)

        def tick() -> None:
            nonlocal before
            now = console.Moment(time.monotonic(), pipeline.meter.read())
            line = console.status(now, before, pipeline.dropped(), pipeline.sources)
            self._terminal.status(line, now.when)
            loading = "loading models" if self._loading else ""
            worth = (line, steward.relief.reason, loading, self._complaint)
            self._notifier.status(" | ".join(filter(None, worth)))
            before = now
            if self._asked.ended or steward.restart:
                self._notifier.stopping()  # so that systemd sees to it, with no time added
            steward.look(pipeline, now.reading)
            beside.celsius = steward.vitals.hottest
            observer.update(now.when, now.reading, steward.progressed, steward.machine)
            seconds = self._arguments.seconds
            if steward.restart and not stop.is_set():
                logger.error("%s", steward.restart)
            if steward.restart or seconds is not None and now.when - self._began >= seconds:
                stop.set()
            if not stop.is_set():
                self._look_at_reload(chosen, now.reading.frames > 0 or now.when > trial_over)

        try:
            pipeline.run(stop, tick, every=min(1.0, self._arguments.seconds or 1.0))
        except SourceError:  # of a camera that had ended, and was said then
            if self._next is None and not steward.restart:
                raise
        finally:
            self._proven = pipeline.meter.read().frames > 0
            self._terminal.end_status()
            self._sum_up(pipeline)
        self._proven = True  # it has ended as it should
        if steward.restart:
            raise RestartWanted(f"{steward.restart}. It begins afresh")
        self._check_seen(pipeline)

    def _waited(self, work: "Apart[T]") -> Optional[T]:
        """What comes of work; None where a signal ends us before, for Ctrl-C KeyboardInterrupt."""
        self._busy = work
        while not work.over(_LOOK_S):
            if self._asked.interrupted:
                raise KeyboardInterrupt
            if self._asked.ended:
                return None
        return work.result()

    def _look_at_reload(self, running: Config, well: bool) -> None:
        """Once a second: what SIGHUP has asked for. ``well``: what runs is no reload's trial."""
        if self._loading is not None:
            if self._loading.over():
                self._take_up()
        elif self._asked.reload:
            self._asked.reload = False
            self._reload(running)
        elif self._reloading and well:
            self._reloading = False
            self._notifier.reloaded()

    def _reload(self, running: Config) -> None:
        """
        Read the config again; what is good and new takes the place of what runs. Its models are
        loaded meanwhile, so that what is not good changes nothing.
        """
        self._notifier.reloading(_RELOADING_S)
        self._reloading = True
        try:
            new = self._read()
            self._maker.check(new, running)
        except AppError as error:
            self._refused(error)
            return
        if new != running:
            logger.info("the config has changed: loading what is new in it")
            self._loading = self._busy = Apart(lambda: self._maker.loaded(new))
            if self._loading.over(_LOOK_S):  # as where nothing is new that takes long
                self._take_up()
            return
        logger.info("the config was read again, and has not changed")
        self._complaint = ""

    def _take_up(self) -> None:
        """Have the pipeline end in favour of the config that has been loaded beside it."""
        assert self._loading is not None
        loading, self._loading = self._loading, None
        try:
            self._next = loading.result()
            self._asked.stop.hand_on(self._maker.kept(self._next))
        except AppError as error:
            self._refused(error)

    def _settle(self) -> None:
        """Where a pipeline has ended while the next one's models are loaded, wait for these."""
        while self._loading is not None and not self._asked.ended:
            if self._loading.over(_LOOK_S):
                self._take_up()

    def _refused(self, error: AppError) -> None:
        logger.error("the config has changed and is refused, what ran goes on: %s", error)
        self._complaint = f"the new config is refused: {error}"

    def _read(self) -> Config:
        given = self._arguments
        flags = Flags(
            source=given.source,
            model=given.model,
            record=given.out,
            report=given.detections,
            rtsp=given.rtsp,
            score=given.score,
            backend=given.backend,
            threads=given.threads,
            realtime=given.realtime,
            loop=given.loop,
        )
        return with_flags(config.load(given.config) if given.config else None, flags)

    def _sum_up(self, pipeline: Pipeline) -> None:
        reading = pipeline.meter.read()
        if reading.frames:
            elapsed = time.monotonic() - self._began
            for line in console.summary(reading, elapsed, pipeline.dropped()):
                self._terminal.line(line)

    def _check_seen(self, pipeline: Pipeline) -> None:
        elapsed = time.monotonic() - self._began
        frames = pipeline.meter.read().frames
        if not frames and elapsed >= (self._arguments.seconds or math.inf):
            why = ", ".join(console.troubles(pipeline.sources))
            raise SourceError(f"no picture came in {elapsed:.1f} s. {why}")
