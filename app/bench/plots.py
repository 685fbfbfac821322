"""plots: a benchmark as pictures: what is worth its time, where the time goes, how it is spread."""

from typing import Callable, List, NamedTuple, Sequence, Tuple

from app.bench import figures, honest, svg
from app.bench.figures import Column
from app.bench.honest import Get, Repeated
from app.bench.results import CAPTURE, Document, Trial
from app.bench.svg import Panel

WIDTH = 480.0  # as many units as a phone has pixels and more, so that letters stay legible there
_FRONT = svg.PALETTE[0]
_LONGEST_NAME = 30
_ROW = 52.0  # height of a bar with its name above and the bare network below


class Point(NamedTuple):
    """A setting in the plane of what it costs and what it is worth."""

    name: str
    cost: Repeated
    worth: float


def pareto(document: Document, column: Column = figures.P50) -> str:
    """Accuracy against latency, or against whatever; empty where there are not two to compare."""
    trials = document.trials
    points, worth = points_of(trials, column.get)
    if len(points) < 2:
        return ""
    energy = column is figures.ENERGY
    cost = "energy of a frame, mJ" if energy else "latency p50, ms"
    title = f"{worth[0].upper()}{worth[1:]} against {'energy' if energy else 'latency'}"
    best = front(points)
    told = "Nothing is both better and cheaper than: " + "; ".join(
        f"{one.name}: {worth} {one.worth:.3f} at {one.cost.median:.4g}" for one in best
    )
    panel = Panel(52, 52, WIDTH - 76, 230)
    ends = [
        one
        for point in points
        for one in (point.cost.low, point.cost.high, point.cost.median)
        if one is not None
    ]
    x = svg.around(ends, panel.left, panel.right)
    y = svg.around([point.worth for point in points], panel.bottom, panel.top)
    y = y._replace(high=min(1.0, y.high))  # no accuracy is more
    body = svg.up(panel, y, worth) + svg.across(panel, x, cost)
    body += svg.path(_stairs([(x.at(p.cost.median), y.at(p.worth)) for p in best]), _FRONT)
    names = _Names(panel)
    places = [(x.at(point.cost.median), y.at(point.worth)) for point in points]
    for place in places:
        names.keep_off(*place)
    for point, place in zip(points, places):
        body += _point(point, place, x, point in best, f"{worth} {point.worth:.3f}, {cost}")
    for point, place in zip(points, places):
        if point in best:
            body += names.write(point.name, *place)
    body += svg.written(
        WIDTH / 2, panel.bottom + 54, "line and full marks: none is both better and cheaper",
        "quiet", "middle",
    )  # fmt: skip
    return svg.picture(WIDTH, panel.bottom + 64, title, told, body)


def pareto_svg(document: Document) -> str:
    """As a file of its own: against latency, and below that against energy where it is known."""
    plots = [plot for plot in (pareto(document), pareto(document, figures.ENERGY)) if plot]
    if not plots:
        told = "No two settings have both an accuracy and a latency."
        body = svg.written(4, 44, told)
        return svg.alone(svg.picture(WIDTH, 60, "Accuracy against latency", told, body))
    if len(plots) == 1:
        return svg.alone(plots[0])
    high = 346.0
    inner = "".join(
        plot.replace("<svg ", f'<svg y="{24 + row * high:.0f}" height="{high:.0f}" ', 1)
        for row, plot in enumerate(plots)
    )
    told = "Two plots, each with a description of its own."
    title = "What an accuracy costs"
    return svg.alone(svg.picture(WIDTH, 24 + high * len(plots), title, told, inner))


def points_of(trials: Sequence[Trial], get: Get) -> Tuple[List[Point], str]:
    """The settings that have both, and what their worth is: the AP, or else the agreement."""
    labelled = any(honest.worth(one.accuracy, "ap") is not None for one in trials)
    points = []
    for trial in trials:
        cost = honest.over(trial.runs, get)
        worth = honest.worth(trial.accuracy, "ap" if labelled else "agreement")
        if cost is not None and worth is not None:
            points.append(Point(figures.name_of(trial), cost, worth))
    return points, "AP" if labelled else "agreement with FP32"


def front(points: Sequence[Point]) -> List[Point]:
    """Those that no other beats in one without losing in the other, the cheapest first."""
    best: List[Point] = []
    for point in sorted(points, key=lambda one: (one.cost.median, -one.worth)):
        if not best or point.worth > best[-1].worth:
            best.append(point)
    return best


def parts(document: Document) -> str:
    """Where the time goes: the median of each step, one bar per setting, the bare network below."""
    trials = [trial for trial in document.trials if _medians(trial)]
    if not trials:
        return ""
    names = list(dict.fromkeys(name for trial in trials for name, _ in _medians(trial)))
    stages = list(dict.fromkeys(_stage(name) for name in names))
    floors = [t.floor.raw.p50 for t in trials if t.floor and t.floor.raw.p50 is not None]
    longest = max([sum(ms for _, ms in _medians(trial)) for trial in trials] + floors)
    panel = Panel(12, 34, WIDTH - 40, _ROW * len(trials))
    x = svg.around([longest], panel.left, panel.right, zero=True)
    body = svg.across(panel, x, "ms")
    told = []
    for row, trial in enumerate(trials):
        bar, text = _bar(trial, panel.top + _ROW * row, x, stages)
        body += bar
        told.append(text)
    entries = [(stage, f'fill="{_colour(stage, stages)}"') for stage in stages]
    if any(name.startswith("to ") for name in names):
        entries.append(("paler: the wait before it", f'fill="{svg.PALETTE[0]}" fill-opacity=".4"'))
    if floors:
        entries.append(("the bare network", 'class="ink"'))
    rows, high = svg.legend(entries, panel.bottom + 46, WIDTH)
    title = "Where the time of a frame goes, p50"
    return svg.picture(WIDTH, panel.bottom + 50 + high, title, "; ".join(told), body + rows)


