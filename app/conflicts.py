"""conflicts: a whole config as a value, and what in it contradicts itself."""

import os
from types import MappingProxyType
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple, Union

from app import catalogue
from app.analytics.tracker import TrackSettings
from app.device.backend import BackendSettings, Model
from app.errors import ConfigError
from app.manifest import Inline
from app.media import mosaic, uri
from app.media.camera import Camera
from app.media.draw import PLAIN, Style
from app.media.mount import RtspSettings
from app.service.http import HttpSettings
from app.service.relief import LimitsSettings
from app.settings import Complaint
from app.stages import record
from app.stages.detect import DetectSettings, unknown_labels
from app.stages.events import EventsSettings
from app.stages.look import LookSettings
from app.stages.privacy import PrivacySettings
from app.stages.record import RecordSettings
from app.stages.report import ReportSettings
from app.stages.watch import Scene

Where = Tuple[Union[str, int], ...]

_GUESSED = "guessed"  # stands for the decoder of a model whose manifest leaves it open


class Config(NamedTuple):
    """Everything that ``assemble`` needs. What may be None is off then."""

    cameras: Tuple[Camera, ...]
    detect: DetectSettings
    models_of: Mapping[str, str] = MappingProxyType({})  # camera -> model, where it has its own
    scenes: Mapping[str, Scene] = MappingProxyType({})  # of cameras that have places
    track: Optional[TrackSettings] = None
    looks: Tuple[LookSettings, ...] = ()
    privacy: Optional[PrivacySettings] = None
    events: Optional[EventsSettings] = None
    counters: Optional[str] = None  # the file in which they survive a restart
    models: Tuple[Inline, ...] = ()  # those that the catalogue lacks
    backend: BackendSettings = BackendSettings()
    overlay: Style = PLAIN
    rtsp: Optional[RtspSettings] = None
    record: Optional[RecordSettings] = None
    report: Optional[ReportSettings] = None
    http: Optional[HttpSettings] = None
    limits: Optional[LimitsSettings] = None


def disagreements(config: Config) -> Iterator[Complaint]:
    """What is wrong between one value and another, as far as no model has to be opened."""
    yield from _doubles("cameras", [one.name for one in config.cameras])
    yield from _doubles("models", [one.name for one in config.models])
    yield from misfits(config, _described_models(config))
    yield from _settings_at_odds(config)
    yield from _mosaic(config)
    yield from _files(config)


def _doubles(key: str, names: List[str]) -> Iterator[Complaint]:
    for row, name in enumerate(names):
        if name in names[:row]:
            text = f"{name!r} is the name of two {key}; give each its own"
            yield Complaint((key, row, "name"), text)


def misfits(config: Config, models: Mapping[str, Model]) -> Iterator[Complaint]:
    """What a config asks of its cameras' models that those cannot do. Not all need be known."""
    told = set()
    for complaint in _misfits(config, models):
        if complaint not in told:
            told.add(complaint)
            yield complaint


def _misfits(config: Config, models: Mapping[str, Model]) -> Iterator[Complaint]:
    hidden = config.privacy.classes if config.privacy else ()
    looks: List[Tuple[Where, Tuple[str, ...]]] = [
        (("looks", row, "of"), one.of) for row, one in enumerate(config.looks)
    ]
    for row, camera in enumerate(config.cameras):
        model = models.get(camera.name)
        if model is None:
            continue
        places = _places(config, row)
        if model.decoder is None:
            if places:
                text = f"cannot be used: {model.name} is a classifier and finds nothing in places"
                yield Complaint(places[0][0][:-2], text)
            if hidden:
                text = f"cannot be hidden on {camera.name}: {model.name} is a classifier"
                yield Complaint(("privacy", "classes"), text)
            continue
        for where, labels in [*places, (("privacy", "classes"), hidden)]:
            for problem in unknown_labels(labels, model) if model.labels else ():
                yield Complaint(where, f"cannot be: {problem}")
    known = [model for model in models.values() if model.labels]
    if len(known) < len(config.cameras):
        return
    for where, labels in [(("detect", "classes"), config.detect.classes), *looks]:
        for label in labels:
            if not any(label in model.labels for model in known):
                yield Complaint(where, f"cannot be: {next(unknown_labels([label], known[0]))}")
    if looks and not any(model.decoder for model in known):
        yield Complaint(("looks",), "look at what a detector found, and there is none")


def _places(config: Config, row: int) -> List[Tuple[Where, Tuple[str, ...]]]:
    """Where a camera's zones and lines name labels, and which."""
    scene = config.scenes.get(config.cameras[row].name, Scene())
    made: List[Tuple[Where, Tuple[str, ...]]] = []
    for number, zone in enumerate(scene.zones):
        made.append((("cameras", row, "zones", number, "classes"), zone.classes))
    for number, line in enumerate(scene.lines):
        made.append((("cameras", row, "lines", number, "classes"), line.classes))
    return made


def _described_models(config: Config) -> Dict[str, Model]:
    """The models of cameras of which a manifest tells; others are known once they are loaded."""
    made = {}
    for camera in config.cameras:
        model = described(config, config.models_of.get(camera.name, config.detect.model))
        if model is not None:
            made[camera.name] = model
    return made


