"""beside: what stands beside the pipelines, outlives each and is handed on to the next."""

import contextlib
import threading
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, TypeVar

from app.core.load import Load

T = TypeVar("T")
Key = Tuple[Any, ...]  # a word for the kind, then all that such a thing is made of


class Beside:
    """
    A pipeline takes what it needs by a key. What is there under an equal key is handed on as it
    is, with all that it knows and holds; what is not is made, and is there until a pipeline comes
    that does not take it. For one thread at a time.
    """

    def __init__(self) -> None:
        self.load = Load()  # less is done while it is eased
        self.ids: Dict[str, int] = {}  # of each camera's tracks: how many were given
        self.celsius: Optional[float] = None  # of the machine, for the picture
        self.hung: List[threading.Thread] = []  # of earlier ones, which may still be in a file
        self.part = 0  # how many pipelines there have been, with the one that is being made
        self._things: List[_Thing] = []

    def take(self, key: Key, make: Callable[[contextlib.ExitStack], T]) -> T:
        """What is there under the key; else what ``make`` makes, with what is done at its end."""
        for thing in self._things:
            if thing.key == key:
                thing.part = self.part
                known: T = thing.value
                return known
        with contextlib.ExitStack() as stack:
            made = make(stack)
            self._things.append(_Thing(key, made, stack.pop_all(), self.part))
        return made

    def take_alone(self, key: Key, make: Callable[[contextlib.ExitStack], T]) -> T:
        """As take(), once others of its kind are let go: two cannot listen in one place."""
        kind = key[0]
        self._let_go([one for one in self._things if one.key[0] == kind and one.key != key])
        return self.take(key, make)

    def has(self, key: Key) -> bool:
        return any(thing.key == key for thing in self._things)

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        """
        What is taken within is the next pipeline's, and the rest is let go at the end. Where that
        fails, it is what was made within that goes.
        """
        self.part += 1
        try:
            with self.trying():
                yield
        except BaseException:
            self.part -= 1
            raise
        self._let_go([one for one in self._things if one.part < self.part])

    @contextlib.contextmanager
    def trying(self) -> Iterator[None]:
        """Let go of what is made within, where it fails."""
        before = list(self._things)
        try:
            yield
        except BaseException:
            self._let_go([one for one in self._things if one not in before])
            raise

    def close(self) -> None:
        self._let_go(list(self._things))

    def _let_go(self, things: "List[_Thing]") -> None:
        """The newest first, as it may stand on an older; all, whatever one of them raises."""
        with contextlib.ExitStack() as stack:
            for thing in things:
                self._things.remove(thing)
                stack.callback(thing.end.close)


class _Thing:
    def __init__(self, key: Key, value: Any, end: contextlib.ExitStack, part: int) -> None:
        self.key = key
        self.value = value
        self.end = end
        self.part = part  # the newest pipeline that has taken it
