"""attempt: one attempt at an engine, from the ONNX file to a plan that was tried and measured."""

import contextlib
import hashlib
import os
import time
from typing import Any, Dict, Iterator, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app import gate
from app.device import build, engine, kernels, machine, onnxfile, parse, plan, source, trt
from app.device.backend import Backend, Model, Network
from app.device.build import FP32, INT8, Recipe, Tell
from app.device.calibrate import Calibration
from app.device.complete import Completed, Tensors, complete, settled
from app.device.cuda import Cuda
from app.device.host import HostBackend
from app.device.jetson import GpuBackend
from app.device.placer import Placer, Source
from app.device.sizes import size_values
from app.errors import DeviceError, EngineError, OutputError
from app.media import samples
from app.vision import letterbox

LEAST_WORKSPACE = 16 << 20
SHARE = 0.5  # of the memory available: the weights and the plan need theirs as well


class Task(NamedTuple):
    """What one attempt is to do. Sizes in bytes."""

    model: Model
    recipe: Recipe
    part: str  # where the plan goes; the folder keeps the kernels
    scratch: str  # a folder for what is of no use afterwards
    calibrate: Tuple[str, ...] = ()  # pictures
    check: Tuple[str, ...] = ()  # other pictures
    ranges: str = ""  # where INT8's ranges are kept
    ranges_key: str = ""  # sha256 of the pictures they come from
    at_least: float = 0.95


class TooSlow(EngineError):
    """There is no fast way here to compute at the precision asked for."""


class Outcome(NamedTuple):
    sidecar: plan.Sidecar
    workspace: int
    passed: Optional[bool]  # of the gate; None where it could not tell, or was not asked


def attempt(
    task: Task, tell: Tell, log: Any, cuda: Optional[Cuda] = None, tensorrt: Optional[Any] = None
) -> Outcome:
    """
    Build, load, run, compare. ``log`` gets TensorRT's level and words. Leaves the plan in
    ``task.part``. ``cuda`` and the module ``tensorrt`` are this machine's own unless given, and
    ``cuda`` is closed at the end. Raises AppError; build.OutOfMemory where less workspace may do.
    """
    opset, listener = parse.Opset(), build.Listener(tell)

    def hear(level: str, text: str) -> None:
        opset.hear(level, text)
        listener.hear(level, text)
        log(level, text)

    tell("opening the GPU", 0, 0)
    api = trt.open_api(tensorrt, hear)
    cuda = Cuda() if cuda is None else cuda
    with cuda.attached(), contextlib.closing(_Bench(cuda, api, task)) as bench:
        return bench.work(tell, opset, listener)


