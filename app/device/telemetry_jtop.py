"""
telemetry_jtop: what jetson-stats' service tells, where it is installed and answers.

jetson-stats is found at run time and is no part of this program. Its interface has changed twice:
3.x has ``ram``, ``swap`` and one ``gpu``; 4.x and 7.x have ``memory``, and each GPU by name. Every
key is optional here. Sizes are in KB, clocks in kHz, power in mW.
"""

from typing import Any, Dict, List, Mapping, Optional, Tuple

from app.core.vitals import Vitals

_COLDEST, _HOTTEST = -40.0, 150.0  # degrees Celsius; a sensor that is off says -256


class JtopSource:
    """Blocks while the service is asked: to be read by a Lookout."""

    name = "jtop"

    def __init__(self) -> None:
        """Raises whatever jetson-stats does: not installed, no service, another version of it."""
        import jtop

        self._client: Any = jtop.jtop(interval=1.0)
        self._client.start()

    def read(self) -> Vitals:
        """The service's next reading. Raises where it has gone."""
        if not self._client.ok():
            raise RuntimeError("the jtop service has gone")
        return vitals(self._client)

    def close(self) -> None:
        self._client.close()


def vitals(client: Any) -> Vitals:
    """What a jtop of any generation has read."""
    ram, swap = _memory(client)
    load, clocks = _gpu(client)
    return Vitals(
        source=JtopSource.name,
        temperatures=_temperatures(getattr(client, "temperature", None)),
        power=_power(getattr(client, "power", None)),
        gpu_load=load,
        clocks=clocks,
        memory_used=ram[0],
        memory_total=ram[1],
        swap_used=swap[0],
        swap_total=swap[1],
        power_mode=_mode(getattr(client, "nvpmodel", None)),
    )


def _temperatures(told: Any) -> Dict[str, float]:
    found = {}
    for name, value in _pairs(told):
        if isinstance(value, Mapping):  # 4.x on
            value = value.get("temp") if value.get("online", True) else None
        degrees = _number(value)
        # "PMIC" is a constant on the boards that have it
        if degrees is not None and _COLDEST <= degrees <= _HOTTEST and "PMIC" not in name:
            found[name] = degrees
    return found


def _power(told: Any) -> Dict[str, float]:
    """Watts: 3.x tells (total, rails), later ones {"tot": total, "rail": rails}."""
    if isinstance(told, tuple) and len(told) == 2:
        total, rails = told
    elif isinstance(told, Mapping):
        total, rails = told.get("tot"), told.get("rail")
    else:
        return {}
    every = [(name, rail) for name, rail in _pairs(rails) if name != "total"] + [("total", total)]
    found = {}
    for name, rail in every:
        if isinstance(rail, Mapping):
            watts = _scaled(rail.get("power", rail.get("cur")), 1e-3)
            if watts is not None and watts >= 0:
                found[name] = watts
    return found


def _gpu(client: Any) -> Tuple[Optional[float], Dict[str, float]]:
    """The load, 0..1, and the clocks in hertz."""
    told = getattr(client, "gpu", None)
    status: Any = {}
    clock: Any = None
    emc: Any = getattr(client, "emc", None)
    if isinstance(told, Mapping) and not isinstance(told.get("val"), (int, float)):
        first: Mapping[str, Any] = next(
            (gpu for _, gpu in _pairs(told) if isinstance(gpu, Mapping)), {}
        )
        status, clock = first.get("status"), first.get("freq")
        load = _number(status.get("load")) if isinstance(status, Mapping) else None
        clock = clock.get("cur") if isinstance(clock, Mapping) else None
        memory = getattr(client, "memory", None)
        emc = memory.get("EMC") if isinstance(memory, Mapping) else None
    else:
        load = _number(told.get("val")) if isinstance(told, Mapping) else None
        clock = told.get("frq") if isinstance(told, Mapping) else None
    clocks = {"gpu": _scaled(clock, 1e3)}
    if isinstance(emc, Mapping):
        clocks["emc"] = _scaled(emc.get("cur", emc.get("frq")), 1e3)
    known = {name: hertz for name, hertz in clocks.items() if hertz}
    return (load / 100 if load is not None and 0 <= load <= 100 else None), known


def _memory(client: Any) -> Tuple[Tuple[Optional[int], Optional[int]], ...]:
    """(used, total) in bytes of RAM, then of swap."""
    memory = getattr(client, "memory", None)
    if isinstance(memory, Mapping):
        return _sizes(memory.get("RAM"), "used"), _sizes(memory.get("SWAP"), "used")
    return _sizes(getattr(client, "ram", None), "use"), _sizes(getattr(client, "swap", None), "use")


def _sizes(told: Any, used: str) -> Tuple[Optional[int], Optional[int]]:
    if not isinstance(told, Mapping):
        return None, None
    sizes = [_scaled(told.get(key), _UNITS.get(told.get("unit", "k"))) for key in (used, "tot")]
    return tuple(None if one is None else int(one) for one in sizes)  # type: ignore


_UNITS = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}  # 3.x tells which


def _mode(told: Any) -> Optional[str]:
    name = getattr(told, "name", told)
    return name if isinstance(name, str) and name else None


def _pairs(told: Any) -> List[Tuple[str, Any]]:
    return [(str(key), value) for key, value in told.items()] if isinstance(told, Mapping) else []


def _number(told: Any) -> Optional[float]:
    plain = isinstance(told, (int, float)) and not isinstance(told, bool) and told == told
    return float(told) if plain else None


def _scaled(told: Any, by: Optional[float]) -> Optional[float]:
    number = _number(told)
    return None if number is None or by is None else number * by
