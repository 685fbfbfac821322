"""stamp: a picture's number and time as black and white cells that survive a video encoder."""

from typing import NamedTuple, Optional

import numpy as np

CELL = 16  # pixels; a macroblock of H.264
COLUMNS, ROWS = 16, 4
WIDTH, HEIGHT = COLUMNS * CELL, ROWS * CELL

_SYNC = 0b10110010
_CONTRAST = 64  # between the darkest and the brightest cell, or it is no stamp


class Stamp(NamedTuple):
    number: int  # of the picture, modulo 2**16
    milliseconds: int  # monotonic clock when it was made, modulo 2**32

    def age_s(self, now: float) -> float:
        """Seconds between the making of the picture and ``now``, a monotonic time."""
        return ((int(now * 1000) - self.milliseconds) % 2**32) / 1000.0


def stamp_of(number: int, monotonic: float) -> Stamp:
    """That of a picture which was made then, in monotonic seconds."""
    return Stamp(number % 2**16, int(monotonic * 1000) % 2**32)


def draw_stamp(image: np.ndarray, number: int, monotonic: float) -> None:
    """Write number and time into the top left 256x64 pixels of an (H, W, 3) picture."""
    made = stamp_of(number, monotonic)
    payload = bytearray([_SYNC])
    payload += made.number.to_bytes(2, "big")
    payload += made.milliseconds.to_bytes(4, "big")
    payload.append(_checksum(payload))
    bits = np.unpackbits(np.frombuffer(bytes(payload), np.uint8)).reshape(ROWS, 1, COLUMNS, 1, 1)
    cells = np.broadcast_to(bits * np.uint8(255), (ROWS, CELL, COLUMNS, CELL, 3))
    image[:HEIGHT, :WIDTH] = cells.reshape(HEIGHT, WIDTH, 3)


def read_stamp(image: np.ndarray) -> Optional[Stamp]:
    """What draw_stamp() wrote into an (H, W, C) or (H, W) picture; None where it is not clear."""
    if image.shape[0] < HEIGHT or image.shape[1] < WIDTH:
        return None
    block = image[:HEIGHT, :WIDTH].astype(np.float32)
    if block.ndim == 3:
        block = block[:, :, :3].mean(axis=2)
    cells = block.reshape(ROWS, CELL, COLUMNS, CELL)[:, 4:-4, :, 4:-4].mean(axis=(1, 3)).ravel()
    low, high = float(cells.min()), float(cells.max())
    if high - low < _CONTRAST:
        return None
    payload = np.packbits(cells > (low + high) / 2).tobytes()
    if payload[0] != _SYNC or payload[7] != _checksum(payload[:7]):
        return None
    return Stamp(int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:7], "big"))


def _checksum(payload: bytes) -> int:
    """CRC-8, polynomial 7: one wrong cell, or several side by side, never pass."""
    crc = 0
    for byte in bytes(payload):
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 7 if crc & 0x80 else crc << 1) & 0xFF
    return crc
