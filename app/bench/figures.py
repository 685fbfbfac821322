"""figures: what is told of a benchmark, as tables of text for the terminal and for the page."""

from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

from app.bench import honest
from app.bench.honest import Get, Repeated
from app.bench.results import Accuracy, Document, Run, Spread, Trial

FEW = "–"  # too few samples
GLASS = "glass: from a decoded picture at the source to a decoded picture in an RTSP client"
UNTOLD = "n/a"  # this machine does not tell, or there was nothing to measure


class Table(NamedTuple):
    """Each row begins with the name of what it tells of. ``feet``: what explains the figures."""

    title: str
    heads: Tuple[str, ...]
    rows: Tuple[Tuple[str, ...], ...]
    feet: Tuple[str, ...] = ()


class Column(NamedTuple):
    """
    ``samples``: how many the figure is made of, where there may be too few. ``flat``: it is of the
    runs that went as fast as they could.
    """

    head: str
    get: Get
    samples: Optional[Callable[[Run], int]] = None
    flat: bool = False

    def over(self, trial: Trial) -> Optional[Repeated]:
        return honest.over(trial.flat if self.flat else trial.runs, self.get)


def of_spread(head: str, which: Callable[[Run], Optional[Spread]], percentile: str) -> Column:
    def get(run: Run) -> Optional[float]:
        spread = which(run)
        value: Optional[float] = None if spread is None else getattr(spread, percentile)
        return value

    def samples(run: Run) -> int:
        spread = which(run)
        return 0 if spread is None else spread.samples

    return Column(head, get, samples)


def latency(run: Run) -> Optional[Spread]:
    return run.latency


def glass(run: Run) -> Optional[Spread]:
    return run.glass


def _known(head: str, get: Get, enough: Callable[[Run], bool]) -> Column:
    """None where it is of too little, which is then told from what is not known at all."""
    return Column(
        head, lambda run: get(run) if enough(run) else None, lambda run: int(get(run) is not None)
    )


def _cpu(run: Run) -> bool:
    return honest.enough(run.use.cpu_readings)


def _vitals(run: Run) -> bool:
    return honest.enough(run.use.readings)


FPS = _known("fps", lambda run: run.fps, honest.enough_frames)
MOST_FPS = Column("most fps", FPS.get, FPS.samples, flat=True)
P50 = of_spread("p50 ms", latency, "p50")
P95 = of_spread("p95 ms", latency, "p95")
P99 = of_spread("p99 ms", latency, "p99")
GLASS_P50 = of_spread("glass p50", glass, "p50")
GLASS_P95 = of_spread("glass p95", glass, "p95")
ENERGY = _known(
    "mJ/frame",
    lambda run: run.use.mj_per_frame,
    lambda run: honest.enough_frames(run) and _vitals(run),
)
RSS = _known("RSS MB", lambda run: run.use.rss_mb, honest.enough_frames)
DEVICE = _known("device MB", lambda run: run.use.device_mb, honest.enough_frames)
SPEED = (FPS, MOST_FPS, P50, P95, P99, GLASS_P50, GLASS_P95)
USE = (
    _known("CPU %", lambda run: run.use.cpu_percent, _cpu),
    RSS,
    DEVICE,
    _known("W", lambda run: run.use.power_w, _vitals),
    ENERGY,
    _known("°C", lambda run: run.use.hottest_c, _vitals),
)


def tables(document: Document) -> Tuple[Table, ...]:
    """Those of them that have anything to tell, of the settings that were measured."""
    measured = [trial for trial in document.trials if is_measured(trial)]
    made = []
    said: Set[str] = set()
    for table in (_speed(measured), _lost(measured), _use(measured), _accuracy(document.trials)):
        if table is not None:
            made.append(table._replace(feet=tuple(foot for foot in table.feet if foot not in said)))
            said.update(table.feet)
    return tuple(made)


def is_measured(trial: Trial) -> bool:
    return bool(trial.runs or trial.flat)


def name_of(trial: Trial) -> str:
    """What people call it; a single setting bears no name of its own."""
    return trial.name or trial.setting.get("model") or "as it is"


def number(value: float) -> str:
    """As many digits as such a figure is good for."""
    return f"{value:.{decimals(value)}f}"


def decimals(value: float) -> int:
    return 0 if abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2


def repeated(figure: Optional[Repeated]) -> str:
    """ "12.3 ±0.4": the median, and how far off the farthest repeat was."""
    if figure is None:
        return UNTOLD
    text = number(figure.median)
    if figure.apart is not None:
        text += f" ±{figure.apart:.{decimals(figure.median)}f}"
    return text


def cell(trial: Trial, column: Column) -> str:
    figure = column.over(trial)
    runs = trial.flat if column.flat else trial.runs
    if figure is None and column.samples is not None and any(map(column.samples, runs)):
        return FEW
    return repeated(figure)


