"""measured: benchmark documents as they might be, made up, the same each time."""

import functools

import numpy as np

from app.bench import honest
from app.bench.results import (
    FORMAT,
    Accuracy,
    Document,
    Floor,
    Machine,
    Run,
    Step,
    Trial,
    Use,
)
from app.device.backend import Layer

EVIL = "<script>alert(\"x\")</script> & 'co'\x00\x1b[2J"
YAML = tuple(
    """\
cameras:
  - {name: door, source: clip.mp4}
detect:
  model: yolox_nano  # <b>&amp;
""".splitlines()
)
COCO = "coco_val2017_500", "12" * 32
LAPTOP = Machine(
    name="Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz", cpu="Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz",
    cores=2, memory_mb=7956, system="Debian GNU/Linux 12 (bookworm)", kernel="6.1.0-18-amd64",
    onnxruntime="1.10.0", opencv="4.6.0", gstreamer="1.22.0", encoder="x264enc", python="3.6.15",
    clocks="not told by this machine",
)  # fmt: skip
ORIN = Machine(
    name="NVIDIA Jetson Orin Nano Developer Kit", cpu="ARMv8 Processor rev 1 (v8l)", cores=6,
    memory_mb=7620, gpu="Orin (nvgpu)", system="Ubuntu 22.04.4 LTS", kernel="5.15.136-tegra",
    l4t="36.3.0", jetpack="6.0", driver="540.3.0", cuda="12.2", tensorrt="8.6.2", opencv="4.8.0",
    gstreamer="1.20.3", encoder="x264enc", python="3.10.12", power_mode="15W",
    clocks="locked by jetson_clocks",
)  # fmt: skip


def run(ms=27.0, fps=30.0, seed=0, frames=900, use=None, steady=True, glass=True, came=None):
    """One run whose frames take about ``ms``."""
    noise = np.random.RandomState(seed)
    latency = ms * (0.9 + noise.gamma(2.0, 0.05, frames))
    shares = (("to detect", 0.06), ("detect", 0.62), ("track", 0.03), ("to overlay", 0.02),
              ("overlay", 0.09), ("publish", 0.18))  # fmt: skip
    edges = np.geomspace(1, 10000, 81)
    counts = np.bincount(np.searchsorted(edges, latency), minlength=82)
    seconds = frames / fps
    times = np.arange(0, seconds + 3, 0.5)
    rates = fps * np.minimum(1, 0.4 + times / 4) + noise.normal(0, 0.01 * fps, len(times))
    middles = ms * (1 + np.exp(-times)) + noise.normal(0, 0.02 * ms, len(times))
    return Run(
        warm_up_s=3.0, seconds=seconds, steady=steady, frames=frames,
        fps=float(fps * (1 + noise.normal(0, 0.004))) if frames > 1 else None,
        latency=honest.spread_of(latency),
        steps=tuple(Step(name, honest.spread_of(latency * share)) for name, share in shares),
        glass=honest.spread_of(latency + 9 + noise.gamma(2.0, 1.0, frames)) if glass else None,
        came=frames + 13 if came is None else came, dropped=12, skipped=1, unseen=0,
        use=Use(cpu_percent=143.0 + noise.normal(0, 2), rss_mb=212.5) if use is None else use,
        timeline=tuple(
            (float(when), float(rate), float(middle) if frames > 20 else None)
            for when, rate, middle in zip(times, rates, middles)
        ),
        histogram=tuple(
            (round(edge, 2), int(count)) for edge, count in zip(edges.tolist(), counts) if count
        ),
    )  # fmt: skip


def floor(raw, cost, runtime="TensorRT 8.6.2", samples=300):
    noise = np.random.RandomState(1)
    one = raw * (1 + noise.gamma(2.0, 0.01, samples))
    return Floor(
        runtime, honest.spread_of(one), honest.spread_of(one + cost), 1, 1000 / raw
    )  # fmt: skip


def document(trials, machine=ORIN, **more):
    made = Document(
        FORMAT, "0.1.0", "jetwatch bench --model yolox_nano --precision fp16 int8 --repeats 3",
        "2026-11-28T21:14:05Z", machine, tuple(trials), code="34" * 32, commit="0230735c8f1e",
    )  # fmt: skip
    return made._replace(**more)


def single(repeats=3, **more):
    """One setting on a laptop."""
    trial = Trial(
        "", {"model": "yolox_nano"},
        tuple(run(41.0, 24.0, seed) for seed in range(repeats)),
        tuple(run(95.0, 31.0, 10 + seed, glass=False) for seed in range(repeats)),
        floor(24.0, 0.8, "ONNX Runtime 1.10.0"), None,
        (Layer("Conv_2", 2.5, "Conv"), Layer("Conv_0 + Relu_1", 4.25, "Conv"),
         Layer("Resize_9", 0.75, "Resize")),
        "5b" * 32, YAML,
    )  # fmt: skip
    return document([trial], LAPTOP, command="jetwatch bench --model yolox_nano", **more)


