"""assemble: Config -> Pipeline, the whole architecture as one list of lanes."""

import contextlib
import logging
from typing import (
    Callable,
    Dict,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from app import catalogue
from app.analytics.tracker import Tracker, TrackSettings
from app.beside import Beside, Key
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
from app.core.lasting import Lasting
from app.core.load import Load
from app.core.pipeline import Pipeline
from app.core.stage import BatchStage, Source, Stage
from app.core.turns import Turns
from app.device.backend import Backend, Model, Network
from app.device.host import HostBackend
from app.device.jetson import GpuBackend
from app.errors import DeviceError, EngineError
from app.media import journal, keep, mp4, picture, rtsp
from app.media.fitted import Fitted
from app.media.mount import RtspSettings
from app.media.reader import open_source
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


class Finding(NamedTuple):
    """What looks at pictures, its networks loaded."""

    networks: Mapping[str, Network]  # of each camera
    first: List[Union[BatchStage, Stage]]  # the stages of the first lane
    looks: Optional[Look]


def assemble(
    config: Config,
    backend: Backend,
    frames: Optional[int] = None,
    build: Optional[Build] = None,
    beside: Optional[Beside] = None,
    played: Callable[[Source], Source] = lambda source: source,
) -> Pipeline:
    """
    The pipeline that a config asks for; with ``frames``, it ends after so many per camera. Tries
    the outputs, serves a slate of each camera where ``rtsp`` asks for it, and loads the models, for
    which ``build`` makes engines if they are missing: what is wrong is said before a camera is
    opened. What outlives the pipeline is taken from ``beside``, whose owner closes it. ``played``
    makes of each source the one that is read.
    """
    beside = Beside() if beside is None else beside
    cameras = [camera.name for camera in config.cameras]
    check_outputs_of(config._replace(rtsp=None))  # which is tried as it is opened
    lasting = sources(config, backend, beside)
    theme = config.overlay.theme
    server = _serving(config.rtsp, lasting, theme, beside) if config.rtsp else None
    models = chosen_models(config)
    found = finding(config, backend, build, beside)
    captured = [_easier(played(one), config, beside.load) for one in lasting]
    second: List[Union[BatchStage, Stage]] = []
    third: List[Union[BatchStage, Stage]] = []
    detecting = [one for one in cameras if found.networks[one].model.decoder is not None]
    if tracking(config):
        trackers = {one: _tracker(config, one, models[one], backend, beside) for one in detecting}
        second.append(Track(trackers, beside.ids))
    if found.looks:
        second.append(found.looks)
    if frames is not None:
        limit = Limit(cameras, frames)
        captured = [limit.source(one) for one in captured]
        (second or third).append(limit)
    if tracking(config):
        second.append(
            Watch({one: config.scenes.get(one, Scene()) for one in detecting}, config.counters)
        )
    third += _showing(config, captured, server, beside)
    lanes = [found.first] + [lane for lane in (second, third) if lane]
    turns = Turns(config.detect.interval, config.detect.latency_ms / 1000, beside.load)
    batch = max(network.batch for network in found.networks.values())
    return Pipeline(captured, lanes, backend.width, batch=batch, turns=turns)


def finding(config: Config, backend: Backend, build: Optional[Build], beside: Beside) -> Finding:
    """Load the models, and see that they can do what they are asked."""
    loaded = Networks(backend, build, beside)
    models = chosen_models(config)
    networks = {camera: loaded.of(model) for camera, model in searched_with(config, models)}
    check_models(config, {camera: one.model for camera, one in networks.items()})
    first = _searching(config, backend, networks)
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
    return Finding(networks, first, Look(backend, looks) if looks else None)


def _searching(
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
    config: Config, captured: Sequence[Source], server: Optional[rtsp.RtspServer], beside: Beside
) -> List[Union[BatchStage, Stage]]:
    """What makes pictures and lines of it all. Nothing leaves before what is private is hidden."""
    cameras = [source.camera for source in captured]
    seen: List[Union[BatchStage, Stage]] = []
    snapshots = config.events is not None and config.events.snapshots is not None
    pictures = config.rtsp is not None or config.record is not None or snapshots
    if config.privacy and pictures:
        seen.append(Privacy(config.privacy, bool(config.privacy.faces), cameras))
    if pictures:
        seen.append(Overlay(config.overlay, lambda: beside.celsius))
        if config.http:
            seen.append(Show())
    if server:
        seen.append(Publish(server, beside.load))
    if config.record:
        seen.append(Record(config.record, cameras, part=beside.part, hung=beside.hung))
    if config.report:
        seen.append(Report(config.report, goes_on=beside.part > 1))
    if config.events:
        seen.append(Events(config.events))
    return seen


def _tracker(
    config: Config, camera: str, model: Model, backend: Backend, beside: Beside
) -> Tracker:
    """The tracker of a camera, which goes on while it, its model and what is asked are the same."""
    asked = config.track or TrackSettings(score=0.0)
    asked = asked._replace(score=asked.score or min(0.95, model.score + _SURER))
    seen = _camera_keys(config, backend)[camera]
    key = ("tracker", seen, model, config.detect.classes, asked)
    return beside.take(key, lambda _: Tracker(asked, beside.ids.get(camera, 0)))


def sources(config: Config, backend: Backend, beside: Beside) -> List[Source]:
    """One source per camera. A file that is served plays at its own speed unless told otherwise."""

    def opened(key: Key) -> Source:
        def make(stack: contextlib.ExitStack) -> Lasting:
            source = Lasting(lambda: open_source(key[1], backend.picture))
            stack.callback(source.close)
            return source

        return beside.take(key, make)

    return [opened(key) for key in _camera_keys(config, backend).values()]


def kept_cameras(config: Config, backend: Backend, beside: Beside) -> List[str]:
    """Those that are open already and that a pipeline of this config goes on with."""
    return [name for name, key in _camera_keys(config, backend).items() if beside.has(key)]


def _camera_keys(config: Config, backend: Backend) -> Dict[str, Key]:
    """What each camera is kept by: all of its settings, and where its pictures are put."""
    served = config.rtsp is not None
    full = [
        camera._replace(realtime=served if camera.realtime is None else camera.realtime)
        for camera in config.cameras
    ]
    return {camera.name: ("camera", camera, backend) for camera in full}


def _serving(
    settings: RtspSettings, sources: Sequence[Source], theme: str, beside: Beside
) -> rtsp.RtspServer:
    """The server, with a mount of each camera that viewers may ask for at once."""
    server = beside.take_alone(
        ("rtsp", settings), lambda stack: stack.enter_context(rtsp.serving(settings))
    )
    server.show({one.camera: one for one in sources}, theme)
    return server


def _easier(source: Source, config: Config, load: Load) -> Source:
    """The source, its pictures smaller while the load is eased, where that may be."""
    easier = source.live and shrinkable(config, source.camera)
    return Fitted(source, load=load) if easier else source


def backend(config: Config) -> Backend:
    """The accelerator to compute on: unless one is named, the GPU where it can be used."""
    kind = config.backend.kind
    if kind != "host":
        try:
            asked = config.backend
            return GpuBackend(catalogue.folders(), asked.graphs, placing=asked.placing)
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
