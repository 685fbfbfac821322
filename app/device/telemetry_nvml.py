"""
telemetry_nvml: what NVIDIA's driver tells of a graphics card, by NVML, where pynvml is installed.

Never on a Jetson, whose NVML is absent or knows next to nothing. The first card stands for all.
"""

import contextlib
import functools
from typing import Any, Callable, Dict, List, Optional, Tuple

from app.core.vitals import Vitals

# nvml.h: nvmlClocksThrottleReasons. Not here: idle, and clocks that somebody has set.
_REASONS = (
    (0x20 | 0x40, "the GPU is slowed by heat (the driver: {})"),
    (0x04, "the GPU is held to its power limit (the driver: {})"),
    (0x80, "the GPU is slowed by its power supply (the driver: {})"),
)
_NAMES = {0x04: "SwPowerCap", 0x20: "SwThermal", 0x40: "HwThermal", 0x80: "HwPowerBrake"}
_SET = 0x02  # nvmlClocksThrottleReasonApplicationsClocksSetting
_SLOWDOWN = 0x08  # of the hardware; 0x40 and 0x80 say which, where the driver knows them


class NvmlSource:
    """Blocks while the driver is asked: to be read by a Lookout."""

    name = "nvml"

    def __init__(self) -> None:
        """Raises whatever pynvml does: it is not installed, or there is no driver or no card."""
        import pynvml

        self._nvml: Any = pynvml
        self._nvml.nvmlInit()
        self._card: Any = self._nvml.nvmlDeviceGetHandleByIndex(0)

    def read(self) -> Vitals:
        """What a card does not support is absent. Raises where the driver tells nothing at all."""
        nvml, card = self._nvml, self._card
        memory = self._asked(lambda: nvml.nvmlDeviceGetMemoryInfo(card))
        heat = self._asked(lambda: nvml.nvmlDeviceGetTemperature(card, 0))
        load = self._asked(lambda: nvml.nvmlDeviceGetUtilizationRates(card).gpu)
        milliwatts = self._asked(lambda: nvml.nvmlDeviceGetPowerUsage(card))
        megahertz = self._asked(lambda: nvml.nvmlDeviceGetClockInfo(card, 0))
        if memory is None and heat is None and load is None:
            raise RuntimeError("NVML tells nothing of the card")
        return Vitals(
            source=self.name,
            temperatures=_known("gpu", heat, 1),
            power=_known("gpu", milliwatts, 1e-3),
            gpu_load=None if load is None or not 0 <= load <= 100 else load / 100,
            clocks=_known("gpu", megahertz, 1e6),
            gpu_memory_used=None if memory is None else int(memory.used),
            gpu_memory_total=None if memory is None else int(memory.total),
            throttled=slowed(self._reasons()),
        )

    def close(self) -> None:
        self._nvml.nvmlShutdown()

    def _reasons(self) -> int:
        nvml = self._nvml
        for name in ("EventReasons", "ThrottleReasons"):  # the newer name, then the older
            ask = getattr(nvml, f"nvmlDeviceGetCurrentClocks{name}", None)
            told = None if ask is None else self._asked(functools.partial(ask, self._card))
            if told is not None:
                return int(told)
        return 0

    def _asked(self, ask: Callable[[], Any]) -> Optional[Any]:
        try:
            return ask()
        except self._nvml.NVMLError:  # not supported by this card, most often
            return None


def held() -> Optional[bool]:
    """
    Whether somebody has set the card's clocks, as nvidia-smi -lgc does; None where that cannot be
    known: NVML tells only while the setting is what holds the card back. May block.
    """
    try:
        source = NvmlSource()
    except Exception:  # whatever pynvml raises
        return None
    with contextlib.closing(source):
        return True if source._reasons() & _SET else None


def driver() -> str:
    """The driver's release, or nothing. May block."""
    try:
        source = NvmlSource()
    except Exception:  # whatever pynvml raises
        return ""
    with contextlib.closing(source):
        told = source._asked(source._nvml.nvmlSystemGetDriverVersion)
        return told.decode("ascii", "replace") if isinstance(told, bytes) else str(told or "")


def slowed(reasons: int) -> Tuple[str, ...]:
    """NVML's bits as sentences for people."""
    told: List[str] = []
    for bits, text in _REASONS:
        names = [name for bit, name in _NAMES.items() if reasons & bits & bit]
        if names:
            told.append(text.format(", ".join(names)))
    if reasons & _SLOWDOWN and not reasons & (0x40 | 0x80):
        told.append("the GPU is slowed by its hardware, for heat or power (the driver: HwSlowdown)")
    return tuple(told)


def _known(name: str, value: Any, by: float) -> Dict[str, float]:
    return {} if value is None else {name: float(value) * by}
