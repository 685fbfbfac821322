"""
fake_trt: a stand-in for `tensorrt` of a given release, for tests of the flow without a GPU.

``module("8.2.1")`` offers what it has of that release's names and no others, and checks what the
real one does: addresses, shapes, types. Its "ONNX" and its plans are JSON, and its engines compute
with numpy on real addresses of host memory. ``Orders`` make it fail. What was asked of a build
stands in the plan: ``read(plan)``.
"""

import json
import types
from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

from tests.contract.capture import SPECIAL
from tests.contract.names import names_of

TYPES = {  # TensorRT's name -> the module's name for it, which is numpy's as far as numpy has it
    "BOOL": "bool",
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "UINT8": "uint8",
}


MARK = b"stand-in:"  # before it, an ONNX file may hold anything
LATER = -2  # in an output's shape: a size that only a run can tell


class Aborted(BaseException):
    """Here the real one would end the process."""


class Trouble(NamedTuple):
    """An error of the parser."""

    node: int
    name: str
    operator: str
    words: str


class Orders(NamedTuple):
    """What is to go wrong, and what the device is like. Texts are what TensorRT logs then."""

    no_device: bool = False
    no_engine: str = ""  # deserialize_cuda_engine gives None
    no_context: str = ""
    no_run: str = ""  # execute_... gives False
    no_plan: str = ""  # build_serialized_network gives None
    least_workspace: int = 0  # bytes, below which a build runs out of memory
    troubles: Tuple[Trouble, ...] = ()  # of the parser
    fast_int8: bool = True
    dla_cores: int = 0
    spoiled: Tuple[str, ...] = ()  # builder flags: engines built with one answer by "flip"


class Tensor(NamedTuple):
    """An input or output; -1 in an output's shape is what stands there in the first input's."""

    name: str
    shape: Tuple[int, ...]
    dtype: str = "FLOAT"  # TensorRT's name
    location: str = "DEVICE"


class World:
    """What all objects of one stand-in share."""

    def __init__(self, version: str, orders: Orders) -> None:
        self.version = version
        self.orders = orders
        self.names = names_of(version)
        self.module: Any = types.ModuleType("tensorrt")

    def new(self, name: str, **private: Any) -> Any:
        """An object of a class that has no constructor; ``private`` without the underscores."""
        kind = getattr(self.module, name)
        made = kind.__new__(kind)
        for key, value in private.items():
            setattr(made, "_" + key, value)
        return made

    def say(self, logger: Any, severity: str, text: str) -> None:
        self.call(logger.log, getattr(self.module.ILogger, severity), text)

    def call(self, method: Any, *arguments: Any) -> Any:
        """Python code, as TensorRT calls it. 8.2 does not survive its exceptions."""
        try:
            return method(*arguments)
        except Exception as error:
            if not self.names.has("IBuilderConfig", "set_memory_pool_limit"):
                raise Aborted("TensorRT 8.2 ends the process here") from error
            return None

    def check(self, given: Any, name: str) -> None:
        """That it is of a class, and complete."""
        kind = getattr(self.module, name)
        if not isinstance(given, kind):
            raise TypeError("incompatible function arguments: {!r} is no {}".format(given, name))
        if not getattr(given, "_ready", True):
            raise TypeError("{}.__init__() must be called when overriding __init__".format(name))


class Real:
    """The parent of all classes: takes no attributes that the real class lacks, as pybind11's."""

    _members: frozenset = frozenset()
    _world: World

    def __init__(self) -> None:
        raise TypeError("{}: No constructor defined!".format(type(self).__name__))

    def __setattr__(self, name: str, value: Any) -> None:
        own = vars(type(self))
        if "_members" in own and name[0] != "_" and name not in own["_members"]:
            raise AttributeError(
                "'tensorrt.{}' object has no attribute '{}'".format(type(self).__name__, name)
            )
        object.__setattr__(self, name, value)


class Dims(Real):
    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, row: int) -> int:
        return self._sizes[row]


class ILogger(Real):
    _ready = False

    def __init__(self) -> None:
        self._ready = True

    def log(self, severity: Any, text: str) -> None:
        raise NotImplementedError