class _Bench:
    """The GPU and all that one attempt puts on it."""

    def __init__(self, cuda: Cuda, api: trt.Api, task: Task) -> None:
        self._cuda = cuda
        self._api = api
        self._task = task
        self._folder = os.path.dirname(task.part) or "."
        self._backend = GpuBackend(cuda=cuda, api=api)

    def work(self, tell: Tell, opset: parse.Opset, listener: build.Listener) -> Outcome:
        task, api = self._task, self._api
        began = time.monotonic()
        if not build.supports(api, self._cuda.gpu.sm, task.recipe.precision):
            name, sm = self._cuda.gpu.name, self._cuda.gpu.sm
            raise TooSlow(
                f"{name} (SM {sm[0]}.{sm[1]}) has no fast {task.recipe.precision.upper()}: it "
                "would run slower than FP16 there"
            )
        tell("compiling the kernels", 0, 0)
        for kernel in ("letterbox", "pick"):
            kernels.compiled(kernel, self._cuda.gpu.sm, self._folder)
        tell("reading the model", 0, 0)
        trt.load_plugins(api, task.model.plugins)
        given = self._source(task.recipe, tell)
        parsed = parse.parse(api, given.path, task.model.path, opset)
        made = _completed(task.model, parsed)
        recipe = self._fitted(task.recipe, made.model)
        tell("workspace", 0, recipe.workspace)
        calibration = None
        if recipe.precision == INT8 and not given.explicit:
            calibration = self._calibration(made.model, parsed, tell)
        built = build.build(api, parsed, recipe, listener, calibration)
        _write(task.part, built.plan)
        layers, profiles, notes = built.layers, built.profiles, built.notes
        flags = built.flags + tuple(given.flags)
        del built, parsed  # the plan and the weights
        build_s = time.monotonic() - began
        tell("trying the engine", 0, 0)
        if made.unsettled:
            network = self._loaded(task.part, made.model._replace(decoder=None))
            grey = _on_grey(self._backend, network)
            made = settled(made, Tensors(network.inputs, network.outputs), grey)
        network = self._loaded(task.part, gate.wanted(made.model, task.check))
        accuracy = None
        if recipe.precision != FP32 and task.check:
            accuracy = self._compared(network, recipe, tell, opset, listener)
        sidecar = plan.Sidecar(
            fingerprint=self._backend.fingerprint(task.model)._replace(
                precision=recipe.precision,
                profiles=profiles,
                flags=flags,
                calibration=task.ranges_key if recipe.precision == INT8 else "",
            ),
            model=made.model,
            inputs=network.inputs,
            outputs=network.outputs,
            batch=network.handle.batch,
            layers=layers,
            device_memory=network.handle.memory,
            build_s=round(build_s, 1),
            built=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            plan_bytes=os.path.getsize(task.part),
            accuracy=accuracy.accuracy if accuracy else None,
            note="; ".join(notes),
        )
        return Outcome(sidecar, recipe.workspace, accuracy.passed if accuracy else None)

    def close(self) -> None:
        self._backend.close()

    def _compared(
        self, network: Network, recipe: Recipe, tell: Tell, opset: parse.Opset, listener: Any
    ) -> gate.Report:
        """With ONNX Runtime on the CPU, or where that cannot run it with an FP32 engine."""
        task = self._task
        candidate = gate.Side(recipe.precision, self._backend, network)
        model = network.model
        host = HostBackend()
        try:
            reference = gate.Side("FP32 on the CPU", host, host.load(model))
        except DeviceError as error:
            tell(f"building FP32 to compare with, as the CPU cannot run it ({error})", 0, 0)
            exact = recipe._replace(precision=FP32, keep=(), dla=None)
            given = self._source(exact, tell)
            parsed = parse.parse(self._api, given.path, task.model.path, opset)
            content = build.build(self._api, parsed, exact, listener).plan
            found = engine.Engine(self._api, content, model.name)
            whole = self._backend.adopt(found, model, self._folder)
            reference = gate.Side("FP32 engine", self._backend, whole)
        with contextlib.closing(host):
            score = task.model.score
            return gate.measure(candidate, reference, task.check, score, task.at_least, tell)

    def _fitted(self, recipe: Recipe, model: Model) -> Recipe:
        """The recipe for this model, its workspace no more than its share of what is free."""
        memory = machine.memory() if self._cuda.gpu.integrated else None
        free = self._cuda.free_memory() if memory is None else memory.available_mb << 20
        workspace = max(LEAST_WORKSPACE, min(recipe.workspace, int(free * SHARE)))
        assert model.input is not None
        device = hashlib.sha256(repr(self._backend.fingerprint()).encode()).hexdigest()[:12]
        return recipe._replace(
            workspace=workspace,
            timing_cache=os.path.join(self._folder, f"timing-{device}.cache"),
            size_wh=model.input.size_wh,
            nhwc=model.input.layout == "nhwc",
            keep=model.keep_fp16,
        )

    def _source(self, recipe: Recipe, tell: Tell) -> source.Source:
        task = self._task

        def images() -> Iterator[np.ndarray]:
            return samples.read(task.calibrate)

        return source.source(self._api, task.model, recipe, images, task.scratch, tell)

    def _calibration(self, model: Model, parsed: parse.Parsed, tell: Tell) -> Calibration:
        (picture,) = [spec for spec in parsed.inputs if len(spec.shape) == 4]
        batch = max(1, picture.shape[0])
        pictures = self._task.calibrate[: len(self._task.calibrate) // batch * batch]
        fed = _Fed(self._cuda, self._folder, model, parsed, batch)
        wanted = len(pictures) // batch
        if not wanted:
            raise EngineError(f"calibration needs {batch} pictures at least, one whole batch")
        return Calibration(lambda: fed.batches(pictures, tell), batch, wanted, self._task.ranges)

    def _loaded(self, path: str, model: Model) -> Network:
        with open(path, "rb") as file:
            found = engine.Engine(self._api, file.read(), model.name)
        return self._backend.adopt(found, model, self._folder)


class _Fed:
    """Calibration's pictures, prepared on the device by the code that prepares them at run time."""

    def __init__(
        self, cuda: Cuda, folder: str, model: Model, parsed: parse.Parsed, batch: int
    ) -> None:
        assert model.input is not None
        binary = kernels.compiled("letterbox", cuda.gpu.sm, folder)
        (picture,) = [spec for spec in parsed.inputs if len(spec.shape) == 4]
        self._cuda = cuda
        self._batch = batch
        self._placer = Placer(cuda, binary, model.input, picture.dtype)
        self._name = picture.name
        self._input = cuda.allocate(batch * self._placer.row_bytes)
        self._sides: Dict[str, int] = {}
        for spec in parsed.inputs:
            if spec is not picture:
                values = np.tile(size_values(spec, model, model.input), (batch, 1))
                block = cuda.allocate(values.nbytes)
                cuda.store(block.address, values)
                self._sides[spec.name] = block.address

    def batches(self, pictures: Sequence[str], tell: Tell) -> Iterator[Dict[str, int]]:
        stream = self._cuda.stream()
        for start in range(0, len(pictures), self._batch):
            images = list(samples.read(pictures[start : start + self._batch]))
            blocks = [self._cuda.allocate(image.nbytes) for image in images]
            for image, block in zip(images, blocks):
                self._cuda.store(block.address, image)
            sources = [Source(image, block.address) for image, block in zip(images, blocks)]
            windows = np.array([(0, 0) + letterbox.size_of(i) for i in images], np.float32)
            self._placer.place(sources, windows, self._input.address, stream)
            stream.synchronize()
            for block in blocks:
                self._cuda.release(block)
            tell("calibrating", min(start + self._batch, len(pictures)), len(pictures))
            yield dict(self._sides, **{self._name: self._input.address})


def _completed(model: Model, parsed: parse.Parsed) -> Completed:
    if model.input is not None:
        return complete(model, Tensors(parsed.inputs, parsed.outputs))
    found = onnxfile.describe(model.path)  # its metadata and operators help to guess
    return complete(
        model, Tensors(found.inputs, found.outputs, found.metadata, frozenset(found.operators))
    )


def _on_grey(backend: Backend, network: Network) -> Dict[str, np.ndarray]:
    wide, high = network.input.size_wh
    grey = np.full((high, wide, 3), network.input.pad, np.uint8)
    whole = np.array([[0, 0, wide, high]], np.float32)
    return backend.infer(network, backend.prepare(network, [grey], whole))


def _write(path: str, content: Any) -> None:
    try:
        with open(path, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(
            f"{path}: the engine cannot be written: {error.strerror}. It needs "
            f"{memoryview(content).nbytes >> 20} MiB"
        ) from error