def board(ms, watts):
    """What a run takes of a Jetson."""
    return Use(
        cpu_percent=88.0, rss_mb=611.0, device_mb=402.0, power_w=watts,
        mj_per_frame=1000 * watts * ms / 1000 / 0.8, hottest_c=58.5,
        clocks_mhz={"gpu": 624.8, "cpu": 1510.4}, others_percent=6.0,
    )  # fmt: skip


def grid(faster=1.0, repeats=3, seed=0):
    """Three precisions at two sizes, with accuracy and power, on a Jetson."""
    trials = []
    for size, work, ap in (("320x320", 0.6, 0.301), ("416x416", 1.0, 0.359)):
        for precision, speed, lost in (
            ("fp32", 1.0, 0.0),
            ("fp16", 0.55, 0.001),
            ("int8", 0.43, 0.019),
        ):
            ms = 4 + 30 * work * speed / faster
            trials.append(
                Trial(
                    "{}, {}".format(precision, size),
                    {"model": "yolox_nano", "precision": precision, "size": size},
                    tuple(
                        run(ms, 800 / ms, seed + number, use=board(ms, 6.0 + 3 * speed))
                        for number in range(repeats)
                    ),
                    tuple(
                        run(3 * ms, 1000 / ms, 9 + seed + number, glass=False)
                        for number in range(repeats)
                    ),
                    floor(ms - 4.5, 0.9),
                    Accuracy(500, ap - lost, ap - lost + 0.17, 1 - 4 * lost, *COCO),
                    model_sha256="ab" * 32, config=YAML,
                )
            )  # fmt: skip
    return document(trials)


def throttled():
    """A Jetson that got too hot, beside another program, with free clocks."""
    use = board(50.0, 14.0)._replace(
        throttled=("GPU: thermal",), others_percent=93.0, hottest_c=97.0
    )
    runs = (run(48.0, 17.0, 1, use=use, steady=False), run(44.0, 19.0, 2, use=board(44.0, 13.0)))
    machine = ORIN._replace(clocks="not locked: jetson_clocks was not run")
    return document([Trial("fp16", {"precision": "fp16"}, runs, (), floor(30.0, 0.7))], machine)


def interrupted():
    """Ended by Ctrl-C in the first run of the second setting."""
    short = run(30.0, 30.0, 3, frames=60, glass=False)
    return document(
        [
            Trial("fp32", {"precision": "fp32"}, (run(30.0, 30.0, 1), run(30.0, 30.0, 2))),
            Trial("fp16", {"precision": "fp16"}, (short,), (), floor(20.0, 0.5, samples=8)),
        ],
        interrupted=True,
    )


def troubled():
    """One setting could not be measured, and nothing of the other but its rate."""
    return document(
        [
            Trial("int8", {"precision": "int8"}, problem="no engine: this GPU has no fast INT8. "
                  "Run: jetwatch build yolox_nano --precision fp16"),
            Trial("fp16", {"precision": "fp16"}, (run(30.0, 30.0, use=Use(), glass=False),)),
        ]
    )  # fmt: skip


def evil():
    """Markup and control characters wherever text may come from elsewhere."""
    one = grid(repeats=2).trials[0]
    layers = (Layer(EVIL, 1.0, EVIL), Layer("b" * 300, 0.5))
    runs = tuple(
        each._replace(
            steps=(Step(EVIL, each.latency),), use=each.use._replace(throttled=(EVIL,))
        )
        for each in one.runs
    )  # fmt: skip
    trials = [
        one._replace(name=EVIL, setting={EVIL: EVIL}, config=(EVIL,), model_sha256=EVIL,
                     layers=layers, runs=runs, floor=floor(5.0, 1.0, EVIL),
                     accuracy=Accuracy(5, 0.5, source=EVIL)),
        one._replace(name=EVIL + "2", setting={"a": EVIL}),
        Trial(EVIL, {}, problem=EVIL),
    ]  # fmt: skip
    machine = Machine(*[EVIL if kind is str else 1 for kind in map(type, Machine())])
    return document(trials, machine, command=EVIL, date=EVIL, version=EVIL, notes=(EVIL,))


def empty():
    """Ended before anything was measured."""
    return document([], Machine(), interrupted=True)


@functools.lru_cache(maxsize=1)
def everything():
    """Each kind of document, by name."""
    return {
        "empty": empty(),
        "single": single(),
        "once": single(1),
        "grid": grid(),
        "throttled": throttled(),
        "interrupted": interrupted(),
        "troubled": troubled(),
        "evil": evil(),
    }
