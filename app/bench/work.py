"""work: one run of a pipeline, in a process of its own, with nothing switched off."""

import contextlib
import math
import resource
import signal
import time
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from app import assemble, config
from app.bench.played import Played, stamped
from app.bench.recorder import Recorder, Row, run_of
from app.bench.results import Run, Use
from app.beside import Beside
from app.core.pipeline import Pipeline
from app.core.stage import Source
from app.core.steady import SteadyEvent
from app.device.backend import Backend
from app.errors import SourceError
from app.media.camera import Camera
from app.media.folder import is_picture
from app.media.stamp import Stamp, stamp_of
from app.media.uri import Kind
from app.service import heap
from app.stages.publish import Publish

CAMERA, FLAT = "camera", "flat"
LEAD_S = 2.0  # before the time that was asked for; more of it may be left out as warm-up
_SPARE = 1.25
_MOST = 4
_TICK_S = 0.25
_CLIENT_S = 15.0  # that a client may take to come
_FIRST_S = 60.0  # that the first frame may take
_MOST_DONE = 20000  # frames that are told one by one: 200 are beyond a p99

Tell = Callable[[str, int, int], None]


class Job(NamedTuple):
    config: str  # YAML
    seconds: float  # to be measured
    pace: str = CAMERA  # sources keep their rate, and the newest frame wins; FLAT: none is lost
    client: bool = True  # an RTSP client will come; it is waited for
    frames: int = 150  # so many at least, for which it may take _MOST times as long


class Done(NamedTuple):
    """A finished frame, by what its stamp says."""

    camera: str
    stamp: Stamp
    when: float  # monotonic: the end of the last stage


class Outcome(NamedTuple):
    run: Run
    since: float  # monotonic: the steady part
    until: float
    encoded: int  # pictures of the cameras' mounts, in the steady part
    done: Tuple[Done, ...] = ()  # frames of that part, evenly, no more than _MOST_DONE


class _Sample(NamedTuple):
    when: float
    cpu_s: float
    dropped: int
    skipped: int
    encoded: int
    replays: Tuple[int, ...]  # of each source


def work(job: Job, tell: Tell, _: Any) -> Outcome:
    """Run the job to its end, or to a SIGTERM, with what there is by then. Raises AppError."""
    heap.limit_arenas()
    chosen = config.parse(job.config, "the benchmark's config")
    tell("loading models", 0, 0)
    with contextlib.closing(assemble.backend(chosen)) as backend, contextlib.closing(
        Beside()
    ) as beside:
        live = job.pace == CAMERA
        clips = {camera.name for camera in chosen.cameras if _is_clip(camera)}
        players: List[Played] = []

        def played(source: Source) -> Source:
            players.append(Played(source, live, paced=live and source.camera in clips))
            return players[-1]

        with beside.following():
            pipeline = assemble.assemble(chosen, backend, beside=beside, played=played)
        pipeline.lanes = [stamped(lane) for lane in pipeline.lanes]
        watch = _Watch(job, pipeline, players, backend, tell)
        signal.signal(signal.SIGTERM, lambda *_: watch.end())
        pipeline.run(watch.stop, watch.tick, _TICK_S)
        return watch.outcome()


