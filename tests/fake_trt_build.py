"""fake_trt_build: the stand-in's builder, its configuration and calibrators."""

import json
from typing import Any, Dict, List, Optional

import numpy as np

from tests.fake_trt import Aborted, Real, plan
from tests.fake_trt_context import array_at


class IHostMemory(Real, bytearray):
    """Bytes for whom wants a buffer."""

    @property
    def nbytes(self) -> int:
        return len(self)


class ITimingCache(Real):
    """Of which kernels it is known how long they take: layers' names."""

    def serialize(self) -> Any:
        content = {"version": self._world.version, "timed": sorted(self._timed)}
        return _memory(self._world, json.dumps(content).encode())


class IOptimizationProfile(Real):
    def __bool__(self) -> bool:
        return True

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        shapes = tuple(min), tuple(opt), tuple(max)
        if not all(0 <= low <= mid <= high for low, mid, high in zip(*shapes)):
            raise ValueError("Shape provided for min is inconsistent with other shapes.")
        self._shapes[input] = shapes


class IBuilderConfig(Real):
    max_workspace_size = 0
    avg_timing_iterations = 1
    builder_optimization_level = 3
    default_device_type: Any = None
    DLA_core = -1
    int8_calibrator: Any = None
    profiling_verbosity: Any = None
    progress_monitor: Any = None

    def set_flag(self, flag: Any) -> None:
        self._world.check(flag, "BuilderFlag")
        self._flags.add(flag.name)

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        self._world.check(pool, "MemoryPoolType")
        self._pools[pool.name] = int(pool_size)

    def set_tactic_sources(self, tactic_sources: int) -> bool:
        self._sources = int(tactic_sources)
        return True

    def add_optimization_profile(self, profile: Any) -> int:
        self._world.check(profile, "IOptimizationProfile")
        self._profiles.append(profile._shapes)
        return len(self._profiles) - 1

    def set_calibration_profile(self, profile: Any) -> bool:
        self._world.check(profile, "IOptimizationProfile")
        self._calibration = profile._shapes
        return True

    def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
        content = bytes(memoryview(serialized_timing_cache))
        try:
            read = json.loads(content.decode()) if content else {"timed": []}
        except ValueError:
            read = {"version": "none", "timed": []}
        version = read.get("version", self._world.version)
        return self._world.new("ITimingCache", version=version, timed=set(read["timed"]))

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        self._world.check(cache, "ITimingCache")
        if cache._version != self._world.version and not ignore_mismatch:
            self._world.say(self._logger, "ERROR", "the timing cache is of another device")
            return False
        self._cache = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._cache


class IProgressMonitor(Real):
    _ready = False

    def __init__(self) -> None:
        self._ready = True

    def phase_start(self, phase_name: str, parent_phase: Any, num_steps: int) -> None:
        pass

    def phase_finish(self, phase_name: str) -> None:
        pass

    def step_complete(self, phase_name: str, step: int) -> bool:
        return True


class IInt8Calibrator(Real):
    _ready = False

    def __init__(self) -> None:
        self._ready = True

    def get_batch_size(self) -> int:
        return 0

    def get_batch(self, names: List[str]) -> Any:
        return None

    def read_calibration_cache(self) -> Any:
        return None

    def write_calibration_cache(self, cache: Any) -> None:
        pass


class IInt8EntropyCalibrator2(IInt8Calibrator):
    pass


class IInt8MinMaxCalibrator(IInt8Calibrator):
    pass


