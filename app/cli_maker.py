"""cli_maker: what makes the pipeline of a config, and loads the models of the next one."""

import argparse
import contextlib
from typing import Any, List, NamedTuple, Optional, Tuple

from app import assemble, cli_build, engines
from app.beside import Beside
from app.chosen import Build, loading_s
from app.cli_signals import Asked
from app.conflicts import Config
from app.core.pipeline import Pipeline
from app.device.backend import Backend, Model
from app.disk import Disks, places
from app.media import rtsp
from app.outline import describe
from app.service import http
from app.service.board import Board
from app.service.http import serving
from app.service.notify import Notifier
from app.terminal import Terminal


class Made(NamedTuple):
    pipeline: Pipeline
    backend: Backend
    disks: Disks


class Maker:
    """
    Makes pipelines one after another, from what stands beside them all. Any thread may ask, while
    no other does.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        terminal: Terminal,
        notifier: Notifier,
        asked: Asked,
        board: Board,
    ) -> None:
        self.beside = Beside()
        self._arguments = arguments
        self._terminal = terminal
        self._notifier = notifier
        self._asked = asked
        self._board = board

    def made(self, chosen: Config) -> Made:
        """The next pipeline, its models loaded. Raises AppError; what stood beside stays then."""
        beside = self.beside
        with beside.following():
            if beside.part == 1:
                self._notifier.status("loading models")
                self._notifier.extend(loading_s(chosen))
            else:  # until it is looked at
                self._board.update(self._board.facts._replace(loading=True))
            self._serve(chosen)
            backend = self._backend(chosen)
            for line in describe(chosen):
                self._terminal.line(line)
            disks = self._disks(chosen)
            pipeline = assemble.assemble(
                chosen, backend, self._arguments.frames, self._builder(chosen), beside
            )
        return Made(pipeline, backend, disks)

    def check(self, new: Config, running: Config) -> None:
        """Raise AppError for what shows at once that the new config cannot take over."""
        for _ in describe(new):  # which opens manifests
            pass
        ours = new.record and running.record and new.record.path == running.record.path
        assemble.check_outputs_of(new._replace(rtsp=None, record=None if ours else new.record))
        if new.http and _place(new.http) != _place(running.http):
            http.check(new.http)
        if new.rtsp:
            moved = _place(new.rtsp) != _place(running.rtsp)
            (rtsp.check if moved else rtsp.check_usable)(new.rtsp)

    def loaded(self, new: Config) -> Config:
        """The config, once what it looks with is loaded, beside the pipeline that runs."""
        with self.beside.trying():
            backend = self._backend(new)
            assemble.finding(new, backend, self._builder(new), self.beside)
        return new

    def kept(self, new: Config) -> List[str]:
        """The cameras that a config which is loaded goes on with."""
        return assemble.kept_cameras(new, self._backend(new), self.beside)

    def _backend(self, chosen: Config) -> Backend:
        asked = chosen.backend._replace(build="")  # which is no part of it
        return self.beside.take(
            ("backend", asked),
            lambda stack: stack.enter_context(contextlib.closing(assemble.backend(chosen))),
        )

    def _disks(self, chosen: Config) -> Disks:
        written = places(chosen)
        return self.beside.take(
            ("disks", written),
            lambda stack: stack.enter_context(contextlib.closing(Disks(written))),
        )

    def _serve(self, chosen: Config) -> None:
        """Answer of what stands on the board, if that is asked for."""
        if chosen.http:
            self.beside.take_alone(
                ("http", chosen.http),
                lambda stack: stack.enter_context(serving(chosen.http, self._board)),
            )

    def _builder(self, chosen: Config) -> Optional[Build]:
        """How an engine that is missing is made, where the config lets it."""
        if chosen.backend.build != "auto":
            return None
        sign = cli_build.life_of(lambda: self._notifier.extend(cli_build.SILENT_S))

        def heard(progress: engines.Progress) -> None:
            if self._asked.ended:
                raise KeyboardInterrupt  # which ends the child that builds
            sign(progress)

        def build(model: Model) -> None:
            cli_build.built(model, engines.Wish(), self._terminal, heard)

        return build


def _place(served: Any) -> Optional[Tuple[str, int]]:
    return None if served is None else (served.address, served.port)
