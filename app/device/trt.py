"""
trt: TensorRT from 8.2 to 11 behind one narrow adapter: what a release has, and running engines.

This file and build.py are the only ones that touch TensorRT's objects. Whatever is not in every
release stands behind a probe of PROBES, asked once by name; versions are never compared.
tests/contract reads both files and holds them to the real names of each release.
"""

import ctypes
import logging
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from app.errors import DeviceError, EngineError

logger = logging.getLogger(__name__)


class Features(NamedTuple):
    """What the TensorRT at hand has. The comment names the releases."""

    named_tensors: bool  # 8.5 on: tensors by name instead of bindings by number
    pools: bool  # 8.4 on: memory pools instead of max_workspace_size
    explicit_batch: bool  # to 10: must be asked for on 8
    strong_types: bool  # 10 on: precision stands in the ONNX
    weak_types: bool  # to 10: precision is a builder flag
    calibrators: bool  # to 10
    fast_types: bool  # to 10: asks the builder whether FP16, INT8 are fast
    layer_types: bool  # to 10: precision of single layers
    prefer_types: bool  # 8.2 to 10
    set_memory: bool  # 10.1 on
    without_memory: bool  # to 10: contexts on the caller's memory by a call of its own
    strategies: bool  # 10 on: the same by an argument
    memory_size: bool  # to 10
    progress: bool  # 10 on
    level: bool  # 8.6 on: how hard the builder tries
    node_names: bool  # 10 on: errors of the parser name the operator
    load_library: bool  # 8.6 on
    edge_masks: bool  # 8.4 on: kernels that are not cuBLAS's or cuDNN's
    jit: bool  # 8.5 on
    cublas: bool  # to 10


PROBES: Dict[str, Tuple[str, str]] = {  # feature -> (class, its member)
    "named_tensors": ("ICudaEngine", "num_io_tensors"),
    "pools": ("IBuilderConfig", "set_memory_pool_limit"),
    "explicit_batch": ("NetworkDefinitionCreationFlag", "EXPLICIT_BATCH"),
    "strong_types": ("NetworkDefinitionCreationFlag", "STRONGLY_TYPED"),
    "weak_types": ("BuilderFlag", "FP16"),
    "calibrators": ("IInt8EntropyCalibrator2", "get_batch"),
    "fast_types": ("Builder", "platform_has_fast_int8"),
    "layer_types": ("ILayer", "precision"),
    "prefer_types": ("BuilderFlag", "PREFER_PRECISION_CONSTRAINTS"),
    "set_memory": ("IExecutionContext", "set_device_memory"),
    "without_memory": ("ICudaEngine", "create_execution_context_without_device_memory"),
    "strategies": ("ExecutionContextAllocationStrategy", "USER_MANAGED"),
    "memory_size": ("ICudaEngine", "device_memory_size"),
    "progress": ("IProgressMonitor", "step_complete"),
    "level": ("IBuilderConfig", "builder_optimization_level"),
    "node_names": ("ParserError", "node_name"),
    "load_library": ("IPluginRegistry", "load_library"),
    "edge_masks": ("TacticSource", "EDGE_MASK_CONVOLUTIONS"),
    "jit": ("TacticSource", "JIT_CONVOLUTIONS"),
    "cublas": ("TacticSource", "CUBLAS"),
}

_DTYPES = {  # TensorRT's name -> numpy's; numpy has no others, and trt.nptype fails on new numpys
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}


class Api(NamedTuple):
    """One TensorRT: its module (or a stand-in), what it has, and its logger."""

    module: Any
    has: Features
    version: str
    log: Any  # an ILogger; ``log.told`` are its latest errors


class Binding(NamedTuple):
    """An input or output of an engine."""

    name: str
    shape: Tuple[int, ...]  # -1 where a profile leaves the size free
    dtype: str  # numpy's name
    is_input: bool
    most: Tuple[int, ...]  # the largest shape that the profile allows


