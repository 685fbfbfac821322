"""cli_run: `jetwatch run`: pipelines one after another, and what is done beside them."""

import argparse
import contextlib
import functools
import logging
import math
import os
import time
from typing import Any, List, Optional, Tuple

from app import assemble, cli_build, config, console, engines
from app.beside import Beside
from app.chosen import Build, loading_s
from app.cli_signals import Asked, handling, has_terminal, interrupting, stopping
from app.conflicts import Config
from app.core.pipeline import Pipeline
from app.core.stage import Stop
from app.device.backend import Backend, Model
from app.device.telemetry import open_telemetry
from app.disk import Disks, places
from app.errors import AppError, RestartWanted, SourceError
from app.flags import Flags, with_flags
from app.media import rtsp
from app.observer import Observer
from app.outline import describe
from app.service import cgroup, heap, http
from app.service.board import Board
from app.service.http import serving
from app.service.notify import Notifier
from app.steward import Steward
from app.terminal import Terminal

logger = logging.getLogger(__name__)

_RELOADING_S = 900.0  # of systemd's patience: models are loaded, perhaps built
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
        self._beside = Beside()
        self._board = Board()
        self._proven = False  # a frame has gone all the way through the latest pipeline
        self._reloading = False  # systemd has been told so
        self._complaint = ""  # of the config, for systemctl status

    def run(self) -> None:
        heap.limit_arenas()
        chosen = self._read()
        try:
            with contextlib.closing(self._telemetry), contextlib.closing(self._beside):
                self._follow(chosen)
        finally:
            self._notifier.stopping()

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
            if self._asked.ended:
                return
            if self._next is not None:
                self._complaint = ""
            chosen = self._next or back

    def _once(self, chosen: Config) -> None:
        """One pipeline, from its models to its end."""
        self._proven = False
        stop = self._asked.again()
        beside = self._beside
        with beside.following():
            if beside.part == 1:
                self._notifier.status("loading models")
                self._notifier.extend(loading_s(chosen))
            self._serve(chosen)
            backend = self._backend(chosen)
            for line in describe(chosen):
                self._terminal.line(line)
            disks = self._disks(chosen)
            steward = Steward(
                chosen,
                backend,
                self._notifier,
                self._telemetry.read,
                complaints=disks.complaints,
                load=beside.load,
                granted=cgroup.granted(),
                began=self._began,
                first=beside.part == 1,
            )
            pipeline = assemble.assemble(
                chosen, backend, self._arguments.frames, self._builder(chosen), beside
            )
        before = console.Moment(time.monotonic(), pipeline.meter.read())
        trial_over = before.when + _TRIAL_S
        observer = Observer(chosen, pipeline, backend, self._board, before.when)

        def tick() -> None:
            nonlocal before
            now = console.Moment(time.monotonic(), pipeline.meter.read())
            line = console.status(now, before, pipeline.dropped(), pipeline.sources)
            self._terminal.status(line, now.when)
            worth = (line, steward.relief.reason, self._complaint)
            self._notifier.status(" | ".join(filter(None, worth)))
            before = now
            if self._reloading and (now.reading.frames or now.when > trial_over):
                self._reloading = False
                self._notifier.reloaded()
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
            if self._asked.reload and self._next is None:  # else the next pipeline sees to it
                self._asked.reload = False
                self._reload(chosen, stop)

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

    def _reload(self, running: Config, stop: Stop) -> None:
        """
        Read the config again; what is good and new takes the place of what runs. Its models are
        loaded meanwhile, so that what is not good changes nothing.
        """
        self._notifier.reloading(_RELOADING_S)
        self._reloading = True
        try:
            new = self._read()
            for _ in describe(new):  # which opens manifests
                pass
            _check_outputs(new, running)
            if new != running:
                logger.info("the config has changed: loading what is new in it")
                self._next = new
                stop.hand_on(self._loaded(new))
                return
        except AppError as error:
            self._next = None
            self._refused(error)
        else:
            logger.info("the config was read again, and has not changed")
            self._complaint = ""
        self._reloading = False
        self._notifier.reloaded()

    def _loaded(self, new: Config) -> List[str]:
        """Load what the new config looks with. The cameras that it goes on with."""
        self._notifier.status("loading models")
        self._board.update(self._board.facts._replace(loading=True))  # until the next tick
        with self._beside.trying():
            backend = self._backend(new)
            assemble.finding(new, backend, self._builder(new), self._beside)
        return assemble.kept_cameras(new, backend, self._beside)

    def _backend(self, chosen: Config) -> Backend:
        asked = chosen.backend._replace(build="")  # which is no part of it
        return self._beside.take(
            ("backend", asked),
            lambda stack: stack.enter_context(contextlib.closing(assemble.backend(chosen))),
        )

    def _disks(self, chosen: Config) -> Disks:
        written = places(chosen)
        return self._beside.take(
            ("disks", written),
            lambda stack: stack.enter_context(contextlib.closing(Disks(written))),
        )

    def _serve(self, chosen: Config) -> None:
        """Answer of what stands on the board, if that is asked for."""
        if chosen.http:
            self._beside.take_alone(
                ("http", chosen.http),
                lambda stack: stack.enter_context(serving(chosen.http, self._board)),
            )

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

    def _builder(self, chosen: Config) -> Optional[Build]:
        """How an engine that is missing is made, where the config lets it."""
        if chosen.backend.build != "auto":
            return None

        def build(model: Model) -> None:
            with handling(interrupting(self._asked)):
                alive = functools.partial(self._notifier.extend, cli_build.SILENT_S)
                cli_build.built(model, engines.Wish(), self._terminal, alive)

        return build

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


def _check_outputs(new: Config, running: Config) -> None:
    """Raise OutputError for what the new config could not open, but for what is ours."""
    ours = new.record and running.record and new.record.path == running.record.path
    assemble.check_outputs_of(new._replace(rtsp=None, record=None if ours else new.record))
    if new.http and _place(new.http) != _place(running.http):
        http.check(new.http)
    if new.rtsp:
        moved = _place(new.rtsp) != _place(running.rtsp)
        (rtsp.check if moved else rtsp.check_usable)(new.rtsp)


def _place(served: Any) -> Optional[Tuple[str, int]]:
    return None if served is None else (served.address, served.port)
