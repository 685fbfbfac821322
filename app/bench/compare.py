"""compare: what changed between two benchmarks, and whether noise alone would explain it."""

import textwrap
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from app.bench import costs, figures, honest, where
from app.bench.honest import Get, Repeated
from app.bench.results import Document, Trial
from app.bench.table import WIDEST, plain

WITHIN = "within the noise"
ALIKE = "the same"


class Sought(NamedTuple):
    """One figure that is compared. ``resolution``: what is less than it is no difference."""

    name: str
    get: Callable[[Trial], Optional[Repeated]]
    words: Tuple[str, str]  # for less, for more
    resolution: float
    repeated: bool = True  # False: the same pictures give the same figure


class Change(NamedTuple):
    """``sure``: the verdict holds unless noise did it, as likely as ``chance`` says."""

    name: str
    before: Optional[Repeated]
    after: Optional[Repeated]
    verdict: str
    sure: bool = False
    chance: Optional[float] = None


class Pair(NamedTuple):
    before: Trial
    after: Trial

    @property
    def differing(self) -> List[str]:
        """The settings that are not the same: "precision: fp16 → int8"."""
        return list(_differing(self.before.setting.items(), self.after.setting.items()))


def _of_runs(get: Get) -> Callable[[Trial], Optional[Repeated]]:
    return lambda trial: honest.over(trial.runs, get)


def _once(measured: Any, field: str) -> Optional[Repeated]:
    """What was measured once for all runs, if it was."""
    value = None if measured is None else getattr(measured, field)
    return None if value is None else Repeated(value, 1)


_SPEEDS = ("faster", "slower")
_AMOUNTS = ("less", "more")
_WORTHS = ("worse", "better")
SOUGHT = (
    Sought("fps", figures.FPS.over, ("slower", "faster"), 0.05),
    Sought("most fps", figures.MOST_FPS.over, ("slower", "faster"), 0.05),
    Sought("latency p50, ms", figures.P50.over, _SPEEDS, 0.02),
    Sought("latency p95, ms", figures.P95.over, _SPEEDS, 0.02),
    Sought("glass p50, ms", figures.GLASS_P50.over, _SPEEDS, 0.02),
    Sought("cost over raw, ms", lambda trial: costs.over(trial.floor), _SPEEDS, 0.01),
    Sought("AP", lambda trial: _once(trial.accuracy, "ap"), _WORTHS, 0.0005, False),
    Sought("agreement", lambda trial: _once(trial.accuracy, "agreement"), _WORTHS, 0.0005, False),
    Sought("RSS, MB", _of_runs(lambda run: run.use.rss_mb), _AMOUNTS, 1.0),
    Sought("device memory, MB", _of_runs(lambda run: run.use.device_mb), _AMOUNTS, 1.0),
    Sought("energy, mJ/frame", figures.ENERGY.over, _AMOUNTS, 0.5),
)  # fmt: skip


def changes(before: Document, after: Document) -> Iterator[str]:
    """Lines for a terminal: what else differs, then each setting, then what to make of it."""
    yield from _context(before, after)
    pairs, lone_before, lone_after = paired(before.trials, after.trials)
    found: List[Change] = []
    for pair in pairs:
        yield ""
        yield from _wrapped(figures.name_of(pair.before))
        if figures.name_of(pair.after) != figures.name_of(pair.before):
            yield from _wrapped(f"  after: {figures.name_of(pair.after)}")
        for text in pair.differing:
            yield from _wrapped(f"  another setting: {text}")
        mine = changes_of(pair)
        found += mine
        for change in mine:
            yield _shown(change)
        if not mine:
            yield from _wrapped("  nothing to compare: " + _why_not(pair))
    for title, lone in (("before", lone_before), ("after", lone_after)):
        for trial in lone:
            yield ""
            yield from _wrapped(f"{figures.name_of(trial)}: only {title}, so compared with nothing")
    yield from _foot(found)
    for title, document in (("before", before), ("after", after)):
        notes = honest.notes(document)
        if notes:
            yield ""
            yield f"What speaks against the figures {title}"
        for note in notes:
            yield from _wrapped("- " + note)


def paired(
    before: Sequence[Trial], after: Sequence[Trial]
) -> Tuple[List[Pair], List[Trial], List[Trial]]:
    """
    Trials of the same settings; of the rest those two that are nearest to one another and to no
    other, if more of their settings agree than differ. Then those without a partner.
    """
    left, right = list(before), list(after)
    pairs = []
    for one in before:
        other = next((each for each in right if each.setting == one.setting), None)
        if other is not None:
            pairs.append(Pair(one, other))
            left.remove(one)
            right.remove(other)
    for one in list(left):
        other = _nearest(one, right)
        if other is not None and _nearest(other, left) is one:
            pairs.append(Pair(one, other))
    mine = [id(pair.before) for pair in pairs]
    theirs = [id(pair.after) for pair in pairs]
    return (
        pairs,
        [trial for trial in left if id(trial) not in mine],
        [trial for trial in right if id(trial) not in theirs],
    )