def _bar(trial: Trial, top: float, x: svg.Scale, stages: Sequence[str]) -> Tuple[str, str]:
    """One setting's bar, and what it says."""
    medians = _medians(trial)
    total = sum(ms for _, ms in medians)
    name = svg.short(figures.name_of(trial), 44)
    body = svg.written(x.start, top + 14, f"{name}: {total:.4g} ms", "halo")
    done, network = 0.0, 0.0
    for step, ms in medians:
        network = done if step in ("detect", "classify") and not network else network
        begin, end = x.at(done), x.at(done + ms)
        about = f'fill="{_colour(_stage(step), stages)}"'
        about += ' fill-opacity=".4"' if step.startswith("to ") else ""
        body += svg.box(begin, top + 19, end - begin, 15, about, f"{step}: {ms:.2f} ms")
        done += ms
    told = ", ".join(f"{step} {ms:.2f} ms" for step, ms in medians)
    raw = trial.floor.raw.p50 if trial.floor else None
    if raw is not None:
        begin, end = x.at(network), x.at(network + raw)
        text = f"the bare network: {raw:.2f} ms"
        body += svg.box(begin, top + 36, end - begin, 4, 'class="ink"', text)
        told += ", " + text
    return body, f"{figures.name_of(trial)}: {told}"


def _medians(trial: Trial) -> List[Tuple[str, float]]:
    """Each step of the latency with the median of its p50, in order, where it is known."""

    def of(name: str) -> Get:
        return lambda run: next((one.spread.p50 for one in run.steps if one.name == name), None)

    every = dict.fromkeys(step.name for run in trial.runs for step in run.steps)
    names = [name for name in every if name != CAPTURE]
    found = [(name, honest.over(trial.runs, of(name))) for name in names]
    return [(name, figure.median) for name, figure in found if figure is not None]


def _stage(step: str) -> str:
    return step[3:] if step.startswith("to ") else step


def _colour(stage: str, stages: Sequence[str]) -> str:
    return svg.PALETTE[stages.index(stage) % len(svg.PALETTE)]


def _stairs(points: Sequence[Tuple[float, float]]) -> List[Tuple[float, float]]:
    """Along the edge of what is possible: as good as the cheaper one until the next is paid for."""
    stairs = list(points[:1])
    for x, y in points[1:]:
        stairs += [(x, stairs[-1][1]), (x, y)]
    return stairs


def _point(point: Point, place: Tuple[float, float], x: svg.Scale, best: bool, what: str) -> str:
    at, high = place
    told = svg.escaped(f"{point.name}: {what} {point.cost.median:.4g}")
    body = ""
    if point.cost.low is not None and point.cost.high is not None:
        low, end = x.at(point.cost.low), x.at(point.cost.high)
        body = svg.line(low, high, end, high, "mark")
        body += svg.line(low, high - 4, low, high + 4, "mark")
        body += svg.line(end, high - 4, end, high + 4, "mark")
    shape = f'fill="{_FRONT}"' if best else 'class="ground"'
    shape += f' stroke="{_FRONT}"' if best else ' stroke="#808890" stroke-width="2"'
    return (
        body + f'<circle cx="{at:.1f}" cy="{high:.1f}" r="5" {shape}><title>{told}</title></circle>'
    )


class _Names:
    """Places names beside points where nothing else stands."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._taken: List[Tuple[float, float, float, float]] = []  # xyxy

    def keep_off(self, x: float, y: float) -> None:
        self._taken.append((x - 6, y - 6, x + 6, y + 6))

    def write(self, name: str, x: float, y: float) -> str:
        name = svg.short(name, _LONGEST_NAME)
        wide = svg.CHARACTER * len(name)
        choices: List[Tuple[float, float]] = [
            (x + 9, y + 16), (x + 9, y - 8), (x - 9 - wide, y - 8), (x - 9 - wide, y + 16),
            (x - wide / 2, y + 22), (x - wide / 2, y - 12), (x + 9, y + 30), (x + 9, y - 24),
        ]  # fmt: skip
        left, top = next(filter(self._free(wide), choices), choices[0])
        left = max(4.0, min(left, WIDTH - 4 - wide))
        self._taken.append((left, top - 12, left + wide, top + 3))
        return svg.written(left, top, name, "halo")

    def _free(self, wide: float) -> Callable[[Tuple[float, float]], bool]:
        def free(place: Tuple[float, float]) -> bool:
            left, top, right, bottom = place[0], place[1] - 12, place[0] + wide, place[1] + 3
            inside = (
                left > self._panel.left and right <= WIDTH - 4 and bottom <= self._panel.bottom - 2
            )
            return inside and top >= self._panel.top - 4 and not any(
                left < x2 and x1 < right and top < y2 and y1 < bottom
                for x1, y1, x2, y2 in self._taken
            )  # fmt: skip

        return free
