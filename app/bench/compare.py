"""compare: what changed between two benchmarks, and whether noise alone would explain it."""

import textwrap
from typing import Any, Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from app.bench import costs, figures, honest
from app.bench.honest import Repeated
from app.bench.pairs import Pair, paired, unlike
from app.bench.results import Accuracy, Document, Trial
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


def _once(measured: Any, field: str) -> Optional[Repeated]:
    """What was measured once for all runs, if it was."""
    value = None if measured is None else getattr(measured, field)
    return None if value is None else Repeated(value, 1)


def _worth(trial: Trial, field: str) -> Optional[Repeated]:
    value = honest.worth(trial.accuracy, field)
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
    Sought("AP", lambda trial: _worth(trial, "ap"), _WORTHS, 0.0005, False),
    Sought("agreement", lambda trial: _worth(trial, "agreement"), _WORTHS, 0.0005, False),
    Sought("RSS, MB", figures.RSS.over, _AMOUNTS, 1.0),
    Sought("device memory, MB", figures.DEVICE.over, _AMOUNTS, 1.0),
    Sought("energy, mJ/frame", figures.ENERGY.over, _AMOUNTS, 0.5),
)  # fmt: skip


def changes(before: Document, after: Document) -> Iterator[str]:
    """Lines for a terminal: what else differs, then each setting, then what to make of it."""
    pairs, lone_before, lone_after = paired(before.trials, after.trials)
    yield from _context(before, after, pairs)
    found: List[Change] = []
    for pair in pairs:
        yield ""
        yield from _wrapped(figures.name_of(pair.before))
        if figures.name_of(pair.after) != figures.name_of(pair.before):
            yield from _wrapped(f"  after: {figures.name_of(pair.after)}")
        for text in pair.differing:
            yield from _wrapped(f"  another setting: {text}")
        for text in pair.config if pair.differing else ():
            yield from _wrapped(f"  {text}")
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


def changes_of(pair: Pair) -> List[Change]:
    """Of the figures that at least one side has."""
    doubt = _doubt(pair.before.accuracy, pair.after.accuracy)
    made = []
    for sought in SOUGHT:
        before, after = sought.get(pair.before), sought.get(pair.after)
        if before is None and after is None:
            continue
        if not sought.repeated and before and after and doubt:
            made.append(Change(sought.name, before, after, doubt))
        else:
            made.append(_change(sought, before, after))
    return made


def _doubt(before: Optional[Accuracy], after: Optional[Accuracy]) -> str:
    """Why two accuracies cannot be compared; nothing where they are of the same pictures."""
    if before is None or after is None:
        return ""
    hashes = before.pictures_sha256, after.pictures_sha256
    if all(hashes):
        return "of other pictures" if hashes[0] != hashes[1] else ""
    alike = (before.pictures, before.source) == (after.pictures, after.source)
    return "perhaps of other pictures" if alike else "of other pictures"


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


def _context(before: Document, after: Document, pairs: Sequence[Pair]) -> Iterator[str]:
    texts = unlike(before, after, pairs)
    if texts:
        yield "Not measured alike, which may explain all that follows:"
    else:
        untold = "" if before.code else " Whether its code is the same is not known."
        yield from _wrapped(
            "Same machine, software, settings of the machine, models, configs and command." + untold
        )
    for text in texts:
        yield from _wrapped("  " + text)
    yield from _wrapped(f"before: {before.date}, after: {after.date}")


def _why_not(pair: Pair) -> str:
    reasons = [trial.problem for trial in pair if trial.problem]
    return "; ".join(reasons) or "neither was measured"


def _wrapped(text: str) -> List[str]:
    inside = text.lstrip(" -")
    indent = text[: len(text) - len(inside)]
    return textwrap.wrap(
        plain(text), WIDEST, subsequent_indent=" " * (len(indent) + 2), break_on_hyphens=False
    )
