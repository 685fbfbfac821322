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

from app import __version__, assemble, catalogue, config, console, fetch
from app.device import onnxfile
from app.device.backend import Model
from app.device.complete import Tensors, complete
from app.errors import AppError, SourceError
from app.media import rtsp
from app.terminal import Terminal

EXAMPLES = """
examples:
  jetwatch fetch yolox_nano bikes
      get a model and a clip
  jetwatch run --source clip.mp4 --out seen.mp4 --frames 100
      detect, draw, write a film
  jetwatch run --source photos/ --detections found.jsonl --score 0.5
      a folder of pictures, one line of JSON each
  jetwatch run --source rtsp://camera/stream --rtsp
      watch a camera and serve what is seen at rtsp://127.0.0.1:8554/camera
  jetwatch check configs/demo.yaml
      every mistake in a config, or what it would open
"""

terminal = Terminal(sys.stderr)


def main(argv: Optional[List[str]] = None) -> int:
    """Run one command. Returns the exit code; see errors.py."""
    arguments = parser().parse_args(argv)
    logging.getLogger().handlers = [terminal]
    logging.getLogger().setLevel(arguments.log_level.upper())
    try:
        with _handling(_interrupt):
            code: int = arguments.command(arguments)
            return code
    except AppError as error:
        terminal.line(f"jetwatch: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        terminal.line("jetwatch: interrupted")
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # or Python complains once more as it ends
        return 141


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="jetwatch",
        description="Watch cameras, clips or pictures: detect, draw, stream, report.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"jetwatch {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="verb")
    commands.required = True
    for verb, about, run, declare in (
        ("run", "watch, detect, draw, stream, report", _run, _declare_run),
        ("check", "read a config; say every mistake, or what it would open", _check, _declare_check),
        ("fetch", "get models and clips of the catalogue", _fetch, _declare_fetch),
        ("inspect", "say what an ONNX model wants and gives", _inspect, _declare_inspect),
    ):
        one = commands.add_parser(
            verb,
            help=about,
            description=about[0].upper() + about[1:] + ".",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        one.add_argument(
            "--log-level",
            choices=("debug", "info", "warning", "error"),
            default="info",
            help="how much to say (default: info)",
        )
        one.set_defaults(command=run)
        declare(one)
    return top


def _declare_run(one: argparse.ArgumentParser) -> None:
    one.epilog = (
        "A flag overrides what CONFIG says; flags alone will do. Ctrl-C ends cleanly: files are\n"
        "complete. Exit codes: 66 source, 69 device, 73 output, 78 config or model, 70 a stage.\n\n"
        "examples:\n"
        "  jetwatch run configs/demo.yaml --seconds 30\n"
        "  jetwatch run --source v4l2:///dev/video0 --rtsp 9000\n"
            "  jetwatch run --source test:// --model yolox_nano --rtsp --seconds 60"
    )
    add = one.add_argument
    add("config", nargs="?", metavar="CONFIG", help="a YAML file; see configs/")
    add("--source", metavar="URI", help="file, folder, rtsp(s)://, http(s)://, v4l2://, csi://, test://")
    add("--model", metavar="NAME|FILE.onnx", help="of the catalogue (jetwatch fetch --list), or a file")
    add("--out", metavar="FILE.mp4", help="write the drawn picture; {camera} = the camera's name")
    add("--detections", metavar="FILE.jsonl", help="write one JSON object a frame; - = standard output")
    add("--rtsp", nargs="?", type=_port, const=8554, metavar="PORT", help="serve it (default port: 8554)")
    add("--frames", type=_positive, metavar="N", help="end after N frames of each camera")
    add("--seconds", type=_duration, metavar="N", help="end after N seconds")
    add("--score", type=_fraction, metavar="S", help="least score of a detection, 0 to 1")
    add("--backend", choices=("auto", "host", "gpu"), help="where to compute (default: auto)")
    add("--threads", type=int, metavar="N", help="host backend: inference threads; 0 = all cores")
    add("--realtime", action="store_true", help="play a file at its own speed")
    add("--loop", action="store_true", help="begin a file again at its end")


def _declare_check(one: argparse.ArgumentParser) -> None:
    one.add_argument("config", metavar="CONFIG", help="a YAML file")


def _declare_fetch(one: argparse.ArgumentParser) -> None:
    one.add_argument("names", nargs="*", metavar="NAME", help="names of the catalogue")
    one.add_argument("--list", action="store_true", help="list the catalogue")
    one.add_argument("--from", dest="folder", metavar="DIR", help="take files already at hand")


def _declare_inspect(one: argparse.ArgumentParser) -> None:
    one.add_argument("model", metavar="FILE.onnx", help="an ONNX file")


def _run(arguments: argparse.Namespace) -> int:
    with _stopping() as stop:
        chosen = config.with_flags(*_asked(arguments))
        began = time.monotonic()
        rtsp.limit_arenas()
        with contextlib.closing(assemble.backend(chosen)) as backend:
            pipeline = assemble.assemble(chosen, backend, arguments.frames)
            for line in assemble.describe(chosen):
                terminal.line(line)
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
    tensors = Tensors(found.inputs, found.outputs, found.metadata)
    completed = complete(Model(name, arguments.model), tensors)
    for line in console.manifest(completed.model, completed.guessed):
        print(line)
    return 0


def _asked(arguments: argparse.Namespace) -> Tuple[Optional[config.Config], config.Flags]:
    flags = config.Flags(
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


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; put CONFIG before --rtsp")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _duration(text: str) -> float:
    return _between(text, 0.001, 1e9)


def _fraction(text: str) -> float:
    return _between(text, 0, 1)


def _between(text: str, low: float, high: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
    return number
