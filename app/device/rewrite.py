"""rewrite: what every rewriting of an ONNX file begins and ends with."""

import collections
import fnmatch
import warnings
from typing import Any, Iterable, List, Sequence

from app import atomic
from app.device import modelfile, onnxfile
from app.errors import DeviceError, EngineError, OutputError

DOMAINS = ("", "ai.onnx")  # two names of ONNX's own
_QUIET = 4  # ONNX Runtime's level for fatal messages alone


def opened(path: str, opset: int = 0) -> Any:
    """
    The file as onnx's ModelProto, the caller's to change: at this opset or a newer one, weights
    taken in, constants among the initializers, and each node with a name of its own, which is its
    first output's where it had none. Raises EngineError for a bad file or one of another opset
    that onnx cannot convert, and DeviceError where onnx is missing.
    """
    model = onnxfile.whole(path)
    if opset_of(model) < opset:
        model = _raised(model, opset, path)
    _move_constants(model.graph)
    names = collections.Counter(node.name for node in model.graph.node)
    for node in model.graph.node:
        if not node.name or names[node.name] > 1:
            node.name = next(filter(None, node.output), node.op_type)
    return model


def opset_of(model: Any) -> int:
    return max((one.version for one in model.opset_import if one.domain in DOMAINS), default=1)


def schema(node: Any, opset: int) -> Any:
    """What onnx says of the node's operator at this opset, or None where it has none."""
    from onnx import defs

    try:
        return defs.get_schema(node.op_type, opset, "" if node.domain == "ai.onnx" else node.domain)
    except Exception:  # SchemaError, whose place and parents differ from release to release
        return None


def matching(nodes: Iterable[Any], patterns: Sequence[str], path: str) -> List[str]:
    """
    Names of the nodes that a name or a pattern as of a shell asks for. Raises EngineError where
    one of the patterns asks for none.
    """
    names = [node.name for node in nodes]
    found = set()
    for pattern in patterns:
        here = [name for name in names if name == pattern or fnmatch.fnmatchcase(name, pattern)]
        if not here:
            raise EngineError(
                f"{path}: no node is called {pattern!r}; there are {names[0]!r} to {names[-1]!r}. "
                "Mend 'keep'"
            )
        found.update(here)
    return [name for name in names if name in found]


def session(content: bytes, path: str) -> Any:
    """A quiet ONNX Runtime session on the CPU. Raises DeviceError without it, else EngineError."""
    try:
        import onnxruntime
    except ImportError as error:
        raise DeviceError(
            f"{path}: ONNX Runtime, which has to run it, is not here ({error}). "
            "Run: python3 -m pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _QUIET
    try:
        return onnxruntime.InferenceSession(
            content, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's own errors share no base but this
        raise EngineError(
            f"{path}: ONNX Runtime {onnxruntime.__version__} refuses it: "
            f"{modelfile.first_line(error)}. See: jetwatch inspect {path}"
        ) from error


def checked(model: Any, path: str) -> bytes:
    """The model as a file's bytes, which onnx finds valid and ONNX Runtime loads."""
    import onnx

    try:
        content: bytes = model.SerializeToString()
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's or onnx's own
        raise EngineError(
            f"{path}: the rewritten model is not valid ({modelfile.first_line(error)}). "
            "Export it again at opset 13, or take a newer onnx package"
        ) from error
    session(content, path)
    return content


def save(content: bytes, path: str) -> None:
    """Write a file whole or not at all. Raises OutputError where it cannot be written."""
    try:
        atomic.write(path, content)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written: {error.strerror}. Make room, or name another folder"
        ) from error


def _raised(model: Any, opset: int, path: str) -> Any:
    from onnx import defs, version_converter

    known = defs.onnx_opset_version()
    try:
        if opset > known:  # which kills the process in onnx 1.11
            raise ValueError(f"this onnx package ends at {known}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return version_converter.convert_version(model, opset)
    except Exception as error:  # onnx's own, which share no base but this
        raise EngineError(
            f"{path}: opset {opset_of(model)} cannot be raised to {opset} "
            f"({modelfile.first_line(error)}). Export the model at opset {opset}"
        ) from error


def _move_constants(graph: Any) -> None:
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
