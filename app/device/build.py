"""build: one attempt at an engine: a parsed model, given its shapes and precision, built."""

import contextlib
import fnmatch
import re
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from app.device import timing
from app.device.calibrate import Calibration
from app.device.parse import Parsed, new_builder
from app.device.plan import Profile
from app.device.trt import Api, out_of_memory, reason
from app.errors import EngineError

FP32, FP16, INT8 = PRECISIONS = ("fp32", "fp16", "int8")

_FAST_FP16 = ((5, 3), (6, 0), (6, 2))  # and from 7.0 on
_FAST_INT8 = ((6, 1),)  # and from 7.0 on
_TIMED = re.compile(r"Timing Runner: (.+) \(")  # TensorRT 8's own account of its work
Tell = Callable[[str, int, int], None]  # phase, how many of how many; 0 of 0 where unknown


class Recipe(NamedTuple):
    """How to build. Sizes in bytes."""

    precision: str
    workspace: int
    batch: int = 1
    size_wh: Tuple[int, int] = (0, 0)
    nhwc: bool = False
    keep: Tuple[str, ...] = ()  # patterns of layers that stay in FP16 in an INT8 engine
    dla: Optional[int] = None
    effort: Optional[int] = None  # 0 to 5: how long to look for faster kernels
    lean: bool = False  # without cuBLAS and cuDNN, which take memory on small boards
    calibrator: str = "entropy"
    timing_cache: str = ""  # a file that is read and written


class Built(NamedTuple):
    plan: Any  # a buffer: write it straight to the file, and drop it
    layers: int
    profiles: Tuple[Profile, ...]
    flags: Tuple[str, ...]
    notes: Tuple[str, ...]


class OutOfMemory(EngineError):
    """The build failed in a way that less workspace may mend."""


class Listener:
    """What the builder says on the way, turned into progress."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._seen: Dict[str, None] = {}

    def hear(self, level: str, text: str) -> None:
        """One message of TensorRT's; at VERBOSE it says what it times."""
        timed = _TIMED.search(text)
        if timed and timed.group(1) not in self._seen:
            self._seen[timed.group(1)] = None
            self._tell("timing kernels", len(self._seen), 0)

    def monitor(self, api: Api) -> Any:
        """TensorRT 10's own progress."""
        tell = self._tell

        class Monitor(api.module.IProgressMonitor):  # type: ignore
            def __init__(self) -> None:
                api.module.IProgressMonitor.__init__(self)
                self.steps: Dict[str, int] = {}

            def phase_start(self, name: str, parent: Any, steps: int) -> None:
                self.steps[name] = steps

            def phase_finish(self, name: str) -> None:
                self.steps.pop(name, None)

            def step_complete(self, name: str, step: int) -> bool:
                with contextlib.suppress(Exception):  # whoever listens must not stop the build
                    tell(name.lower(), step + 1, self.steps.get(name, 0))
                return True

        return Monitor()


def supports(api: Api, sm: Tuple[int, int], precision: str) -> bool:
    """Whether this GPU is faster at a precision. Nano and TX2 build INT8, and run it slower."""
    if precision == FP32:
        return True
    if api.has.fast_types:
        builder = new_builder(api)
        fast = (
            builder.platform_has_fast_int8
            if precision == INT8
            else (builder.platform_has_fast_fp16)
        )
        return bool(fast)
    return sm >= (7, 0) or sm in (_FAST_INT8 if precision == INT8 else _FAST_FP16)


def dla_cores(api: Api) -> int:
    builder = new_builder(api)
    return int(builder.num_DLA_cores)


def build(
    api: Api,
    parsed: Parsed,
    recipe: Recipe,
    listener: Listener,
    calibration: Optional[Calibration] = None,
) -> Built:
    """
    With INT8 and no calibration, the ranges must stand in the model (Q/DQ). A parsed model can be
    built once. Raises EngineError, and OutOfMemory where less workspace may do.
    """
    builder, network = parsed.builder, parsed.network
    config = builder.create_builder_config()
    made = _configured(api, parsed, config, recipe)
    profiles = tuple(_profiles(parsed, recipe))
    free = [one for one in profiles if -1 in _declared(parsed, one.name)]
    if free:
        config.add_optimization_profile(_profile(builder, free))
    calibrator = None
    if recipe.precision == INT8 and calibration is not None and api.has.calibrators:
        calibrator = calibration.calibrator(api, recipe.calibrator)
        config.int8_calibrator = calibrator
        if free:
            config.set_calibration_profile(_profile(builder, [_single(one) for one in free]))
    monitor = None
    if api.has.progress:
        monitor = listener.monitor(api)
        config.progress_monitor = monitor
    cache = timing.use(config, recipe.timing_cache)
    api.log.told = []
    plan = builder.build_serialized_network(network, config)
    if calibrator is not None and calibration is not None:
        calibration.check()
    if plan is None:
        raise _failure(api, recipe)
    timing.keep(config, recipe.timing_cache)
    del calibrator, monitor, cache  # which had to live until here
    return Built(plan, network.num_layers, profiles, tuple(made.flags), tuple(made.notes))


class _Made(NamedTuple):
    flags: List[str]
    notes: List[str]


