"""cli_convert: `jetwatch convert`, from a PyTorch module to an ONNX file and its manifest."""

import argparse
import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

from app import console, manifest
from app import labels as label_files
from app.device import convert, framework, onnxfile
from app.device.backend import Network
from app.device.complete import count_classes
from app.errors import ConfigError, EngineError, OutputError
from app.home import folder
from app.media import uri

Say = Callable[[str], None]

_MOST_BYTES = 1 << 30  # of one input
_ANOTHER = "Name another file with --out, or write over it with --force"


def declare(one: argparse.ArgumentParser) -> None:
    """What may be typed after `jetwatch convert`."""
    one.epilog = (
        "SOURCE is run as code: give only what you wrote, or whose author you trust. It is a file\n"
        "(TorchScript, or a module that torch.save wrote), FILE.py:FUNCTION or\n"
        "PACKAGE.MODULE:FUNCTION; the function takes nothing and returns an nn.Module. A work for\n"
        "a workstation: it needs PyTorch, onnx and onnxruntime.\n\n"
        "examples:\n"
        "  jetwatch convert scripted.pt --input 1,3,224,224\n"
        "  jetwatch convert resnet50.py:build --input 1,3,224,224 --labels imagenet"
    )
    add = one.add_argument
    add("origin", metavar="SOURCE", help="a file, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION")
    add(
        "--input",
        required=True,
        type=_shape,
        metavar="N,3,H,W",
        help="shape of its input: batch, channels, high, wide",
    )
    add(
        "--opset",
        type=int,
        default=onnxfile.OLDEST_OPSET,
        metavar="N",
        help="of ONNX (default: %(default)s, which every TensorRT from 8.2 on takes)",
    )
    add("--dynamic-batch", action="store_true", help="take any number of pictures at once")
    add("--labels", metavar="NAME|FILE.txt", help="names of its classes; see configs/labels")
    add("--out", metavar="FILE.onnx", help="where to (default: SOURCE's name, here)")
    add("--force", action="store_true", help="write over files that are there")
    add("--trust", action="store_true", help="unpickle SOURCE, which can run any code")


def run(arguments: argparse.Namespace, say: Say) -> int:
    """Convert, compare, write; each finding is said. Returns the exit code."""
    if "://" in arguments.origin:
        raise ConfigError(f"{uri.redacted(arguments.origin)} is an address. Download it first")
    target = _target(arguments)
    labels = label_files.read(arguments.labels) if arguments.labels else ()
    convert.check_tools()
    wanted = convert.Wanted(arguments.input, arguments.opset, arguments.dynamic_batch)
    with _folder_beside(target) as place:
        part = place / target.name
        module = framework.load(arguments.origin, arguments.trust)
        say(f"{'module':<11}{convert.name_of(module)}, from {arguments.origin}")
        _write(part, convert.export(module, wanted))
        for found in convert.compare(module, str(part), wanted):
            say(f"{'compared':<11}{console.difference(found)}")
        for line in console.network(onnxfile.describe(str(part))):
            say(line)
        problem = ""
        try:
            network = convert.described(str(part), target.stem, labels)
            say(f"{'guess':<11}{network.guessed}")
            _describe(part, network, f"converted from {os.path.basename(arguments.origin)}")
        except EngineError as error:
            problem = str(error).replace(f"{part}: ", "")
        for path in _put(place, target, arguments.force):
            say(f"{'wrote':<11}{path} ({console.size(path.stat().st_size)})")
    if problem:
        raise EngineError(f"{target}: is written and right, but without a manifest: {problem}")
    return 0


def _shape(text: str) -> Tuple[int, ...]:
    """The shape of a picture input: four numbers, three channels among them."""
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape like 1,3,224,224")
    shape = tuple(int(part) for part in parts)
    if 3 not in (shape[1], shape[3]):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no 3 for the channels, and pictures here have colours; 1,3,224,224 has"
        )
    size = shape[0] * shape[1] * shape[2] * shape[3] * 4
    if size > _MOST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is a picture of {size / 1e9:.0f} GB")
    return shape


def _target(arguments: argparse.Namespace) -> Path:
    """The ONNX file to write. Raises ConfigError for its name, OutputError where it is there."""
    place, _, function = arguments.origin.rpartition(":")
    named = place if place.endswith(".py") else function
    target = Path(arguments.out or Path(named).stem + ".onnx")
    if target.suffix != ".onnx":
        raise ConfigError(f"--out {target} must end in .onnx")
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {target}: no such folder. Make it: mkdir {target.parent}")
    for path in (target, target.with_suffix(".yaml")):
        if path.exists() and not arguments.force:
            raise OutputError(f"{path} is there already. {_ANOTHER}")
    return target


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder for what is not whole yet, gone at the end. Raises OutputError."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.stem}.", dir=str(target.parent)) as name:
            yield Path(name)
    except BrokenPipeError:  # of whoever reads what is said
        raise
    except OSError as error:  # of the disk: what the module's code raises was translated there
        raise OutputError(
            f"cannot write {target}: {error.strerror}. Name another place with --out"
        ) from error


def _write(path: Path, content: bytes) -> None:
    with open(str(path), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put(place: Path, target: Path, force: bool) -> List[Path]:
    """Move what was made to where it belongs, one file at a time, and return where that is."""
    made = [place / target.with_suffix(ending).name for ending in (".txt", ".yaml", ".onnx")]
    moves = [(path, target.parent / path.name) for path in made if path.exists()]
    for path, goal in moves:
        if goal.exists() and not force and goal.read_bytes() != path.read_bytes():
            raise OutputError(f"{goal} is there already. {_ANOTHER}")
    for path, goal in moves:
        os.replace(str(path), str(goal))
    return [goal for _, goal in moves]


def _describe(part: Path, network: Network, summary: str) -> None:
    """Write the manifest of an ONNX file beside it, and its label file where it has its own."""
    labels = network.model.labels or _numbered(network)
    name = _known(labels)
    if not name:
        name = part.stem + ".txt"
        _write(part.with_suffix(".txt"), "".join(f"{label}\n" for label in labels).encode("utf-8"))
    content = part.read_bytes()
    lines = [
        f"# {part.stem}: {summary}. What was guessed stands here to be mended.",
        f"kind: {manifest.DETECTOR if network.model.decoder else manifest.CLASSIFIER}",
        f"summary: {_quoted(summary)}",
        "licence: not stated",
        "sources:",
        f"  - file: {_quoted(part.name)}",
        f"    bytes: {len(content)}",
        f"    sha256: {hashlib.sha256(content).hexdigest()}",
        *console.described(network.model),
        f"labels: {_quoted(name)}",
    ]
    path = part.with_suffix(".yaml")
    _write(path, "".join(f"{line}\n" for line in lines).encode("utf-8"))
    manifest.entry(str(path))  # or no one could read it


def _numbered(network: Network) -> Tuple[str, ...]:
    count = count_classes(network.model, {spec.name: spec.shape for spec in network.outputs})
    if count is None:
        raise EngineError("how many classes it tells apart cannot be seen. Give --labels")
    return tuple(f"class {number}" for number in range(count))


def _known(labels: Tuple[str, ...]) -> str:
    """The name of these labels in configs/labels, or nothing."""
    for file in sorted(folder("configs/labels").glob("*.txt")):
        if label_files.read(file.stem) == labels:
            return file.stem
    return ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # which YAML reads too
