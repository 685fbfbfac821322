"""
trt: TensorRT from 8.2 to 11 behind one narrow adapter: what the release at hand has.

Only this file, engine.py, layers.py, build.py and calibrate.py touch TensorRT's objects. What is
not in every release stands behind a probe of PROBES, asked once by name; versions are never
compared. tests/contract reads these files and holds them to the real names of each release.
"""

import ctypes
import importlib.util
import logging
import re
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from app.errors import DeviceError, EngineError

logger = logging.getLogger(__name__)

_NO_MEMORY = re.compile(r"out ?of ?memory", re.IGNORECASE)


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


class Api(NamedTuple):
    """One TensorRT: its module (or a stand-in), what it has, and its logger."""

    module: Any
    has: Features
    version: str
    log: Any  # an ILogger; ``log.told`` are its latest errors


def open_api(given: Optional[Any] = None, hear: Optional[Callable[[str, str], None]] = None) -> Api:
    """
    The TensorRT of this machine, or ``given``. ``hear`` gets the level and the text of each
    of its messages that is no error. Raises DeviceError where it does not load.
    """
    module: Any = given
    if module is None:
        try:
            import tensorrt

            module = tensorrt
        except ImportError as error:
            raise _absent(str(error)) from error
    return Api(module, probed(module), str(module.__version__), _log(module, hear))


def require() -> None:
    """Raise DeviceError where there is no TensorRT, without the seconds that loading it takes."""
    if importlib.util.find_spec("tensorrt") is None:
        raise _absent("No module named 'tensorrt'")


def _absent(why: str) -> DeviceError:
    return DeviceError(
        f"TensorRT's Python package does not load ({why}). On a Jetson it is JetPack's: "
        "sudo apt-get install python3-libnvinfer, and make the venv with --system-site-packages. "
        "Or take --backend host"
    )


def probed(module: Any) -> Features:
    """Asks for names on classes, which needs no GPU."""
    there = {
        feature: hasattr(getattr(module, owner, None), member)
        for feature, (owner, member) in PROBES.items()
    }
    return Features(**there)


def _log(module: Any, hear: Optional[Callable[[str, str], None]]) -> Any:
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
                    hear(name, text)
                else:
                    logger.debug("TensorRT: %s", text)
            except Exception:  # of whoever listens
                logger.debug("TensorRT's message was lost", exc_info=True)

    return Log()


def reason(api: Api) -> str:
    """TensorRT's own words for the latest failure."""
    told: List[str] = api.log.told
    return told[-1][:300] if told else "it gives no reason"


def out_of_memory(api: Api) -> bool:
    """Whether TensorRT has lately said that there was too little memory."""
    return any(_NO_MEMORY.search(text) for text in api.log.told)


def load_plugins(api: Api, paths: Sequence[str]) -> None:
    """Register TensorRT's own plugins and those of shared libraries. Raises EngineError."""
    trt = api.module
    trt.init_libnvinfer_plugins(api.log, "")
    for path in paths:
        try:
            ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)  # its initialiser registers them
            if api.has.load_library:  # those with no initialiser; None where all are registered
                trt.get_plugin_registry().load_library(path)
        except (OSError, RuntimeError) as error:
            raise EngineError(
                f"the plugin {path} does not load: {error}. Check the manifest's plugins, and that "
                "each is compiled for this machine and its TensorRT"
            ) from error
