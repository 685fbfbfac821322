"""fake_trt_context: the stand-in's contexts, which compute, and tell a profiler of it."""

import ctypes
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from tests.fake_device import on_stream, touch
from tests.fake_trt import TYPES, Aborted, Real, Tensor
from tests.fake_trt_run import OWN

_POINTER = ctypes.pythonapi.PyCapsule_GetPointer
_POINTER.restype = ctypes.c_void_p
_POINTER.argtypes = (ctypes.py_object, ctypes.c_char_p)


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

    # With a profiler: layer n takes n + 1 ms, which is told when it is asked for, or at each run

    _listener: Any = None
    _emits = True
    _untold = False

    @property
    def profiler(self) -> Any:
        return self._listener

    @profiler.setter
    def profiler(self, listener: Any) -> None:
        self._world.check(listener, "IProfiler")
        self._listener = listener

    @property
    def enqueue_emits_profile(self) -> bool:
        return self._emits

    @enqueue_emits_profile.setter
    def enqueue_emits_profile(self, emits: bool) -> None:
        self._emits = emits

    def report_to_profiler(self) -> bool:
        if self._listener is None or not self._untold:
            return self._no("no run to report")
        self._untold = False
        for number, name in enumerate(self._engine._content["layers"]):
            self._world.call(self._listener.report_layer_time, name, number + 1.0)
        return True

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
            if scratch != OWN:
                touch(scratch, wanted)
                ctypes.memset(scratch, 0x5A, wanted)
            given = [array_at(*view) for view in inputs]
            for row, target in enumerate(array_at(*view) for view in outputs):
                target[:] = _by_rule(engine._content["rule"], given, row).reshape(target.shape)

        on_stream(stream, work)
        self._untold = True
        if self._listener is not None and self._emits:
            self.report_to_profiler()
        return True


def _by_rule(rule: str, given: List[np.ndarray], row: int) -> np.ndarray:
    if rule == "sum":
        return np.asarray(sum(one.reshape(len(one), -1).sum(1, np.float64) for one in given))
    one = given[row % len(given)]
    return one if rule == "copy" else 1 - one


def array_at(address: int, shape: Tuple[int, ...], dtype: str) -> np.ndarray:
    """The memory at an address, as an array; ``dtype`` is TensorRT's name."""
    kind = np.dtype(TYPES[dtype])
    count = int(np.prod(shape, dtype=int)) * kind.itemsize
    touch(address, count)
    return np.frombuffer((ctypes.c_byte * count).from_address(address), kind).reshape(shape)