def open_api(module: Optional[Any] = None, hear: Optional[Callable[[str], None]] = None) -> Api:
    """
    The TensorRT of this machine, or ``module``. ``hear`` gets each of its messages of level INFO
    and VERBOSE. Raises DeviceError where it does not load.
    """
    if module is None:
        try:
            import tensorrt as module
        except ImportError as error:
            raise DeviceError(
                f"TensorRT's Python package does not load ({error}). On a Jetson it is JetPack's: "
                "sudo apt-get install python3-libnvinfer, and make the venv with "
                "--system-site-packages. Or take --backend host"
            ) from error
    return Api(module, probed(module), str(module.__version__), _log(module, hear))


def probed(module: Any) -> Features:
    """Asks for names on classes, which needs no GPU."""
    there = {
        feature: hasattr(getattr(module, owner, None), member)
        for feature, (owner, member) in PROBES.items()
    }
    return Features(**there)


def _log(module: Any, hear: Optional[Callable[[str], None]]) -> Any:
    class Log(module.ILogger):  # type: ignore
        """TensorRT's INFO is our DEBUG. Nothing may be raised here: on 8.2 that would abort."""

        def __init__(self) -> None:
            module.ILogger.__init__(self)
            self.told: List[str] = []

        def log(self, severity: Any, text: str) -> None:
            try:
                name = severity.name
                if name in ("ERROR", "INTERNAL_ERROR"):
                    self.told = self.told[-7:] + [" ".join(text.split())]
                    logger.debug("TensorRT: %s", text)
                elif hear is not None:
                    hear(text)
                else:
                    logger.debug("TensorRT: %s", text)
            except Exception:  # of whoever listens
                logger.debug("TensorRT's message was lost", exc_info=True)

    return Log()


def reason(api: Api) -> str:
    """TensorRT's own words for the latest failure."""
    return api.log.told[-1][:300] if api.log.told else "it gives no reason"


def load_plugins(api: Api, paths: Sequence[str]) -> None:
    """Register TensorRT's own plugins and those of shared libraries. Raises EngineError."""
    trt = api.module
    trt.init_libnvinfer_plugins(api.log, "")
    for path in paths:
        try:
            if api.has.load_library:
                trt.get_plugin_registry().load_library(path)
            else:
                ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)  # its initialiser registers them
        except (OSError, RuntimeError) as error:
            raise EngineError(f"the plugin {path} does not load: {error}") from error


