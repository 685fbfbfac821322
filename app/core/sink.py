"""sink: where the lines that tell of events go."""

import abc
from typing import Sequence


class Sink(abc.ABC):
    """One way out, used and closed by one thread. Its failures never reach the pipeline."""

    @abc.abstractmethod
    def send(self, lines: Sequence[bytes]) -> None:
        """
        Take these lines over, in order, each ASCII with its end: deliver them, or keep them and
        try again later. Asked at every frame, mostly with none. Does not wait for what is slow.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Deliver what can be delivered at once, and let go."""
