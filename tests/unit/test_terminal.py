"""terminal: what a reader sees, on a screen and in a file, whole or gone."""

import fcntl
import io
import os
import pty
import struct
import termios

import pytest

from app.terminal import Terminal


@pytest.fixture
def screen():
    """A terminal of 20 columns: the stream to write to, and a function that reads what came."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
    with open(writer, "w", encoding="utf-8") as stream:
        yield stream, lambda: os.read(reader, 4096).decode()
    os.close(reader)


def test_a_status_is_cut_to_the_terminal(screen):
    """One that wrapped left its upper lines behind when it was written over."""
    stream, seen = screen
    terminal = Terminal(stream)
    terminal.status("x" * 50, 0.0)
    assert seen() == "x" * 19
    terminal.status("short", 1.0)
    assert seen() == "\r\x1b[Kshort"
    terminal.line("y" * 50)
    assert seen() == "\r\x1b[K" + "y" * 50 + "\r\n"


def test_a_terminal_without_a_size_has_80_columns(screen):
    stream, seen = screen
    fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
    Terminal(stream).status("x" * 100, 0.0)
    assert seen() == "x" * 79


def test_in_a_file_a_status_is_a_whole_line_now_and_then():
    stream = io.StringIO()
    terminal = Terminal(stream, quiet_s=10)
    for now in (0.0, 5.0, 10.0):
        terminal.status("x" * 100, now)
    assert stream.getvalue() == ("x" * 100 + "\n") * 2


def test_what_a_stream_cannot_write_is_spelt_out():
    """UnicodeEncodeError is a ValueError, so such a line was lost."""
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii"))
    terminal.line("\u00fc b")
    assert raw.getvalue() == b"\\xfc b\n"


def test_a_reader_that_has_gone_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    Terminal(stream).line("x")
    with pytest.raises(BrokenPipeError):
        stream.close()
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()
    terminal.line("x")
