"""telemetry_slow: why a machine is slower than it could be, in sentences."""

import re
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from app.device.sysfs import Tree, beside

_RECENT_S = 60.0
# What slows a chip down, and not what turns a fan. "TCC Offset" and the like are settings.
_SLOWING = re.compile(
    r"^(thermal-)?(cpufreq|devfreq)|^Processor$|^intel_powerclamp$|(cpu|gpu|cv\d|soc\d*|dla\d|pva\d)"
    r"-(throttle|balanced|critical)|throttle-alert$|^hot-surface-alert$|^tegra-|^emergency-",
    re.IGNORECASE,
)
_GPU = re.compile(r"gpu|devfreq|g[pva]\d\db", re.IGNORECASE)
_CPU = re.compile(r"cpu|Processor|powerclamp", re.IGNORECASE)
_OVER_CURRENT = {  # NVIDIA's guide to Orin: what each of soctherm's events means
    "oc1": "the supply's voltage fell too low",
    "oc2": "the supply gave too much for too long",
    "oc3": "the supply gave too much at once",
}


class Count(NamedTuple):
    """A counter of the kernel's: its value, and what it grew by lately."""

    value: int
    grown: int
    when: float  # it last grew


class Slowness:
    """What slows the machine down now; of what is only counted, what came in the last minute."""

    def __init__(self, tree: Tree, clock: Callable[[], float] = time.monotonic) -> None:
        self._tree = tree
        self._clock = clock
        self._counts: Dict[str, Count] = {}

    def read(self, mode: Optional[str] = None) -> Tuple[str, ...]:
        """Sentences for people; ``mode`` is the power mode, where one is known."""
        told = self._cooling() + self._over_current()
        told += self._throttled_cores()
        if not told and mode is None:
            told = self._capped()
        return tuple(told)

    def _cooling(self) -> List[str]:
        """The strongest of the cooling devices at work, for each of GPU, CPU and board."""
        worst: Dict[str, Tuple[float, str]] = {}
        for path in self._tree.find("sys/class/thermal/cooling_device*/cur_state"):
            state = self._tree.number(path)
            if state is None or state <= 0:
                continue
            kind = self._tree.text(beside(path, "type"))
            if not _SLOWING.search(kind):
                continue
            most = self._tree.number(beside(path, "max_state")) or state
            what = "GPU" if _GPU.search(kind) else "CPU" if _CPU.search(kind) else "board"
            told = f"the {what} is slowed by heat (cooling device {kind} at {state} of {most})"
            worst[what] = max(worst.get(what, (0.0, "")), (state / max(1, most), told))
        return [worst[what][1] for what in ("GPU", "CPU", "board") if what in worst]

    def _over_current(self) -> List[str]:
        told = []
        for path in self._tree.find("sys/class/hwmon/hwmon*/oc*_event_cnt"):
            grown = self._grown(path)
            if grown:
                name = path.rsplit("/", 1)[1]
                reason = _OVER_CURRENT.get(name.split("_")[0], "the supply is too weak")
                told.append(f"over-current: {reason}, {_times(grown)} of late ({name})")
        for path in self._tree.find("sys/class/hwmon/hwmon*/curr[123]_*_alarm"):
            if self._tree.text(beside(path, "name")) == "ina3221" and self._tree.number(path) == 1:
                name = path.rsplit("/", 1)[1]
                number = name[len("curr")]
                rail = self._tree.text(beside(path, f"in{number}_label")) or name
                told.append(f"over-current: {rail} draws more than its limit ({name})")
        return told

    def _throttled_cores(self) -> List[str]:
        """Of Intel's CPUs, which slow themselves down: no cooling device is at work then."""
        path = "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count"
        grown = self._grown(path)
        return [f"the CPU slowed itself for heat, {_times(grown)} of late"] if grown else []

    def _capped(self) -> List[str]:
        """
        The CPU whose clock is capped the most below what it can. Heat does that, and so does a
        power mode: that is somebody's choice, so where one is known a cap says nothing. A cap that
        a cooling device has been blamed for is not told again.
        """
        caps = []
        for path in self._tree.find("sys/devices/system/cpu/cpufreq/policy*/scaling_max_freq"):
            cap = self._tree.number(path)
            most = self._tree.number(beside(path, "cpuinfo_max_freq"))
            if cap and most and cap < most:
                caps.append((cap / most, cap, most))
        if not caps:
            return []
        _, cap, most = min(caps)
        return [
            f"the CPU may run at {cap / 1e6:.2f} of {most / 1e6:.2f} GHz (by heat or a setting)"
        ]

    def _grown(self, path: str) -> int:
        """By how much a counter grew in its latest bout, if that was in the last minute."""
        value = self._tree.number(path)
        if value is None:
            return 0
        now = self._clock()
        before = self._counts.get(path, Count(value, 0, float("-inf")))
        recent = now - before.when < _RECENT_S
        grown = before.grown if recent else 0
        if value > before.value:
            self._counts[path] = Count(value, grown + value - before.value, now)
            return grown + value - before.value
        self._counts[path] = before._replace(value=value, grown=grown)
        return grown


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
