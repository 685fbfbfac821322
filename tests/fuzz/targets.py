"""
targets: what reads input from outside, each as a function of bytes that may raise an AppError only.

A target's seeds are good inputs; mutations of them get further in than noise does.
"""

import contextlib
import functools
import itertools
import os
import pathlib
import re
import struct
import tempfile
from typing import Any, Callable, NamedTuple

from app import config, labels, manifest
from app.device import onnxfile, plan
from app.device.backend import Model, TensorSpec
from app.device.complete import Tensors, complete
from app.errors import AppError
from app.media import keep, uri
from tests import tiny
from tests.fuzz import http_talk, rtsp, rtsp_talk

ROOT = pathlib.Path(__file__).resolve().parents[2]
os.environ.setdefault("DOOR_PASSWORD", "secret")  # which an example asks for
FOLDER = tempfile.mkdtemp(prefix="fuzz-")

_URIS = (
    b"rtsp://user:p%40ss@10.0.0.2:554/stream?a=1#x", b"rtsps://[::1]/cam", b"v4l2:///dev/video0",
    b"csi://0?size=1280x720&fps=30", b"test://?size=320x240&fps=15", b"http://cam/mjpeg?x=y",
    b"file:///tmp/clip.mp4", b"clip.mp4", b"photos/",
)  # fmt: skip


def _file(name, data):
    path = os.path.join(FOLDER, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def read_config(data):
    config.parse(data)


def read_manifest(data):
    manifest.entry(_file("model.yaml", data))


def read_labels(data):
    labels.read(_file("labels.txt", data))


def read_uri(data):
    text = data.decode("utf-8", "surrogateescape")
    shown = uri.redacted(text)
    if text.startswith("rtsp://"):
        login = re.split("[/?#]", text[len("rtsp://") :])[0].rpartition("@")[0]
        assert len(login) < 6 or login not in shown
    uri.parse(text)


def read_onnx(data):
    path = _file("model.onnx", data)
    found = onnxfile.describe(path)
    complete(
        Model("model", path),
        Tensors(found.inputs, found.outputs, found.metadata, frozenset(found.operators)),
    )


def read_metadata(data):
    """What an ONNX file says of itself: shapes, names and metadata, chosen by the bytes."""
    numbers = struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2]) or (0,)
    take = itertools.cycle(numbers)

    def spec(name):
        shape = tuple(next(take) % 9000 - 1 for _ in range(next(take) % 6))
        dtype = ("float32", "float16", "int64", "uint8", "string")[next(take) % 5]
        return TensorSpec(name, shape, dtype)

    text = data.decode("latin-1")
    keys = ("names", "stride", "imgsz", "task", "labels", text[:8])
    metadata = {key: text[next(take) % 64 :][: next(take) % 80] for key in keys}
    image = (-1, 3, 320, 320) if next(take) % 2 else (1, 224, 224, 3)
    inputs = (TensorSpec("images", image, "float32"),) if next(take) % 4 else (spec("images"),)
    names = ("output", "boxes", "scores", "labels", text[8:14])
    outputs = tuple(spec(name) for name in names[: next(take) % 5])
    complete(Model("model", "model.onnx"), Tensors(inputs, outputs, metadata))


def read_sidecar(data):
    plan.read(_file("model.engine", b"") and _file("model.engine.json", data)[: -len(".json")])


def read_counters(data):
    keep.saved(_file("counters.json", data))


def seeds(name):
    """Good inputs of a target."""
    if name == "config":
        return [path.read_bytes() for path in sorted((ROOT / "configs").glob("*.yaml"))]
    if name == "manifest":
        return [path.read_bytes() for path in sorted((ROOT / "engines").glob("*.yaml"))]
    if name in SERVERS:
        return list(SERVERS[name][0])
    if name == "labels":
        return [b"person\nbicycle\ncar\n", "Stra\u00dfe\n\n  \nx\n".encode("utf-8")]
    if name == "uri":
        return list(_URIS)
    if name == "onnx":
        made = [tiny.detector, tiny.classifier]
        return [pathlib.Path(make(os.path.join(FOLDER, "seed.onnx"))).read_bytes() for make in made]
    if name == "metadata":
        return [b"{0: 'person', 1: 'car'}" + bytes(range(100)), bytes(range(256))]
    if name == "sidecar":
        return [b'{"schema": 1, "model": {"name": "a"}, "fingerprint": {}}', b"{}", b"[1e999]"]
    return [b'{"version": 1, "state": {"door": {"zones": {}, "lines": {}}}}', b"{}"]


TARGETS = {
    "config": read_config,
    "manifest": read_manifest,
    "labels": read_labels,
    "uri": read_uri,
    "onnx": read_onnx,
    "metadata": read_metadata,
    "sidecar": read_sidecar,
    "counters": read_counters,
}

# What is said to them, and the server for the length of a ``with``, in a process of its own.
SERVERS = {"http": (http_talk.SEEDS, http_talk.served), "rtsp": (rtsp_talk.SEEDS, rtsp.served)}


class Run(NamedTuple):
    """What is fuzzed, for the length of a run."""

    case: Callable[[bytes], Any]
    check: Callable[[], Any] = lambda: None  # of all that is around it, every so often
    end: Callable[[], str] = lambda: ""  # what there is to say; raises where traces are left


@contextlib.contextmanager
def running(name):
    if name not in SERVERS:
        yield Run(functools.partial(run, name))
        return
    with SERVERS[name][1]() as served:
        yield Run(served.run, served.check, served.end)


def run(name, data):
    """One case: whatever is wrong is said as an AppError of one message."""
    try:
        with contextlib.suppress(AppError):
            TARGETS[name](data)
    except RecursionError as error:  # its trace is long and says nothing
        raise AssertionError(f"{name}: too deep") from error
