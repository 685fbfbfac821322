"""console: what the command line says, as text; nothing here prints."""

from typing import Iterator, List, Mapping, NamedTuple, Sequence

from app import engines
from app.core.channel import ChannelStats
from app.core.meter import Reading, Sighting, Spread
from app.core.stage import Source
from app.device.backend import Model
from app.device.convert import TOLERANCE, Difference
from app.device.onnxfile import Description
from app.device.plan import Sidecar
from app.device.planfile import Row
from app.fetch import Progress
from app.manifest import Entry

_MOST_LABELS = 12
_WIDEST_LABEL = 24


class Moment(NamedTuple):
    """A reading and when it was taken, so that a rate can be had from two of them."""

    when: float
    reading: Reading


def status(
    now: Moment, before: Moment, drops: Mapping[str, ChannelStats], sources: Sequence[Source]
) -> str:
    """One line: rate since the moment before, latency, what is seen, drops, cameras in trouble."""
    elapsed = max(now.when - before.when, 1e-6)
    rate = (now.reading.frames - before.reading.frames) / elapsed
    dropped = sum(stats.dropped for stats in drops.values())
    named = [f"{_short(one.label)} {one.score:.0%}" for one in now.reading.named_now]
    parts = [
        f"{rate:5.1f} fps",
        f"latency {now.reading.latency.p50:.0f} ms",
        ", ".join(named) or counted(now.reading.objects_now, "object"),
        f"{dropped} dropped",
        counted(now.reading.frames, "frame"),
    ]
    return " | ".join(parts + troubles(sources))


def troubles(sources: Sequence[Source]) -> List[str]:
    """The cameras that give no picture now, and why."""
    states = [(source.camera, source.state) for source in sources]
    return [f"{camera}: {state}" for camera, state in states if state != "playing"]


def summary(reading: Reading, elapsed: float, drops: Mapping[str, ChannelStats]) -> List[str]:
    """The table at the end: stage times and what was seen."""
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
    lines.append("saw" if reading.sightings else "saw nothing")
    lines += [_seen(sighting) for sighting in reading.sightings[:_MOST_LABELS]]
    left = len(reading.sightings) - _MOST_LABELS
    return lines + ([f"and {counted(left, 'label')} more"] if left > 0 else [])


def offer(entry: Entry, here: bool) -> str:
    """A line of the catalogue."""
    mark = "*" if here else " "
    licence = entry.licence.split(" (")[0]
    return f"{mark} {entry.name:<16} {entry.kind:<10} {licence:<13} {entry.summary}"


def progress(now: Progress) -> str:
    under_way = 0 < now.done < now.total
    share = f" {100 * now.done // now.total} % of {size(now.total)}" if under_way else ""
    return f"{now.name}: {now.phase}{share}"


def network(found: Description) -> Iterator[str]:
    """What an ONNX file holds."""
    for title, specs in (("input", found.inputs), ("output", found.outputs)):
        for spec in specs:
            shape = " x ".join("?" if side < 0 else str(side) for side in spec.shape)
            yield f"{title:<11}{spec.name}: {shape or 'a scalar'} of {spec.dtype}"
    yield f"{'opset':<11}{found.opset}" + (f", by {found.producer}" if found.producer else "")
    yield f"{'operators':<11}" + ", ".join(f"{n} {name}" for name, n in found.operators.items())
    if not found.refused:
        yield f"{'TensorRT':<11}8.2 knows all its operators"
    for one in found.refused:
        remedy = f"; {one.remedy}" if one.remedy else ""
        yield f"{'TensorRT':<11}8.2 refuses {one.operator}: {one.reason}{remedy}"


def manifest(model: Model, reason: str) -> Iterator[str]:
    """The manifest that fits, as it would stand in engines/NAME.yaml or under models:."""
    yield f"{'guess':<11}{reason}"
    yield ""
    yield f"# {model.name}.yaml"
    yield from described(model)
    yield f"labels: NAME  # {len(model.labels) or 'its'} labels; see configs/labels"


