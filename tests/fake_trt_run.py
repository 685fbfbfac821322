"""fake_trt_run: the stand-in's runtime and engines, and what it tells of their layers."""

import json
from typing import Any, Dict, List, Optional, Tuple

from tests.fake_trt import Real, Tensor

OWN = 1  # the address of memory that the context takes itself


class Runtime(Real):
    def __init__(self, logger: Any) -> None:
        self._world.check(logger, "ILogger")
        if self._world.orders.no_device:
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self._logger = logger

    def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
        world = self._world
        try:
            content = json.loads(bytes(memoryview(serialized_engine)).decode())
        except ValueError:
            content = {}
        refusal = world.orders.no_engine
        if content.get("version") != world.version:
            refusal = "Serialization assertion stdVersionRead == serializationVersion failed."
        if refusal:
            world.say(self._logger, "ERROR", refusal)
            return None
        return world.new("ICudaEngine", content=content, logger=self._logger)


class ICudaEngine(Real):
    """Bindings are numbered p * n + i for tensor i of n under profile p."""

    @property
    def num_layers(self) -> int:
        return len(self._content["layers"])

    @property
    def num_optimization_profiles(self) -> int:
        return max(1, len(self._content["profiles"]))

    @property
    def device_memory_size(self) -> int:
        return int(self._content["memory"])

    @property
    def device_memory_size_v2(self) -> int:
        return int(self._content["memory"])

    def create_execution_context(self, *strategy: Any) -> Any:
        kinds = getattr(self._world.module, "ExecutionContextAllocationStrategy", None)
        if strategy and (kinds is None or not isinstance(strategy[0], kinds) or strategy[1:]):
            raise TypeError("create_execution_context(): incompatible function arguments")
        return self._context(own=not strategy or strategy[0] is not kinds.USER_MANAGED)

    def create_execution_context_without_device_memory(self) -> Any:
        return self._context(own=False)

    def _context(self, own: bool) -> Any:
        refusal = self._world.orders.no_context
        if refusal:
            self._world.say(self._logger, "ERROR", refusal)
            return None
        shapes = {tensor.name: tensor.shape for tensor in self._tensors(True)}
        memory = (OWN, self._content["memory"]) if own else (0, 0)
        return self._world.new(
            "IExecutionContext", engine=self, shapes=shapes, addresses={}, memory=memory
        )

    def serialize(self) -> Any:
        made = self._world.new("IHostMemory")
        made.extend(json.dumps(self._content).encode())
        return made

    def create_engine_inspector(self) -> Any:
        return self._world.new("EngineInspector", engine=self, context=None)

    # By number

    @property
    def num_bindings(self) -> int:
        return self.num_optimization_profiles * len(self._tensors())

    def get_binding_name(self, index: int) -> str:
        profile, tensor = self._numbered(index)
        return tensor.name + (" [profile {}]".format(profile) if profile else "")

    def get_binding_shape(self, index: int) -> Any:
        return self._world.new("Dims", sizes=declared(self._numbered(index)[1]))

    def get_binding_dtype(self, index: int) -> Any:
        return getattr(self._world.module.DataType, self._numbered(index)[1].dtype)

    def binding_is_input(self, index: int) -> bool:
        return self._numbered(index)[1] in self._tensors(True)

    def get_location(self, index: int) -> Any:
        return getattr(self._world.module.TensorLocation, self._numbered(index)[1].location)

    def get_profile_shape(self, profile_index: int, binding: int) -> List[Any]:
        profile, tensor = self._numbered(binding)
        if profile != profile_index:
            raise AssertionError("binding {} is not of profile {}".format(binding, profile_index))
        return self._range(tensor, profile)

    def _numbered(self, index: int) -> Tuple[int, Tensor]:
        tensors = self._tensors()
        if not 0 <= index < self.num_optimization_profiles * len(tensors):
            raise AssertionError("there is no binding {}".format(index))
        return index // len(tensors), tensors[index % len(tensors)]

    # By name

    @property
    def num_io_tensors(self) -> int:
        return len(self._tensors())

    def get_tensor_name(self, index: int) -> str:
        return self._tensors()[index].name

    def get_tensor_shape(self, name: str) -> Any:
        return self._world.new("Dims", sizes=declared(self._named(name)))

    def get_tensor_dtype(self, name: str) -> Any:
        return getattr(self._world.module.DataType, self._named(name).dtype)

    def get_tensor_mode(self, name: str) -> Any:
        modes = self._world.module.TensorIOMode
        return modes.INPUT if self._named(name) in self._tensors(True) else modes.OUTPUT

    def get_tensor_location(self, name: str) -> Any:
        return getattr(self._world.module.TensorLocation, self._named(name).location)

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> List[Any]:
        return self._range(self._named(name), profile_index)

    def _named(self, name: str) -> Tensor:
        return next(tensor for tensor in self._tensors() if tensor.name == name)

    def _tensors(self, inputs: Optional[bool] = None) -> List[Tensor]:
        """All, inputs first; or only inputs, or only outputs."""
        kinds = {None: ("inputs", "outputs"), True: ("inputs",), False: ("outputs",)}[inputs]
        given = [tensor for kind in kinds for tensor in self._content[kind]]
        return [Tensor(**dict(tensor, shape=tuple(tensor["shape"]))) for tensor in given]

    def _range(self, tensor: Tensor, profile: int) -> List[Any]:
        """Least, usual, most: of an input."""
        if tensor not in self._tensors(True):
            raise AssertionError("{} is no input".format(tensor.name))
        profiles = self._content["profiles"]
        shapes = [tensor.shape] * 3
        if profiles:
            shapes = profiles[profile].get(tensor.name, shapes)
        return [self._world.new("Dims", sizes=tuple(shape)) for shape in shapes]


class EngineInspector(Real):
    """Tells names alone, unless the engine was built with more: ``verbosity`` of the plan."""

    @property
    def execution_context(self) -> Any:
        return self._context

    @execution_context.setter
    def execution_context(self, context: Any) -> None:
        self._world.check(context, "IExecutionContext")
        self._context = context

    def get_engine_information(self, format: Any) -> str:
        if format is not self._world.module.LayerInformationFormat.JSON:
            raise TypeError("get_engine_information(): incompatible function arguments")
        content = self._engine._content
        told: Dict[str, Any] = {"Layers": content["layers"], "Bindings": []}
        if content["built"].get("verbosity") == "DETAILED":
            told["Layers"] = [{"Name": name, "LayerType": name.title()} for name in told["Layers"]]
        return json.dumps(told)


class IProfiler(Real):
    _ready = False

    def __init__(self) -> None:
        self._ready = True

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError


def declared(tensor: Tensor) -> Tuple[int, ...]:
    """The shape, -1 where it is free."""
    return tuple(max(size, -1) for size in tensor.shape)
