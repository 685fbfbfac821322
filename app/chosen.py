"""chosen: the models that a config looks with, and the networks of them."""

import contextlib
import logging
import os
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from app import away, catalogue
from app.analytics.tracker import TrackSettings
from app.beside import Beside
from app.conflicts import Config, misfits
from app.device.backend import Backend, Model, Network
from app.device.jetson import NoEngine
from app.errors import ConfigError

logger = logging.getLogger(__name__)

Build = Callable[[Model], Any]

_BEGINNING_S = 180.0  # for a GPU to be opened and a first picture to come from a loaded machine
_LOADING_S = 120.0  # for each model; a Nano reads it from a card, and compiles kernels once
_STUCK_S = 60.0  # beyond what a camera may take, with neither a frame nor an attempt


def tracking(config: Config) -> bool:
    """Whether anything needs tracks."""
    asked = config.track or config.looks or config.scenes or config.counters
    hidden = config.privacy is not None and config.privacy.classes
    return bool(asked or hidden or eased(config) or config.overlay.heat) or (
        config.detect.interval != 1
    )


def eased(config: Config) -> bool:
    """Whether less may be done than asked for, to keep up or to stay cool."""
    limits = config.limits
    return limits is not None and (limits.latency_ms or limits.max_temperature_c) is not None


def shrinkable(config: Config, camera: str) -> bool:
    """
    Whether a camera's pictures may become smaller while it is watched: not where something is
    counted or told, since tracks break there; nor where masks are in pixels of the whole picture.
    """
    masks = config.privacy.masks.get(camera, ()) if config.privacy else ()
    pixels = any(value > 1 for points in masks for point in points for value in point)
    told = camera in config.scenes or config.counters or config.events
    return eased(config) and not told and not pixels


def slowest_s(config: Config) -> float:
    """Seconds that the slowest camera may be without a picture, though all is well with it."""
    return max(max(one.timeout_s, 1 / (one.most_fps or 1)) for one in config.cameras)


def loading_s(config: Config) -> float:
    """Seconds after which a service that loads its models hangs."""
    names = {config.models_of.get(one.name, config.detect.model) for one in config.cameras}
    names.update(look.model for look in config.looks)
    if config.privacy and config.privacy.faces:
        names.add(config.privacy.faces)
    return _BEGINNING_S + _LOADING_S * len(names)


def beginning_s(config: Config) -> float:
    """Seconds after which a service hangs that has neither a first frame nor tried a camera."""
    return _BEGINNING_S + slowest_s(config)


def stuck_s(config: Config) -> float:
    """Seconds with neither a frame nor an attempt to reach a camera, after which it hangs."""
    return _STUCK_S + slowest_s(config)


def chosen_models(config: Config) -> Dict[str, Model]:
    """What each camera is looked at with."""
    asked = config.detect
    made = {}
    for camera in config.cameras:
        model = model_of(config, config.models_of.get(camera.name, asked.model))
        made[camera.name] = model._replace(
            score=model.score if asked.score is None else asked.score,
            iou=model.iou if asked.iou is None else asked.iou,
        )
    return made


def model_of(config: Config, name: str) -> Model:
    """One of the config's own, of the catalogue, or an ONNX file."""
    own = [one.model() for one in config.models if one.name == name]
    for model in own:
        away.check(model.path)
    return own[0] if own else catalogue.model(name)


def searched_with(config: Config, models: Mapping[str, Model]) -> Iterator[Tuple[str, Model]]:
    """The models as they are run: a tracker wants also what is less sure."""
    low = 1.0
    if tracking(config):
        low = (config.track or TrackSettings()).low
    if config.privacy and config.privacy.classes:
        low = min(low, config.privacy.score)
    for camera, model in models.items():
        yield camera, model._replace(score=min(model.score, low))


def check_models(config: Config, models: Mapping[str, Model]) -> None:
    """Raise one ConfigError for all that is asked of cameras' models and that those cannot do."""
    wrong = []
    for told in misfits(config, models):
        place = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in told.path)
        wrong.append(f"{place[1:]} {told.text}")
    if wrong:
        raise ConfigError("\n".join(wrong))


class Networks:
    """Networks, each read once however many cameras and pipelines it serves."""

    def __init__(self, backend: Backend, build: Optional[Build], beside: Beside) -> None:
        self._backend = backend
        self._build = build
        self._beside = beside

    def of(self, model: Model) -> Network:
        def loaded(stack: contextlib.ExitStack) -> Network:
            network = self._load(model)
            stack.callback(self._backend.unload, network)
            return network

        key = ("network", self._backend, model, _stamp(model.path))
        return self._beside.take(key, loaded)

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
        logger.info("%s is loaded from %s", model.name, model.path)
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


def _stamp(path: str) -> Optional[Tuple[int, int]]:
    """What changes with a file; None where there is none."""
    try:
        now = os.stat(path)
    except OSError:
        return None
    return now.st_mtime_ns, now.st_size