class Engine:
    """
    A plan that was read, with one context to run it. The context wants ``size`` bytes of device
    memory of the caller's (``use``), which several engines may share that never run at once.
    Not for two threads at the same time.
    """

    def __init__(self, api: Api, plan: Any, name: str) -> None:
        """``plan``: its bytes. Raises EngineError where it does not fit, DeviceError with no GPU."""
        trt = api.module
        self._api = api
        self._name = name
        try:
            runtime = trt.Runtime(api.log)
        except TypeError as error:  # its factory returned null
            raise DeviceError(f"TensorRT {api.version} finds no usable CUDA device") from error
        self._runtime = runtime
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise EngineError(f"{name}: TensorRT {api.version} refuses the engine: {reason(api)}")
        self._engine = engine
        self.bindings = self._bindings()
        self.layers: int = engine.num_layers
        self.size = self._memory_size()
        context = self._new_context()
        if context is None:
            raise EngineError(f"{name}: no memory to run the engine: {reason(api)}")
        self._context = context
        self._numbers = {binding.name: row for row, binding in enumerate(self.bindings)}
        self._addresses = [0] * len(self.bindings)

    def use(self, address: int, size: int) -> None:
        """Run on this block of device memory from now on."""
        context = self._context
        if self._api.has.set_memory:
            context.set_device_memory(address, size)
        elif self._api.has.named_tensors:
            context.device_memory = address
        else:
            context.device_memory = _capsule(address)

    def bind(self, name: str, address: int) -> None:
        """Where an input or output lies on the device; 256-byte aligned."""
        if self._api.has.named_tensors:
            context = self._context
            if not context.set_tensor_address(name, address):
                raise EngineError(f"{self._name}: cannot bind {name}: {reason(self._api)}")
        else:
            self._addresses[self._numbers[name]] = address

    def shape(self, name: str, shape: Tuple[int, ...]) -> None:
        """The shape of an input from now on."""
        context = self._context
        if self._api.has.named_tensors:
            taken = context.set_input_shape(name, shape)
        else:
            taken = context.set_binding_shape(self._numbers[name], shape)
        if not taken:
            raise EngineError(f"{self._name}: {name} cannot be {list(shape)}: {reason(self._api)}")

    def output_shapes(self) -> Dict[str, Tuple[int, ...]]:
        """Of each output, for the inputs' shapes of now; -1 where only a run can tell."""
        context = self._context
        outputs = [binding.name for binding in self.bindings if not binding.is_input]
        if self._api.has.named_tensors:
            return {name: tuple(context.get_tensor_shape(name)) for name in outputs}
        numbers = self._numbers
        return {name: tuple(context.get_binding_shape(numbers[name])) for name in outputs}

    def enqueue(self, stream: int) -> None:
        """Start it on a CUDA stream, given by its handle."""
        context = self._context
        if self._api.has.named_tensors:
            started = context.execute_async_v3(stream)
        else:
            started = context.execute_async_v2(self._addresses, stream)
        if not started:
            raise EngineError(f"{self._name}: TensorRT does not run: {reason(self._api)}")

    def close(self) -> None:
        """Context, engine, runtime, in this order, while the CUDA context is there."""
        self._context = self._engine = self._runtime = None

    def _bindings(self) -> Tuple[Binding, ...]:
        engine = self._engine
        if self._api.has.named_tensors:
            names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
            return tuple(self._named(name) for name in names)
        return tuple(self._numbered(number) for number in range(engine.num_bindings))

    def _named(self, name: str) -> Binding:
        engine = self._engine
        if engine.get_tensor_location(name).name == "HOST":
            raise self._shape_tensor(name)
        shape = tuple(engine.get_tensor_shape(name))
        is_input = engine.get_tensor_mode(name).name == "INPUT"
        most = tuple(engine.get_tensor_profile_shape(name, 0)[2]) if is_input else shape
        return Binding(
            name, shape, self._dtype(name, engine.get_tensor_dtype(name)), is_input, most
        )

    def _numbered(self, number: int) -> Binding:
        engine = self._engine
        name = engine.get_binding_name(number)
        if engine.get_location(number).name == "HOST":
            raise self._shape_tensor(name)
        shape = tuple(engine.get_binding_shape(number))
        is_input = engine.binding_is_input(number)
        most = tuple(engine.get_profile_shape(0, number)[2]) if is_input else shape
        return Binding(
            name, shape, self._dtype(name, engine.get_binding_dtype(number)), is_input, most
        )

    def _dtype(self, name: str, kind: Any) -> str:
        if kind.name not in _DTYPES:
            raise EngineError(
                f"{self._name}: {name} is of {kind.name}, which nothing here can read. Export the "
                "model with float32 inputs and outputs"
            )
        return _DTYPES[kind.name]

    def _shape_tensor(self, name: str) -> EngineError:
        return EngineError(
            f"{self._name}: {name} tells a shape and lies in CPU memory, which is not run here. "
            "Export the model without it"
        )

    def _memory_size(self) -> int:
        engine = self._engine
        if self._api.has.memory_size:
            return int(engine.device_memory_size)
        return int(engine.device_memory_size_v2)

    def _new_context(self) -> Any:
        engine = self._engine
        if self._api.has.strategies:
            strategy = self._api.module.ExecutionContextAllocationStrategy
            return engine.create_execution_context(strategy.USER_MANAGED)
        return engine.create_execution_context_without_device_memory()


def _capsule(address: int) -> Any:
    """What TensorRT 8.2 and 8.4 take for a pointer. It is read at once."""
    make = ctypes.pythonapi.PyCapsule_New
    make.restype = ctypes.py_object
    make.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return make(address, None, None)
