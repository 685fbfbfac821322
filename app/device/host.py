"""host: the backend for any machine: numpy, OpenCV's resize and ONNX Runtime on the CPU."""

import contextlib
import os
from typing import (
    Any,
    Callable,
    ContextManager,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Sequence,
    Set,
    Tuple,
)

import numpy as np

from app.device import host_layers, modelfile
from app.device.backend import Backend, InputSpec, Layer, Model, Network, TensorSpec
from app.device.canvas import Canvas, cast, cut
from app.device.complete import Completed, Tensors, complete, settled
from app.device.sizes import size_values
from app.errors import DeviceError, EngineError
from app.vision.tensors import Tensor, picture_of

_WIDEST = 4  # each frame in work takes memory of its own
_QUIET = 4  # ONNX Runtime's level for fatal messages alone
_TOO_NEW = (
    "Unknown model file format version",
    "Unsupported model IR version",
    "official released onnx opset",
)
_NO_MODEL = ("rotobuf", "PROTOBUF", "ModelProto does not have a graph", "No graph was found")
_NO_WEIGHTS = ("ReadExternalRawData", "External data path does not exist")
_DTYPES = {"float": "float32", "float16": "float16", "double": "float64"}  # others as numpy's


class HostBackend(Backend):
    """
    Runs networks on the CPU with ``threads`` threads in all; 0 takes every core.

    As many frames as threads are worked on at once, up to four, for two frames on a core each are
    done sooner than two frames that share both cores in turn.
    """

    name = "host"

    def __init__(self, threads: int = 0) -> None:
        threads = threads or len(os.sched_getaffinity(0))
        self.width = _width(threads)
        self._threads = threads // self.width  # of each frame
        self._loaded: List[_Loaded] = []

    @property
    def runtime(self) -> str:
        return f"ONNX Runtime {_onnxruntime().__version__}"

    def attached(self) -> ContextManager[None]:
        return _nothing_to_attach()

    def load(self, model: Model) -> Network:
        modelfile.check(model.path)
        session = open_session(model, self._threads)
        inputs = tuple(_spec(node) for node in session.get_inputs())
        outputs = tuple(_spec(node) for node in session.get_outputs())
        metadata = session.get_modelmeta().custom_metadata_map
        seen = Tensors(inputs, outputs, metadata)
        made = complete(model, seen)
        network = _network(made, session, inputs, outputs)
        if made.unsettled:
            made = settled(made, seen, self.infer(network, self._grey(network, 1)))
            network = _network(made, session, inputs, outputs)
        self._loaded.append(network.handle)
        return network._replace(precision=modelfile.precision(model.path))

    def unload(self, network: Network) -> None:
        loaded: _Loaded = network.handle
        loaded.session = None
        if loaded in self._loaded:
            self._loaded.remove(loaded)

    def prepare(self, network: Network, images: Sequence[np.ndarray], windows: np.ndarray) -> Any:
        loaded: _Loaded = network.handle
        batch = loaded.canvas.batch(len(images))
        for row, (image, window) in enumerate(zip(images, windows)):
            loaded.canvas.place(row, cut(image, window))
        return cast(batch, loaded.dtype)

    def infer(self, network: Network, tensor: Any) -> Dict[str, np.ndarray]:
        loaded: _Loaded = network.handle
        names = [spec.name for spec in network.outputs]
        parts = [loaded.run(names, rows, network) for rows in loaded.parts(tensor)]
        if len(parts) == 1:
            return dict(zip(names, parts[0]))
        return {name: np.concatenate(arrays) for name, arrays in zip(names, zip(*parts))}

    def raw(self, network: Network, batch: int) -> Callable[[], None]:
        loaded: _Loaded = network.handle
        parts = loaded.parts(self._held(network, batch))
        loaded.run([spec.name for spec in network.outputs], parts[0], network)  # or says why not
        session, bindings = loaded.session, []
        for rows in parts:
            binding = session.io_binding()
            for name, array in loaded.feeds(rows).items():
                binding.bind_cpu_input(name, array)
            for spec in network.outputs:
                binding.bind_output(spec.name)
            bindings.append(binding)

        def run() -> None:
            for one in bindings:
                session.run_with_iobinding(one)

        return run

    def layers(self, network: Network, batch: int, times: int) -> List[Layer]:
        loaded: _Loaded = network.handle
        rows = loaded.parts(self._held(network, batch))[0]

        def opened(profile: str) -> Any:
            return open_session(network.model, self._threads, profile)

        return host_layers.timed(opened, loaded.feeds(rows), times)

    def _held(self, network: Network, batch: int) -> np.ndarray:
        """What this thread has placed last in so many rows of the input; before that, grey."""
        loaded: _Loaded = network.handle
        if loaded.canvas.rows < batch:
            self._grey(network, batch)
        return np.array(cast(loaded.canvas.batch(batch), loaded.dtype))

    def _grey(self, network: Network, batch: int) -> Any:
        """A tensor of so many grey pictures."""
        wide, high = network.input.size_wh
        grey = np.full((high, wide, 3), network.input.pad, np.uint8)
        whole = np.array([[0, 0, wide, high]] * batch, np.float32)
        return self.prepare(network, [grey] * batch, whole)

    def close(self) -> None:
        for loaded in self._loaded:
            loaded.session = None
        self._loaded = []


class _Size(NamedTuple):
    """An input that wants to be told a size: int (w, h), or Paddle's im_shape, scale_factor."""

    spec: TensorSpec
    values: np.ndarray  # (2,)