def described(config: Config, name: str) -> Optional[Model]:
    """What is known of a model by its name; None where nothing is."""
    for one in config.models:
        if one.name == name:
            model = one.model()
            return model._replace(decoder=model.decoder or _GUESSED)
    try:
        return catalogue.find(name).model
    except ConfigError:  # a file, or a mistake that is told when it is opened
        return None


def _settings_at_odds(config: Config) -> Iterator[Complaint]:
    kept, privacy = config.detect.classes, config.privacy
    named: List[Tuple[Where, Tuple[str, ...]]] = [
        (("looks", row, "of"), one.of) for row, one in enumerate(config.looks)
    ]
    for row in range(len(config.cameras)):
        named += _places(config, row)
    if privacy:
        named.append((("privacy", "classes"), privacy.classes))
        if not (privacy.classes or privacy.faces or privacy.masks):
            yield Complaint(("privacy",), "hides nothing: name classes, faces or a camera's masks")
        if privacy.classes and config.detect.interval != 1:
            text = "must be 1 where privacy.classes are hidden, or who comes in between is seen"
            yield Complaint(("detect", "interval"), text)
        faces = described(config, privacy.faces) if privacy.faces else None
        if faces is not None and faces.decoder is None:
            yield Complaint(
                ("privacy", "faces"), f"{faces.name!r} is a classifier; name a detector"
            )
    for where, labels in named if kept else ():
        for label in labels:
            if label not in kept:
                text = f"names {label!r}, which detect.classes leaves out and so nobody would find"
                yield Complaint(where, text)
    for row, one in enumerate(config.looks):
        model = described(config, one.model)
        if model is not None and model.decoder not in (None, _GUESSED):
            text = f"{one.model!r} is a detector; a look needs a classifier"
            yield Complaint(("looks", row, "model"), text)
    yield from _of_a_gpu(config.backend)
    if config.http and config.rtsp and config.http.port == config.rtsp.port:
        yield Complaint(
            ("http", "port"), f"{config.http.port} is rtsp.port as well; choose another"
        )
    sure = config.detect.score
    if config.track and sure is not None and config.track.low > sure:
        yield Complaint(("track", "low"), f"is above detect.score, {sure:g}")


def _of_a_gpu(asked: BackendSettings) -> Iterator[Complaint]:
    """What is asked of a GPU where there shall be none."""
    for key in ("placing", "graphs") if asked.kind == "host" else ():
        if getattr(asked, key) != getattr(BackendSettings(), key):
            text = "is of a GPU alone; leave it out where backend.kind is host"
            yield Complaint(("backend", key), text)


def _mosaic(config: Config) -> Iterator[Complaint]:
    if config.rtsp is None or not config.rtsp.mosaic:
        return
    if len(config.cameras) < 2:
        yield Complaint(("rtsp", "mosaic"), "needs two cameras or more; set rtsp.mosaic to false")
    for row, camera in enumerate(config.cameras):
        if camera.name == mosaic.NAME:
            text = f"{camera.name!r} is the mount of rtsp.mosaic; give the camera another name"
            yield Complaint(("cameras", row, "name"), text)


def _files(config: Config) -> Iterator[Complaint]:
    """No file may be written over one that is read, or written for another purpose."""
    names = [one.name for one in config.cameras]
    taken = {os.path.realpath(path) for path in _inputs(config)}
    written: List[Tuple[Where, str]] = []
    if config.record:
        yield from _clips(config.record)
    if config.record and len(set(names)) == len(names):
        try:
            films = record.paths(config.record.path, names).values()
        except ConfigError as error:
            yield Complaint(("record", "path"), str(error))
            films = {}.values()
        written += [(("record", "path"), path) for path in films]
    if config.report and config.report.path != "-":
        written.append((("report", "path"), config.report.path))
    if config.events:
        written.append((("events", "path"), config.events.path))
        if config.events.snapshots:
            written.append((("events", "snapshots"), config.events.snapshots))
    if config.counters:
        written.append((("counters",), config.counters))
    for where, path in written:
        real = os.path.realpath(path)
        if real in taken:
            yield Complaint(where, f"{path} is read, or has another use already")
        taken.add(real)


def _clips(asked: RecordSettings) -> Iterator[Complaint]:
    """Whether each clip has a name of its own."""
    folder, name = os.path.split(asked.path)
    if "{time}" in folder:
        yield Complaint(("record", "path"), "{time} may stand in the file's name, not a folder's")
    if asked.minutes is not None and "{time}" not in name:
        text = "needs {time} where there are minutes, as in clips/{camera}-{time}.mp4"
        yield Complaint(("record", "path"), text)
    if asked.minutes is None and "{time}" in name:
        yield Complaint(("record", "path"), "has a {time}, so say the minutes of a clip")
    if asked.minutes is None and asked.keep_gb is not None:
        text = "removes the oldest clips, so say the minutes of a clip"
        yield Complaint(("record", "keep_gb"), text)


def _inputs(config: Config) -> Iterator[str]:
    """The files that are read."""
    for one in config.cameras:
        if one.uri.kind is uri.Kind.FILE:
            yield one.uri.location
    yield config.detect.model
    yield from config.models_of.values()
    yield from (one.model for one in config.looks)
    for model in config.models:
        yield model.path
