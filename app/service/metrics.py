"""metrics: the facts as Prometheus reads them, by prometheus_client, which is optional."""

import os
import platform
from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple, cast

from app import __version__
from app.core.meter import BUCKETS_S, Histogram
from app.service.facts import Facts
from app.service.health import CameraHealth, Health

INSTALL = "pip install prometheus_client"
KIND = "text/plain; version=0.0.4; charset=utf-8"

Labels = Tuple[str, ...]
Value = Tuple[Labels, float]


def exposition(facts: Facts, found: Health, now: float) -> bytes:
    """All metrics as text; docs/metrics.md says what each is. Raises ImportError."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    # One of our own for each answer: it holds nothing, and nothing is counted twice.
    registry = CollectorRegistry(auto_describe=False)
    registry.register(cast(Any, _Collector(facts, found, now)))
    ProcessCollector(registry=registry)
    text: bytes = generate_latest(registry)
    return text


class _Collector:
    """What prometheus_client asks for metrics."""

    def __init__(self, facts: Facts, found: Health, now: float) -> None:
        self._facts = facts
        self._found = found
        self._now = now

    def collect(self) -> Iterator[Any]:
        yield from _service(self._facts, self._found, self._now)
        yield from _cameras(self._found.cameras)
        yield from _pipeline(self._facts)
        yield from _machine(self._facts)


def _service(facts: Facts, found: Health, now: float) -> Iterator[Any]:
    build = ("version", "python", "backend")
    about = (__version__, platform.python_version(), facts.backend)
    yield _gauge("jetwatch_build_info", "What runs; always 1", [(about, 1)], *build)
    yield _models(facts)
    yield _gauge("jetwatch_live", "1 unless a restart may help", _one(found.live))
    yield _gauge("jetwatch_ready", "1 where pictures go all the way", _one(found.ready))
    degraded = _one(bool(found.reasons))
    yield _gauge("jetwatch_degraded", "1 where /healthz gives reasons", degraded)
    idle_s = _one(max(0.0, now - facts.progressed) if facts.running else None)
    yield _gauge("jetwatch_idle_seconds", "Since a frame was finished or a camera tried", idle_s)
    yield _gauge("process_threads", "Threads of this process", _one(_threads()))


def _models(facts: Facts) -> Any:
    values: List[Value] = []
    for one in facts.models:
        size = "x".join(map(str, one.input_wh))
        values.append(((one.camera, one.model, facts.backend, one.precision, size), 1))
    labels = ("camera", "model", "backend", "precision", "input")
    return _gauge("jetwatch_model_info", "A camera's model as loaded; always 1", values, *labels)


def _cameras(cameras: Tuple[CameraHealth, ...]) -> Iterator[Any]:
    def each(value: str) -> List[Value]:
        return [((one.camera.name,), float(getattr(one.camera, value))) for one in cameras]

    yield _counter("jetwatch_frames", "Frames that went all the way", each("frames"), "camera")
    ages = [((one.camera.name,), one.age_s) for one in cameras if one.age_s is not None]
    yield _gauge("jetwatch_newest_frame_age_seconds", "Since it was captured", ages, "camera")
    yield _gauge("jetwatch_camera_up", "1 where it gives pictures", each("up"), "camera")
    tries = each("reconnects")
    yield _counter("jetwatch_reconnects", "Attempts after a camera's first", tries, "camera")


def _pipeline(facts: Facts) -> Iterator[Any]:
    dropped: List[Value] = [((one.name, "door"), one.dropped) for one in facts.cameras]
    dropped += [((one.name, "encoder"), one.skipped) for one in facts.mounts]
    yield _counter(
        "jetwatch_dropped_frames", "Frames that were lost, and where", dropped, "camera", "place"
    )
    yield _histogram("jetwatch_stage_seconds", "From one mark to the next", facts.stages, "stage")
    latencies = () if facts.latencies is None else (facts.latencies,)
    yield _histogram("jetwatch_latency_seconds", "From capture to the end", latencies)
    depths = [((one.name,), float(one.depth)) for one in facts.queues]
    yield _gauge("jetwatch_queue_depth", "Frames or batches that wait", depths, "queue")
    viewers = [((one.name,), float(one.viewers)) for one in facts.mounts]
    yield _gauge("jetwatch_viewers", "Who plays this path over RTSP", viewers, "mount")
    encoded = [((one.name,), float(one.encoded)) for one in facts.mounts]
    yield _counter("jetwatch_encoded_frames", "Pictures that were encoded", encoded, "mount")


def _machine(facts: Facts) -> Iterator[Any]:
    machine = facts.machine
    vitals = machine.vitals
    heat, power, clocks = vitals.temperatures, vitals.power, vitals.clocks
    yield _gauge("jetwatch_temperature_celsius", "By sensor", _each(heat), "sensor")
    yield _gauge("jetwatch_power_watts", "By rail", _each(power), "rail")
    yield _gauge("jetwatch_clock_hertz", "By clock", _each(clocks), "clock")
    throttled = _one(bool(vitals.throttled) if vitals.source else None)
    yield _gauge("jetwatch_throttled", "1 where the machine is slowed down", throttled)
    modes = [] if vitals.power_mode is None else [((vitals.power_mode,), 1.0)]
    yield _gauge("jetwatch_power_mode_info", "nvpmodel's; always 1", modes, "mode")
    for name, about, value in (
        ("gpu_load_ratio", "0 to 1", vitals.gpu_load),
        ("cpu_load_ratio", "0 to 1, over all cores", vitals.cpu_load),
        ("memory_used_bytes", "Of the machine; a Jetson's GPU shares it", vitals.memory_used),
        ("memory_size_bytes", "Of the machine", vitals.memory_total),
        ("swap_used_bytes", "Of the machine", vitals.swap_used),
        ("swap_size_bytes", "Of the machine", vitals.swap_total),
        ("gpu_memory_used_bytes", "Of a GPU's own memory", vitals.gpu_memory_used),
        ("gpu_memory_size_bytes", "Of a GPU's own memory", vitals.gpu_memory_total),
        ("memory_budget_used_bytes", "What counts against limits.memory_mb", machine.memory_used),
        ("memory_budget_bytes", "limits.memory_mb", machine.memory_limit),
        ("load_step", "How much less is done than asked for; 0: all is", machine.step),
    ):
        yield _gauge("jetwatch_" + name, about, _one(value))


def _gauge(name: str, about: str, values: Sequence[Value], *labels: str) -> Any:
    """What is not known is absent, and never 0."""
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(name, about, labels=labels), values)


def _counter(name: str, about: str, values: Sequence[Value], *labels: str) -> Any:
    """Its name gets "_total" behind it."""
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(name, about, labels=labels), values)


def _filled(family: Any, values: Sequence[Value]) -> Any:
    for labels, value in values:
        family.add_metric(labels, value)
    return family


def _histogram(name: str, about: str, found: Tuple[Histogram, ...], *labels: str) -> Any:
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(name, about, labels=labels)
    for one in found:
        below, buckets = 0, []
        for edge, count in zip([*map(str, BUCKETS_S), "+Inf"], one.counts):
            below += count
            buckets.append((edge, below))
        family.add_metric((one.name,) if labels else (), buckets, one.seconds)
    return family


def _one(value: Optional[float]) -> List[Value]:
    return [] if value is None else [((), float(value))]


def _each(values: Mapping[str, float]) -> List[Value]:
    return [((name,), value) for name, value in values.items()]


def _threads() -> Optional[float]:
    """Those of proc(5), which counts also those of libraries. None where it does not tell."""
    try:
        return float(len(os.listdir("/proc/self/task")))
    except OSError:
        return None
