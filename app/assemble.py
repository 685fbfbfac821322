"""assemble: Config -> Pipeline, the whole architecture as one list of lanes."""

import logging
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from app import catalogue
from app.analytics.tracker import TrackSettings
from app.config import Config, asked_labels
from app.core.pipeline import Pipeline
from app.core.stage import BatchStage, Source, Stage
from app.core.turns import Turns
from app.device.backend import Backend, Model, Network
from app.device.host import HostBackend
from app.device.jetson import GpuBackend, NoEngine
from app.errors import ConfigError, DeviceError
from app.media import journal, mp4, rtsp
from app.media.reader import open_source
from app.stages import record, report
from app.stages.classify import Classify, ClassifySettings, check_outputs
from app.stages.detect import Detect, class_ids, unknown_labels
from app.stages.events import Events
from app.stages.faces import Faces
from app.stages.limit import Limit
from app.stages.look import Look
from app.stages.overlay import Overlay
from app.stages.preprocess import Preprocess
from app.stages.privacy import Privacy
from app.stages.publish import Publish
from app.stages.record import Record
from app.stages.report import Report
from app.stages.track import Track
from app.stages.watch import Scene, Watch

logger = logging.getLogger(__name__)

Build = Callable[[Model], Any]


def assemble(
    config: Config, backend: Backend, frames: Optional[int] = None, build: Optional[Build] = None
) -> Pipeline:
    """
    The pipeline that a config asks for; with ``frames``, it ends after so many per camera. Loads
    the models, for which ``build`` makes engines if they are missing, and tries the outputs: what
    is wrong is said before a camera is opened.
    """
    cameras = [camera.name for camera in config.cameras]
    _check_outputs(config)
    models = chosen_models(config)
    loaded = _Loaded(backend, build)
    networks = {camera: loaded.network(model) for camera, model in _searching(config, models)}
    check_classes(config, {camera: one.model for camera, one in networks.items()})
    first = _finding(config, backend, networks)
    if config.privacy and config.privacy.faces:
        first.append(Faces(backend, loaded.network(_model(config, config.privacy.faces))))
    looks = [(one, loaded.network(_model(config, one.model))) for one in config.looks]
    for _, network in looks:
        check_outputs(network)
    captured = sources(config)
    second: List[Union[BatchStage, Stage]] = []
    third: List[Union[BatchStage, Stage]] = []
    detecting = [one for one in cameras if networks[one].model.decoder is not None]
    if tracking(config):
        asked = config.track or TrackSettings()
        second.append(Track({one: asked._replace(score=models[one].score) for one in detecting}))
    if looks:
        second.append(Look(backend, looks))
    if frames is not None:
        limit = Limit(cameras, frames)
        captured = [limit.source(one) for one in captured]
        (second or third).append(limit)
    if tracking(config):
        second.append(
            Watch({one: config.scenes.get(one, Scene()) for one in detecting}, config.counters)
        )
    third += _showing(config, cameras)
    lanes = [first] + [lane for lane in (second, third) if lane]
    turns = Turns(config.detect.interval, config.detect.latency_ms / 1000)
    batch = max(network.batch for network in networks.values())
    return Pipeline(captured, lanes, backend.width, batch=batch, turns=turns)


def _finding(
    config: Config, backend: Backend, networks: Mapping[str, Network]
) -> List[Union[BatchStage, Stage]]:
    """What the networks' outputs are read by: boxes, or one score per class."""
    asked = config.detect
    wanted = {one: class_ids(asked.classes, network.model) for one, network in networks.items()}
    stages: List[Union[BatchStage, Stage]] = [Preprocess(backend, networks)]
    naming = {}
    for camera, network in networks.items():
        if network.model.decoder is None:
            check_outputs(network)
            naming[camera] = ClassifySettings(asked.top, asked.score or 0.0, wanted[camera])
    if len(naming) < len(networks):
        stages.append(Detect(backend, wanted))
    if naming:
        stages.append(Classify(backend, naming))
    return stages


def _showing(config: Config, cameras: Sequence[str]) -> List[Union[BatchStage, Stage]]:
    """What makes pictures and lines of it all. Nothing leaves before what is private is hidden."""
    seen: List[Union[BatchStage, Stage]] = []
    snapshots = config.events is not None and config.events.snapshots is not None
    pictures = config.rtsp is not None or config.record is not None or snapshots
    if config.privacy and pictures:
        seen.append(Privacy(config.privacy, bool(config.privacy.faces), cameras))
    if pictures:
        seen.append(Overlay(config.overlay))
    if config.rtsp:
        seen.append(Publish(config.rtsp, cameras))
    if config.record:
        seen.append(Record(config.record, cameras))
    if config.report:
        seen.append(Report(config.report))
    if config.events:
        seen.append(Events(config.events))
    return seen


