"""parse: an ONNX model as TensorRT's own parser takes it, or the one line that says why not."""

import re
from typing import Any, List, NamedTuple, Tuple, Union

from app.device.backend import TensorSpec
from app.device.engine import DTYPES
from app.device.trt import Api, reason
from app.errors import DeviceError, EngineError

_OPSET = re.compile(r"Opset version:\s*(\d+)")
_OPERATOR = re.compile(r"import([A-Z]\w+)|registered for op: (\w+)|[Nn]ode of type:? (\w+)")
_NAME = re.compile(
    r"\[([^\]]*) \[|node_of_(\S+)|--- Begin node ---.*?name: \"([^\"]*)\"", re.DOTALL
)
_OLDEST = "8.2 (JetPack 4.6) takes opset 13 and fewer operators"


class Parsed(NamedTuple):
    """A network ready to be built, and what keeps its weights alive."""

    builder: Any
    network: Any
    parser: Any
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]


class Opset:
    """Hears which opset the parser says the model has."""

    def __init__(self) -> None:
        self.number = ""

    def hear(self, level: str, text: str) -> None:
        told = _OPSET.search(text)
        if told:
            self.number = told.group(1)


def new_builder(api: Api) -> Any:
    """Raises DeviceError where there is no GPU."""
    trt = api.module
    try:
        return trt.Builder(api.log)
    except TypeError as error:  # its factory returned null
        raise DeviceError(
            f"TensorRT {api.version} finds no usable CUDA device. Is the driver loaded, and not "
            "older than this TensorRT's CUDA?"
        ) from error


def parse(api: Api, model: Union[str, bytes], name: str, opset: Opset) -> Parsed:
    """
    ``model``: the ONNX file's path, so that weights beside it are found, or its bytes. Raises
    EngineError with the node, the operator and the opset that TensorRT does not take.
    """
    trt = api.module
    builder = new_builder(api)
    flags = 0
    if api.has.explicit_batch:
        flags = 1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, api.log)
    whole = parser.parse_from_file(model) if isinstance(model, str) else parser.parse(model)
    if not whole:
        raise _refusal(api, parser, name, opset)
    inputs = tuple(_spec(network.get_input(number)) for number in range(network.num_inputs))
    outputs = tuple(_spec(network.get_output(number)) for number in range(network.num_outputs))
    return Parsed(builder, network, parser, inputs, outputs)


def _refusal(api: Api, parser: Any, name: str, opset: Opset) -> EngineError:
    told = [_told(api, parser.get_error(number)) for number in range(parser.num_errors)]
    known = "unknown opset" if not opset.number else f"opset {opset.number}"
    first = told[0] if told else reason(api)
    more = f", and {len(told) - 1} more" if len(told) > 1 else ""
    advice = f"See: jetwatch inspect {name}"
    if not api.has.pools:
        advice = (
            f"TensorRT {_OLDEST}: export it again at opset 13 (torch.onnx.export(..., "
            f"opset_version=13)). See: jetwatch inspect {name}"
        )
    return EngineError(
        f"{name}: TensorRT {api.version} cannot take it ({known}): {first}{more}. {advice}"
    )


def _told(api: Api, error: Any) -> str:
    """One error of the parser: node, operator, and its words."""
    words = " ".join(str(error.desc()).split())
    if api.has.node_names:
        node, operator = error.node_name(), error.node_operator()
    else:
        node = _first(_NAME.findall(words))
        operator = _first(_OPERATOR.findall(words))
    place = f"node {error.node()}"
    if node:
        place += f" {node!r}"
    if operator:
        place += f" ({operator})"
    return f"{place}: {words[:240]}"


def _first(found: List[Any]) -> str:
    for groups in found:
        for group in [groups] if isinstance(groups, str) else groups:
            if group:
                return str(group)
    return ""


def _spec(tensor: Any) -> TensorSpec:
    kind = tensor.dtype.name
    return TensorSpec(tensor.name, tuple(tensor.shape), DTYPES.get(kind, kind.lower()))
