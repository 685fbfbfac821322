"""flags: what the command line says, put over a config or in place of one."""

from typing import Any, NamedTuple, Optional

from app import catalogue
from app.conflicts import Config, disagreements
from app.device.backend import BY_GPU, BackendSettings
from app.errors import ConfigError
from app.media import uri
from app.media.camera import Camera
from app.media.mount import RtspSettings
from app.stages.detect import DetectSettings
from app.stages.record import RecordSettings
from app.stages.report import ReportSettings


class Flags(NamedTuple):
    """What the command line may say in place of a config file, or over it."""

    source: Optional[str] = None
    model: Optional[str] = None
    record: Optional[str] = None
    report: Optional[str] = None
    rtsp: Optional[int] = None  # the port
    score: Optional[float] = None
    backend: Optional[str] = None
    threads: Optional[int] = None
    realtime: bool = False
    loop: bool = False


def with_flags(base: Optional[Config], flags: Flags) -> Config:
    """A config, or none, with the flags put over it. Raises ConfigError."""
    if base is None:
        if flags.source is None:
            raise ConfigError("there is nothing to watch. Name a CONFIG file or --source URI")
        base = Config((), DetectSettings(flags.model or catalogue.default()))
    cameras = base.cameras
    if flags.source is not None:
        if len(cameras) > 1:
            raise ConfigError(f"--source stands for one camera, and the config has {len(cameras)}")
        source = uri.parse(flags.source)
        # It keeps the camera's name and ways; the password is not for another source.
        alone = cameras[0] if cameras else Camera("camera", source)
        cameras = (alone._replace(uri=source, user="", password=""),)
    if flags.realtime:
        cameras = tuple(camera._replace(realtime=True) for camera in cameras)
    if flags.loop:
        cameras = tuple(camera._replace(loop=True) for camera in cameras)
    rtsp = base.rtsp
    if flags.rtsp is not None:
        rtsp = (rtsp or RtspSettings())._replace(port=flags.rtsp)
    config = base._replace(
        cameras=cameras,
        models_of={} if flags.model else base.models_of,
        detect=_over(base.detect, model=flags.model, score=flags.score),
        backend=_backend(base.backend, flags),
        rtsp=rtsp,
        record=RecordSettings(flags.record) if flags.record else base.record,
        report=ReportSettings(flags.report) if flags.report else base.report,
    )
    wrong = [complaint.text for complaint in disagreements(config)]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return config


def _backend(asked: BackendSettings, flags: Flags) -> BackendSettings:
    """The CPU may stand in for a GPU; what was asked of that is then of no account."""
    if flags.backend == "host":
        asked = asked._replace(placing=BY_GPU, graphs=True)
    made: BackendSettings = _over(asked, kind=flags.backend, threads=flags.threads)
    return made


def _over(settings_: Any, **values: Any) -> Any:
    """The settings with those values that are not None."""
    return settings_._replace(**{key: value for key, value in values.items() if value is not None})