class _Loaded:
    """A network, and what its input is painted on."""

    sizes: Tuple[_Size, ...] = ()

    def __init__(self, session: Any, spec: InputSpec, picture: TensorSpec) -> None:
        self.session = session
        self.dtype = np.dtype(picture.dtype)
        self.fixed_batch = max(0, picture.shape[0])
        self.canvas = Canvas(spec)
        self._name = picture.name
        self._has_run: Set[int] = set()  # counts of pictures

    def run(self, names: List[str], rows: np.ndarray, network: Network) -> List[np.ndarray]:
        """
        Run rows, filled up to a fixed batch where the network has one. Raises EngineError, or
        DeviceError where it has run on as many before, and so is not to blame.
        """
        if self.session is None:
            raise EngineError(f"{network.model.name}: the backend is closed. Load the model again")
        try:
            made: List[np.ndarray] = self.session.run(names, self.feeds(rows))
        except Exception as error:  # ONNX Runtime's own errors share no base but this
            told = modelfile.first_line(error)
            if len(rows) in self._has_run:
                raise DeviceError(
                    f"{network.model.name}: ONNX Runtime has run it, and now fails: {told}. Most "
                    "likely memory is short: stop what else takes it, or take a smaller model"
                ) from error
            raise EngineError(
                f"{network.model.name}: ONNX Runtime cannot run it on {list(rows.shape)}: "
                f"{told}. Check the manifest's input"
            ) from error
        self._has_run.add(len(rows))
        short = self.fixed_batch - len(rows)
        return [array[:-short] for array in made] if short > 0 else made

    def parts(self, tensor: np.ndarray) -> List[np.ndarray]:
        """The rows of each run, where a network has a fixed batch; else all at once."""
        step = self.fixed_batch or max(1, len(tensor))
        return [tensor[start : start + step] for start in range(0, len(tensor), step)]

    def feeds(self, rows: np.ndarray) -> Dict[str, np.ndarray]:
        """All inputs for some rows, filled up to a fixed batch."""
        short = self.fixed_batch - len(rows)
        if short > 0:
            rows = np.concatenate([rows, np.zeros((short,) + rows.shape[1:], rows.dtype)])
        made = {self._name: rows}
        for size in self.sizes:
            made[size.spec.name] = np.tile(size.values, (len(rows), 1))
        return made


def _network(
    made: Completed, session: Any, inputs: Tuple[TensorSpec, ...], outputs: Tuple[TensorSpec, ...]
) -> Network:
    assert made.model.input is not None
    picture = TensorSpec(*picture_of(tuple(Tensor(*spec) for spec in inputs)))
    loaded = _Loaded(session, made.model.input, picture)
    loaded.sizes = tuple(
        _Size(spec, size_values(spec, made.model, made.model.input))
        for spec in inputs
        if spec != picture
    )
    return Network(made.model, made.model.input, inputs, outputs, made.guessed, loaded)


def _width(threads: int) -> int:
    """How many frames at once leave the fewest threads over: 7 are 3 frames of 2 threads each."""
    widths = range(min(threads, _WIDEST), 1, -1)
    return max(widths, key=lambda width: threads // width * width, default=1)


@contextlib.contextmanager
def _nothing_to_attach() -> Iterator[None]:
    yield


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            f"ONNX Runtime, which runs networks on the CPU, is not here ({error}). "
            "Run: python3 -m pip install onnxruntime"
        ) from error
    return onnxruntime


def open_session(model: Model, threads: int, profile: str = "") -> Any:
    """``profile``: how the files begin in which it writes down what each node took."""
    onnxruntime = _onnxruntime()
    options = onnxruntime.SessionOptions()
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
    options.log_severity_level = _QUIET
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # waiting in a loop would take the cores from the other lanes: 3 times the CPU for one frame
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def opened(source: Any) -> Any:
        try:
            return onnxruntime.InferenceSession(
                source, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's own errors share no base but this
            raise _refusal(model.path, error, onnxruntime.__version__) from error

    session = opened(model.path)
    if _fixed(session, model.free_dims):
        from app.device import onnxfile

        session = opened(onnxfile.freed(model.path, model.free_dims))
    return session


def _fixed(session: Any, axes: Sequence[int]) -> bool:
    """Whether the file still declares a size for an axis that is to be free."""
    shapes = [_spec(node).shape for node in session.get_inputs()]
    return any(shape[axis] > 0 for shape in shapes for axis in axes if axis < len(shape))


def _refusal(path: str, error: Exception, version: str) -> EngineError:
    told = str(error).replace(path, "")  # which may hold any of the words
    if any(words in told for words in _TOO_NEW):
        return EngineError(
            f"{path}: too new for ONNX Runtime {version} ({modelfile.first_line(error)}). Take "
            "another model, or a newer onnxruntime, which may need a newer Python"
        )
    if any(words in told for words in _NO_MODEL):
        return modelfile.broken(path, error)
    if any(words in told for words in _NO_WEIGHTS):
        return modelfile.without_weights(path, error)
    return EngineError(
        f"{path}: ONNX Runtime {version} refuses it: {modelfile.first_line(error)}. "
        f"See: jetwatch inspect {path}"
    )


def _spec(node: Any) -> TensorSpec:
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape)
    kind = node.type[len("tensor(") : -1] if node.type.startswith("tensor(") else node.type
    return TensorSpec(node.name, shape, _DTYPES.get(kind, kind))
