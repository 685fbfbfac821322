"""fake_trt_network: the stand-in's parser and networks."""

import json
from typing import Any, Optional

from tests.fake_trt import MARK, Real, Tensor


class ITensor(Real):
    name = ""

    @property
    def shape(self) -> Any:
        return self._world.new("Dims", sizes=self._shape)

    @property
    def dtype(self) -> Any:
        return getattr(self._world.module.DataType, self._dtype)


class ILayer(Real):
    """With one output, of floats."""

    name = ""
    precision: Any = None
    num_outputs = 1

    def get_output(self, index: int) -> Any:
        return _tensor(self._world, Tensor(self.name + "_out", (1,)))

    def set_output_type(self, index: int, dtype: Any) -> None:
        self._world.check(dtype, "DataType")
        self._output = dtype.name


class INetworkDefinition(Real):
    @property
    def num_inputs(self) -> int:
        return len(self._inputs)

    @property
    def num_outputs(self) -> int:
        return len(self._outputs)

    @property
    def num_layers(self) -> int:
        return len(self._layers)

    def get_input(self, index: int) -> Any:
        return _tensor(self._world, self._inputs[index])

    def get_output(self, index: int) -> Any:
        return _tensor(self._world, self._outputs[index])

    def get_layer(self, index: int) -> Any:
        return self._layers[index]


class ParserError(Real):
    def node(self) -> int:
        return self._trouble.node

    def desc(self) -> str:
        return self._trouble.words

    def node_name(self) -> str:
        return self._trouble.name

    def node_operator(self) -> str:
        return self._trouble.operator


class OnnxParser(Real):
    def __init__(self, network: Any, logger: Any) -> None:
        self._world.check(network, "INetworkDefinition")
        self._world.check(logger, "ILogger")
        self._network, self._logger, self._troubles = network, logger, []

    @property
    def num_errors(self) -> int:
        return len(self._troubles)

    def get_error(self, index: int) -> Any:
        return self._world.new("ParserError", trouble=self._troubles[index])

    def parse_from_file(self, model: str) -> bool:
        with open(model, "rb") as file:
            return self.parse(file.read())

    def parse(self, model: Any, path: Optional[str] = None) -> bool:
        world, network = self._world, self._network
        try:
            content = bytes(memoryview(model)).rpartition(MARK)[2]
            read, _ = json.JSONDecoder().raw_decode(content.decode("latin-1"))
        except ValueError:
            world.say(self._logger, "ERROR", "ModelImporter.cpp: Failed to parse ONNX model")
            return False
        world.say(self._logger, "INFO", "Opset version:    {}".format(read["opset"]))
        self._troubles = list(world.orders.troubles)
        if not network._explicit:
            world.say(self._logger, "ERROR", "the network must have an explicit batch")
            return False
        if self._troubles:
            return False
        network._read = read
        for kind in ("inputs", "outputs"):
            tensors = [Tensor(**dict(one, shape=tuple(one["shape"]))) for one in read[kind]]
            setattr(network, "_" + kind, tensors)
        network._layers = [world.new("ILayer") for _ in read["layers"]]
        for layer, name in zip(network._layers, read["layers"]):
            layer.name = name
        return True


def _tensor(world: Any, given: Tensor) -> Any:
    made = world.new("ITensor", shape=given.shape, dtype=given.dtype)
    made.name = given.name
    return made
