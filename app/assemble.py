"""assemble: Config -> Pipeline, the whole architecture as one list of lanes."""

import logging
from typing import Any, Callable, Iterator, List, Optional

from app import catalogue
from app.config import Config
from app.core.pipeline import Pipeline
from app.core.stage import Source, Stage
from app.device.backend import Backend, Model, Network
from app.device.host import HostBackend
from app.device.jetson import GpuBackend, NoEngine
from app.errors import DeviceError
from app.media import mp4, rtsp
from app.media.reader import open_source
from app.stages import record, report
from app.stages.classify import Classify, ClassifySettings
from app.stages.detect import Detect, DetectSettings, class_ids
from app.stages.limit import Limit
from app.stages.overlay import Overlay
from app.stages.preprocess import Preprocess
from app.stages.publish import Publish
from app.stages.record import Record
from app.stages.report import Report

logger = logging.getLogger(__name__)

Build = Callable[[Model], Any]


def assemble(
    config: Config, backend: Backend, frames: Optional[int] = None, build: Optional[Build] = None
) -> Pipeline:
    """
    The pipeline that a config asks for; with ``frames``, it ends after so many per camera. Loads
    the model, for which ``build`` makes an engine if one is missing, and tries the outputs: what
    is wrong is said before a camera is opened.
    """
    cameras = [camera.name for camera in config.cameras]
    _check_outputs(config)
    network = _loaded(config, backend, build)
    if network.guessed:
        logger.info(
            "%s has no manifest, taken for: %s; input %s, %s, %s",
            network.model.name,
            network.guessed,
            "x".join(map(str, network.input.size_wh)),
            network.input.colour,
            network.input.placement.value,
        )
    found = [Preprocess(backend, network), _reading(backend, network, config.detect)]
    captured = sources(config)
    seen: List[Stage] = []
    if frames is not None:
        limit = Limit(cameras, frames)
        captured = [limit.source(one) for one in captured]
        seen.append(limit)
    if config.rtsp or config.record:
        seen.append(Overlay(config.overlay))
    if config.rtsp:
        seen.append(Publish(config.rtsp, cameras))
    if config.record:
        seen.append(Record(config.record, cameras))
    if config.report:
        seen.append(Report(config.report))
    return Pipeline(captured, [found, seen] if seen else [found], backend.width)


def chosen_model(config: Config) -> Model:
    """The model to look with: one of the config's own, of the catalogue, or an ONNX file."""
    asked = config.detect
    own = [one.model() for one in config.models if one.name == asked.model]
    model = own[0] if own else catalogue.model(asked.model)
    return model._replace(
        score=model.score if asked.score is None else asked.score,
        iou=model.iou if asked.iou is None else asked.iou,
    )


def describe(config: Config) -> Iterator[str]:
    """What a config would open, line by line, without opening it."""
    for camera in config.cameras:
        yield f"camera   {camera.name}: {camera.shown}"
    model = chosen_model(config)
    if model.labels:  # else they are known once it is loaded
        class_ids(config.detect.classes, model)
    yield f"model    {model.name}: {model.path}" + ("" if model.input else " (no manifest)")
    note = catalogue.note(config.detect.model)
    if note:
        yield f"note     {note}"
    if config.rtsp:
        for camera in config.cameras:
            yield f"rtsp     {rtsp.url(config.rtsp, camera.name)}"
    if config.record:
        names = [camera.name for camera in config.cameras]
        for path in record.paths(config.record.path, names).values():
            yield f"film     {path}"
    if config.report:
        yield f"report   {config.report.path}"


def sources(config: Config) -> List[Source]:
    """One source per camera. A file that is served plays at its own speed unless told otherwise."""
    served = config.rtsp is not None
    return [
        open_source(
            camera._replace(realtime=served if camera.realtime is None else camera.realtime)
        )
        for camera in config.cameras
    ]


def backend(config: Config) -> Backend:
    """The accelerator to compute on: unless one is named, the GPU where it can be used."""
    kind = config.backend.kind
    if kind != "host":
        try:
            return GpuBackend(catalogue.folders())
        except DeviceError as error:
            if kind == "gpu":
                raise
            logger.debug("on the CPU, as %s", error)
    return HostBackend(config.backend.threads)


def _loaded(config: Config, backend: Backend, build: Optional[Build]) -> Network:
    model = chosen_model(config)
    with backend.attached():
        try:
            return backend.load(model)
        except NoEngine as error:
            if build is None:
                raise
            logger.warning("%s. Building it now", error)
    build(model)
    with backend.attached():
        return backend.load(model)


def _reading(backend: Backend, network: Network, settings: DetectSettings) -> Stage:
    """What the network's outputs are read by: boxes, or one score per class."""
    if network.model.decoder is not None:
        return Detect(backend, network, settings.classes)
    wanted = class_ids(settings.classes, network.model)
    return Classify(backend, network, ClassifySettings(settings.top, settings.score or 0.0, wanted))


def _check_outputs(config: Config) -> None:
    """Raise OutputError before a camera is opened, where a later stage could not open its file."""
    names = [camera.name for camera in config.cameras]
    if config.record:
        for path in record.paths(config.record.path, names).values():
            mp4.check(path)
    if config.report:
        report.check(config.report.path)
    if config.rtsp:
        rtsp.check(config.rtsp)
