"""cli: the command line, and the only file that prints or exits."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, Iterator, List, Optional, Tuple

from app import assemble, catalogue, config, console, fetch
from app.cli_flags import parser
from app.device import onnxfile
from app.device.backend import Model
from app.device.complete import Tensors, complete
from app.errors import AppError, SourceError
from app.flags import Flags, with_flags
from app.media import rtsp
from app.terminal import Terminal

terminal = Terminal(sys.stderr)


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command. Returns the exit code; see errors.py."""
    arguments = parser().parse_args(argv)
    command = {"run": _run, "check": _check, "fetch": _fetch, "inspect": _inspect}
    logging.getLogger().handlers = [terminal]
    logging.getLogger().setLevel(arguments.log_level.upper())
    try:
        with _handling(_interrupt):
            return command[arguments.verb](arguments)
    except AppError as error:
        terminal.line(f"jetwatch: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        terminal.line("jetwatch: interrupted")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # or Python complains once more as it ends
        return 141


def _run(arguments: argparse.Namespace) -> int:
    with _stopping() as stop:
        chosen = with_flags(*_asked(arguments))
        began = time.monotonic()
        rtsp.limit_arenas()
        with contextlib.closing(assemble.backend(chosen)) as backend:
            for line in assemble.describe(chosen):
                terminal.line(line)
            pipeline = assemble.assemble(chosen, backend, arguments.frames)
            before = console.Moment(began, pipeline.meter.read())

            def tick() -> None:
                nonlocal before
                now = console.Moment(time.monotonic(), pipeline.meter.read())
                terminal.status(
                    console.status(now, before, pipeline.dropped(), pipeline.sources), now.when
                )
                before = now
                if arguments.seconds is not None and now.when - began >= arguments.seconds:
                    stop.set()

            try:
                pipeline.run(stop, tick, every=min(1.0, arguments.seconds or 1.0))
            finally:
                terminal.end_status()
                reading = pipeline.meter.read()
                elapsed = time.monotonic() - began
                if reading.frames:
                    for line in console.summary(reading, elapsed, pipeline.dropped()):
                        terminal.line(line)
            if not reading.frames and arguments.seconds is not None:
                why = ", ".join(console.troubles(pipeline.sources))
                raise SourceError(f"no picture came in {elapsed:.1f} s. {why}")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    for line in assemble.describe(config.load(arguments.config)):
        print(line)
    return 0


def _fetch(arguments: argparse.Namespace) -> int:
    if arguments.list or not arguments.names:
        for entry in catalogue.entries():
            print(console.offer(entry, catalogue.file_of(entry) is not None))
        return 0
    folder = Path(arguments.folder) if arguments.folder else None
    for entry in [catalogue.find(name) for name in arguments.names]:
        target = catalogue.target(entry)
        fetch.fetch(entry.sources, entry.name, target, _show_progress, folder)
        terminal.end_status()
        print(target)
    return 0


def _show_progress(progress: fetch.Progress) -> None:
    terminal.status(console.progress(progress), time.monotonic())


def _inspect(arguments: argparse.Namespace) -> int:
    found = onnxfile.describe(arguments.model)
    for line in console.network(found):
        print(line)
    name = Path(arguments.model).stem
    tensors = Tensors(found.inputs, found.outputs, found.metadata, frozenset(found.operators))
    completed = complete(Model(name, arguments.model), tensors)
    for line in console.manifest(completed.model, completed.guessed):
        print(line)
    return 0


def _asked(arguments: argparse.Namespace) -> Tuple[Optional[config.Config], Flags]:
    flags = Flags(
        source=arguments.source,
        model=arguments.model,
        record=arguments.out,
        report=arguments.detections,
        rtsp=arguments.rtsp,
        score=arguments.score,
        backend=arguments.backend,
        threads=arguments.threads,
        realtime=arguments.realtime,
        loop=arguments.loop,
    )
    return (config.load(arguments.config) if arguments.config else None), flags


@contextlib.contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets. A second one ends the process where it stands."""
    stop = threading.Event()

    def on_signal(number: int, _: Any) -> None:
        if stop.is_set():
            terminal.line("jetwatch: ended at once; files may be incomplete")
            os._exit(130)
        stop.set()

    with _handling(on_signal):
        yield stop


@contextlib.contextmanager
def _handling(on_signal: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to on_signal(number, frame) for the length of a ``with`` block."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, on_signal) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before):
            signal.signal(number, handler)


def _interrupt(number: int, _: Any) -> None:
    raise KeyboardInterrupt
