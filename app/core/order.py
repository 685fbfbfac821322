"""order: several threads share one lane, and what came in first still goes out first."""

from __future__ import generator_stop

import threading
from typing import Callable, Iterable, Set

from app.core.stage import Batch, Batches


class Order:
    """
    Deals the batches of one inbox out to several threads, each with a Share of its own, and lets
    every frame out in its turn. A frame that a stage drops, or fails on, passes its turn on.
    """

    def __init__(self, inbox: Iterable[Batch], send: Callable[[Batch], None]) -> None:
        self._batches = iter(inbox)
        self._send = send
        self._reading = threading.Lock()
        self._taken = 0
        self._changed = threading.Condition()
        self._turn = 0  # the number of the batch that goes out next
        self._through: Set[int] = set()  # done with before their turn

    def deal(self, share: "Share") -> Batches:
        """Batches for one thread. One is done with when the next is asked for."""
        while True:
            with self._reading:
                batch = next(self._batches, None)
                number = self._taken
                self._taken += 1
            if batch is None:
                return
            share.number = number
            try:
                yield batch
            finally:
                self._done_with(number)

    def let_out(self, number: int, batch: Batch) -> None:
        with self._changed:
            while self._turn != number:
                self._changed.wait()
            self._send(batch)

    def _done_with(self, number: int) -> None:
        with self._changed:
            self._through.add(number)
            while self._turn in self._through:
                self._through.remove(self._turn)
                self._turn += 1
            self._changed.notify_all()


class Share:
    """One thread's part of an Order: its batches, and the way out for them."""

    def __init__(self, order: Order) -> None:
        self.number = -1
        self._order = order

    def batches(self) -> Batches:
        return self._order.deal(self)

    def put(self, batch: Batch) -> None:
        self._order.let_out(self.number, batch)
