"""modelfile: what can be told of an ONNX file before any library reads it."""

import mmap
import os
import re

from app.errors import EngineError

_HEAD_BYTES = 512
_NOISE = re.compile(  # ONNX Runtime's codes, the path we name ourselves, its place in C++
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : |Load model from .*? failed: ?"
    r"|\S+\.(cc|h):\d+ .*?\) (?=[A-Z])"
)
_QUANTIZES = (b"\x22\x0eQuantizeLinear", b"\x22\x15DynamicQuantizeLinear")  # op_type, as a node's
_QUOTED = re.compile("[\"']([^\"']+)[\"']")


def check(path: str) -> int:
    """The file's size. Raises EngineError for what is plainly no ONNX file, and says what it is."""
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise EngineError(
            f"{path}: cannot be read: {error.strerror}. Check the path. "
            "The catalogue: jetwatch fetch --list"
        ) from error
    problem = stranger(head)
    if head.lstrip().startswith((b"PK\x03\x04", b"\x1f\x8b")):
        problem = "an archive, not a model: unpack it first"
    if problem:
        raise EngineError(f"{path}: {size} bytes: {problem}. Fetch the file again")
    return size


def precision(path: str) -> str:
    """
    What a CPU is asked to compute an ONNX file in: "int8" where it turns values into whole numbers,
    else "fp32", whatever its weights are kept in. The file has passed ``check``.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return "int8" if any(content.find(one) >= 0 for one in _QUANTIZES) else "fp32"


def broken(path: str, error: Exception) -> EngineError:
    """The error for a file that a library could not parse."""
    size = os.path.getsize(path)
    return EngineError(
        f"{path}: {size} bytes: no whole ONNX file ({first_line(error)}). It may be cut short: "
        "compare its size and sha256 with where it came from, and fetch it again"
    )


def without_weights(path: str, error: Exception) -> EngineError:
    """The error for a file whose weights lie in another, which a library could not read."""
    named = _QUOTED.search(str(error))
    return EngineError(
        f"{path}: its weights lie in a file of their own, which cannot be read "
        f"({named.group(1) if named else first_line(error)}). Copy that file beside it too"
    )


def first_line(error: BaseException) -> str:
    """A foreign message on one line, without codes and addresses, and cut short."""
    words = " ".join(str(error).split()) or type(error).__name__
    words = _NOISE.sub("", words).rstrip(".")
    return words if len(words) <= 200 else words[:197] + "..."


def stranger(head: bytes) -> str:
    """What a file's first bytes show that is a model of no kind; empty where they show nothing."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "the file is empty"
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<body")):
        return "a web page, not a model: the download got an error or sign-in page"
    if start.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer, not the model: run 'git lfs pull' where it came from"
    if not start or not head.strip(b"\0"):
        return "nothing but blanks: the download or disk failed"
    return ""
