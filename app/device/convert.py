"""convert: a PyTorch module as ONNX, held against the module's own answers."""

import contextlib
import inspect
import io
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

import numpy as np

from app.device import modelfile
from app.device.backend import Model, Network
from app.device.framework import quiet, said, silent, torch
from app.device.host import HostBackend, open_session
from app.device.onnxfile import OLDEST_OPSET, nodes_of
from app.errors import DeviceError, EngineError

INPUT = "images"
TOLERANCE = 1e-3  # of an output's largest value; faithful exports stay below 1e-5

_WAY_OUT = (
    "Its forward() must not draw at random, nor branch on values or on the batch: an export keeps "
    "one way through it alone"
)
_OTHER_BATCH = 3  # tried where the batch is free: neither 1 nor a common fixed one


class Wanted(NamedTuple):
    shape: Tuple[int, ...]  # of the input: (batch, 3, high, wide) or (batch, high, wide, 3)
    opset: int = OLDEST_OPSET
    dynamic_batch: bool = False

    def batches(self) -> Tuple[int, ...]:
        """The batches at which the ONNX has to agree with the module."""
        return (1, _OTHER_BATCH) if self.dynamic_batch else (self.shape[0],)


class Difference(NamedTuple):
    """How far ONNX Runtime's answer is from PyTorch's, where it is furthest."""

    batch: int
    output: str
    absolute: float
    relative: float  # the absolute one over the largest value that PyTorch gives in that output


def check_tools() -> None:
    """Raises DeviceError for a library that converting needs and that is not here."""
    torch()
    for name in ("onnx", "onnxruntime"):
        try:
            __import__(name)
        except ImportError as error:
            raise DeviceError(
                f"converting needs {name}, which is not here ({modelfile.first_line(error)}). "
                f"Run: {sys.executable} -m pip install {name}"
            ) from error


def name_of(module: Any) -> str:
    """The class of a module."""
    return str(getattr(module, "original_name", type(module).__name__))  # TorchScript's own first


def export(module: Any, wanted: Wanted) -> bytes:
    """
    The module as an ONNX file's bytes, its input called ``images``, its outputs after the keys or
    fields of what it returns. Raises EngineError where it does not take the input, returns what
    is no tensor, or cannot be said in that opset.
    """
    with quiet():
        runs = [_answers(module, _example(wanted.shape, batch)) for batch in wanted.batches()]
    if wanted.dynamic_batch:
        _check_batch(*runs)
    names = list(runs[0])
    options: Dict[str, Any] = {}
    if wanted.dynamic_batch:
        options["dynamic_axes"] = {name: {0: "batch"} for name in [INPUT] + names}
    if "dynamo" in inspect.signature(torch().onnx.export).parameters:
        options["dynamo"] = False  # the other exporter begins above the opset of TensorRT 8.2
    example = torch().from_numpy(_example(wanted.shape, wanted.shape[0]))
    file = io.BytesIO()
    try:
        with silent(), _flat(module):
            torch().onnx.export(
                module,
                (example,),
                file,
                input_names=[INPUT],
                output_names=names,
                opset_version=wanted.opset,
                **options,
            )
    except Exception as error:  # PyTorch's own share no base but this
        raise EngineError(
            f"PyTorch {torch().__version__} cannot export it at opset {wanted.opset}: "
            f"{said(error)}. {_remedy(wanted.opset)}"
        ) from error
    return _checked(file.getvalue())


def compare(module: Any, path: str, wanted: Wanted) -> List[Difference]:
    """
    Run module and ONNX file on the same random pictures, other ones than it was exported with.
    One difference for each batch. Raises EngineError where one is beyond TOLERANCE.
    """
    runner = open_session(Model(INPUT, path), 0)
    names = [node.name for node in runner.get_outputs()]
    found = []
    for batch in wanted.batches():
        pictures = _example(wanted.shape, batch, seed=1)
        with quiet():
            expected = _answers(module, pictures)
        try:
            given = dict(zip(names, runner.run(names, {INPUT: pictures})))
        except Exception as error:  # ONNX Runtime's own errors share no base but this
            raise EngineError(
                f"its ONNX does not run at batch {batch}: {modelfile.first_line(error)}. {_WAY_OUT}"
            ) from error
        found.append(max((_difference(batch, n, expected[n], given[n]) for n in names), key=_far))
        if found[-1].relative > TOLERANCE:
            raise EngineError(
                f"its ONNX differs from the module at batch {batch}: {found[-1].output} by "
                f"{found[-1].absolute:.2g}, {found[-1].relative:.2g} of its largest value, where "
                f"{TOLERANCE:g} is allowed. {_WAY_OUT}"
            )
    return found


def described(path: str, name: str, labels: Tuple[str, ...]) -> Network:
    """
    The file as ``jetwatch run`` would load it: input, decoder and outputs guessed. It is closed
    again. Raises EngineError where nothing here reads its outputs, or the labels do not fit.
    """
    backend = HostBackend()
    try:
        return backend.load(Model(name, path, labels=labels))._replace(handle=None)
    finally:
        backend.close()


def _example(shape: Tuple[int, ...], batch: int, seed: int = 0) -> np.ndarray:
    """(batch, ...) float32, normally distributed as a normalised picture roughly is."""
    return np.random.RandomState(seed).randn(batch, *shape[1:]).astype(np.float32)


