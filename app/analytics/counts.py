"""counts: how many, per place and label, in two ways; they can be saved and taken up again."""

from typing import Any, Dict, List, Sequence, Tuple


class Counts:
    """Two numbers for each label at each place: a line's in and out, a zone's entered and 0."""

    def __init__(self, names: Sequence[str]) -> None:
        self._of: Dict[str, Dict[str, List[int]]] = {name: {} for name in names}

    def add(self, name: str, label: str, way: int) -> None:
        """One more: way 0 is in or entered, way 1 is out."""
        self._of[name].setdefault(label, [0, 0])[way] += 1

    def totals(self, name: str) -> Tuple[int, int]:
        counted = self._of[name].values()
        return sum(both[0] for both in counted), sum(both[1] for both in counted)

    def by_label(self, name: str) -> Tuple[Tuple[str, int, int], ...]:
        return tuple((label, both[0], both[1]) for label, both in sorted(self._of[name].items()))

    def state(self) -> Dict[str, Dict[str, List[int]]]:
        """Name -> label -> the two numbers, as JSON can hold it; a copy."""
        return {
            name: {label: list(both) for label, both in counted.items()}
            for name, counted in self._of.items()
        }

    def restore(self, state: Any) -> None:
        """Take up the counts of state(); a place not in it, or that makes no sense, stays as is."""
        if not isinstance(state, dict):
            return
        for name in self._of:
            if _makes_sense(state.get(name)):
                self._of[name] = {label: list(both) for label, both in state[name].items()}


def _makes_sense(counted: Any) -> bool:
    return isinstance(counted, dict) and all(
        isinstance(label, str)
        and isinstance(both, (list, tuple))
        and len(both) == 2
        and all(type(number) is int and number >= 0 for number in both)
        for label, both in counted.items()
    )