class _Watch:
    """Waits for frames and the client, records, and ends the pipeline."""

    def __init__(
        self, job: Job, pipeline: Pipeline, players: Sequence[Played], backend: Backend, tell: Tell
    ) -> None:
        self.stop = SteadyEvent()
        self._job = job
        self._pipeline = pipeline
        self._players = players
        self._backend = backend
        self._tell = tell
        self._recorder = pipeline.meter = Recorder()
        stages = [stage for lane in pipeline.lanes for stage in lane]
        self._publish = next((one for one in stages if isinstance(one, Publish)), None)
        self._entered = time.monotonic()
        self._first: Optional[float] = None  # when the first frame was done
        self._began: Optional[float] = None  # when recording did
        self._ended = math.inf  # when recording was over
        self._samples: List[_Sample] = []
        self._mounts = [source.camera for source in pipeline.sources]
        self._enough = False

    def end(self) -> None:
        """Let the run be as long as it is. A handler of signals may call it."""
        self._enough = True

    def tick(self) -> None:
        now = time.monotonic()
        if self._enough:
            self._ended = min(self._ended, now)
            self.stop.set()
            return
        if self._began is None:
            self._wait(now)
            return
        self._samples.append(self._sample(now))
        gone, total = now - self._began, LEAD_S + self._job.seconds * _SPARE
        if len(self._recorder.rows) < self._job.frames * _SPARE:
            total = min(_MOST * total, max(total, gone + 1))
        self._tell("measuring", int(gone), int(total))
        if gone >= total:
            self._ended = now
            self.stop.set()

    def outcome(self) -> Outcome:
        rows = self._recorder.rows
        if self._began is None or len(rows) < 2:
            raise SourceError(self._nothing())
        run, since, until = run_of(rows, self._began, self._ended)
        inside = [one for one in self._samples if since <= one.when <= until]
        if len(inside) > 1:
            first, last = inside[0], inside[-1]
            share = run.seconds / (last.when - first.when)  # ticks do not meet its ends
            dropped = round(share * (last.dropped - first.dropped))
            run = run._replace(
                came=run.frames + dropped,
                dropped=dropped,
                skipped=round(share * (last.skipped - first.skipped)),
                replays=max(b - a for a, b in zip(first.replays, last.replays)),
                use=Use(
                    cpu_percent=100 * (last.cpu_s - first.cpu_s) / (last.when - first.when),
                    cpu_readings=len(inside) - 1,
                    rss_mb=_rss_mb(),
                    device_mb=self._backend.own_memory() / 1e6 or None,
                ),
            )
            encoded = round(share * (last.encoded - first.encoded))
        else:
            encoded = 0
        return Outcome(run, since, until, encoded, _done(rows, since))

    def _wait(self, now: float) -> None:
        frames = self._pipeline.meter.read().frames
        if not frames:
            self._tell("waiting for the first frame", 0, 0)
            if now - self._entered > _FIRST_S:
                self.stop.set()
            return
        self._first = now if self._first is None else self._first
        coming = self._job.client and self._publish is not None
        if coming and now - self._first < _CLIENT_S and not self._watched():
            self._tell("waiting for the client", 0, 0)
            return
        self._began = now
        self._recorder.recording = True

    def _watched(self) -> bool:
        stats = self._publish.stats() if self._publish else {}
        seen = [stats.get(name) for name in self._mounts]
        return all(one is not None and one.viewers and one.encoded for one in seen)

    def _sample(self, now: float) -> _Sample:
        spent = resource.getrusage(resource.RUSAGE_SELF)
        doors = self._pipeline.dropped().values()
        mounts = self._publish.stats() if self._publish else {}
        return _Sample(
            now,
            spent.ru_utime + spent.ru_stime,
            sum(door.dropped for door in doors) + sum(one.slipped for one in self._players),
            sum(mount.skipped for mount in mounts.values()),
            sum(mounts[name].encoded for name in self._mounts if name in mounts),
            tuple(one.replays for one in self._players),
        )

    def _nothing(self) -> str:
        troubles = [
            f"{source.camera}: {source.state}"
            for source in self._pipeline.sources
            if source.state != "playing"
        ]
        frames = self._pipeline.meter.read().frames
        return f"only {frames} frames were finished. " + (
            ", ".join(troubles) or "Is the clip longer than that, and the machine fast enough?"
        )


def _done(rows: Sequence[Row], since: float) -> Tuple[Done, ...]:
    steady = [row for row in rows if row.finished >= since]
    every = len(steady) // _MOST_DONE + 1
    return tuple(
        Done(row.camera, stamp_of(row.number, row.captured), row.finished)
        for row in steady[::every]
    )


def _is_clip(camera: Camera) -> bool:
    return camera.uri.kind is Kind.FILE and not is_picture(camera.uri.location)


def _rss_mb() -> float:
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1e3
