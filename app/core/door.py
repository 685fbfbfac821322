"""door: where every camera's newest frame waits for the first lane."""

import threading
from collections import deque
from typing import Deque, Dict, Iterator, List, Mapping, Set

from app.core.channel import ChannelStats, Closed, EndOfStream, Overflow
from app.core.frame import Frame

FILE_DEPTH = 4  # frames of a camera that loses none; they smooth the reader's unevenness


class Door:
    """
    One slot per camera. A new frame of a DROP_OLDEST camera replaces the one that waits (counted);
    the slot of a BLOCK camera holds a few, then its writer waits. Reading takes turns among the
    cameras.

    leave() is one camera saying goodbye; the door ends when all have left and every slot is empty.
    cancel() is the supervisor pulling the plug: what waits is forgotten, writers are refused.
    """

    def __init__(self, name: str, cameras: Mapping[str, Overflow]) -> None:
        self.name = name
        self._overflow = dict(cameras)
        self._slots: Dict[str, Deque[Frame]] = {camera: deque() for camera in cameras}
        self._turns: Deque[str] = deque(cameras)
        self._waiting = 0  # frames in all slots
        self._here: Set[str] = set(cameras)
        self._accepted = dict.fromkeys(cameras, 0)
        self._dropped = dict.fromkeys(cameras, 0)
        lock = threading.RLock()  # on 3.6 a Condition asks it twice as fast as a Lock
        self._filled = threading.Condition(lock)
        self._emptied = threading.Condition(lock)
        self._cancelled = False

    def put(self, frame: Frame) -> None:
        """Leave a frame in its camera's slot. Raises Closed once nobody will read."""
        camera = frame.source
        slot = self._slots[camera]
        with self._filled:
            if self._overflow[camera] is Overflow.DROP_OLDEST:
                self._dropped[camera] += len(slot)
                self._waiting -= len(slot)
                slot.clear()
            while len(slot) >= FILE_DEPTH and not self._cancelled:
                self._emptied.wait()
            if self._cancelled:
                raise Closed(self.name)
            slot.append(frame)
            self._waiting += 1
            self._accepted[camera] += 1
            self._filled.notify()

    def take(self, limit: int) -> List[Frame]:
        """
        At least one frame and at most ``limit``, one per camera, those that waited longest for a
        turn first. Waits for the first frame only. Raises EndOfStream once nothing more will come.
        """
        with self._filled:
            while not self._waiting:
                if self._cancelled or not self._here:
                    raise EndOfStream(self.name)
                self._filled.wait()
            chosen = [camera for camera in self._turns if self._slots[camera]][:limit]
            frames = []
            for camera in chosen:
                frames.append(self._slots[camera].popleft())
                self._turns.remove(camera)
                self._turns.append(camera)
            self._waiting -= len(frames)
            self._emptied.notify_all()
            return frames

    def batches(self, limit: int) -> Iterator[List[Frame]]:
        """take(limit) until nothing more will come."""
        while True:
            try:
                frames = self.take(limit)
            except EndOfStream:
                return
            yield frames

    def leave(self, camera: str) -> None:
        with self._filled:
            self._here.discard(camera)
            self._filled.notify_all()

    def cancel(self) -> None:
        with self._filled:
            self._cancelled = True
            self._waiting = 0
            for slot in self._slots.values():
                slot.clear()
            self._filled.notify_all()
            self._emptied.notify_all()

    def stats(self) -> Dict[str, ChannelStats]:
        with self._filled:
            return {
                camera: ChannelStats(
                    len(self._slots[camera]),
                    1 if overflow is Overflow.DROP_OLDEST else FILE_DEPTH,
                    self._accepted[camera],
                    self._dropped[camera],
                )
                for camera, overflow in self._overflow.items()
            }
