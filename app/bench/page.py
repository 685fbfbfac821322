"""page: a benchmark as one HTML page that needs nothing else: no script, no network."""

from typing import List, Optional, Sequence, Tuple

from app import atomic
from app.bench import costs, curves, figures, honest, plots, steps, svg, where
from app.bench.figures import Table
from app.bench.page_style import STYLE
from app.bench.results import Document, Machine, Trial
from app.bench.svg import escaped
from app.errors import OutputError

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(path: str, document: Document) -> None:
    """Raises OutputError; nothing is half written."""
    _write(path, html(document))


def write_picture(path: str, document: Document) -> bool:
    """
    Accuracy against latency and energy as an SVG file; none where there are no two settings to be
    compared so. Returns whether it was written. Raises OutputError.
    """
    if not plots.pareto(document):
        return False
    _write(path, plots.pareto_svg(document))
    return True


def _write(path: str, text: str) -> None:
    try:
        atomic.write(path, text.encode("utf-8"))
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from error


def html(document: Document) -> str:
    """The page, as text to be written in UTF-8. Whatever the document says is text on it."""
    machine = document.machine
    title = f"Jetwatch benchmark: {machine.name or 'a machine'}, {document.date[:10]}"
    body = [
        _top(document),
        _notes(document),
        _headline(document),
        _tables(document),
        _plots(document),
        _settings(document.trials),
        _facts(document),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n<style>\n{STYLE}{svg.STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _top(document: Document) -> str:
    hard, soft = where.lines(document.machine)
    return (
        f"<header><h1>Jetwatch benchmark</h1>\n<p class=lead>{escaped(hard)}</p>\n"
        f"<p>{escaped(soft)}</p>\n"
        f"<p class=command><code>{escaped(document.command)}</code></p>\n"
        f"<p class=quiet>{escaped(_when(document.date))}, Jetwatch {escaped(document.version)}"
        "</p></header>"
    )


def _notes(document: Document) -> str:
    """First, and in a frame of its own, so that nobody reads the figures without them."""
    notes = honest.notes(document)
    troubles = honest.unmeasured(document.trials)
    if not notes and not troubles:
        return "<aside class=well>Nothing was seen that speaks against these figures.</aside>"
    items = [escaped(note) for note in notes]
    items += [
        f"<b>{escaped(figures.name_of(trial))}</b> could not be measured: {escaped(trial.problem)}"
        for trial in troubles
    ]
    listed = "\n".join(f"<li>{item}</li>" for item in items)
    return (
        "<aside class=against role=note><h2>What speaks against these figures</h2>\n"
        f"<ul>\n{listed}\n</ul></aside>"
    )


def _headline(document: Document) -> str:
    """The figures that most people come for, large, where there is one setting."""
    measured = [trial for trial in document.trials if figures.is_measured(trial)]
    if len(measured) != 1:
        return ""
    trial = measured[0]
    tiles = [
        ("frames a second", figures.cell(trial, figures.FPS), ""),
        ("as fast as it goes", figures.cell(trial, figures.MOST_FPS), "fps"),
        ("latency p50", figures.cell(trial, figures.P50), "ms"),
        ("glass to glass p50", figures.cell(trial, figures.GLASS_P50), "ms"),
    ]
    if trial.floor is not None:
        shown = costs.shown(costs.over(trial.floor))
        tiles.append((f"cost over {costs.bare(trial.floor)}", shown, "ms"))
    return (
        "<section class=tiles>"
        + "".join(
            f"<div><strong>{escaped(value)}</strong> {unit if value[0].isdigit() else ''}"
            f"<span>{escaped(name)}</span></div>"
            for name, value, unit in tiles
            if value != figures.UNTOLD
        )
        + "</section>"
    )


def _tables(document: Document) -> str:
    found = list(figures.tables(document))
    added = costs.table(document.trials)
    found += [added] if added is not None else []
    if not found:
        return "<p>Nothing was measured.</p>"
    return "\n".join(f"<section>{_table(table)}</section>" for table in found)


def _table(table: Table, level: int = 2) -> str:
    """The first cell of a row names it."""
    feet = "".join(f"<p class=foot>{escaped(foot)}</p>" for foot in table.feet)
    title = f"<h{level}>{escaped(table.title)}</h{level}>"
    if not table.rows:
        return title + feet
    heads = "".join(f"<th scope=col>{escaped(head)}</th>" for head in table.heads)
    rows = "\n".join(
        f"<tr><th scope=row>{escaped(row[0])}</th>"
        + "".join(f"<td>{escaped(text)}</td>" for text in row[1:])
        + "</tr>"
        for row in table.rows
    )
    return (
        f"{title}\n<div class=wide tabindex=0><table>\n<thead><tr>{heads}</tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></div>{feet}"
    )


def _plots(document: Document) -> str:
    drawn = [
        plots.pareto(document),
        plots.pareto(document, figures.ENERGY),
        plots.parts(document),
        curves.spread(document),
    ]
    measured = [trial for trial in document.trials if figures.is_measured(trial)]
    if len(measured) == 1:
        drawn.append(curves.course(measured[0]))
    return _figures(drawn)


def _figures(drawn: Sequence[str]) -> str:
    shown = "\n".join(f"<figure>{plot}</figure>" for plot in drawn if plot)
    return f"<section class=plots>\n{shown}\n</section>" if shown else ""


def _settings(trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    alone = sum(map(figures.is_measured, trials)) == 1
    listed = "\n".join(_setting(trial, alone) for trial in trials)
    title = "The setting" if len(trials) == 1 else "Each setting"
    return f"<section><h2>{title}</h2>\n{listed}</section>"


def _setting(trial: Trial, alone: bool) -> str:
    facts = [(name, value) for name, value in trial.setting.items()]
    facts += [("model's sha256", trial.model_sha256)] if trial.model_sha256 else []
    if trial.runs:
        seconds = ", ".join(f"{run.seconds:.1f}" for run in trial.runs)
        warm = ", ".join(f"{run.warm_up_s:.1f}" for run in trial.runs)
        facts += [("runs, s", seconds), ("warm-up left out, s", warm)]
        clocks = trial.runs[-1].use.clocks_mhz
        told = ", ".join(f"{name} {mhz:.0f} MHz" for name, mhz in clocks.items())
        facts += [("clocks in the last run", told)] if told else []
    parts = [_listed(facts)]
    parts += [_table(table, 3) for table in (steps.steps(trial), steps.layers(trial)) if table]
    parts += [] if alone else [_figures([curves.course(trial)])]
    config = escaped("\n".join(trial.config))
    parts += [f"<h3>The config</h3><pre>{config}</pre>"] if trial.config else []
    opened = " open" if alone else ""
    name = escaped(figures.name_of(trial))
    return f"<details{opened}><summary>{name}</summary>\n{''.join(parts)}</details>"


def _facts(document: Document) -> str:
    """All that is known of the machine, and how the page was come by."""
    machine: Machine = document.machine
    facts = [
        (where.fact(name), str(value)) for name, value in zip(machine._fields, machine) if value
    ]
    hashes: List[Tuple[str, Optional[str]]] = [
        ("model's sha256", text)
        for text in dict.fromkeys(trial.model_sha256 for trial in document.trials)
    ]
    facts += [(name, text) for name, text in hashes if text]
    own = [("its commit", document.commit), ("its code's sha256", document.code)]
    facts += [
        ("command", document.command),
        ("date", _when(document.date)),
        ("Jetwatch", document.version),
        *((name, text) for name, text in own if text),
        ("format", document.format),
    ]
    return f"<section><h2>Where and how it was measured</h2>\n{_listed(facts)}</section>"


def _listed(facts: Sequence[Tuple[str, str]]) -> str:
    rows = "".join(
        f"<div><dt>{escaped(name)}</dt><dd>{escaped(value)}</dd></div>\n" for name, value in facts
    )
    return f"<dl>\n{rows}</dl>" if rows else ""


def _when(date: str) -> str:
    """2026-11-28T21:14:05Z as people read it."""
    return date.replace("T", " ").replace("Z", " UTC") if date[4:5] == "-" else date