def _answers(module: Any, pictures: np.ndarray) -> Dict[str, np.ndarray]:
    """What the module gives for them, output by output. Raises EngineError."""
    shape = "x".join(str(size) for size in pictures.shape)
    try:
        with torch().no_grad():
            made = module(torch().from_numpy(pictures.copy()))  # which it may write on
    except Exception as error:  # the user's code
        raise EngineError(
            f"the module fails on an input of {shape}: {said(error)}. "
            "Give the shape that it takes with --input"
        ) from error
    answers = {name: value.detach().numpy() for name, value in _leaves(made, "")}
    if not answers:
        raise EngineError("the module returns no tensor. Wrap it in one whose forward() does")
    for name, value in answers.items():
        if value.dtype.kind == "f" and not np.isfinite(value).any():
            raise EngineError(
                f"the module gives no finite number in {name} for a random input of {shape}, so "
                "that nothing can be compared. Has it its weights?"
            )
    return answers


def _leaves(made: Any, name: str) -> Iterator[Tuple[str, Any]]:
    """The tensors in what a module returns, each named after the way to it."""
    if isinstance(made, torch().Tensor):
        yield name or "output", made
        return
    if hasattr(made, "items"):
        parts = [(str(key), value) for key, value in made.items()]
    elif hasattr(made, "_fields"):
        parts = [(key, getattr(made, key)) for key in made._fields]
    elif isinstance(made, (list, tuple)):
        parts = [("" if len(made) == 1 else str(row), value) for row, value in enumerate(made)]
        name = name or ("output" if len(made) > 1 else "")
    elif made is None:
        return
    else:
        raise EngineError(
            f"the module returns a {type(made).__name__} in {name or 'its output'}, which ONNX "
            "has not. Wrap it in one whose forward() returns tensors alone"
        )
    for key, value in parts:
        apart = name and (not key.isdigit() or name[-1].isdigit())
        yield from _leaves(value, f"{name}_{key}" if apart else name + key)


def _remedy(opset: int) -> str:
    if opset == OLDEST_OPSET:
        return (
            "Replace what it names in the module; a higher --opset is for newer TensorRT than 8.2"
        )
    return f"Take --opset {OLDEST_OPSET}, or replace what it names in the module"


@contextlib.contextmanager
def _flat(module: Any) -> Iterator[None]:
    """The module returns its tensors in one tuple, in the order of ``_leaves``."""
    if isinstance(module, torch().jit.ScriptModule):  # which takes no hook
        yield
        return

    def flatten(_module: Any, _inputs: Any, made: Any) -> Tuple[Any, ...]:
        return tuple(tensor for _, tensor in _leaves(made, ""))

    hook = module.register_forward_hook(flatten)
    try:
        yield
    finally:
        hook.remove()


def _check_batch(one: Dict[str, np.ndarray], other: Dict[str, np.ndarray]) -> None:
    """Each output has to have the batch in front, and nothing else may change with it."""
    for name, value in one.items():
        wanted = (_OTHER_BATCH,) + value.shape[1:]
        if value.shape[:1] != (1,) or name not in other or other[name].shape != wanted:
            seen = [list(value.shape), list(other[name].shape) if name in other else "nothing"]
            raise EngineError(
                f"the module's {name} is {seen[0]} for one picture and {seen[1]} for "
                f"{_OTHER_BATCH}, where the first number has to be the batch. Mend its forward(), "
                "or leave out --dynamic-batch"
            )


def _checked(content: bytes) -> bytes:
    """An ONNX file that the onnx package finds right, its weights where TensorRT looks for them."""
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        _unshare_weights(model.graph)
        onnx.checker.check_model(model)
        made: bytes = model.SerializeToString()
    except Exception as error:  # onnx's and protobuf's own, of a file above 2 GB too
        raise EngineError(
            f"PyTorch {torch().__version__} made an ONNX that onnx {onnx.__version__} finds wrong: "
            f"{modelfile.first_line(error)}. Try another --opset, or a newer onnx and PyTorch"
        ) from error
    return made


def _unshare_weights(graph: Any) -> None:
    """
    Let nodes take a weight itself. PyTorch keeps equal ones once, behind Identity nodes for the
    other uses, and TensorRT 8.2 wants a Conv's weights and bias to be no node's output.
    """
    weights = {tensor.name for tensor in graph.initializer}
    kept = {value.name for value in graph.output}
    stands_for = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Identity" and node.input[0] in weights and node.output[0] not in kept
    }
    for node in nodes_of(graph):
        for place, name in enumerate(node.input):
            node.input[place] = stands_for.get(name, name)
    for node in list(graph.node):
        if node.output[0] in stands_for:
            graph.node.remove(node)


def _difference(batch: int, name: str, expected: np.ndarray, given: np.ndarray) -> Difference:
    if expected.shape != given.shape:
        return Difference(batch, name, float("inf"), float("inf"))
    wanted, got = expected.astype(np.float64), given.astype(np.float64)
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))
    with np.errstate(invalid="ignore"):  # infinity less infinity, where they are the same
        apart = np.where(same, 0.0, np.abs(wanted - got))
    apart[np.isnan(apart)] = np.inf  # a number where the other has none
    absolute = float(apart.max()) if apart.size else 0.0
    largest = float(np.abs(wanted[np.isfinite(wanted)]).max()) if np.isfinite(wanted).any() else 0.0
    return Difference(batch, name, absolute, absolute / largest if largest else absolute)


def _far(one: Difference) -> float:
    return one.relative
