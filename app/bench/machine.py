"""machine: where it is measured, and what else ran there meanwhile."""

import os
import platform
import re
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from app.bench.honest import GPU_BUSY_PERCENT
from app.bench.results import Machine
from app.core.vitals import Vitals
from app.device import clocks, machine, telemetry_mode, telemetry_nvml, versions
from app.device.backend import Backend
from app.device.jetson import GpuBackend
from app.errors import AppError
from app.media import encode, gst

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_IDLE, _WAITING = 3, 4  # of the "cpu" line of /proc/stat; what guests use is in "user" already
_READINGS, _APART_S = 6, 0.5
_PARENT, _SPENT = 1, slice(11, 15)  # of a process's stat, after its name (proc(5))


class Times(NamedTuple):
    """Seconds of CPU since the machine was started, and when that was so."""

    when: float  # monotonic
    busy: float  # of all programs on all cores, with what the machine's host took away
    ours: float  # of this process and of those that it has begun


def facts(backend: Optional[Backend], root: str = "/") -> Machine:
    """
    The machine, in words; what it does not tell is empty. Without a ``backend``, or on the CPU,
    nothing is known of TensorRT. It takes seconds: encoders are tried, nvpmodel is waited for.
    """
    cpu = machine.cpu(root) or platform.machine()
    memory = machine.memory(root)
    made = Machine(
        name=machine.model(root) or cpu,
        cpu=cpu,
        cores=len(os.sched_getaffinity(0)),
        memory_mb=memory.total_mb if memory else 0,
        system=machine.system(root),
        kernel=machine.kernel(root),
        l4t=machine.l4t(root),
        jetpack=machine.jetpack(root),
        driver=machine.driver(root) or (telemetry_nvml.driver() if root == "/" else ""),
        onnxruntime=versions.onnxruntime(),
        opencv=versions.opencv(),
        gstreamer=gst.version(),
        encoder=_encoder(),
        python=platform.python_version(),
        power_mode=telemetry_mode.ask(root),
        clocks=clocks.told(isinstance(backend, GpuBackend), root),
    )
    if not isinstance(backend, GpuBackend):
        return made
    known = backend.fingerprint()
    return made._replace(gpu=known.gpu, cuda=known.cuda, tensorrt=known.tensorrt)


def times(root: str = "/", pid: Optional[int] = None) -> Optional[Times]:
    """As it is now; None where /proc does not tell. ``pid`` stands in for this process's."""
    first = _text(os.path.join(root, "proc/stat")).split("\n", 1)[0].split()
    if len(first) < 6 or first[0] != "cpu" or not all(one.isdigit() for one in first[1:]):
        return None
    ticks = [int(one) for one in first[1:9]]
    busy = sum(ticks) - ticks[_IDLE] - ticks[_WAITING]
    ours = _ours(os.path.join(root, "proc"), os.getpid() if pid is None else pid)
    return Times(time.monotonic(), busy * _TICK_S, ours * _TICK_S)


def others(before: Times, after: Times) -> Optional[float]:
    """CPU that was not for us between two readings, in per cent of one core."""
    seconds = after.when - before.when
    if seconds <= 0:
        return None
    spent = (after.busy - before.busy) - (after.ours - before.ours)
    return max(0.0, 100 * spent / seconds)


def gpu_of_others(
    read: Callable[[], Vitals], wait: Callable[[float], object] = time.sleep
) -> Optional[float]:
    """
    The GPU's load in per cent while nothing of ours runs there; None where it is not told. A GPU
    that seems busy is asked again for three seconds: what we ran before may be in its reading.
    """
    least: Optional[float] = None
    for _ in range(_READINGS):
        load = read().gpu_load
        if load is not None:
            least = 100 * load if least is None else min(least, 100 * load)
            if least <= GPU_BUSY_PERCENT:
                break
        wait(_APART_S)
    return least


def _ours(folder: str, pid: int) -> int:
    """Ticks of a process and all below it, with those that have ended and were waited for."""
    spent: Dict[int, int] = {}
    children: Dict[int, List[int]] = {}
    for name in filter(str.isdigit, os.listdir(folder)):
        read = _process(_text(os.path.join(folder, name, "stat")))
        if read is not None:
            parent, spent[int(name)] = read
            children.setdefault(parent, []).append(int(name))
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        total += spent.get(one, 0)
        waiting += children.get(one, [])
    return total


def _process(text: str) -> Optional[Tuple[int, int]]:
    """Parent and ticks, by a process's stat; its name in the second place may hold anything."""
    fields = text[text.rfind(")") + 1 :].split()
    if len(fields) < _SPENT.stop or not re.match(r"\d+$", fields[_PARENT]):
        return None
    return int(fields[_PARENT]), sum(int(one) for one in fields[_SPENT])


def _encoder() -> str:
    try:
        return encode.best()
    except AppError:  # there is none, or no GStreamer
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