class Logger(ILogger):
    def __init__(self, min_severity: Any = None) -> None:
        self._ready = True

    def log(self, severity: Any, text: str) -> None:
        pass


class IPluginRegistry(Real):
    def load_library(self, plugin_path: str) -> Any:
        try:
            with open(plugin_path, "rb"):
                return object()
        except OSError:
            return None


def module(version: str, orders: Optional[Orders] = None) -> Any:
    """``orders`` may make it fail."""
    from tests import (
        fake_trt_build,
        fake_trt_context,
        fake_trt_network,
        fake_trt_run,
    )  # these import this

    world = World(version, orders or Orders())
    made = world.module
    made.__version__ = version
    for name in world.names.classes:
        if {"name", "value"} <= world.names.classes[name] and name not in ("ITensor", "ILayer"):
            _add_enum(world, made, name, world.names.classes[name])
    for file in (fake_trt_run, fake_trt_context, fake_trt_network, fake_trt_build):
        for template in list(globals().values()) + list(vars(file).values()):
            if isinstance(template, type) and issubclass(template, Real) and template is not Real:
                _add_class(world, template)
    _add_enum(
        world, made.ILogger, "Severity", ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE")
    )
    for severity, value in vars(made.ILogger.Severity).items():
        if severity.isupper():
            setattr(made.ILogger, severity, value)
    functions = {
        "init_libnvinfer_plugins": lambda logger, namespace: world.check(logger, "ILogger") is None,
        "get_plugin_registry": lambda: world.new("IPluginRegistry"),
    }
    functions.update({short: getattr(made.DataType, name, None) for name, short in TYPES.items()})
    for name in world.names.module & set(functions):
        setattr(made, name, functions[name])
    return made


def _add_enum(world: World, where: Any, name: str, members: Sequence[str]) -> None:
    """Numbered anew in each release, as the real ones partly are."""
    kind = type(name, (Real,), {"__int__": lambda self: self.value})
    kind.__repr__ = lambda self: "{}.{}".format(name, self.name)
    for number, member in enumerate(sorted(one for one in members if one.isupper())):
        value = kind.__new__(kind)
        value.name, value.value = member, number
        setattr(kind, member, value)
    kind._members, kind._world = frozenset(members), world
    setattr(where, name, kind)


def _add_class(world: World, template: type) -> None:
    """What the template has of the real class's names."""
    name = template.__name__
    if name not in world.names.classes or hasattr(world.module, name):
        return
    members = world.names.classes[name]
    body = {
        member: value
        for member, value in vars(template).items()
        if member in members or (member[0] == "_" and member not in SPECIAL)
    }
    for automatic in ("__dict__", "__weakref__"):
        body.pop(automatic, None)
    body.update(_members=members, _world=world)
    bases = [getattr(world.module, base.__name__, base) for base in template.__bases__]
    setattr(world.module, name, type(name, tuple(bases), body))


# What is read: the stand-in for an ONNX, and plans


def model(
    inputs: Sequence[Tensor],
    outputs: Sequence[Tensor],
    rule: str = "copy",
    layers: Sequence[str] = ("conv", "head"),
    opset: int = 13,
) -> bytes:
    """
    A network that gives, for each output, the numbers of the input of the same number ("copy"), or
    1 less them ("flip"), or the sum of all inputs' numbers for each row ("sum").
    """
    return json.dumps(
        {
            "inputs": [tensor._asdict() for tensor in inputs],
            "outputs": [tensor._asdict() for tensor in outputs],
            "rule": rule,
            "layers": list(layers),
            "opset": opset,
        }
    ).encode()


Profile = Dict[str, Tuple[Tuple[int, ...], ...]]  # input -> least, usual, most


def plan(
    version: str, network: bytes, *profiles: Profile, memory: int = 1024, **built: Any
) -> bytes:
    """What a build of that release would give; ``built`` is told by ``read``."""
    content = dict(json.loads(network.decode()), version=version, memory=memory, built=built)
    return json.dumps(dict(content, profiles=list(profiles))).encode()


def read(plan: Any) -> Dict[str, Any]:
    """What stands in a plan; of how it was built, under "built"."""
    return dict(json.loads(bytes(plan).decode()))
