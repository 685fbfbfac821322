"""pairs: which settings of two benchmarks belong together, and what else is not the same."""

from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from app.bench import figures, where
from app.bench.results import Document, Trial

_MOST_LINES = 3  # of a config, that are told


class Pair(NamedTuple):
    before: Trial
    after: Trial

    @property
    def differing(self) -> List[str]:
        """The settings that are not the same: "precision: fp16 → int8"."""
        return list(_differing(self.before.setting.items(), self.after.setting.items()))

    @property
    def config(self) -> List[str]:
        """Lines of the config that one of them alone has, a few; none where one did not tell."""
        old, new = self.before.config, self.after.config
        if not (old and new):
            return []
        lone = [f"config, before: {line.strip()}" for line in _lone(old, new)]
        others = [f"config, after: {line.strip()}" for line in _lone(new, old)]
        told = lone[:_MOST_LINES] + others[:_MOST_LINES]
        left = len(lone) + len(others) - len(told)
        if not told and old != new:
            return ["config: the same lines in another order"]
        return told + ([f"config: {left} more lines"] if left else [])


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


def unlike(before: Document, after: Document, pairs: Sequence[Pair]) -> List[str]:
    """
    What is not the same but the settings, which may be all the reason that there is; each once.
    The config is of pairs with the same settings: of the others it differs by what is compared.
    """
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
    if before.code != after.code:
        texts += _differing([("its code", _code(before))], [("its code", _code(after))])
    for pair in pairs:
        texts += _differing(
            [(f"{figures.name_of(pair.before)}: model's sha256", pair.before.model_sha256[:12])],
            [(f"{figures.name_of(pair.before)}: model's sha256", pair.after.model_sha256[:12])],
        )
        texts += [] if pair.differing else pair.config
    return list(dict.fromkeys(texts))


def _code(document: Document) -> str:
    return ", ".join(filter(None, [document.commit, document.code[:12]]))


def _differing(
    before: Iterable[Tuple[str, str]], after: Iterable[Tuple[str, str]]
) -> Iterator[str]:
    old: Dict[str, str] = dict(before)
    new: Dict[str, str] = dict(after)
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield f"{name}: {old.get(name) or 'not told'} → {new.get(name) or 'not told'}"


def _lone(lines: Sequence[str], others: Sequence[str]) -> List[str]:
    """Those that are not among the others, as often as they are not."""
    left = list(others)
    made = []
    for line in lines:
        if line in left:
            left.remove(line)
        else:
            made.append(line)
    return made


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
