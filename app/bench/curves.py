"""curves: how a run's latency is spread, and how it went from its beginning to its end."""

from typing import Dict, List, Sequence, Tuple

from app.bench import figures, honest, svg
from app.bench.plots import WIDTH
from app.bench.results import Document, Run, Trial
from app.bench.svg import Panel

MOST = len(svg.PALETTE)  # curves in one plot
_DASHES = ("", ' stroke-dasharray="7 3"', ' stroke-dasharray="2 3"')


def spread(document: Document) -> str:
    """One setting: a histogram of its latency. Several: how many frames were done by when."""
    trials = [trial for trial in document.trials if counts(trial.runs)]
    if not trials:
        return ""
    return _histogram(trials[0]) if len(trials) == 1 else _curves(trials)


def counts(runs: Sequence[Run]) -> List[Tuple[float, float, int]]:
    """
    (from ms, to ms, frames) of all runs together. A bin after a gap, and the first, is taken to be
    as wide as the narrowest, as a ratio.
    """
    summed: Dict[float, int] = {}
    for run in runs:
        for edge, frames in run.histogram:
            summed[edge] = summed.get(edge, 0) + frames
    edges = sorted(edge for edge in summed if edge > 0)
    ratio = min((b / a for a, b in zip(edges, edges[1:])), default=1.2)
    lows = [0.0] + edges[:-1]
    bins = [(max(low, edge / ratio), edge, summed[edge]) for low, edge in zip(lows, edges)]
    return [one for one in bins if one[2]]


def _histogram(trial: Trial) -> str:
    bins = counts(trial.runs)
    total = sum(frames for _, _, frames in bins)
    panel = Panel(52, 52, WIDTH - 72, 190)
    x = svg.Scale(bins[0][0] / 1.05, bins[-1][1] * 1.05, panel.left, panel.right, True)
    y = svg.around(
        [100 * max(bins, key=lambda one: one[2])[2] / total], panel.bottom, panel.top, True
    )
    body = svg.up(panel, y, "% of frames") + svg.across(panel, x, "latency, ms")
    for low, high, frames in bins:
        place = y.at(100 * frames / total)
        told = f"{low:.4g} to {high:.4g} ms: {frames} frames"
        about = f'fill="{svg.PALETTE[0]}"'
        body += svg.box(
            x.at(low) + 0.5, place, x.at(high) - x.at(low) - 1, panel.bottom - place, about, told
        )
    marks = []
    for row, column in enumerate((figures.P50, figures.P95, figures.P99)):
        name = column.head.split()[0]
        figure = honest.over(trial.runs, column.get)
        if figure is not None:
            place = x.at(figure.median)
            body += svg.line(place, panel.top, place, panel.bottom, "mark")
            body += svg.written(place + 3, panel.top + 11 + 15 * row, name, "halo")
            marks.append(f"{name} {figure.median:.4g} ms")
    told = f"{total} frames; " + ", ".join(marks)
    return svg.picture(WIDTH, panel.bottom + 44, "How latency is spread", told, body)


def _curves(trials: Sequence[Trial]) -> str:
    shown = trials[:MOST]
    all_bins = [counts(trial.runs) for trial in shown]
    panel = Panel(52, 52, WIDTH - 72, 190)
    low, high = min(bins[0][0] for bins in all_bins), max(bins[-1][1] for bins in all_bins)
    x = svg.Scale(low / 1.05, high * 1.05, panel.left, panel.right, True)
    y = svg.Scale(0, 100, panel.bottom, panel.top)
    body = svg.up(panel, y, "% of frames done by then") + svg.across(panel, x, "latency, ms")
    entries, told = [], []
    for row, (trial, bins) in enumerate(zip(shown, all_bins)):
        total, done = sum(frames for _, _, frames in bins), 0
        points = [(x.at(bins[0][0]), y.at(0))]
        for _, high, frames in bins:
            done += frames
            points.append((x.at(high), y.at(100 * done / total)))
        colour = svg.PALETTE[row]
        dashes = _DASHES[row % len(_DASHES)]
        body += svg.path(points, colour, dashes)
        entries.append((figures.name_of(trial), f'stroke="{colour}" stroke-width="2"{dashes}'))
        middle = honest.over(trial.runs, figures.P50.get)
        told.append(
            f"{figures.name_of(trial)}: half by {middle.median:.4g} ms"
            if middle
            else figures.name_of(trial)
        )
    left = len(trials) - len(shown)
    if left:
        entries.append((f"and {left} more, not drawn", 'fill="none"'))
    rows, tall = svg.legend(entries, panel.bottom + 48, WIDTH)
    title = "How latency is spread"
    return svg.picture(WIDTH, panel.bottom + 52 + tall, title, "; ".join(told), body + rows)


def course(trial: Trial) -> str:
    """Rate and latency over each run; shaded: the warm-up, which is left out of every figure."""
    runs = [run for run in trial.runs if len(run.timeline) > 1]
    if not runs:
        return ""
    end = max(run.timeline[-1][0] for run in runs)
    panels = (Panel(52, 52, WIDTH - 72, 96), Panel(52, 184, WIDTH - 72, 96))
    x = svg.Scale(0, end, panels[0].left, panels[0].right)
    rates = [[(when, rate) for when, rate, _ in run.timeline] for run in runs]
    latencies = [[(t, ms) for t, _, ms in run.timeline if ms is not None] for run in runs]
    body = ""
    warm = min(end, max(run.warm_up_s for run in runs))
    for panel, name, lines in zip(panels, ("fps", "latency p50, ms"), (rates, latencies)):
        values = [value for points in lines for _, value in points]
        if not values:
            continue
        y = svg.around(values, panel.bottom, panel.top, zero=True)
        if warm > 0:
            told = f"warm-up, at most {warm:.1f} s"
            wide = x.at(warm) - panel.left
            body += svg.box(panel.left, panel.top, wide, panel.height, 'class="shade"', told)
        body += svg.up(panel, y, name)
        body += svg.across(panel, x, "seconds" if panel is panels[1] else "")
        for row, points in enumerate(lines):
            colour = svg.PALETTE[row % len(svg.PALETTE)]
            body += svg.path([(x.at(when), y.at(value)) for when, value in points], colour)
    told = f"{len(runs)} runs of up to {end:.0f} s, the longest warm-up {warm:.1f} s."
    if warm > 0:
        body += svg.written(WIDTH - 20, 18, "shaded: warm-up, left out", "quiet", "end")
    title = "Over the time of each run" if len(runs) > 1 else "Over the time of the run"
    return svg.picture(WIDTH, panels[1].bottom + 44, title, told, body)
