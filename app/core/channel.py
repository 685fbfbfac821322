"""channel: the bounded queue between two stages."""

import collections
import enum
import threading
from typing import Deque, Iterable, Iterator, NamedTuple, TypeVar

T = TypeVar("T")


class Closed(Exception):
    """Raised by put() once nobody will read."""


class EndOfStream(Exception):
    """Raised by get() once nothing more will come."""


class Overflow(enum.Enum):
    """What put() does when the channel is full."""

    BLOCK = "block"  # wait: nothing is lost
    DROP_OLDEST = "drop_oldest"  # the reader always gets the freshest


class ChannelStats(NamedTuple):
    depth: int
    capacity: int
    accepted: int
    dropped: int


class Channel(Iterable[T]):
    """
    A bounded first-in first-out queue that can end.

    close() is the writer saying goodbye: readers drain what is left.
    cancel() is the supervisor pulling the plug: what is left is forgotten.
    """

    def __init__(self, name: str, capacity: int, overflow: Overflow = Overflow.BLOCK) -> None:
        if capacity < 1:
            raise ValueError(f"channel {name!r}: capacity must be at least 1")
        self.name = name
        self._capacity = capacity
        self._overflow = overflow
        self._items: Deque[T] = collections.deque()
        lock = threading.RLock()  # on 3.6 a Condition asks it twice as fast as a Lock
        self._filled = threading.Condition(lock)
        self._emptied = threading.Condition(lock)
        self._closed = False
        self._accepted = 0
        self._dropped = 0

    def put(self, item: T) -> None:
        with self._emptied:
            while len(self._items) >= self._capacity and not self._closed:
                if self._overflow is Overflow.DROP_OLDEST:
                    self._items.popleft()
                    self._dropped += 1
                else:
                    self._emptied.wait()
            if self._closed:
                raise Closed(self.name)
            self._items.append(item)
            self._accepted += 1
            self._filled.notify()

    def get(self) -> T:
        with self._filled:
            while not self._items and not self._closed:
                self._filled.wait()
            if not self._items:
                raise EndOfStream(self.name)
            item = self._items.popleft()
            self._emptied.notify()
            return item

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                item = self.get()
            except EndOfStream:
                return
            yield item

    def close(self) -> None:
        with self._filled:
            self._closed = True
            self._filled.notify_all()
            self._emptied.notify_all()

    def cancel(self) -> None:
        with self._filled:
            self._items.clear()
            self._closed = True
            self._filled.notify_all()
            self._emptied.notify_all()

    def stats(self) -> ChannelStats:
        with self._filled:
            return ChannelStats(len(self._items), self._capacity, self._accepted, self._dropped)