class Builder(Real):
    def __init__(self, logger: Any) -> None:
        self._world.check(logger, "ILogger")
        if self._world.orders.no_device:
            raise TypeError("pybind11::init(): factory function returned nullptr")
        self._logger = logger

    @property
    def platform_has_fast_fp16(self) -> bool:
        return True

    @property
    def platform_has_fast_int8(self) -> bool:
        return self._world.orders.fast_int8

    @property
    def num_DLA_cores(self) -> int:  # noqa: N802 is TensorRT's
        return self._world.orders.dla_cores

    def create_network(self, flags: int = 0) -> Any:
        """On 8, without its flag, the batch is implicit, and nothing can be parsed."""
        kinds = self._world.module.NetworkDefinitionCreationFlag
        explicit = bool(flags & 1 << int(getattr(kinds, "EXPLICIT_BATCH", 0)))
        explicit = explicit or not self._world.names.has("ICudaEngine", "num_bindings")
        return self._world.new(
            "INetworkDefinition", explicit=explicit, read=None, inputs=[], outputs=[], layers=[]
        )

    def create_optimization_profile(self) -> Any:
        return self._world.new("IOptimizationProfile", shapes={})

    def create_builder_config(self) -> Any:
        private: Dict[str, Any] = {"flags": set(), "pools": {}, "profiles": [], "calibration": {}}
        return self._world.new(
            "IBuilderConfig", logger=self._logger, cache=None, sources=None, **private
        )

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        self._world.check(network, "INetworkDefinition")
        self._world.check(config, "IBuilderConfig")
        world, pools = self._world, config._pools
        workspace = pools.get("WORKSPACE") or getattr(config, "max_workspace_size", 0)
        try:
            if world.orders.no_plan:
                raise ValueError(world.orders.no_plan)
            if network._read is None:
                raise ValueError("Network must have at least one output")
            free = [one for one in network._inputs if -1 in one.shape]
            if any(one.name not in profile for one in free for profile in config._profiles or [{}]):
                raise ValueError("Network has dynamic inputs, but no optimization profile")
            if workspace < world.orders.least_workspace:
                raise ValueError("Error Code 2: OutOfMemory (no further information)")
            self._watch(network, config)
            ranges = self._calibrated(network, config)
        except ValueError as error:
            world.say(self._logger, "ERROR", str(error))
            return None
        known = set() if config._cache is None else set(config._cache._timed)
        names = {layer.name for layer in network._layers}
        if config._cache is not None:
            config._cache._timed |= names
        spoiled = {"rule": "flip"} if config._flags & set(world.orders.spoiled) else {}
        built = plan(
            world.version,
            json.dumps(dict(network._read, **spoiled)).encode(),
            *config._profiles,
            flags=sorted(config._flags),
            workspace=workspace,
            level=getattr(config, "builder_optimization_level", None),
            sources=config._sources,
            dla=config.DLA_core,
            ranges=ranges,
            timed=sorted(names - known),
            kept=[layer.name for layer in network._layers if getattr(layer, "precision", None)],
        )
        return _memory(world, built)

    def _watch(self, network: Any, config: Any) -> None:
        """Tell a monitor of each layer, or what 8 logs; ValueError when it says stop."""
        world, monitor = self._world, getattr(config, "progress_monitor", None)
        if monitor is not None:
            world.check(monitor, "IProgressMonitor")
            world.call(monitor.phase_start, "Building Engine", None, len(network._layers))
        for step, layer in enumerate(network._layers):
            world.say(self._logger, "VERBOSE", "--- Timing Runner: {} (Cask)".format(layer.name))
            if monitor and world.call(monitor.step_complete, "Building Engine", step) is not True:
                raise ValueError("Error Code 12: the build was cancelled by the monitor")
        if monitor is not None:
            world.call(monitor.phase_finish, "Building Engine")

    def _calibrated(self, network: Any, config: Any) -> Optional[Dict[str, float]]:
        """The largest number of each input in all pictures, or what the calibrator's cache says."""
        world, calibrator = self._world, getattr(config, "int8_calibrator", None)
        if "INT8" not in config._flags or calibrator is None:
            return None
        world.check(calibrator, "IInt8Calibrator")
        cached = world.call(calibrator.read_calibration_cache)
        if cached is not None:
            return dict(json.loads(bytes(cached).decode()))
        names = [one.name for one in network._inputs]
        ranges: Dict[str, float] = {}
        batch = calibrator.get_batch_size()
        while True:
            addresses = world.call(calibrator.get_batch, names)
            if addresses is None:
                break
            if len(addresses) < len(names):
                raise Aborted("a list of {} addresses is read out of bounds".format(len(addresses)))
            for one, address in zip(network._inputs, addresses):
                shape = config._calibration.get(one.name, (one.shape,) * 3)[1]
                if -1 in shape:
                    raise ValueError("Calibration profile is required for dynamic inputs")
                found = array_at(address, (batch,) + tuple(shape[1:]), one.dtype)
                ranges[one.name] = max(ranges.get(one.name, 0.0), float(np.abs(found).max()))
        if not ranges:
            raise ValueError("Calibration failure occurred with no scaling factors detected.")
        view = memoryview(json.dumps(ranges).encode())
        world.call(calibrator.write_calibration_cache, view)
        view.release()  # it is valid during the call alone
        return ranges


def _memory(world: Any, content: bytes) -> Any:
    made = world.new("IHostMemory")
    made.extend(content)
    return made
