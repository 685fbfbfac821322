"""host_layers: what each node of a network takes on the CPU, as ONNX Runtime's profile has it."""

import json
import os
import tempfile
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from app.device.backend import Layer
from app.device.layers import WARM_UP, summed
from app.errors import DeviceError

_SUFFIX = "_kernel_time"

Open = Callable[[str], Any]  # a session that writes its profile to a file that begins so


def timed(open_: Open, feeds: Dict[str, np.ndarray], times: int) -> List[Layer]:
    """The nodes as they are run, fused ones under the name that the runtime gives them."""
    try:
        with tempfile.TemporaryDirectory(prefix="jetwatch-") as folder:
            session = open_(os.path.join(folder, "profile"))
            for _ in range(WARM_UP + times):
                session.run(None, feeds)
            with open(session.end_profiling(), encoding="utf-8") as file:
                events: List[Dict[str, Any]] = json.load(file)
    except (OSError, ValueError) as error:
        raise DeviceError(
            f"ONNX Runtime's profile cannot be written or read: {error}. TMPDIR names its folder"
        ) from error
    return nodes(events, times)


def nodes(events: List[Dict[str, Any]], times: int) -> List[Layer]:
    """The nodes in the events of WARM_UP and ``times`` runs, of which the last are counted."""
    heard: List[Tuple[str, float]] = []
    kinds: Dict[str, str] = {}
    by_name: Dict[str, List[float]] = {}
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith(_SUFFIX):
            name = name[: -len(_SUFFIX)]
            kinds[name] = str(event.get("args", {}).get("op_name", ""))
            by_name.setdefault(name, []).append(event["dur"] / 1000)
    for name, values in by_name.items():
        first = len(values) * WARM_UP // (WARM_UP + times)
        heard += [(name, ms) for ms in values[first:]]
    return summed(heard, times, kinds)
