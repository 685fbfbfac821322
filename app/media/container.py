"""container: how long a video file says that it is, to notice one that breaks off."""

import enum
import os
import struct
from typing import BinaryIO, NamedTuple, Optional

_SLOPPY = 4096  # bytes that writers get wrong in the length of an AVI


class Shape(enum.Enum):
    MP4 = "mp4"
    AVI = "avi"
    MATROSKA = "matroska"
    OTHER = "other"


class Container(NamedTuple):
    shape: Shape
    size: int  # bytes that are there
    declared: int  # bytes that its own headers speak of
    indexed: bool = True  # False for an MP4 that was never finished

    @property
    def cut(self) -> bool:
        """True where the end of the file is missing."""
        allowed = _SLOPPY if self.shape is Shape.AVI else 0
        return self.declared > self.size + allowed


def inspect(path: str) -> Container:
    """Read the outermost headers of a file; OSError if it cannot be read."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            return Container(Shape.AVI, size, 8 + struct.unpack("<I", head[4:8])[0])
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
            return _boxes(file, size)
        if head[:4] == b"\x1aE\xdf\xa3":
            return Container(Shape.MATROSKA, size, _end_of_segment(file, size))
    return Container(Shape.OTHER, size, size)


def whole_fragments(path: str) -> int:
    """
    How many bytes of an MP4 in fragments (ISO 14496-12, 8.8) reach to the end of its last whole
    fragment, an index "moof" and its pictures "mdat"; 0 where there is none. Raises OSError.
    """
    size, place, whole = os.path.getsize(path), 0, 0
    indexed = opened = False
    with open(path, "rb") as file:
        while True:
            file.seek(place)
            head = file.read(16)
            length = int(struct.unpack(">I", head[:4])[0]) if len(head) == 16 else 0
            if length == 1:
                length = int(struct.unpack(">Q", head[8:])[0])
            place += length
            if length < 16 or place > size:
                return whole
            indexed = indexed or head[4:8] == b"moov"
            if indexed and opened and head[4:8] == b"mdat":
                whole = place
            opened = head[4:8] == b"moof"


def _boxes(file: BinaryIO, size: int) -> Container:
    place, indexed = 0, False
    while place < size:
        file.seek(place)
        head = file.read(16)
        if len(head) < 8:
            place += 8
            break
        indexed = indexed or head[4:8] == b"moov"
        length = int(struct.unpack(">I", head[:4])[0])
        if length == 1 and len(head) == 16:
            length = int(struct.unpack(">Q", head[8:16])[0])
        if length < 8 or not head[4:8].isalnum():  # 0: to the end of the file; or padding
            place = size
            break
        place += length
    return Container(Shape.MP4, size, place, indexed)


def _end_of_segment(file: BinaryIO, size: int) -> int:
    """EBML header, then Segment; a live recording does not say how long it is."""
    file.seek(4)
    header = _length(file)
    if header is None:
        return size
    file.seek(header, os.SEEK_CUR)
    if file.read(4) != b"\x18\x53\x80\x67":
        return size
    segment = _length(file)
    return size if segment is None else file.tell() + segment


def _length(file: BinaryIO) -> Optional[int]:
    """A variable-length number of EBML; None where it says unknown."""
    first = file.read(1)
    if not first or first[0] == 0:
        return None
    more = 8 - first[0].bit_length()
    number = int.from_bytes(bytes([first[0] & (0x7F >> more)]) + file.read(more), "big")
    return None if number == (1 << 7 * (more + 1)) - 1 else number
