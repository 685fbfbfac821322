"""table: a benchmark as lines of text, none wider than a terminal is."""

import re
import textwrap
from typing import Iterator, List, Sequence

from app.bench import costs, figures, honest, steps, where
from app.bench.figures import Table
from app.bench.results import Document

WIDEST = 100
_LEAST_NAME = 12
_MOST_LAYERS = 15
_KEPT_SPACE = "\xa0"  # which no line is broken at
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def lines(document: Document) -> Iterator[str]:
    """What a terminal shows of it: machine, tables, what was not measured, notes."""
    for line in where.lines(document.machine):
        kept = (fact.replace(" ", _KEPT_SPACE) for fact in line.split(", "))
        yield from (each.replace(_KEPT_SPACE, " ") for each in _wrapped(", ".join(kept)))
    for table in figures.tables(document):
        yield ""
        yield from shown(table)
    measured = [trial for trial in document.trials if figures.is_measured(trial)]
    if len(measured) == 1:
        for part in (steps.steps(measured[0]), steps.layers(measured[0])):
            if part is not None:
                yield ""
                yield from shown(_cut(part))
    floors = [(trial, trial.floor) for trial in document.trials if trial.floor is not None]
    several = costs.table(document.trials)
    if len(floors) == 1:
        ((trial, floor),) = floors
        yield ""
        yield from _wrapped(f"Cost over {costs.bare(floor)}: {costs.sentence(trial)}")
    elif several is not None:
        yield ""
        yield from shown(several)
    problems = honest.unmeasured(document.trials)
    if problems:
        yield ""
    for trial in problems:
        yield from _wrapped(f"{figures.name_of(trial)}: not measured: {trial.problem}")
    if not measured and not problems:
        yield ""
        yield "nothing was measured"
    notes = honest.notes(document)
    if notes:
        yield ""
        yield "What speaks against these figures"
    for note in notes:
        yield from _wrapped("- " + note)


def shown(table: Table) -> Iterator[str]:
    """A title, a head, the rows, the feet; names are cut where they would not fit."""
    rows = [tuple(map(plain, row)) for row in (table.heads, *table.rows) if row]
    if _too_wide(rows):
        rows = [tuple(text.replace(" ±", "±") for text in row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rest = sum(width + 2 for width in widths[1:])
    first = min(widths[0], max(_LEAST_NAME, WIDEST - rest)) if rows else 0
    yield from _wrapped(table.title)
    for row in rows:
        name = _short(row[0], first)
        yield f"{name:<{first}}" + "".join(
            f"  {text:>{width}}" for text, width in zip(row[1:], widths[1:])
        )
    for foot in table.feet:
        yield from _wrapped(foot, "  ")


def _too_wide(rows: Sequence[Sequence[str]]) -> bool:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return _LEAST_NAME + sum(width + 2 for width in widths[1:]) > WIDEST


def _cut(table: Table) -> Table:
    left = len(table.rows) - _MOST_LAYERS
    if left <= 0:
        return table
    rows = tuple((row[0], _short(row[1], 20)) + tuple(row[2:]) for row in table.rows[:_MOST_LAYERS])
    return table._replace(rows=rows, feet=table.feet + (f"and {left} more",))


def _short(text: str, width: int) -> str:
    """Cut in its middle: names of settings differ at their ends."""
    if len(text) <= width:
        return text
    front = (width - 1) // 2
    return text[:front] + ".." + text[front + 2 - width :]


def plain(text: str) -> str:
    """Without what would move a terminal's cursor."""
    return _CONTROL.sub("\ufffd", text)


def _wrapped(text: str, indent: str = "") -> List[str]:
    return textwrap.wrap(
        plain(text),
        WIDEST,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
    )
