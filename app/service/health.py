"""health: what the facts mean: whether the service lives, is ready, and what it lacks."""

from typing import Iterator, NamedTuple, Optional, Tuple

from app.service.facts import CameraFacts, Facts

EVERY_S = 1.0  # the facts are renewed
UNSEEN_S = 15.0  # facts that are older than this: the main thread hangs
LOADING_S = 900.0  # that models may take to load, perhaps to be built, beside what runs
DROPPING = 0.5  # of a camera's frames; newest wins, so fewer than all is no fault yet
MEMORY = 0.8  # of the budget


class CameraHealth(NamedTuple):
    camera: CameraFacts
    age_s: Optional[float]  # of the newest finished frame; None before the first
    reasons: Tuple[str, ...]  # what is wrong with it, for people; none where all is well


class Health(NamedTuple):
    """
    ``live``: something is done, or it is only starting; if not, a restart may help. ``ready``: a
    frame has gone all the way and not all cameras are lost. ``reasons`` are all that is wrong,
    the cameras' with their names.
    """

    live: bool
    ready: bool
    reasons: Tuple[str, ...]
    cameras: Tuple[CameraHealth, ...]

    @property
    def level(self) -> str:
        """The worst of it in a word: "stuck", "not ready", "degraded" or "ok"."""
        if not self.live:
            return "stuck"
        if not self.ready:
            return "not ready"
        return "degraded" if self.reasons else "ok"


def health(facts: Facts, now: float) -> Health:
    """What facts mean ``now``, in monotonic seconds."""
    loading = facts.loading and now - facts.when < LOADING_S
    if loading:  # they mean what they meant
        now = facts.when
    stuck = _stuck(facts, now)
    # Within the second in which facts are renewed, what they do not say is no frame's age.
    seen = facts.when + max(0.0, now - facts.when - EVERY_S)
    cameras = tuple(_camera(camera, seen, now) for camera in facts.cameras)
    lost = bool(cameras) and all(one.camera.lost for one in cameras)
    reasons = [stuck] if stuck else []
    if not facts.running:
        reasons.append("starting: models are loaded")
    elif not facts.frames:
        reasons.append("no frame has gone all the way yet")
    elif lost:
        reasons.append("all cameras are lost")
    if loading:
        reasons.append("the config has changed: models are loaded")
    for one in cameras:
        reasons += [f"{one.camera.name}: {reason}" for reason in one.reasons]
    reasons += _machine(facts)
    ready = facts.running and facts.frames > 0 and not lost
    return Health(not stuck, ready, tuple(reasons), cameras)


def _stuck(facts: Facts, now: float) -> str:
    if not facts.running:
        return ""  # building an engine takes as long as it takes
    if now - facts.when > UNSEEN_S:
        return f"the main thread has hung for {_span(now - facts.when)}"
    idle_s = now - facts.progressed
    if idle_s > facts.patience_s:
        return f"nothing was done for {_span(idle_s)}: no frame, no attempt to reach a camera"
    return ""


def _camera(camera: CameraFacts, seen: float, now: float) -> CameraHealth:
    age_s = None if camera.captured is None else max(0.0, seen - camera.captured)
    return CameraHealth(camera, age_s, tuple(_complaints(camera, age_s, now)))


def _complaints(camera: CameraFacts, age_s: Optional[float], now: float) -> Iterator[str]:
    if camera.state.startswith("ended"):  # a file at its end is no complaint
        if camera.state != "ended":
            yield camera.state
        return
    if camera.lost:
        why = camera.state.partition(": ")[2] or "for no known reason"
        wait_s = max(0.0, camera.next_try - now)
        after = f"next try in {wait_s:.0f} s" if wait_s >= 0.5 else "it is being tried again"
        yield f"lost for {_span(now - camera.since)}: {why}; {after}"
    elif age_s is None:
        state = "" if camera.up else f" ({camera.state} for {_span(now - camera.since)})"
        yield f"no picture yet{state}"
    elif camera.live and age_s > camera.patience_s:
        yield f"its newest picture is {_span(age_s)} old"
    if camera.live and camera.dropping > DROPPING:
        yield f"{camera.dropping:.0%} of its frames are dropped, as they come too fast"


def _machine(facts: Facts) -> Iterator[str]:
    machine = facts.machine
    yield from machine.complaints
    yield from machine.reasons
    yield from machine.vitals.throttled
    used, limit = machine.memory_used, machine.memory_limit
    if used is not None and limit and used > MEMORY * limit:
        yield f"{used >> 20} MB of the {limit >> 20} MB of memory it may take are in use"


def _span(seconds: float) -> str:
    """A duration for people."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h"