def changes_of(pair: Pair) -> List[Change]:
    """Of the figures that at least one side has."""
    known = pair.before.accuracy, pair.after.accuracy
    same_pictures = known[0] is not None and known[1] is not None and (
        (known[0].pictures, known[0].source) == (known[1].pictures, known[1].source)
    )  # fmt: skip
    made = []
    for sought in SOUGHT:
        before, after = sought.get(pair.before), sought.get(pair.after)
        if before is None and after is None:
            continue
        if not sought.repeated and before and after and not same_pictures:
            made.append(Change(sought.name, before, after, "of other pictures"))
        else:
            made.append(_change(sought, before, after))
    return made


def _change(sought: Sought, before: Optional[Repeated], after: Optional[Repeated]) -> Change:
    def judged(verdict: str, sure: bool = False, chance: Optional[float] = None) -> Change:
        return Change(sought.name, before, after, verdict, sure, chance)

    if before is None or after is None:
        return judged("not known " + ("before" if before is None else "after"))
    moved = after.median - before.median
    word = sought.words[moved > 0]
    if not sought.repeated:
        return judged(ALIKE if abs(moved) < sought.resolution else word)
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return judged("noise unknown: one run")
    apart = max(after.low - before.high, before.low - after.high)
    if apart <= 0 or abs(moved) < sought.resolution:
        return judged(WITHIN)
    return judged(word, True, honest.chance(before.runs, after.runs))


def _shown(change: Change) -> str:
    before, after = (
        "n/a" if one is None else _repeated(change.name, one)
        for one in (change.before, change.after)
    )
    moved = ""
    if change.before and change.after and change.before.median:
        ratio = change.after.median / change.before.median - 1
        moved = f"{100 * ratio:+.1f} %"
    verdict = change.verdict
    if change.chance is not None:
        verdict += f" (chance {100 * change.chance:.2g} %)"
    return f"  {change.name:<18}{before:>14} → {after:<14}{moved:>9}  {verdict}"


def _repeated(name: str, figure: Repeated) -> str:
    return figures.share(figure.median) if name in ("AP", "agreement") else figures.repeated(figure)


def _foot(found: Sequence[Change]) -> Iterator[str]:
    sure = [change for change in found if change.sure]
    judged = [change for change in found if change.sure or change.verdict == WITHIN]
    if sure:
        chances = [change.chance or 0.0 for change in sure]
        low, high = (f"{100 * one:.2g}" for one in (min(chances), max(chances)))
        each = f"{low} %" if low == high else f"{low} to {high} %"
        expected = max(chances) * len(judged)
        yield ""
        yield from _wrapped(
            "A verdict stands where no repeat before is as good, or as bad, as any after. Pure "
            f"noise does that with a chance of {each} each: of {len(judged)} figures here "
            f"{expected:.1f} would by noise alone."
        )
    if sure and max(change.chance or 0.0 for change in sure) > 0.01:
        enough = 100 * honest.chance(honest.SUGGESTED, honest.SUGGESTED)
        yield from _wrapped(f"With {honest.SUGGESTED} runs on either side it is {enough:.1g} %.")
    if any(change.verdict.startswith("noise unknown") for change in found):
        yield ""
        yield from _wrapped(
            "One run says nothing of its own noise: no verdict is given where a side has only one."
        )


def _context(before: Document, after: Document) -> Iterator[str]:
    """What else is not the same, which may be all the reason that there is."""
    old, new = before.machine, after.machine
    texts = list(
        _differing(
            ((where.fact(name), str(value)) for name, value in zip(old._fields, old)),
            ((where.fact(name), str(value)) for name, value in zip(new._fields, new)),
        )
    )
    texts += _differing(
        [("command", before.command), ("Jetwatch", before.version)],
        [("command", after.command), ("Jetwatch", after.version)],
    )
    for pair in paired(before.trials, after.trials)[0]:
        texts += _differing(
            [(f"{figures.name_of(pair.before)}: model's sha256", pair.before.model_sha256[:12])],
            [(f"{figures.name_of(pair.before)}: model's sha256", pair.after.model_sha256[:12])],
        )
    if texts:
        yield "Not measured alike, which may explain all that follows:"
    else:
        yield "Same machine, software, settings of the machine, models and command."
    for text in texts:
        yield from _wrapped("  " + text)
    yield from _wrapped(f"before: {before.date}, after: {after.date}")


def _differing(
    before: Iterable[Tuple[str, str]], after: Iterable[Tuple[str, str]]
) -> Iterator[str]:
    old: Dict[str, str] = dict(before)
    new: Dict[str, str] = dict(after)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name) or 'not told'} → {new.get(name) or 'not told'}"


def _nearest(trial: Trial, others: Sequence[Trial]) -> Optional[Trial]:
    """The one that differs in the fewest settings, if it alone does and most of them agree."""
    apart = []
    for other in others:
        names = set(trial.setting) | set(other.setting)
        count = sum(trial.setting.get(name) != other.setting.get(name) for name in names)
        if 2 * count <= len(names):
            apart.append((count, other))
    least = min((count for count, _ in apart), default=0)
    nearest = [other for count, other in apart if count == least]
    return nearest[0] if len(nearest) == 1 else None


def _why_not(pair: Pair) -> str:
    reasons = [trial.problem for trial in pair if trial.problem]
    return "; ".join(reasons) or "neither was measured"


def _wrapped(text: str) -> List[str]:
    inside = text.lstrip(" -")
    indent = text[: len(text) - len(inside)]
    return textwrap.wrap(
        plain(text), WIDEST, subsequent_indent=" " * (len(indent) + 2), break_on_hyphens=False
    )