def _configured(api: Api, parsed: Parsed, config: Any, recipe: Recipe) -> _Made:
    """Set all that is not shapes or calibration; what was set, and what is to be said of it."""
    trt = api.module
    made = _Made([], [])
    if api.has.pools:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, recipe.workspace)
    else:
        config.max_workspace_size = recipe.workspace
    if recipe.lean:
        sources = 0
        if api.has.edge_masks:
            sources |= 1 << int(trt.TacticSource.EDGE_MASK_CONVOLUTIONS)
        if api.has.jit:
            sources |= 1 << int(trt.TacticSource.JIT_CONVOLUTIONS)
        config.set_tactic_sources(sources)
        made.flags.append("lean")
    if recipe.effort is not None:
        if api.has.level:
            config.builder_optimization_level = recipe.effort
            made.flags.append(f"effort {recipe.effort}")
        else:
            made.notes.append(f"TensorRT {api.version} has no effort to choose")
    if api.has.weak_types and recipe.precision != FP32:
        config.set_flag(trt.BuilderFlag.FP16)
        made.flags.append("FP16")
        if recipe.precision == INT8:
            config.set_flag(trt.BuilderFlag.INT8)
            made.flags.append("INT8")
    if recipe.keep and recipe.precision == INT8:
        _keep_layers(api, parsed, config, recipe.keep, made)
    if recipe.dla is not None:
        _choose_dla(api, parsed.builder, config, recipe.dla, made)
    return made


def _keep_layers(
    api: Api, parsed: Parsed, config: Any, patterns: Sequence[str], made: _Made
) -> None:
    if not (api.has.layer_types and api.has.prefer_types):
        made.notes.append("kept layers must be left out of the Q/DQ model on this TensorRT")
        return
    trt, network = api.module, parsed.network
    kept = 0
    for number in range(network.num_layers):
        layer = network.get_layer(number)
        if not any(fnmatch.fnmatchcase(layer.name, pattern) for pattern in patterns):
            continue
        floating = [
            output
            for output in range(layer.num_outputs)
            if layer.get_output(output).dtype == trt.float32
        ]
        if not floating:  # shapes and constants of whole numbers
            continue
        layer.precision = trt.float16
        for output in floating:
            layer.set_output_type(output, trt.float16)
        kept += 1
    config.set_flag(trt.BuilderFlag.PREFER_PRECISION_CONSTRAINTS)
    made.flags.append(f"{kept} layers kept in FP16")
    if not kept:
        made.notes.append(f"no layer is called {' or '.join(patterns)}")


def _choose_dla(api: Api, builder: Any, config: Any, core: int, made: _Made) -> None:
    trt = api.module
    cores = int(builder.num_DLA_cores)
    if core >= cores:
        raise EngineError(
            f"there is no DLA core {core}: this device has {cores or 'none'} that TensorRT "
            f"{api.version} reports. Build without --dla"
        )
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    made.flags.append(f"DLA core {core} with GPU fallback")


def _profiles(parsed: Parsed, recipe: Recipe) -> Iterator[Profile]:
    """One profile for all inputs: from one picture to the whole batch."""
    for spec in parsed.inputs:
        least, most = list(spec.shape), list(spec.shape)
        if spec.shape and spec.shape[0] == -1:
            least[0], most[0] = 1, recipe.batch
        elif spec.shape and len(spec.shape) == 4 and recipe.batch > spec.shape[0]:
            raise EngineError(
                f"the model takes batches of {spec.shape[0]} and no others; asked for is "
                f"{recipe.batch}. Export it with a free batch, or set free_dims: [0]"
            )
        if len(spec.shape) == 4:
            wide, high = recipe.size_wh
            for axis, side in ((1, high), (2, wide)) if recipe.nhwc else ((2, high), (3, wide)):
                if spec.shape[axis] == -1:
                    least[axis] = most[axis] = side
        if -1 in most:
            raise EngineError(
                f"input {spec.name} {list(spec.shape)} leaves sizes free that nothing here can "
                "choose. Export the model with these fixed"
            )
        yield Profile(spec.name, tuple(least), tuple(most), tuple(most))


def _profile(builder: Any, free: Sequence[Profile]) -> Any:
    profile = builder.create_optimization_profile()
    for one in free:
        profile.set_shape(one.name, one.least, one.usual, one.most)
    return profile


def _single(one: Profile) -> Profile:
    """Calibration goes picture by picture."""
    return Profile(one.name, one.least, one.least, one.least)


def _declared(parsed: Parsed, name: str) -> Tuple[int, ...]:
    return [spec.shape for spec in parsed.inputs if spec.name == name][0]


def _failure(api: Api, recipe: Recipe) -> EngineError:
    """The first error is the cause: on 8 the last is but a failed assertion."""
    told = api.log.told or [reason(api)]
    mib = recipe.workspace >> 20
    if any("implementation" in text for text in told):  # no kernel: more room may help, not less
        return EngineError(
            f"TensorRT {api.version} finds no kernel for a layer within {mib} MiB of workspace: "
            f"{told[0][:300]}. Give it more (--workspace-mb, or free memory), or see --precision"
        )
    if "Assertion" in told[0] and not out_of_memory(api):  # a fault of TensorRT's, at any size
        return EngineError(
            f"TensorRT {api.version} fails on this model: {told[0][:300]}. Take another --precision"
        )
    return OutOfMemory(f"TensorRT {api.version} builds no engine with {mib} MiB: {told[0][:300]}")
