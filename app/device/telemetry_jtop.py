"""
telemetry_jtop: what jetson-stats' service tells, where it is installed and answers.

jetson-stats is found at run time and is no part of this program. Its interface has changed twice:
3.x has ``ram``, ``swap`` and one ``gpu``; 4.x and 7.x have ``memory``, and each GPU by name, as
objects that only look like dicts. Every key is optional here. Sizes are in KB, clocks in kHz,
power in mW.
"""

from typing import Any, Dict, Optional, Tuple

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
    for name, value in _keys(told).items():
        sensor = _keys(value)
        if sensor:  # 4.x on
            value = sensor.get("temp") if sensor.get("online", True) else None
        degrees = _number(value)
        # "PMIC" is a constant on the boards that have it
        if degrees is not None and _COLDEST <= degrees <= _HOTTEST and "PMIC" not in name:
            found[name] = degrees
    return found


def _power(told: Any) -> Dict[str, float]:
    """Watts: 3.x tells (total, rails), later ones {"tot": total, "rail": rails}."""
    if isinstance(told, tuple) and len(told) == 2:
        total, rails = told
    else:
        total, rails = _keys(told).get("tot"), _keys(told).get("rail")
    found = {}
    for name, rail in {**_keys(rails), "total": total}.items():
        known = _keys(rail)
        watts = _scaled(known.get("power", known.get("cur")), 1e-3)
        if watts is not None and watts >= 0:
            found[name] = watts
    return found


def _gpu(client: Any) -> Tuple[Optional[float], Dict[str, float]]:
    """The load, 0..1, and the clocks in hertz."""
    told = _keys(getattr(client, "gpu", None))
    if "val" in told:  # 3.x
        load, clock = told["val"], told.get("frq")
        emc = _keys(getattr(client, "emc", None)).get("frq")
    else:
        first = _keys(next(iter(told.values()), None))
        load, clock = _keys(first.get("status")).get("load"), _keys(first.get("freq")).get("cur")
        emc = _keys(_keys(getattr(client, "memory", None)).get("EMC")).get("cur")
    percent = _number(load)
    clocks = {"gpu": _scaled(clock, 1e3), "emc": _scaled(emc, 1e3)}
    known = {name: hertz for name, hertz in clocks.items() if hertz}
    return (percent / 100 if percent is not None and 0 <= percent <= 100 else None), known


def _memory(client: Any) -> Tuple[Tuple[Optional[int], Optional[int]], ...]:
    """(used, total) in bytes of RAM, then of swap."""
    memory = _keys(getattr(client, "memory", None))
    if memory:
        return _sizes(memory.get("RAM"), "used"), _sizes(memory.get("SWAP"), "used")
    return _sizes(getattr(client, "ram", None), "use"), _sizes(getattr(client, "swap", None), "use")


def _sizes(told: Any, used: str) -> Tuple[Optional[int], Optional[int]]:
    known = _keys(told)
    unit = _UNITS.get(known.get("unit", "k"))
    use, total = (_scaled(known.get(key), unit) for key in (used, "tot"))
    return (None if use is None else int(use)), (None if total is None else int(total))


_UNITS = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}  # 3.x tells which


def _mode(told: Any) -> Optional[str]:
    """The mode's name: an attribute, or what the object is written as."""
    name = getattr(told, "name", None)
    text = name if isinstance(name, str) else str("" if told is None else told)
    return None if not text or text.startswith("<") else text


def _keys(told: Any) -> Dict[str, Any]:
    """A dict, or what looks like one; empty where it is neither."""
    items = getattr(told, "items", None)
    return {str(key): value for key, value in items()} if callable(items) else {}


def _number(told: Any) -> Optional[float]:
    plain = isinstance(told, (int, float)) and not isinstance(told, bool) and told == told
    return float(told) if plain else None


def _scaled(told: Any, by: Optional[float]) -> Optional[float]:
    number = _number(told)
    return None if number is None or by is None else number * by