def difference(found: Difference) -> str:
    """How far an ONNX file's answers are from those of the module it was made of."""
    return (
        f"batch {found.batch}: {found.output} differs by {found.absolute:.1e} at most, "
        f"{found.relative:.1e} of its largest value ({TOLERANCE:g} is allowed)"
    )


def described(model: Model) -> Iterator[str]:
    """A model's input and head as a manifest says them."""
    if model.input is not None:
        spec = model.input
        yield (
            f"input: {{size: {list(spec.size_wh)}, layout: {spec.layout}, colour: {spec.colour}, "
            f"mean: {list(spec.mean)}, std: {list(spec.std)}, "
            f"placement: {spec.placement.value}, pad: {spec.pad}"
            + (f", resize: {spec.resize}}}" if spec.resize else "}")
        )
    if model.decoder is not None:
        yield f"decoder: {model.decoder}"
    if model.outputs:
        yield "outputs: {" + ", ".join(f'{k}: "{v}"' for k, v in model.outputs.items()) + "}"


def build_progress(now: engines.Progress) -> str:
    """One line: which model and precision, what is done now, how far it is, since when."""
    parts = [f"{now.name}" + (f" {now.precision}" if now.precision else "")]
    if now.total:
        parts.append(f"{now.phase} {now.done} of {now.total}")
    else:
        parts.append(now.phase + (f" {now.done}" if now.done else ""))
    return ": ".join(parts) + f" | {now.elapsed:.0f} s"


def engine_built(made: Sidecar) -> str:
    """What was built, on one line."""
    return (
        f"{made.model.name}: {made.fingerprint.precision} engine, batch {made.batch}, "
        f"{size(made.plan_bytes)}, {size(made.device_memory)} to run in, {made.build_s:.0f} s"
    )


def engine_table(rows: Sequence[Row]) -> Iterator[str]:
    """The engines that were found, what is known of each, and whether it runs here."""
    if not rows:
        yield "no engine yet. Run: jetwatch build MODEL"
        return
    yield f"{'model':<18}{'type':<6}{'batch':>5}{'size':>10}{'memory':>10}  {'accuracy':<28}here"
    for row in rows:
        known = row.sidecar
        if known is None:
            yield f"{row.name:<18}{'?':<11}{size(row.bytes):>10}{'':<40}{row.verdict}"
            continue
        accuracy = known.accuracy
        told = "not measured"
        if accuracy is not None and accuracy.agreement is not None:
            told = f"agreement {accuracy.agreement:.3f}"
            told += f", AP {accuracy.ap:.3f}" if accuracy.ap is not None else ""
            told += ", forced" if accuracy.forced else ""
        elif known.fingerprint.precision == "fp32":
            told = "exact"
        yield (
            f"{row.name:<18}{known.fingerprint.precision:<6}{known.batch:>5}{size(row.bytes):>10}"
            f"{size(known.device_memory):>10}  {told:<28}{row.verdict}"
        )


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size(count: int) -> str:
    """A number of bytes as people read it."""
    return f"{count / 1e6:.1f} MB" if count >= 100000 else f"{count / 1e3:.1f} kB"


def _row(spread: Spread) -> str:
    name = (
        spread.name.replace("to ", "wait for ", 1) if spread.name.startswith("to ") else spread.name
    )
    return f"{name:<24}{spread.mean:>9.2f}{spread.p50:>9.2f}{spread.p95:>9.2f}"


def _seen(one: Sighting) -> str:
    frames = counted(one.frames, "frame")
    return f"{_short(one.label):<24}{one.objects:>9} in {frames}, best score {one.score:.2f}"


def _short(label: str) -> str:
    return label if len(label) < _WIDEST_LABEL else label[: _WIDEST_LABEL - 3] + ".."