def tracking(config: Config) -> bool:
    """Whether anything needs tracks."""
    asked = config.track or config.looks or config.scenes or config.counters
    return bool(asked) or config.overlay.heat or config.detect.interval != 1


def chosen_models(config: Config) -> Dict[str, Model]:
    """What each camera is looked at with."""
    asked = config.detect
    made = {}
    for camera in config.cameras:
        model = _model(config, config.models_of.get(camera.name, asked.model))
        made[camera.name] = model._replace(
            score=model.score if asked.score is None else asked.score,
            iou=model.iou if asked.iou is None else asked.iou,
        )
    return made


def _model(config: Config, name: str) -> Model:
    """One of the config's own, of the catalogue, or an ONNX file."""
    own = [one.model() for one in config.models if one.name == name]
    return own[0] if own else catalogue.model(name)


def _searching(config: Config, models: Mapping[str, Model]) -> Iterator[Tuple[str, Model]]:
    """The models as they are run: a tracker wants also what is less sure."""
    low = (config.track or TrackSettings()).low if tracking(config) else 1.0
    for camera, model in models.items():
        yield camera, model._replace(score=min(model.score, low))


def check_classes(config: Config, models: Mapping[str, Model]) -> None:
    """Raise one ConfigError for all labels that a camera's model does not know."""
    wrong: List[str] = []
    for path, camera, labels in asked_labels(config):
        if camera in models:
            place = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in path)
            wrong += [f"{place[1:]}: {one}" for one in unknown_labels(labels, models[camera])]
    if wrong:
        raise ConfigError("\n".join(dict.fromkeys(wrong)))


def describe(config: Config) -> Iterator[str]:
    """What a config would open, line by line, without opening it."""
    for camera in config.cameras:
        yield f"camera   {camera.name}: {camera.shown}"
    models = chosen_models(config)
    # others' labels are known once they are loaded
    check_classes(config, {camera: one for camera, one in models.items() if one.labels})
    asked = [look.model for look in config.looks]
    if config.privacy and config.privacy.faces:
        asked.append(config.privacy.faces)
    for model in _distinct([*models.values(), *(_model(config, name) for name in asked)]):
        yield f"model    {model.name}: {model.path}" + ("" if model.input else " (no manifest)")
        note = catalogue.note(model.name)
        if note:
            yield f"note     {note}"
    for camera in config.cameras:
        scene = config.scenes.get(camera.name, Scene())
        for zone in scene.zones:
            yield f"zone     {camera.name}: {zone.name}"
        for line in scene.lines:
            yield f"line     {camera.name}: {line.name}"
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


class _Loaded:
    """Networks, each read once however many cameras it serves."""

    def __init__(self, backend: Backend, build: Optional[Build]) -> None:
        self._backend = backend
        self._build = build
        self._networks: Dict[Tuple[str, float, float], Network] = {}

    def network(self, model: Model) -> Network:
        key = (model.path, model.score, model.iou)
        if key not in self._networks:
            self._networks[key] = self._load(model)
        return self._networks[key]

    def _load(self, model: Model) -> Network:
        try:
            with self._backend.attached():
                network = self._backend.load(model)
        except NoEngine as error:
            if self._build is None:
                raise
            logger.warning("%s. Building it now", error)
            self._build(model)
            with self._backend.attached():
                network = self._backend.load(model)
        if network.guessed:
            logger.info(
                "%s has no manifest, taken for: %s; input %s, %s, %s",
                model.name,
                network.guessed,
                "x".join(map(str, network.input.size_wh)),
                network.input.colour,
                network.input.placement.value,
            )
        return network


def _distinct(models: Sequence[Model]) -> List[Model]:
    return list({model.path: model for model in models}.values())


def _check_outputs(config: Config) -> None:
    """Raise OutputError before a camera is opened, where a later stage could not open its file."""
    names = [camera.name for camera in config.cameras]
    if config.record:
        for path in record.paths(config.record.path, names).values():
            mp4.check(path)
    if config.report:
        report.check(config.report.path)
    if config.events:
        journal.check(config.events.path)
    if config.rtsp:
        rtsp.check(config.rtsp)
