"""assemble: Config -> Pipeline, the whole architecture as one list of lanes."""

import logging
from typing import (
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from app import catalogue
from app.analytics.tracker import TrackSettings
from app.chosen import (
    Build,
    Networks,
    check_models,
    chosen_models,
    model_of,
    searched_with,
    shrinkable,
    tracking,
)
from app.conflicts import Config
from app.core.load import Load
from app.core.pipeline import Pipeline
from app.core.stage import BatchStage, Source, Stage
from app.core.turns import Turns
from app.device.backend import Backend, Model, Network
from app.device.host import HostBackend
from app.device.jetson import GpuBackend
from app.errors import DeviceError, EngineError
from app.media import journal, keep, listen, mosaic, mp4, picture, rtsp
from app.media.fitted import Fitted
from app.media.reader import open_source
from app.service import http
from app.stages import record, report
from app.stages.classify import Classify, ClassifySettings, check_outputs
from app.stages.detect import Detect, class_ids
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
from app.stages.show import Show
from app.stages.track import Track
from app.stages.watch import Scene, Watch

_SURER = 0.2  # above a model's least score: what begins a track. ByteTrack has 0.1

logger = logging.getLogger(__name__)


class Beside(NamedTuple):
    """What a pipeline shares with what is done beside it, and with the pipeline before it."""

    load: Load  # less is done while it is eased
    ids: Dict[str, int]  # of each camera's tracks: how many were given
    celsius: Callable[[], Optional[float]] = lambda: None  # of the machine, for the picture
    part: int = 1  # how many pipelines there have been, with this one


def assemble(
    config: Config,
    backend: Backend,
    frames: Optional[int] = None,
    build: Optional[Build] = None,
    beside: Optional[Beside] = None,
) -> Pipeline:
    """
    The pipeline that a config asks for; with ``frames``, it ends after so many per camera. Loads
    the models, for which ``build`` makes engines if they are missing, and tries the outputs: what
    is wrong is said before a camera is opened.
    """
    beside = Beside(Load(), {}) if beside is None else beside
    cameras = [camera.name for camera in config.cameras]
    check_outputs_of(config)
    models = chosen_models(config)
    loaded = Networks(backend, build)
    networks = {camera: loaded.of(model) for camera, model in searched_with(config, models)}
    check_models(config, {camera: one.model for camera, one in networks.items()})
    first = _finding(config, backend, networks)
    if config.privacy and config.privacy.faces:
        faces = loaded.of(model_of(config, config.privacy.faces))
        if faces.model.decoder is None:
            raise EngineError(
                f"{faces.model.name}: is a classifier; privacy.faces wants a detector"
            )
        first.append(Faces(backend, faces))
    looks = [(one, loaded.of(model_of(config, one.model))) for one in config.looks]
    for _, network in looks:
        if network.model.decoder is not None:
            raise EngineError(f"{network.model.name}: is a detector; looks want a classifier")
        check_outputs(network)
    captured = [_easier(one, config, beside.load) for one in sources(config, backend)]
    second: List[Union[BatchStage, Stage]] = []
    third: List[Union[BatchStage, Stage]] = []
    detecting = [one for one in cameras if networks[one].model.decoder is not None]
    if tracking(config):
        second.append(
            Track({one: _track_settings(config, models[one]) for one in detecting}, beside.ids)
        )
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
    third += _showing(config, captured, beside)
    lanes = [first] + [lane for lane in (second, third) if lane]
    turns = Turns(config.detect.interval, config.detect.latency_ms / 1000, beside.load)
    batch = max(network.batch for network in networks.values())
    return Pipeline(captured, lanes, backend.width, batch=batch, turns=turns)


def _finding(
    config: Config, backend: Backend, networks: Mapping[str, Network]
) -> List[Union[BatchStage, Stage]]:
    """What the networks' outputs are read by: boxes, or one score per class."""
    asked = config.detect
    wanted = {one: _wanted(asked.classes, network.model) for one, network in networks.items()}
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


def _wanted(classes: Sequence[str], model: Model) -> Tuple[int, ...]:
    """The numbers of those that this model knows; another camera's may know the others."""
    known = [name for name in classes if name in model.labels]
    return class_ids(known or classes, model)  # which says so where it knows none


def _showing(
    config: Config, captured: Sequence[Source], beside: Beside
) -> List[Union[BatchStage, Stage]]:
    """What makes pictures and lines of it all. Nothing leaves before what is private is hidden."""
    cameras = [source.camera for source in captured]
    seen: List[Union[BatchStage, Stage]] = []
    snapshots = config.events is not None and config.events.snapshots is not None
    pictures = config.rtsp is not None or config.record is not None or snapshots
    if config.privacy and pictures:
        seen.append(Privacy(config.privacy, bool(config.privacy.faces), cameras))
    if pictures:
        seen.append(Overlay(config.overlay, beside.celsius))
        if config.http:
            seen.append(Show())
    if config.rtsp:
        seen.append(Publish(config.rtsp, captured, config.overlay.theme, beside.load))
    if config.record:
        seen.append(Record(config.record, cameras, part=beside.part))
    if config.report:
        seen.append(Report(config.report, goes_on=beside.part > 1))
    if config.events:
        seen.append(Events(config.events))
    return seen


def _track_settings(config: Config, model: Model) -> TrackSettings:
    asked = config.track or TrackSettings(score=0.0)
    return asked._replace(score=asked.score or min(0.95, model.score + _SURER))


def describe(config: Config) -> Iterator[str]:
    """What a config would open, line by line, without opening it."""
    for camera in config.cameras:
        yield f"camera   {camera.name}: {camera.shown}"
    models = chosen_models(config)
    asked = [look.model for look in config.looks]
    if config.privacy and config.privacy.faces:
        asked.append(config.privacy.faces)
    wanted = [*models.values(), *(model_of(config, name) for name in asked)]
    for model in {one.name: one for one in wanted}.values():
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
            yield f"rtsp     {listen.url(config.rtsp, camera.name)}"
        if config.rtsp.mosaic:
            yield f"rtsp     {listen.url(config.rtsp, mosaic.NAME)}"
        open_to_all = listen.open_to_all(config.rtsp)
        if open_to_all:
            yield f"note     {open_to_all}"
    if config.http:
        yield f"http     {http.url(config.http)}"
        if http.public(config.http):
            yield "note     http asks for no password: whoever reaches it sees the pictures"
    if config.record:
        names = [camera.name for camera in config.cameras]
        for path in record.paths(config.record.path, names).values():
            yield f"film     {path}"
    if config.privacy:
        hidden = [*config.privacy.classes, *filter(None, [config.privacy.faces])]
        hidden += [f"{len(masks)} masks of {name}" for name, masks in config.privacy.masks.items()]
        yield f"hidden   {', '.join(hidden)}"
    if config.events:
        yield f"events   {config.events.path}"
        if config.events.snapshots:
            yield f"pictures {config.events.snapshots}"
    if config.counters:
        yield f"counters {config.counters}"
    if config.report:
        yield f"report   {config.report.path}"


def sources(config: Config, backend: Backend) -> List[Source]:
    """One source per camera. A file that is served plays at its own speed unless told otherwise."""
    served = config.rtsp is not None
    return [
        open_source(
            camera._replace(realtime=served if camera.realtime is None else camera.realtime),
            backend.picture,
        )
        for camera in config.cameras
    ]


def _easier(source: Source, config: Config, load: Load) -> Source:
    """The source, its pictures smaller while the load is eased, where that may be."""
    easier = source.live and shrinkable(config, source.camera)
    return Fitted(source, load=load) if easier else source


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


def check_outputs_of(config: Config) -> None:
    """Raise OutputError before a camera is opened, where a later stage could not open its file."""
    names = [camera.name for camera in config.cameras]
    if config.record:
        for path in record.paths(config.record.path, names).values():
            mp4.check(path)
    if config.report:
        report.check(config.report.path)
    if config.events:
        journal.check(config.events.path)
        if config.events.snapshots is not None:
            picture.check(config.events.snapshots)
    if config.counters:
        keep.check(config.counters)
    if config.rtsp:
        rtsp.check(config.rtsp)
