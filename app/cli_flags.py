"""cli_flags: what may be typed after `jetwatch`, and the help that teaches it."""

import argparse
from typing import Any

from app import __version__, cli_bench, cli_build, cli_convert, cli_doctor, cli_heatmap
from app.cli_types import duration, fraction, port, positive, threads
from app.media import uri

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


def parser() -> argparse.ArgumentParser:
    """What may be typed; ``verb`` in the result names the command."""
    top = _Parser(
        prog="jetwatch",
        description="Watch cameras, clips or pictures: detect, draw, stream, report.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"jetwatch {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="verb")
    commands.required = True
    for verb, about, declare in (
        ("run", "watch, detect, draw, stream, report", _declare_run),
        ("check", "read a config; say every mistake, or what it would open", _declare_check),
        ("fetch", "get models and clips of the catalogue", _declare_fetch),
        ("inspect", "say what an ONNX model wants and gives", _declare_inspect),
        ("build", "make TensorRT engines of models, on the device", cli_build.declare_build),
        ("engines", "list the engines, and whether each runs here", cli_build.declare_engines),
        ("doctor", "say what is wrong with this machine, and what mends it", cli_doctor.declare),
        ("bench", "measure how fast, how late and how accurate it is here", cli_bench.declare),
        ("heatmap", "draw where things were for how long", cli_heatmap.declare),
        ("convert", "make an ONNX model and its manifest of a PyTorch module", cli_convert.declare),
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
        declare(one)
    return top


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without the password that a mistyped source may hold."""

    def error(self, message: str) -> Any:
        super().error(" ".join(uri.redacted(word) for word in message.split(" ")))


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
    add(
        "--source",
        metavar="URI",
        help="file, folder, rtsp(s)://, http(s)://, v4l2://, csi://, test://",
    )
    add(
        "--model",
        metavar="NAME|FILE.onnx",
        help="of the catalogue (jetwatch fetch --list), or a file",
    )
    add("--out", metavar="FILE.mp4", help="write the drawn picture; {camera} = the camera's name")
    add(
        "--detections",
        metavar="FILE.jsonl",
        help="write one JSON object a frame; - = standard output",
    )
    add(
        "--rtsp",
        nargs="?",
        type=port,
        const=8554,
        metavar="PORT",
        help="serve it (default port: 8554)",
    )
    add("--frames", type=positive, metavar="N", help="end after N frames of each camera")
    add("--seconds", type=duration, metavar="N", help="end after N seconds")
    add("--score", type=fraction, metavar="S", help="least score of a detection, 0 to 1")
    add("--backend", choices=("auto", "host", "gpu"), help="where to compute (default: auto)")
    add(
        "--threads",
        type=threads,
        metavar="N",
        help="host backend: inference threads; 0 = all cores",
    )
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
