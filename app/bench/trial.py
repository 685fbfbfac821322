"""trial: one run in a process of its own, with its client and the machine's vitals beside it."""

import contextlib
import socket
import threading
import time
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from app import child
from app.bench import machine
from app.bench.client import Client, Seen
from app.bench.honest import spread_of
from app.bench.results import Run, Use
from app.bench.work import CAMERA, Outcome
from app.core.steady import SteadyEvent, ends_within
from app.core.vitals import Vitals
from app.device.telemetry import Telemetry, open_telemetry
from app.media.stamp import Stamp

_EVERY_S = 1.0
_ENDING_S = 10.0  # that an interrupted run may take to tell what it has: an hour of it, on a Nano
_POWER = ("total", "gpu")  # of the board; of a card that tells but its own

Tell = Callable[[str, int, int], None]
Reading = Tuple[float, Vitals, Optional[machine.Times]]  # when, in monotonic seconds


def free_port() -> int:
    """One that nobody listens at now, on the loopback."""
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run(
    work: child.Attempt, pace: str, urls: Sequence[str], tell: Tell,
    gpu: Optional[Callable[[], Telemetry]] = None,
) -> Run:  # fmt: skip
    """
    One run, to its end: a child that does work.work(), and a client at each of ``urls``. Raises
    AppError. An interrupt ends it where it is: see child.Attempt.result. ``gpu`` tells first how
    busy others keep it.
    """
    clients: List[Client] = []

    def told(phase: str, done: int, total: int) -> None:
        if phase == "waiting for the client" and not clients:
            clients.extend(map(Client, urls))
        tell(phase, done, total)

    load = None
    if gpu is not None:
        with contextlib.closing(gpu()) as telemetry:
            load = machine.gpu_of_others(telemetry.read)
    with Lookout() as lookout:
        try:
            outcome: Outcome = work.result(told, _ENDING_S)
        finally:
            for one in clients:
                one.close()
    made = outcome.run
    if clients:
        cameras = [url.rpartition("/")[2] for url in urls]
        seen = [one.seen(outcome.since, outcome.until) for one in clients]
        made = viewed(outcome, dict(zip(cameras, seen)), pace)
    use = lookout.use(made, outcome.since, outcome.until)
    return made._replace(use=use._replace(gpu_before_percent=load))


def viewed(outcome: Outcome, seen: Mapping[str, Sequence[Seen]], pace: str) -> Run:
    """The run, with what clients saw of each camera's pictures in its steady part."""
    done = {(one.camera, one.stamp): one.when for one in outcome.done}
    ages, served = [], []
    unread = repeated = 0
    for camera, pictures in seen.items():
        before: Optional[Stamp] = None
        for when, stamp in pictures:
            if stamp is None:
                unread += 1
            elif stamp == before:
                repeated += 1
            else:
                ages.append(1000 * stamp.age_s(when))
                if (camera, stamp) in done:
                    served.append(1000 * (when - done[camera, stamp]))
            before = stamp
    timed = pace == CAMERA  # else they wait for one another
    return outcome.run._replace(
        glass=spread_of(np.array(ages)) if ages and timed else None,
        served=spread_of(np.array(served)) if served and timed else None,
        unseen=max(0, outcome.encoded - len(ages) - unread),
        unread=unread,
        repeated=repeated,
    )


class Lookout:
    """
    Reads the machine's vitals and the CPU's time once a second meanwhile: ``readings``, each with
    its moment in monotonic seconds.
    """

    def __init__(self) -> None:
        self.readings: List[Reading] = []
        self._end = SteadyEvent()
        self._thread = threading.Thread(target=self._look, name="vitals", daemon=True)

    def __enter__(self) -> "Lookout":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        ends_within(self._thread, 3.0)

    def use(self, run_: Run, since: float, until: float) -> Use:
        """What the run knows of itself, and what was seen from outside."""
        seen = _seen([one for one in self.readings if since <= one[0] <= until])
        watts = seen.power_w
        return seen._replace(
            cpu_percent=run_.use.cpu_percent,
            cpu_readings=run_.use.cpu_readings,
            rss_mb=run_.use.rss_mb,
            device_mb=run_.use.device_mb,
            mj_per_frame=1000 * watts / run_.fps if watts and run_.fps else None,
        )

    def around(self, since: float, until: float) -> Use:
        """The same of a time that may be shorter than it is from one reading to the next."""
        moments = [when for when, _, _ in self.readings]
        first = max((when for when in moments if when <= since), default=since)
        last = min((when for when in moments if when >= until), default=until)
        return _seen([one for one in self.readings if first <= one[0] <= last])

    def _look(self) -> None:
        with contextlib.closing(open_telemetry()) as telemetry:
            ended = False
            while not ended:
                ended = self._end.is_set()  # and once more, or the end would not be seen
                now = time.monotonic()
                self.readings.append((now, telemetry.read(), machine.times()))
                self._end.wait(max(0.1, _EVERY_S - (time.monotonic() - now)))


def _seen(readings: Sequence[Reading]) -> Use:
    if not readings:
        return Use()
    vitals = [one for _, one, _ in readings]
    rails = [[one.power[name] for name in _POWER if name in one.power] for one in vitals]
    power = [known[0] for known in rails if known]
    heat = [one.hottest for one in vitals if one.hottest is not None]
    times = [one for _, _, one in readings if one is not None]
    return Use(
        readings=len(power or heat),
        power_w=sum(power) / len(power) if power else None,
        hottest_c=max(heat, default=None),
        clocks_mhz={
            name: sum(one.clocks[name] for one in vitals) / len(vitals) / 1e6
            for name in (vitals[0].clocks if vitals else ())
            if all(name in one.clocks for one in vitals)
        },
        throttled=tuple(sorted({reason for one in vitals for reason in one.throttled})),
        others_percent=machine.others(times[0], times[-1]) if len(times) > 1 else None,
    )