def share(value: Optional[float]) -> str:
    """An accuracy, from 0 to 1."""
    return UNTOLD if value is None else f"{value:.3f}"


def worth(known: Optional[Accuracy], field: str) -> str:
    """An accuracy, or its agreement, of pictures enough."""
    value = honest.worth(known, field)
    few = value is None and known is not None and getattr(known, field) is not None
    return FEW if few else share(value)


def _speed(trials: Sequence[Trial]) -> Optional[Table]:
    rows = _rows(trials, SPEED)
    if not rows:
        return None
    feet = ["ms from capture to the end of the last stage"]
    if any(run.glass for trial in trials for run in trial.runs):
        feet[0] += f"; {GLASS}"
    if any(trial.flat for trial in trials):
        feet.append("most fps: as fast as it goes; all else at the cameras' own rate")
    return _full("Speed", SPEED, rows, feet)


def _use(trials: Sequence[Trial]) -> Optional[Table]:
    rows = _rows(trials, USE)
    return _full("What it takes of the machine", USE, rows, []) if rows else None


def _lost(trials: Sequence[Trial]) -> Optional[Table]:
    rows = [(name_of(trial), *map(str, _losses(trial.runs))) for trial in trials if trial.runs]
    if not rows:
        return None
    heads = ["setting", "came", "finished", "at the door", "not encoded", "unseen", "unread"]
    feet = ["all runs together"]
    feet[0] += "; at the door: a newer picture took its place, or its clip was read too late"
    if all(row[-1] == UNTOLD for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    else:
        feet.append("unread: the client could not tell which picture it was, so it is in no glass")
    return Table("Frames, and where they were lost", tuple(heads), tuple(rows), tuple(feet))


def _losses(runs: Sequence[Run]) -> Iterator[Union[int, str]]:
    """Each count, of all runs together."""
    for get in (
        lambda run: run.came, lambda run: run.frames, lambda run: run.dropped,
        lambda run: run.skipped, lambda run: run.unseen,
    ):  # fmt: skip
        yield sum(map(get, runs))
    unread = [run.unread for run in runs if run.unread is not None]
    yield sum(unread) if unread else UNTOLD


def _accuracy(trials: Sequence[Trial]) -> Optional[Table]:
    known = [(name_of(trial), trial.accuracy) for trial in trials if trial.accuracy is not None]
    if not known:
        return None
    sources = dict.fromkeys(one.source for _, one in known if one.source)
    labelled = any(one.ap is not None for _, one in known)
    feet = ["AP: mAP@[.5:.95] against labels"] if labelled else []
    feet += ["agreement: with FP32 on the CPU"]
    feet += ["pictures: " + ", ".join(sources)] if sources else []
    rows = tuple(
        (name, *((worth(one, "ap"), worth(one, "ap50")) if labelled else ()))
        + (worth(one, "agreement"), str(one.pictures))
        for name, one in known
    )
    heads = ("setting", *(("AP", "AP50") if labelled else ()), "agreement", "pictures")
    return Table("Accuracy", heads, rows, tuple(feet) + signs(rows))


def _rows(trials: Sequence[Trial], columns: Sequence[Column]) -> List[Tuple[str, ...]]:
    return [
        (name_of(trial),) + tuple(cell(trial, column) for column in columns) for trial in trials
    ]


def _full(
    title: str, columns: Sequence[Column], rows: List[Tuple[str, ...]], feet: List[str]
) -> Optional[Table]:
    """Without the columns that nothing is known of, which are named below."""
    heads = ("setting",) + tuple(column.head for column in columns)
    kept = [
        place
        for place in range(len(heads))
        if place == 0 or any(row[place] != UNTOLD for row in rows)
    ]
    if len(kept) == 1:
        return Table(title, (), (), ("not measured here: " + ", ".join(heads[1:]),))
    untold = [head for place, head in enumerate(heads) if place not in kept]
    feet += ["not measured here: " + ", ".join(untold)] if untold else []
    shown = tuple(tuple(row[place] for place in kept) for row in rows)
    return Table(title, tuple(heads[place] for place in kept), shown, tuple(feet) + signs(shown))


def signs(rows: Sequence[Sequence[str]]) -> Tuple[str, ...]:
    """What the signs in the cells mean."""
    cells = [text for row in rows for text in row[1:]]
    feet = []
    if any("±" in text for text in cells):
        feet.append("±: how far the farthest repeat is from their median")
    if FEW in cells:
        needs = ", ".join(f"p{percent} {honest.least(percent)}" for percent in (50, 95, 99))
        feet.append(
            f"{FEW}: too few samples ({needs} at least; fps and memory {honest.STEADY} frames; "
            f"CPU, W and °C {honest.READINGS} readings; accuracy {honest.PICTURES} pictures)"
        )
    return tuple(feet)
