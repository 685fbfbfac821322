"""console: what the command line says, as text; nothing here prints."""

from typing import Iterable, List, Mapping, NamedTuple, Sequence

from app.core.channel import ChannelStats
from app.core.meter import Reading, Sighting, Spread
from app.core.stage import Source


class Moment(NamedTuple):
    """A reading and when it was taken, so that a rate can be had from two of them."""

    when: float
    reading: Reading


def status(
    now: Moment, before: Moment, drops: Mapping[str, ChannelStats], sources: Sequence[Source]
) -> str:
    """One line: rate since the moment before, latency, objects, drops, cameras in trouble."""
    elapsed = max(now.when - before.when, 1e-6)
    rate = (now.reading.frames - before.reading.frames) / elapsed
    dropped = sum(stats.dropped for stats in drops.values())
    parts = [
        f"{rate:5.1f} fps",
        f"latency {now.reading.latency.p50:.0f} ms",
        counted(now.reading.objects_now, "object"),
        f"{dropped} dropped",
        counted(now.reading.frames, "frame"),
    ]
    parts += [
        f"{source.camera}: {state}"
        for source, state in ((one, getattr(one, "state", "")) for one in sources)
        if state.startswith(("lost", "connecting"))
    ]
    return " | ".join(parts)


def summary(
    reading: Reading, elapsed: float, drops: Mapping[str, ChannelStats], written: Iterable[str]
) -> List[str]:
    """The table at the end: stage times, what was seen, what was written."""
    if not reading.frames:
        return [f"no frame in {elapsed:.1f} s"]
    rate = (reading.frames - 1) / reading.seconds if reading.seconds > 0 else 0.0
    dropped = sum(stats.dropped for stats in drops.values())
    lines = [
        f"{counted(reading.frames, 'frame')} in {elapsed:.1f} s"
        + (f", {rate:.1f} fps" if rate else "")
        + f", {dropped} dropped",
        "",
        f"{'stage':<24}{'mean':>9}{'p50':>9}{'p95':>9}   ms",
    ]
    lines += [_row(stage) for stage in reading.stages]
    lines.append(_row(reading.latency._replace(name="capture to end")))
    if len(reading.cameras) > 1:
        lines.append("")
        lines += [
            f"{name:<24}{frames:>9} frames, {drops[name].dropped} dropped"
            for name, frames in reading.cameras
        ]
    lines.append("")
    lines.append("saw: " + ("; ".join(map(_seen, reading.sightings[:12])) or "nothing"))
    lines += [f"wrote {path}" for path in written]
    return lines


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB" if count >= 100000 else f"{count / 1e3:.1f} kB"


def _row(spread: Spread) -> str:
    name = spread.name.replace("to ", "wait for ", 1) if spread.name.startswith("to ") else spread.name
    return f"{name:<24}{spread.mean:>9.2f}{spread.p50:>9.2f}{spread.p95:>9.2f}"


def _seen(one: Sighting) -> str:
    return f"{one.label} x{one.objects} in {counted(one.frames, 'frame')} (best {one.score:.2f})"
