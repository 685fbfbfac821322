"""engine: one TensorRT engine, read from a plan and run, with bindings or with named tensors."""

import ctypes
from typing import Any, Dict, NamedTuple, Tuple

from app.device.trt import Api, out_of_memory, reason
from app.errors import DeviceError, EngineError

DTYPES = {  # TensorRT's name -> numpy's; numpy has no others, and trt.nptype fails on new numpys
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "UINT8": "uint8",
}


_FREE = "Stop what else takes memory on this device, or take a smaller model"


class Binding(NamedTuple):
    """An input or output of an engine."""

    name: str
    shape: Tuple[int, ...]  # -1 where a profile leaves the size free
    dtype: str  # numpy's name
    is_input: bool
    most: Tuple[int, ...]  # the largest shape that the profile allows


class Engine:
    """
    A plan that was read, with one context to run it. The context wants ``size`` bytes of device
    memory of the caller's (``use``), which several engines may share that never run at once.
    Not for two threads at the same time.
    """

    def __init__(self, api: Api, plan: Any, name: str) -> None:
        """
        Raises EngineError where the plan (bytes) does not fit, DeviceError where there is no GPU,
        or no memory left on it, which is no fault of the plan.
        """
        trt = api.module
        self._api = api
        self._name = name
        try:
            runtime = trt.Runtime(api.log)
        except TypeError as error:  # its factory returned null
            raise DeviceError(f"TensorRT {api.version} finds no usable CUDA device") from error
        self._runtime = runtime
        engine = runtime.deserialize_cuda_engine(plan)
        if engine is None and out_of_memory(api):
            raise DeviceError(f"{name}: no memory to read the engine: {reason(api)}. {_FREE}")
        if engine is None:
            raise EngineError(f"{name}: TensorRT {api.version} refuses the engine: {reason(api)}")
        self._engine = engine
        self.bindings = self._bindings()
        self.layers: int = engine.num_layers
        self.size = self._memory_size()
        context = self._new_context()
        if context is None:
            raise DeviceError(f"{name}: no memory to run the engine: {reason(api)}. {_FREE}")
        self._context = context
        self._numbers = {binding.name: row for row, binding in enumerate(self.bindings)}
        self._addresses = [0] * len(self.bindings) * engine.num_optimization_profiles
        self._has_run = False

    def use(self, address: int, size: int) -> None:
        """Run on this block of device memory from now on."""
        context = self._context
        if self._api.has.set_memory:
            context.set_device_memory(address, size)
            return
        try:
            context.device_memory = address
        except TypeError:  # 8.2 and 8.4 take a capsule and no number
            context.device_memory = _capsule(address)

    def bind(self, name: str, address: int) -> None:
        """Where an input or output lies on the device; 256-byte aligned."""
        if self._api.has.named_tensors:
            context = self._context
            if not context.set_tensor_address(name, address):
                raise self._failure(f"cannot bind {name}")
        else:
            self._addresses[self._numbers[name]] = address

    def rows(self, batch: int) -> None:
        """Run on this many pictures from now on; engines of a fixed batch run on all of theirs."""
        for binding in self.bindings:
            if binding.is_input and binding.shape != binding.most:
                self._shape(binding.name, (batch,) + binding.most[1:])

    def output_shapes(self, batch: int) -> Dict[str, Tuple[int, ...]]:
        """Of each output for this many pictures. Raises EngineError where only a run can tell."""
        self.rows(batch)
        context, shapes = self._context, {}
        for number, binding in enumerate(self.bindings):
            if binding.is_input:
                continue
            if self._api.has.named_tensors:
                shape = tuple(context.get_tensor_shape(binding.name))
            else:
                shape = tuple(context.get_binding_shape(number))
            if any(size < 0 for size in shape):
                raise EngineError(
                    f"{self._name}: output {binding.name} {list(shape)} has a size that only a "
                    "run can tell, and is not read here. Export the model without it"
                )
            shapes[binding.name] = shape
        return shapes

    def enqueue(self, stream: int) -> None:
        """
        Start it on a CUDA stream, given by its handle. Raises EngineError, or DeviceError where the
        engine is not to blame.
        """
        context = self._context
        if self._api.has.named_tensors:
            started = context.execute_async_v3(stream)
        else:
            started = context.execute_async_v2(self._addresses, stream)
        if not started:
            raise self._failure("TensorRT does not run")
        self._has_run = True

    def copied(self) -> "Engine":
        """The same engine read once more; close it. Raises as reading does."""
        return Engine(self._api, self._engine.serialize(), self._name)

    def listen(self, listener: Any) -> None:
        """Tell an IProfiler of each run from now on, when it is asked to; not for graphs."""
        context = self._context
        context.profiler = listener
        context.enqueue_emits_profile = False

    def report(self) -> None:
        """Tell the listener of the run that has just ended. Raises EngineError."""
        if not self._context.report_to_profiler():
            raise EngineError(f"{self._name}: no times of layers: {reason(self._api)}")

    def described(self) -> str:
        """TensorRT's JSON about the layers; how much it says was settled by the build."""
        inspector = self._engine.create_engine_inspector()
        inspector.execution_context = self._context
        told: str = inspector.get_engine_information(self._api.module.LayerInformationFormat.JSON)
        return told

    def close(self) -> None:
        """Context, engine, runtime, in this order, while the CUDA context is there."""
        self._context = self._engine = self._runtime = None

    def _shape(self, name: str, shape: Tuple[int, ...]) -> None:
        context = self._context
        if self._api.has.named_tensors:
            taken = context.set_input_shape(name, shape)
        else:
            taken = context.set_binding_shape(self._numbers[name], shape)
        if not taken:
            raise self._failure(f"{name} cannot be {list(shape)}")

    def _failure(self, what: str) -> DeviceError:
        """The device's, where memory is short or the engine has run before; else the engine's."""
        told = f"{self._name}: {what}: {reason(self._api)}"
        if out_of_memory(self._api):
            return DeviceError(f"{told}. {_FREE}")
        if self._has_run:
            return DeviceError(f"{told}. It has run before: look for what ails the GPU: dmesg")
        return EngineError(told)

    def _bindings(self) -> Tuple[Binding, ...]:
        engine = self._engine
        if self._api.has.named_tensors:
            names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
            return tuple(self._named(name) for name in names)
        count = engine.num_bindings // engine.num_optimization_profiles  # those of the first
        return tuple(self._numbered(number) for number in range(count))

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
        if kind.name not in DTYPES:
            raise EngineError(
                f"{self._name}: {name} is of {kind.name}, which nothing here can read. Export the "
                "model with float32 inputs and outputs"
            )
        return DTYPES[kind.name]

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
