"""telemetry_power: the watts of a Jetson's rails, by the INA3221 and INA238 that measure them."""

import os
from typing import Dict, Optional

from app.device.sysfs import Tree, beside

_MOST_WATTS = 1000.0
# What goes into the whole board or module (jetson-stats' documents; NVIDIA's guide to Thor).
_INPUTS = ("VIN", "VDD_IN", "POM_5V_IN")


def rails(tree: Tree) -> Dict[str, float]:
    """
    Rail -> watts, with "total": the board's input where a rail measures it, else the sum of all.
    A rail that reads below zero, as an idle one of Thor's may, is left out.
    """
    found: Dict[str, float] = {}
    for path in tree.find("sys/class/hwmon/hwmon*/name"):
        chip = tree.text(path)
        if chip == "ina3221":
            for number in (1, 2, 3):  # from 4 on: voltages of the shunts and their sum
                name = tree.text(beside(path, f"in{number}_label"))
                volts = tree.number(beside(path, f"in{number}_input"))
                amperes = tree.number(beside(path, f"curr{number}_input"))
                if volts is not None and amperes is not None:
                    _add(found, name, volts * amperes / 1e6)  # mV x mA
        elif chip == "ina238":
            name = tree.text(beside(path, "power1_label")) or tree.text(beside(path, "label"))
            _add(found, name or "VIN", _scaled(tree.number(beside(path, "power1_input")), 1e6))
    # JetPack 4: a driver of NVIDIA's own, which shows what it measures under iio
    for pattern in ("iio:device*", "iio_device"):
        for path in tree.find(f"sys/bus/i2c/drivers/ina3221x/*/{pattern}/in_power*_input"):
            number_text = os.path.basename(path)[len("in_power") : -len("_input")]
            name = tree.text(beside(path, f"rail_name_{number_text}"))
            if name not in found:
                _add(found, name, _scaled(tree.number(path), 1e3))
    inputs = [found[name] for name in _INPUTS if name in found]
    if found:
        found["total"] = inputs[0] if inputs else sum(found.values())
    return found


def _add(found: Dict[str, float], name: str, watts: Optional[float]) -> None:
    # "NC" is a channel that is not connected
    if name and name != "NC" and watts is not None and 0 <= watts <= _MOST_WATTS:
        found[name] = watts


def _scaled(value: Optional[int], by: float) -> Optional[float]:
    return None if value is None else value / by
