"""outline: what a config would open, line by line."""

from typing import Iterator

from app import catalogue
from app.chosen import chosen_models, model_of
from app.conflicts import Config
from app.media import listen, mosaic
from app.service import http
from app.stages import record
from app.stages.watch import Scene


def describe(config: Config) -> Iterator[str]:
    """Open nothing but manifests."""
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
            told = "no password" + (", though rtsp does" if _asks(config) else "")
            yield f"note     http asks for {told}: whoever reaches it sees the pictures"
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


def _asks(config: Config) -> bool:
    """Whether viewers are asked for a password."""
    return config.rtsp is not None and bool(config.rtsp.login.user)
