"""clocks: whether the machine's are locked, in words, as far as kernel and driver tell."""

import os
from typing import Dict, List, Optional, Sequence, Tuple

from app.device import machine, telemetry_nvml
from app.device.sysfs import Tree, beside

UNTOLD = "not told by this machine"

_CPU = ("sys/devices/system/cpu/cpufreq/policy*", "sys/devices/system/cpu/cpu[0-9]*/cpufreq")
_GPU = (
    "sys/class/devfreq/gpu-gpc-*",  # Thor
    "sys/class/devfreq/[0-9]*.g[pva]*",
    "sys/devices/gpu.0/devfreq/*",
    "sys/devices/platform/gpu.0/devfreq/*",
)
_LOCKED = "performance"  # of cpufreq's governors


def told(card: bool = False, root: str = "/") -> str:
    """
    Begins with "locked" where all are that count: on a Jetson those of CPU and GPU, elsewhere the
    CPU's, and with a graphics ``card`` its own.
    """
    tree = Tree(root)
    if machine.tegra(root):
        return _jetsons(tree)
    governors = {tree.text(path) for path in _first(tree, _CPU, "scaling_governor")}
    held: Dict[str, Optional[bool]] = {"CPU": None if not governors else governors == {_LOCKED}}
    if card:
        held["GPU"] = telemetry_nvml.held() if root == "/" else None
    words = _words(held)
    return f"{words} (governor {', '.join(sorted(governors))})" if governors else words


def _jetsons(tree: Tree) -> str:
    """jetson_clocks sets the least to the most."""
    held = {
        "CPU": _equal(tree, _CPU, "scaling_min_freq", "scaling_max_freq"),
        "GPU": _equal(tree, _GPU, "min_freq", "max_freq"),
    }
    words = _words(held)
    return f"{words} (jetson_clocks)" if all(held.values()) else words


def _equal(tree: Tree, places: Sequence[str], low: str, high: str) -> Optional[bool]:
    """Whether the least is the most everywhere; None where nothing tells both."""
    pairs: List[Tuple[int, int]] = []
    for path in _first(tree, places, low):
        least, most = tree.number(path), tree.number(beside(path, high))
        if least is not None and most is not None:
            pairs.append((least, most))
    return all(least == most for least, most in pairs) if pairs else None


def _first(tree: Tree, places: Sequence[str], name: str) -> List[str]:
    """The files of that name in the first of the places that has any."""
    for place in places:
        found = tree.find(os.path.join(place, name))
        if found:
            return found
    return []


def _words(held: Dict[str, Optional[bool]]) -> str:
    if all(held.values()):
        return "locked"
    if all(one is None for one in held.values()):
        return UNTOLD
    words = {True: "locked", False: "not locked", None: "not told"}
    return ", ".join(f"{name} {words[one]}" for name, one in held.items())
