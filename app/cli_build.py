"""cli_build: `jetwatch build`, which makes TensorRT engines, and `jetwatch engines`, their list."""

import argparse
import contextlib
from typing import Callable, Iterator, List, Optional

from app import catalogue, console, engines
from app.cli_types import between, positive
from app.device import plan, planfile, trt
from app.device.backend import Model
from app.device.build import PRECISIONS
from app.device.calibrate import KINDS
from app.device.jetson import GpuBackend
from app.device.source import QDQ
from app.errors import AppError, DeviceError
from app.media import uri
from app.media.camera import Camera
from app.terminal import Terminal

# A build that says nothing and uses no CPU for so long hangs. TensorRT's own silences of minutes
# are busy ones: it compiles, starts kernels and compares them.
SILENT_S = 900.0
_BUSY_S = 5.0  # of the CPU: what a process that only waits does not come to in that time

Say = Callable[[str], None]


def declare_build(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch build`."""
    one.epilog = (
        "Build on the device that will run it: an engine fits one GPU and one TensorRT. It takes\n"
        "minutes. Ctrl-C leaves the old engine as it was. A reduced precision is compared with\n"
        "FP32 on pictures that it was not calibrated with. Where it agrees too little it is\n"
        "refused, and FP16 is tried, then FP32. NAME.engine.log keeps what TensorRT said.\n\n"
        "examples:\n"
        "  jetwatch build yolox_nano\n"
        "  jetwatch build nanodet_g --calibrate rtsp://camera/stream --frames 200\n"
        "  jetwatch build yolox_nano --precision int8 --calibrate street.mp4 --check labelled/\n"
        "  jetwatch build yolox_nano --workspace-mb 256 --lean       on a Nano"
    )
    add = one.add_argument
    add("names", nargs="+", metavar="MODEL", help="of the catalogue, or an ONNX file")
    add(
        "--precision",
        choices=(engines.BEST,) + PRECISIONS,
        default=engines.BEST,
        help="best (default): INT8 with --calibrate, else FP16; each only where it is fast",
    )
    add("--batch", type=positive, default=1, metavar="N", help="pictures at once, at most")
    add(
        "--frames", type=positive, default=200, metavar="N", help="to calibrate with (default: 200)"
    )
    add(
        "--every",
        type=lambda text: between(text, 0, 3600),
        default=0.5,
        metavar="S",
        help="seconds between those of a live camera (default: 0.5)",
    )
    add(
        "--check",
        type=source,
        metavar="URI",
        help="other pictures to compare on; with labels beside them (COCO, YOLO) AP is shown "
        "(default: every fifth of --calibrate)",
    )
    add(
        "--agreement",
        type=lambda text: between(text, 0, 1),
        default=0.95,
        metavar="A",
        help="how far it must agree with FP32, 0 to 1 (default: 0.95)",
    )
    add("--force", action="store_true", help="keep an engine that agrees too little, and mark it")
    add("--dla", type=int, choices=(0, 1), metavar="N", help="run on DLA core N where it can")
    declare_how(one)


def declare_how(one: argparse.ArgumentParser) -> None:
    """How any engine is made, for whichever command makes one."""
    add = one.add_argument
    add(
        "--calibrate",
        type=source,
        metavar="URI",
        help="pictures of what it will see, for INT8: folder, clip, rtsp://, v4l2://, csi://",
    )
    add("--workspace-mb", type=positive, metavar="N", help="memory that building may take")
    add(
        "--effort",
        type=int,
        choices=range(6),
        metavar="0..5",
        help="how long to look for faster kernels (TensorRT 8.6 on)",
    )
    add("--lean", action="store_true", help="without cuBLAS and cuDNN: hundreds of MB less")
    add(
        "--calibrator",
        choices=KINDS + (QDQ,),
        default=KINDS[0],
        help="how INT8's ranges are found: TensorRT's own ways, or qdq: on the CPU, by ONNX "
        "Runtime, with delicate layers left out; the only one from TensorRT 11 on",
    )


def declare_engines(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch engines`."""
    one.add_argument("folders", nargs="*", metavar="FOLDER", help="default: the catalogue's")


def build(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Build each model; the others are built though one fails. Returns the exit code."""
    wish = engines.Wish(
        precision=arguments.precision,
        batch=arguments.batch,
        calibrate=arguments.calibrate,
        frames=arguments.frames,
        every_s=arguments.every,
        check=arguments.check,
        at_least=arguments.agreement,
        force=arguments.force,
        workspace_mb=arguments.workspace_mb,
        dla=arguments.dla,
        effort=arguments.effort,
        lean=arguments.lean,
        calibrator=arguments.calibrator,
    )
    failures: List[AppError] = []
    for name in arguments.names:
        try:
            made = built(catalogue.model(name), wish, terminal)
        except AppError as error:
            failures.append(error)
        else:
            terminal.line(console.engine_built(made))
    for failure in failures:
        terminal.line(f"jetwatch: {failure}")
    return failures[0].exit_code if failures else 0


def built(
    model: Model,
    wish: engines.Wish,
    terminal: Terminal,
    heard: engines.Tell = lambda progress: None,
) -> plan.Sidecar:
    """
    A model's engine, with its progress on the terminal; ``heard`` is told of it too, twice a
    second at least, and ends the build if it raises. Raises AppError.
    """

    def tell(progress: engines.Progress) -> None:
        terminal.status(console.build_progress(progress), progress.elapsed)
        heard(progress)

    recorded = (uri.Kind.FILE, uri.Kind.FOLDER)
    if any(camera and camera.uri.kind not in recorded for camera in (wish.calibrate, wish.check)):
        trt.require()  # or a camera would be watched for minutes in vain
    try:
        return engines.build(model, wish, catalogue.folders(), tell, terminal.line)
    finally:
        terminal.end_status()


def life_of(alive: Callable[[], None]) -> engines.Tell:
    """
    What is told of a build's progress; calls ``alive`` where it says something new, or has used the
    CPU meanwhile.
    """
    before: Optional[engines.Progress] = None

    def tell(progress: engines.Progress) -> None:
        nonlocal before
        now = progress._replace(elapsed=0.0, busy_s=progress.busy_s // _BUSY_S)
        if now != before:
            alive()
        before = now

    return tell


def listing(arguments: argparse.Namespace, terminal: Terminal, say: Say) -> int:
    """The engines there are, and whether each runs here. Returns the exit code."""
    folders = arguments.folders or catalogue.folders()
    with _device(terminal) as now:
        rows = planfile.listing(folders, now)
    for line in console.engine_table(rows):
        say(line)
    return 0


@contextlib.contextmanager
def _device(terminal: Terminal) -> Iterator[Optional[plan.Fingerprint]]:
    try:
        backend = GpuBackend()
    except DeviceError as error:
        terminal.line(f"no GPU to ask: {error}")
        yield None
        return
    with contextlib.closing(backend):
        yield backend.fingerprint()


def source(text: str) -> Camera:
    try:
        return Camera("calibration", uri.parse(text))
    except AppError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
