"""
asked: asks the `tensorrt` on the path all that can be asked without a GPU; prints JSON.

    PYTHONPATH=.venvs/trt/8.6.1:. python3.6 -m tests.contract.asked [8.2.1]

With a version, 8.6.1 is first cut down to what that one has, which lasts as long as the process.
"""

import json
import sys

from app.device.engine import Engine
from app.device.trt import open_api
from app.errors import DeviceError, EngineError
from tests.contract.capture import SPECIAL, captured
from tests.contract.names import names_of


def cut(trt, names):
    """Delete every name that ``names`` lacks."""
    for module in (trt, trt.tensorrt):
        for name in [one for one in vars(trt.tensorrt) if one[0] != "_"]:
            if name not in names.module and hasattr(module, name):
                delattr(module, name)
    for name, members in names.classes.items():
        owner = getattr(trt, name)
        for member in [one for one in vars(owner) if one[0] != "_" or one in SPECIAL]:
            if member not in members:
                delattr(owner, member)


def logged(trt):
    """What our ILogger keeps of messages that come from C++, with a listener that raises."""
    heard = []

    def hear(level, text):
        heard.append([level, text])
        raise ValueError("from the listener")

    api = open_api(trt, hear)
    severities = (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR, trt.ILogger.INFO)
    for severity, text in zip(severities, ("no\n  memory", "worse", "Opset version: 13")):
        trt.ILogger.log(api.log, severity, text)  # through C++ to the Python method
    return {"told": api.log.told, "heard": heard}


def refused(make, *arguments):
    """The line of the error that a call ends in."""
    try:
        make(*arguments)
    except (DeviceError, EngineError) as error:
        return "{}: {}".format(type(error).__name__, error)
    return "nothing was refused"


def calibrated(api):
    """A calibrator whose pictures cannot be read."""
    from app.device.calibrate import KINDS, Calibration

    def batches():
        raise ValueError("no such picture")

    told = {}
    for kind in KINDS:
        calibration = Calibration(batches, 2, 5, "/nowhere/cache")
        calibrator = calibration.calibrator(api, kind)
        parent = type(calibrator).__mro__[1]
        size = parent.get_batch_size(calibrator)  # through C++; get_batch of the parent is a stub
        batch = calibrator.get_batch(["images"])
        told[kind] = [parent.__name__, size, batch, str(calibration.error)]
    return told


def watched(api):
    """What a progress monitor tells when C++ calls it; the listener raises at the end."""
    from app.device.build import Listener

    told = []

    def tell(*what):
        told.append(what)
        if len(told) == 2:
            raise ValueError("from the listener")

    monitor = Listener(tell).monitor(api)
    parent = type(monitor).__mro__[1]
    parent.phase_start(monitor, "Tactics", None, 2)
    went_on = [parent.step_complete(monitor, "Tactics", step) for step in (0, 1)]
    parent.phase_finish(monitor, "Tactics")
    return {"told": told, "went_on": went_on}


def profiled(api):
    """What a profiler keeps when C++ calls it."""
    from app.device.layers import listener

    made = listener(api)
    for name, ms in (("conv + relu", 1.5), ("head", 0.25)):
        api.module.IProfiler.report_layer_time(made, name, ms)
    return made.times


def main(version=""):
    import tensorrt

    from app.device.parse import new_builder

    if version:
        cut(tensorrt, names_of(version))
    api = open_api()
    answers = {
        "version": api.version,
        "captured": captured(tensorrt),
        "probed": api.has._asdict(),
        "logged": logged(tensorrt),
        "engine": refused(Engine, api, b"", "a.engine"),
        "builder": refused(new_builder, api),
        "calibrated": calibrated(api) if api.has.calibrators else None,
        "profiled": profiled(api),
        "watched": watched(api) if api.has.progress else None,
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
