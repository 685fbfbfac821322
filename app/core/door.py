"""door: where every camera's newest frame waits for the first lane."""

import threading
from collections import deque
from typing import Deque, Dict, Iterator, List, Mapping, Set

from app.core.channel import ChannelStats, Closed, EndOfStream, Overflow
from app.core.frame import Frame


class Door:
    """
    One slot per camera. A new frame of a DROP_OLDEST camera replaces the one that waits (counted);
    the writer of a BLOCK camera waits instead. Reading takes turns among the cameras.

    leave() is one camera saying goodbye; the door ends when all have left and every slot is empty.
    cancel() is the supervisor pulling the plug: what waits is forgotten, writers are refused.
    """

    def __init__(self, name: str, cameras: Mapping[str, Overflow]) -> None:
        self.name = name
        self._overflow = dict(cameras)
        self._turns: Deque[str] = deque(cameras)
        self._slots: Dict[str, Frame] = {}
        self._here: Set[str] = set(cameras)
        self._accepted = dict.fromkeys(cameras, 0)
        self._dropped = dict.fromkeys(cameras, 0)
        self._changed = threading.Condition()
        self._cancelled = False

    def put(self, frame: Frame) -> None:
        """Leave a frame in its camera's slot. Raises Closed once nobody will read."""
        camera = frame.source
        with self._changed:
            while camera in self._slots and not self._cancelled:
                if self._overflow[camera] is Overflow.DROP_OLDEST:
                    del self._slots[camera]
                    self._dropped[camera] += 1
                else:
                    self._changed.wait()
            if self._cancelled:
                raise Closed(self.name)
            self._slots[camera] = frame
            self._accepted[camera] += 1
            self._changed.notify_all()

    def take(self, limit: int) -> List[Frame]:
        """
        At least one frame and at most ``limit``, one per camera, those that waited longest for a
        turn first. Waits for the first frame only. Raises EndOfStream once nothing more will come.
        """
        with self._changed:
            while not self._slots:
                if self._cancelled or not self._here:
                    raise EndOfStream(self.name)
                self._changed.wait()
            chosen = [camera for camera in self._turns if camera in self._slots][:limit]
            for camera in chosen:
                self._turns.remove(camera)
                self._turns.append(camera)
            frames = [self._slots.pop(camera) for camera in chosen]
            self._changed.notify_all()
            return frames

    def __iter__(self) -> Iterator[Frame]:
        while True:
            try:
                frames = self.take(1)
            except EndOfStream:
                return
            yield from frames

    def leave(self, camera: str) -> None:
        with self._changed:
            self._here.discard(camera)
            self._changed.notify_all()

    def cancel(self) -> None:
        with self._changed:
            self._cancelled = True
            self._slots.clear()
            self._changed.notify_all()

    def stats(self) -> Dict[str, ChannelStats]:
        with self._changed:
            return {
                camera: ChannelStats(
                    int(camera in self._slots), 1, self._accepted[camera], self._dropped[camera]
                )
                for camera in self._overflow
            }
