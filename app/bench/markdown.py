"""markdown: the table of benchmarks in the README, made of their files, and what keeps it so."""

import json
import re
from typing import Iterator, List, Sequence, Tuple

from app.bench import costs, figures, results, where
from app.bench.figures import UNTOLD
from app.bench.results import Document, Trial
from app.errors import ConfigError

BEGIN = "<!-- scripts/benchtable: begin -->"
END = "<!-- scripts/benchtable: end -->"
_HEADS = (
    "setting",
    "fps",
    "most fps",
    "latency p50, ms",
    "glass to glass p50, ms",
    "cost over raw, ms",
    "AP",
)
_COLUMNS = (figures.FPS, figures.MOST_FPS, figures.P50, figures.GLASS_P50)
_ACTIVE = re.compile(r"([\\`*{}\[\]<>|#&~])")  # what Markdown would take for more than a letter


def ours(path: str) -> bool:
    """Whether a file says that it is a benchmark's, of whatever version. Raises ConfigError."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read().decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is no JSON: {error}") from error
    name = value.get("format") if isinstance(value, dict) else None
    return isinstance(name, str) and name.startswith(results.FORMAT.split("/")[0] + "/")


def block(paths: Sequence[str]) -> str:
    """One table of those of these files that are benchmarks'; empty where there is none."""
    documents = [results.read(path) for path in paths if ours(path)]
    return table(*documents) if documents else ""


def table(*documents: Document) -> str:
    """What was measured, and in lines below it where, when and how, by numbers if there are any."""
    rows = [_HEADS, ("---",) + ("---:",) * (len(_HEADS) - 1)]
    origins = []
    for number, document in enumerate(documents, 1):
        told = f" ({number})" if len(documents) > 1 else ""
        for trial in document.trials:
            name, *cells = _row(trial)
            rows.append((name + told, *cells))
        origins.append(told[1:] + " " * bool(told) + ", ".join(_origin(document)))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", "  \n".join(origins), ""])


def within(text: str, made: str, path: str) -> str:
    """The text with what was made between its two marks. Raises ConfigError where they are not."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(END) < text.index(BEGIN):
        raise ConfigError(
            f"{path}: needs these two lines, once and in this order, for the table to stand "
            f"between: {BEGIN} and {END}"
        )
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{made}{END}{after}"


def _row(trial: Trial) -> Tuple[str, ...]:
    if not figures.is_measured(trial):
        return (_plain(figures.name_of(trial)), "not measured") + ("",) * (len(_HEADS) - 2)
    cost = UNTOLD if trial.floor is None else costs.shown(costs.over(trial.floor))
    ap = figures.worth(trial.accuracy, "ap")
    cells = [figures.cell(trial, column) for column in _COLUMNS]
    return (
        _plain(figures.name_of(trial)),
        *("" if one == UNTOLD else one for one in (*cells, cost, ap)),
    )


def _origin(document: Document) -> Iterator[str]:
    machine = document.machine
    models = {trial.setting.get("model", "") for trial in document.trials} - {""}
    if len(models) == 1:
        yield _plain(models.pop())
    yield _plain(machine.gpu or machine.name or "a machine that does not tell its name")
    known: List[str] = [
        f"{where.fact(name)} {getattr(machine, name)}"
        for name in ("jetpack", "tensorrt", "onnxruntime", "power_mode")
        if getattr(machine, name)
    ]
    yield from map(_plain, known)
    yield _plain(document.date[:10])
    yield f"`{document.command.replace('`', ' ')}`"


def _plain(text: str) -> str:
    """Text that is nothing but text in Markdown."""
    return _ACTIVE.sub(r"\\\1", text)
