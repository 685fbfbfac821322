import struct

import pytest

from app.media.container import Container, Shape, inspect


def box(name, length, content=b""):
    return struct.pack(">I", length) + name + content


FTYP = box(b"ftyp", 16, b"isom" + bytes(4))
MOOV = box(b"moov", 12, bytes(4))
EBML = b"\x1aE\xdf\xa3\x81\x00"


@pytest.mark.parametrize(
    "content, shape, declared, indexed",
    [
        (b"", Shape.OTHER, 0, True),
        (b"hello", Shape.OTHER, 5, True),
        (FTYP + MOOV + box(b"mdat", 20, bytes(12)), Shape.MP4, 48, True),
        (FTYP + MOOV + box(b"mdat", 200, bytes(12)), Shape.MP4, 228, True),
        (FTYP + MOOV + box(b"mdat", 0, bytes(12)), Shape.MP4, 48, True),
        (FTYP + MOOV + box(b"mdat", 1, struct.pack(">Q", 5000)), Shape.MP4, 5028, True),
        (FTYP + box(b"mdat", 200, bytes(12)), Shape.MP4, 216, False),
        (FTYP + MOOV + b"\0\0", Shape.MP4, 36, True),
        (FTYP + MOOV + bytes(64), Shape.MP4, 92, True),  # padding
        (b"RIFF" + struct.pack("<I", 9000) + b"AVI ", Shape.AVI, 9008, True),
        (EBML + b"\x18\x53\x80\x67\x84abcd", Shape.MATROSKA, 15, True),
        (EBML + b"\x18\x53\x80\x67\x88abcd", Shape.MATROSKA, 19, True),
        (EBML + b"\x18\x53\x80\x67\xffabcd", Shape.MATROSKA, 15, True),  # a live recording
        (EBML + b"\x18\x53\x80\x67" + b"\x01" + b"\xff" * 7, Shape.MATROSKA, 18, True),
    ],
)
def test_headers_say_how_long_a_file_is(tmp_path, content, shape, declared, indexed):
    path = tmp_path / "file"
    path.write_bytes(content)
    found = inspect(str(path))
    assert found == Container(shape, len(content), declared, indexed)


def test_cut():
    assert Container(Shape.MP4, 99, 100).cut
    assert not Container(Shape.MP4, 100, 100).cut
    assert not Container(Shape.AVI, 99, 100).cut  # writers count carelessly
    assert Container(Shape.AVI, 99, 10000).cut
