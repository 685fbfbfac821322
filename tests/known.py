"""known: facts of a service in which everything is known, for pages and metrics to show."""

import numpy as np

from app.core.meter import Durations
from app.core.vitals import Vitals
from app.service.facts import CameraFacts, Facts, Machine, ModelFacts, MountFacts, QueueFacts

NOW = 1000.0

GATE = CameraFacts(
    "gate", state="playing", since=900.0, frames=1500, dropped=7, fps=14.8, captured=NOW - 0.3
)
YARD = CameraFacts(
    "yard",
    state="lost: no picture for 5 s",
    since=958.0,
    next_try=NOW + 3,
    reconnects=4,
    frames=20,
    captured=953.0,
)

VITALS = Vitals(
    source="sysfs",
    temperatures={"CPU-therm": 48.5, "GPU-therm": 51.0},
    power={"total": 12.5, "VDD_CPU": 3.0},
    gpu_load=0.75,
    cpu_load=0.5,
    clocks={"gpu": 9.2e8},
    memory_used=3 << 30,
    memory_total=8 << 30,
    swap_used=0,
    swap_total=4 << 30,
    gpu_memory_used=1 << 30,
    gpu_memory_total=16 << 30,
    power_mode="MAXN",
    throttled=("the GPU is slowed by heat",),
)


def durations(name="detect"):
    made = Durations()
    for seconds in np.linspace(0.0, 0.2, 100):
        made.add(seconds)
    return made.histogram(name)


def facts(*cameras, **rest):
    """A running service with these cameras, and a frame that has just gone all the way."""
    known = {"when": NOW, "running": True, "progressed": NOW, "backend": "host"}
    return Facts(cameras=cameras or (GATE,), **dict(known, **rest))


def everything():
    """Nothing in it is absent, one of two cameras is lost, and its mount is watched."""
    return facts(
        GATE,
        YARD,
        pictures=True,
        models=(
            ModelFacts("gate", "yolox_nano", "fp16", (416, 416)),
            ModelFacts("yard", "nanodet_g", "int8", (416, 320)),
        ),
        queues=(QueueFacts("door", 1), QueueFacts("to track", 2)),
        mounts=(MountFacts("gate", 3, 1400, 2), MountFacts("yard", 0, 0, 0)),
        stages=(durations("capture"), durations("detect")),
        latencies=durations("latency"),
        machine=Machine(
            VITALS,
            step=2,
            reasons=("the detector looks at every 3. frame, as latency is 210 ms, above 150",),
            complaints=("the disk of out is full: 12 MB are free",),
            memory_used=900 << 20,
            memory_limit=1000 << 20,
        ),
    )
