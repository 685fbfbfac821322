"""overlay: draw what was found on the picture, in place."""

from __future__ import generator_stop

from typing import Callable, Dict, Iterable, Optional, Set

from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.media.draw import PLAIN, Style, draw, draw_classes
from app.media.draw_places import Places
from app.media.draw_strip import Status, Strip
from app.media.draw_trails import Trails
from app.media.heatmap import Layer

_EVERY_S = 1.0  # how often the strip's figures change: a calm picture can be read


class Overlay(Stage):
    """``celsius`` is asked for the machine's temperature, if it is known, once a second."""

    name = "overlay"

    def __init__(
        self, style: Style = PLAIN, celsius: Callable[[], Optional[float]] = lambda: None
    ) -> None:
        self._style = style
        self._celsius = celsius

    def run(self, frames: Iterable[Frame]) -> Frames:
        cameras: Dict[str, _Camera] = {}
        for frame in frames:
            camera = cameras.get(frame.source)
            if camera is None:
                camera = cameras[frame.source] = _Camera(self._style)
            self._draw(frame, camera)
            yield frame

    def _draw(self, frame: Frame, camera: "_Camera") -> None:
        """What moves is drawn over the places; what stands still and is to be read, over it."""
        style, found = self._style, frame.detections
        if style.heat and frame.heat is not None:
            camera.heat.draw(frame.image, frame.heat, frame.captured)
        if style.zones and frame.places:
            camera.places.draw(frame.image, frame.places)
        if found is not None and style.trail_s:
            camera.trails.add(found, frame.moment, frame.size_wh)
            camera.trails.draw(frame.image)
        if found is not None and style.boxes:
            camera.below &= set(found.track_id.tolist())
            draw(frame.image, found, frame.labels, style, frame.attributes, camera.below)
        if style.zones and frame.places:
            camera.places.label(frame.image, frame.places)
        if frame.tops is not None:
            draw_classes(frame.image, frame.tops, frame.labels, style)
        if style.strip:
            camera.pace.add(frame, self._celsius)
            status = camera.pace.status._replace(camera=frame.source, time=frame.time)
            camera.strip.draw(frame.image, status)


class _Camera:
    """What of a camera's earlier frames is shown on its next."""

    def __init__(self, style: Style) -> None:
        self.heat = Layer()
        self.places = Places(style.theme, style.scale)
        self.trails = Trails(style.trail_s, style.theme, style.scale)
        self.below: Set[int] = set()  # tracks whose plate is below their box
        self.pace = _Pace()
        self.strip = Strip(style.theme, style.scale)


class _Pace:
    """Rate and mean age of a camera's frames over its latest whole second."""

    def __init__(self) -> None:
        self.status = Status("")
        self._since: Optional[float] = None
        self._count = 0
        self._age = 0.0

    def add(self, frame: Frame, celsius: Callable[[], Optional[float]]) -> None:
        self._count += 1
        if frame.marks:
            self._age += max(when for _, when in frame.marks) - frame.captured
        first = self._since is None
        passed = frame.captured - (self._since or 0.0)
        if not first and 0 <= passed < _EVERY_S:
            return
        self.status = Status(
            "",
            fps=self._count / passed if not first and passed > 0 else None,
            age_ms=self._age / self._count * 1000 if frame.marks else None,
            celsius=celsius(),
        )
        self._since, self._count, self._age = frame.captured, 0, 0.0
