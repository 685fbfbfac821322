"""fake_trt_run: the stand-in's runtime, engines and contexts."""

import ctypes
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from tests.fake_device import on_stream, touch
from tests.fake_trt import TYPES, Aborted, Real, Tensor

_POINTER = ctypes.pythonapi.PyCapsule_GetPointer
_POINTER.restype = ctypes.c_void_p
_POINTER.argtypes = (ctypes.py_object, ctypes.c_char_p)


_OWN = 1  # the address of memory that the context takes itself


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
        memory = (_OWN, self._content["memory"]) if own else (0, 0)
        return self._world.new(
            "IExecutionContext", engine=self, shapes=shapes, addresses={}, memory=memory
        )

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


class IExecutionContext(Real):
    """Always under profile 0."""

    @property
    def engine(self) -> Any:
        return self._engine

    @property
    def device_memory(self) -> int:
        return self._memory[0]

    @device_memory.setter
    def device_memory(self, address: Any) -> None:
        """8.2 and 8.4 take a capsule, later ones an int."""
        if self._world.names.has("ICudaEngine", "num_io_tensors"):
            self._number(address)
        elif type(address).__name__ != "PyCapsule":
            raise TypeError("(): incompatible function arguments: capsule wanted")
        else:
            address = _POINTER(address, None)
        self._memory = (address, self._engine._content["memory"])

    def set_device_memory(self, memory: int, size: int) -> None:
        self._number(memory)
        self._memory = (memory, size)

    # By number

    def set_binding_shape(self, binding: int, shape: Sequence[int]) -> bool:
        profile, tensor = self._engine._numbered(binding)
        return profile == 0 and self._set_shape(tensor, shape)

    def get_binding_shape(self, binding: int) -> Any:
        return self._shape(self._engine._numbered(binding)[1])

    def execute_async_v2(self, bindings: List[int], stream_handle: int) -> bool:
        for number in bindings + [stream_handle]:
            self._number(number)
        tensors = self._engine._tensors()
        if len(bindings) != self._engine.num_optimization_profiles * len(tensors):
            raise Aborted("a list of {} bindings is read out of bounds".format(len(bindings)))
        given = {tensor.name: at for tensor, at in zip(tensors, bindings)}
        return self._run(given, stream_handle)

    # By name

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._number(memory)
        known = name in [tensor.name for tensor in self._engine._tensors()]
        self._addresses[name] = memory
        return known or self._no("given invalid tensor name: " + name)

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        return self._set_shape(self._engine._named(name), shape)

    def get_tensor_shape(self, name: str) -> Any:
        return self._shape(self._engine._named(name))

    def execute_async_v3(self, stream_handle: int) -> bool:
        self._number(stream_handle)
        return self._run(self._addresses, stream_handle)

    def _number(self, value: Any) -> None:
        if type(value) is not int:
            raise TypeError("incompatible function arguments: int wanted, not {!r}".format(value))

    def _no(self, text: str) -> bool:
        self._world.say(self._engine._logger, "ERROR", text)
        return False

    def _set_shape(self, tensor: Tensor, shape: Sequence[int]) -> bool:
        if tensor not in self._engine._tensors(True):
            return self._no("{} is no input".format(tensor.name))
        least, _, most = self._engine._range(tensor, 0)
        if len(shape) != len(least) or not all(
            low <= size <= high for low, size, high in zip(least, shape, most)
        ):
            return self._no("{} of {} is out of the profile's range".format(shape, tensor.name))
        self._shapes[tensor.name] = tuple(shape)
        return True

    def _shape(self, tensor: Tensor) -> Any:
        first = next(iter(self._shapes.values()))
        shape = self._shapes.get(tensor.name) or tuple(
            first[axis] if size == -1 else max(size, -1) for axis, size in enumerate(tensor.shape)
        )
        return self._world.new("Dims", sizes=shape)

    def _run(self, addresses: Dict[str, int], stream: int) -> bool:
        """What is wrong is known at once; the work itself is the stream's."""
        engine = self._engine
        for tensor in engine._tensors():
            if -1 in tuple(self._shape(tensor)):
                return self._no("not all shapes are specified: " + tensor.name)
            if not addresses.get(tensor.name):
                return self._no("no address is set for " + tensor.name)
        if self._memory[1] < engine._content["memory"] or not self._memory[0]:
            return self._no("the context has too little device memory")
        if self._world.orders.no_run:
            return self._no(self._world.orders.no_run)
        inputs, outputs = (
            [(addresses[one.name], tuple(self._shape(one)), one.dtype) for one in tensors]
            for tensors in (engine._tensors(True), engine._tensors(False))
        )
        scratch, wanted = self._memory[0], engine._content["memory"]

        def work() -> None:
            if scratch != _OWN:
                touch(scratch, wanted)
                ctypes.memset(scratch, 0x5A, wanted)
            given = [array_at(*view) for view in inputs]
            for row, target in enumerate(array_at(*view) for view in outputs):
                target[:] = _by_rule(engine._content["rule"], given, row).reshape(target.shape)

        on_stream(stream, work)
        return True


def _by_rule(rule: str, given: List[np.ndarray], row: int) -> np.ndarray:
    if rule == "sum":
        return np.asarray(sum(one.reshape(len(one), -1).sum(1, np.float64) for one in given))
    one = given[row % len(given)]
    return one if rule == "copy" else 1 - one


def declared(tensor: Tensor) -> Tuple[int, ...]:
    """The shape, -1 where it is free."""
    return tuple(max(size, -1) for size in tensor.shape)


def array_at(address: int, shape: Tuple[int, ...], dtype: str) -> np.ndarray:
    """The memory at an address, as an array; ``dtype`` is TensorRT's name."""
    kind = np.dtype(TYPES[dtype])
    count = int(np.prod(shape, dtype=int)) * kind.itemsize
    touch(address, count)
    return np.frombuffer((ctypes.c_byte * count).from_address(address), kind).reshape(shape)
