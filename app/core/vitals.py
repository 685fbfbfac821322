"""vitals: how the machine is: heat, power, load, memory. What it does not tell is absent."""

from types import MappingProxyType
from typing import Mapping, NamedTuple, Optional, Tuple

_NONE: Mapping[str, float] = MappingProxyType({})


class Vitals(NamedTuple):
    """One reading. None, or a name that is absent, is what this machine does not tell."""

    source: str = ""  # where it is from: "jtop", "sysfs", "nvml"; several joined by "+"
    temperatures: Mapping[str, float] = _NONE  # sensor -> degrees Celsius
    power: Mapping[str, float] = _NONE  # rail -> watts; "total" where it is known
    gpu_load: Optional[float] = None  # 0..1
    cpu_load: Optional[float] = None  # 0..1 over all cores, since the reading before
    clocks: Mapping[str, float] = _NONE  # "gpu", "cpu", "emc" -> hertz
    memory_used: Optional[int] = None  # bytes of the whole machine; on a Jetson the GPU's as well
    memory_total: Optional[int] = None
    swap_used: Optional[int] = None
    swap_total: Optional[int] = None
    gpu_memory_used: Optional[int] = None  # bytes, of a GPU with memory of its own
    gpu_memory_total: Optional[int] = None
    power_mode: Optional[str] = None  # as nvpmodel names it
    throttled: Tuple[str, ...] = ()  # why the machine is slower than it could be, for people

    @property
    def hottest(self) -> Optional[float]:
        """Degrees Celsius of the hottest sensor."""
        return max(self.temperatures.values()) if self.temperatures else None
