"""jetson: the GPU backend: TensorRT engines, fed and read by kernels of our own."""

import hashlib
import mmap
import os
import platform
from typing import Any, Callable, ContextManager, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from app.device import answers, kernels, machine, plan, planfile
from app.device.backend import BY_CPU, BY_GPU, Backend, Layer, Model, Network, TensorSpec
from app.device.complete import Tensors, complete
from app.device.cuda import Cuda
from app.device.engine import Binding, Engine
from app.device.lane import Lane
from app.device.pinned import Pinned
from app.device.placer import Placer
from app.device.placing import ByCpu, ByKernel
from app.device.runner import Runner
from app.device.sizes import size_values
from app.device.trt import Api, load_plugins, open_api
from app.errors import EngineError
from app.vision import decode


class NoEngine(EngineError):
    """There is no engine of this model that fits this device; building one mends it."""


class GpuBackend(Backend):
    """
    Runs networks with TensorRT on one GPU. Two threads may prepare and infer at once: while one
    waits for its answer, the other brings its picture to the device.
    """

    name = "gpu"
    width = 2

    def __init__(
        self,
        folders: Sequence[str] = (),
        graphs: bool = True,
        cuda: Optional[Cuda] = None,
        api: Optional[Api] = None,
        placing: str = BY_GPU,
    ) -> None:
        """
        ``folders``: where engines may lie besides their models' own; ``placing``: BY_GPU or
        BY_CPU. Raises DeviceError where there is no GPU, no driver, no pycuda or no TensorRT.
        """
        self._folders = folders
        self._by_cpu = placing == BY_CPU
        self._cuda = Cuda() if cuda is None else cuda
        self._api = open_api() if api is None else api
        with self._cuda.attached():
            self._lane = Lane(self._cuda, graphs)
        self._pinned = Pinned(self._cuda, self._lane.turn)
        self._runners: List[Runner] = []

    @property
    def runtime(self) -> str:
        return f"TensorRT {self._api.version}"

    def attached(self) -> ContextManager[None]:
        return self._cuda.attached()

    def load(self, model: Model) -> Network:
        """Raises NoEngine where one has to be built first; what does not fit is put aside."""
        path = planfile.find(model.path, self._folders)
        if path is None:
            raise NoEngine(f"{model.name}: no engine yet. Run: jetwatch build {model.name}")
        now = self.fingerprint(model)
        try:
            known = plan.read(path)
            problems = plan.check(known.fingerprint, now)
            problems += list(filter(None, [planfile.damage(path, known, hashed=True)]))
            if model.input not in (None, known.model.input):  # INT8's ranges are of the old one
                problems.append("the manifest's input is another than the engine was built for")
        except EngineError as error:
            raise _put_aside(path, str(error), model) from error
        if problems:
            raise _put_aside(path, f"{path} does not fit: {'; '.join(problems)}", model)
        load_plugins(self._api, model.plugins)
        try:
            engine = Engine(self._api, _mapped(path), path)
        except EngineError as error:
            raise _put_aside(path, str(error), model) from error
        network = self.adopt(engine, _filled(model, known.model), os.path.dirname(path))
        network.handle.plan_bytes = os.path.getsize(path)
        return network._replace(precision=known.fingerprint.precision)

    def adopt(self, engine: Engine, model: Model, folder: str) -> Network:
        """A network from an engine that was read already; our kernels are kept in ``folder``."""
        inputs = tuple(_spec(binding) for binding in engine.bindings if binding.is_input)
        batch = min(binding.most[0] for binding in engine.bindings if binding.is_input)
        shapes = engine.output_shapes(batch)
        outputs = tuple(
            TensorSpec(binding.name, (-1,) + shapes[binding.name][1:], binding.dtype)
            for binding in engine.bindings
            if not binding.is_input
        )
        made = complete(model, Tensors(inputs, outputs))
        model = made.model
        assert model.input is not None
        picture = [spec for spec in inputs if len(spec.shape) == 4][0]
        placing: Union[ByKernel, ByCpu] = ByCpu(self._cuda, model.input, picture.dtype)
        if not self._by_cpu:
            binary = kernels.compiled("letterbox", self._cuda.gpu.sm, folder)
            with self._lane.turn:  # another network may be at work, whose capture it would disturb
                placer = Placer(self._cuda, binary, model.input, picture.dtype)
            placing = ByKernel(self._cuda, placer)
        runner = Runner(self._lane, engine, placing, batch)
        self._runners.append(runner)
        for spec in inputs:
            if spec is not picture:
                values = size_values(spec, model, model.input)
                runner.feed(spec.name, np.tile(values, (batch, 1)))
        shapes_by_name = {spec.name: spec.shape for spec in outputs}
        head = answers.head(model)
        chosen = decode.plan(head, shapes_by_name) if head else None
        if chosen is not None and head is not None:
            roles = decode.bind({spec.name: spec.name for spec in outputs}, head.roles)
            code = kernels.compiled("pick", self._cuda.gpu.sm, folder)
            runner.pick(code, chosen, roles, head.score)
        return Network(
            model, model.input, inputs, outputs, made.guessed, runner, batch, chosen is not None
        )

    def unload(self, network: Network) -> None:
        runner: Runner = network.handle
        if runner in self._runners:
            self._runners.remove(runner)
            with self._cuda.attached():
                runner.free()

    def fingerprint(self, model: Optional[Model] = None) -> plan.Fingerprint:
        """Of this device, and with a model of its files."""
        gpu = self._cuda.gpu
        made = plan.Fingerprint(
            tensorrt=self._api.version,
            cuda=gpu.cuda,
            l4t=machine.l4t(),
            gpu=gpu.name,
            sm=f"{gpu.sm[0]}.{gpu.sm[1]}",
            sm_count=gpu.sm_count,
            memory_mb=machine.memory_class(gpu.memory >> 20),
            machine=platform.machine(),
        )
        if model is None:
            return made
        return made._replace(
            onnx_sha256=sha256_of(model.path) if os.path.isfile(model.path) else "",
            plugins=tuple(sha256_of(path) for path in model.plugins),
        )

    def prepare(self, network: Network, images: Sequence[np.ndarray], windows: np.ndarray) -> Any:
        runner: Runner = network.handle
        return runner.prepare(images, windows)

    def infer(self, network: Network, tensor: Any) -> Dict[str, np.ndarray]:
        runner: Runner = network.handle
        return runner.infer(tensor)

    def raw(self, network: Network, batch: int) -> Callable[[], None]:
        runner: Runner = network.handle
        return runner.raw(batch)

    def layers(self, network: Network, batch: int, times: int) -> List[Layer]:
        runner: Runner = network.handle
        return runner.layers(self._api, batch, times)

    def picture(self, shape: Tuple[int, ...]) -> np.ndarray:
        if self._by_cpu:  # the CPU reads it, and the GPU never sees it
            return super().picture(shape)
        return self._pinned.picture(shape)

    def own_memory(self) -> int:
        """What was allocated, and the plans, whose weights lie on the device as well."""
        return self._cuda.held() + sum(runner.plan_bytes for runner in self._runners)

    def close(self) -> None:
        self._pinned.close()
        with self._cuda.attached():
            while self._runners:
                self._runners.pop().close()
            self._lane.close()
            self._cuda.close()


def sha256_of(path: str) -> str:
    """Raises EngineError where the file cannot be read."""
    made = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                made.update(block)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror}. Check the path") from error
    return made.hexdigest()


def _put_aside(path: str, problem: str, model: Model) -> NoEngine:
    aside = planfile.quarantine(path)
    return NoEngine(f"{problem}. It was put aside as {aside}. Run: jetwatch build {model.name}")


def _mapped(path: str) -> Any:
    """The plan's bytes, without a copy of them in memory."""
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _filled(model: Model, known: Model) -> Model:
    """The model; where it has no manifest, as its engine's build has found it."""
    if model.input is not None:
        return model
    return known._replace(
        name=model.name, path=model.path, score=model.score, iou=model.iou, plugins=model.plugins,
        labels=model.labels or known.labels,
    )  # fmt: skip


def _spec(binding: Binding) -> TensorSpec:
    return TensorSpec(binding.name, (-1,) + binding.most[1:], binding.dtype)
