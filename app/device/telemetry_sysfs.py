"""
telemetry_sysfs: heat, load, clocks and memory from /proc and /sys, on any Linux.

Where boards differ, several places are asked and the first that answers counts. The names are
those of the kernel's documents (thermal, hwmon, devfreq, cpufreq; proc(5)) and of NVIDIA's guides
to Jetson Linux 32 to 38. Nothing here was seen on a Jetson: what is not there is absent.
"""

import os
import re
import time
from typing import Callable, Dict, List, Optional, Tuple

from app.core.vitals import Vitals
from app.device.sysfs import Tree, beside
from app.device.telemetry_mode import PowerMode
from app.device.telemetry_power import rails
from app.device.telemetry_slow import Slowness

_COLDEST, _HOTTEST = -40.0, 150.0  # degrees Celsius; a Tegra's sensor that is off says -256
# The PMIC's zone holds a constant, 100 or 50 degrees, by NVIDIA's device trees.
_CONSTANT = re.compile("PMIC", re.IGNORECASE)
_CHIPS = ("coretemp", "k10temp", "zenpower")  # CPUs of PCs, which have no thermal zone of their own

_GPU_LOADS = (  # per mille
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/[0-9]*.g*/load",  # 57000000.gpu, 17000000.gv11b, 17000000.ga10b
    "sys/devices/platform/[0-9]*.g*/load",
    "sys/devices/platform/*/[0-9]*.g*/load",  # below bus@0 or host1x
)
_GPU_CLOCKS = (  # Hz
    "sys/class/devfreq/gpu-gpc-0/cur_freq",  # Thor
    "sys/class/devfreq/[0-9]*.g[pva]*/cur_freq",
    "sys/devices/gpu.0/devfreq/*/cur_freq",
    "sys/devices/platform/gpu.0/devfreq/*/cur_freq",
)
_EMC_CLOCKS = (  # Hz; those of debugfs can be read by root alone
    "sys/class/devfreq/bwmgr/cur_freq",
    "sys/kernel/debug/bpmp/debug/clk/emc/rate",
    "sys/kernel/debug/tegra_bwmgr/emc_rate",
)
_CPU_CLOCKS = "sys/devices/system/cpu/cpufreq/policy*/scaling_cur_freq"  # kHz
_OLD_CPU_CLOCKS = "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"


class SysfsSource:
    """What the kernel says, without rights or packages; ``root`` may be a copy of a board."""

    name = "sysfs"

    def __init__(self, root: str = "/", clock: Callable[[], float] = time.monotonic) -> None:
        self._tree = Tree(root, clock)
        self._mode = PowerMode(root, clock)
        self._slowness = Slowness(self._tree, clock)
        self._ticks: Optional[Tuple[int, int]] = None  # busy and all, of the reading before

    def read(self) -> Vitals:
        """What there is now. Never waits, but for the sensors themselves."""
        tree = self._tree
        memory = self._memory()
        mode = self._mode.read()
        return Vitals(
            source=self.name,
            temperatures=self._temperatures(),
            power=rails(tree),
            gpu_load=self._gpu_load(),
            cpu_load=self._cpu_load(),
            clocks=self._clocks(),
            memory_used=_less(memory.get("MemTotal"), memory.get("MemAvailable")),
            memory_total=memory.get("MemTotal"),
            swap_used=_less(memory.get("SwapTotal"), memory.get("SwapFree")),
            swap_total=memory.get("SwapTotal"),
            power_mode=mode,
            throttled=self._slowness.read(mode),
        )

    def close(self) -> None:
        self._mode.close()

    def _temperatures(self) -> Dict[str, float]:
        found: Dict[str, float] = {}
        for path in self._tree.find("sys/class/thermal/thermal_zone*/temp"):
            kind = self._tree.text(beside(path, "type"))
            if kind and not _CONSTANT.search(kind):
                self._add(found, kind, path)
        for path in self._tree.find("sys/class/hwmon/hwmon*/temp*_input"):
            chip = self._tree.text(beside(path, "name"))
            if chip in _CHIPS:
                label = self._tree.text(path.replace("_input", "_label"))
                self._add(found, f"{chip} {label}".strip(), path)
        return found

    def _add(self, found: Dict[str, float], name: str, path: str) -> None:
        """Add a sensor in millidegrees, under a name of its own."""
        value = self._tree.number(path)
        if value is None or not _COLDEST <= value / 1000 <= _HOTTEST:
            return
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name} {number}"
        found[free] = value / 1000

    def _gpu_load(self) -> Optional[float]:
        value = self._first(_GPU_LOADS)
        return None if value is None or not 0 <= value <= 1000 else value / 1000

    def _cpu_load(self) -> Optional[float]:
        """The share of all cores' time since the reading before that was not idle (proc(5))."""
        first = self._tree.text("proc/stat").split("\n", 1)[0].split()
        if len(first) < 6 or first[0] != "cpu" or not all(one.isdigit() for one in first[1:]):
            return None
        ticks = [int(one) for one in first[1:9]]  # what guests use is in "user" already
        every, idle = sum(ticks), ticks[3] + ticks[4]
        before, self._ticks = self._ticks, (every - idle, every)
        if before is None or every <= before[1]:
            return None
        return min(1.0, max(0.0, (every - idle - before[0]) / (every - before[1])))

    def _clocks(self) -> Dict[str, float]:
        """The fastest core's stands for the CPU."""
        tree = self._tree
        paths = tree.find(_CPU_CLOCKS) or tree.find(_OLD_CPU_CLOCKS)
        cpu = [value for value in map(tree.number, paths) if value is not None and value > 0]
        found = {"cpu": max(cpu) * 1000.0} if cpu else {}
        for name, places in (("gpu", _GPU_CLOCKS), ("emc", _EMC_CLOCKS)):
            value = self._first(places)
            if value is not None and value > 0:
                found[name] = float(value)
        return found

    def _memory(self) -> Dict[str, int]:
        """/proc/meminfo in bytes."""
        text = self._tree.text("proc/meminfo")
        pairs = re.findall(r"^(\w+):\s+(\d{1,15}) kB$", text, re.MULTILINE)
        return {key: int(value) << 10 for key, value in pairs}

    def _first(self, patterns: Tuple[str, ...]) -> Optional[int]:
        """The number in the first file of these that holds one."""
        seen: List[str] = []
        for pattern in patterns:
            for path in self._tree.find(pattern):
                real = os.path.realpath(path)
                value = None if real in seen else self._tree.number(path)
                if value is not None:
                    return value
                seen.append(real)
        return None


def _less(whole: Optional[int], part: Optional[int]) -> Optional[int]:
    return None if whole is None or part is None else max(0, whole - part)
