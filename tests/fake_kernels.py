"""
fake_kernels: what the kernels of letterbox.cu and pick.cu do, in numpy.

Their arguments and structs are read with the layouts that a C compiler would give those of the .cu
files themselves, which is what device/placer.py and device/picker.py have to meet.
"""

import pathlib
import re
import struct
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

import app.device
from app.vision.letterbox import Fit, sampled, visible
from tests.fake_device import Fault, Space

FILES = {"letterbox": ("letterbox",), "pick": ("best", "gather")}  # file -> its kernels

_STORED = {0: np.float32, 1: np.float16, 2: np.uint8}
_TYPES: Dict[str, Any] = {"int": "i4", "float": "f4", "unsigned long long": "u8", "long long": "i8"}
_FIELD = re.compile(r"\s*(?:const )?(unsigned long long|long long|\w+) ([^;]+)")


class Code:
    """The kernels of one .cu file."""

    def __init__(self, file: str) -> None:
        text = (pathlib.Path(app.device.__file__).parent / (file + ".cu")).read_text()
        text = re.sub(r"//[^\n]*", "", text)
        self._types = dict(_TYPES)
        for name, body in re.findall(r"^struct (\w+) \{([^}]*)\};", text, re.MULTILINE):
            self._types[name] = np.dtype(list(self._fields(body.split(";"))), align=True)
        self.arguments = {
            name: np.dtype(list(self._fields(" ".join(words.split()).split(","))), align=True)
            for name, words in re.findall(
                r"__global__ void (?:__launch_bounds__\(\d+\) )?(\w+)\(([^)]*)\)", text
            )
        }
        assert set(self.arguments) == set(FILES[file])

    def type(self, name: str) -> Any:
        return self._types[name]

    def read(self, name: str, formats: str, given: Tuple[Any, ...]) -> Any:
        """The arguments, by their names in the .cu, as the driver's struct packs them."""
        packed, kind = struct.pack(formats, *given), self.arguments[name]
        padded = kind.itemsize - len(packed)
        if not 0 <= padded < 8:
            raise Fault("{} takes {} bytes, given {}".format(name, kind.itemsize, len(packed)))
        return np.frombuffer(packed + bytes(padded), kind)[0]

    def _fields(self, declared: List[str]) -> Iterator[Tuple[Any, ...]]:
        for line in declared:
            found = _FIELD.match(line)
            for one in found.group(2).split(",") if found else ():
                word, name, count = re.findall(r"(\*?)(\w+)(?:\[(\d+)\])?", one)[0]
                kind = "u8" if word else self._types[found.group(1)]
                yield (name, kind, (int(count),)) if count else (name, kind)


def letterbox(code: Code, space: Space, grid: Tuple[int, int], block: int, given: Any) -> None:
    look = given["look"]
    wide, high = int(look["wide"]), int(look["high"])
    kind = np.dtype(_STORED[int(look["kind"])])
    if grid[0] * block < wide * high:
        raise Fault("too few threads for the input's pixels")
    size = 3 * wide * high * kind.itemsize
    out = space.at(int(given["out"]), grid[1] * size).view(kind)
    for number in range(grid[1]):
        row = given["rows"]["row"][number]
        placed = np.full((high, wide, 3), look["pad"], np.float32)
        fit = Fit(*(int(row[n]) for n in ("fit_wide", "fit_high", "left", "top")), 1.0, 1.0)
        rows, columns = visible(fit, (wide, high))
        if rows.stop > rows.start and columns.stop > columns.start:
            seen = sampled(_window(space, row), fit, rows, columns)
            top, left = max(fit.top, 0), max(fit.left, 0)
            placed[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
        if look["swap"]:
            placed = placed[..., ::-1]
        values = placed * look["scale"] - look["shift"]
        if kind == np.uint8:
            values = np.clip(np.rint(values), 0, 255)
        values = values if look["nhwc"] else values.transpose(2, 0, 1)
        out[number * values.size : (number + 1) * values.size] = values.ravel().astype(kind)


def _window(space: Space, row: Any) -> np.ndarray:
    """(tall, wide, 3) BGR."""
    import cv2

    pitch, form, high = (int(row[name]) for name in ("pitch", "form", "high"))
    if form not in (1, 3, 4):
        raise Fault("no such form: {}".format(form))
    lines = high * 3 // 2 if form == 1 else high
    flat = space.at(int(row["picture"]), lines * pitch)
    if form == 1:
        picture = cv2.cvtColor(flat.reshape(lines, pitch), cv2.COLOR_YUV2BGR_NV12)
    else:
        picture = flat.reshape(high, pitch // form, form)[..., :3]
    x, y, wide, tall = (int(row[name]) for name in ("x", "y", "wide", "tall"))
    window = picture[max(y, 0) : y + tall, max(x, 0) : x + wide]
    if window.shape[:2] != (tall, wide):
        raise Fault("the window reaches over the picture")
    return np.asarray(window)


def best(code: Code, space: Space, grid: Tuple[int, int], block: int, given: Any) -> None:
    total, least = int(given["total"]), given["least"]
    if grid[0] * block < total:
        raise Fault("too few threads for the candidates")
    scores = _rows(space, given["score"], grid[1], total, np.float32)
    chosen = _rows(space, given["chosen"], grid[1], total, np.int32)
    for picture in range(grid[1]):
        first = 0
        for level in _levels(code, space, given):
            rows, classes = int(level["rows"]), int(level["classes"])
            part = slice(first, first + rows)
            columns = _look(space, level["scores"], picture, rows, classes + int(level["rest"]))
            columns = columns.astype(np.float32)
            which = columns[:, :classes].argmax(axis=1)
            score = columns[np.arange(rows), which]
            sure = ~np.isnan(columns).any(axis=1)
            with np.errstate(all="ignore"):
                if given["activation"] == 1:
                    score = 1 / (1 + np.exp(-score))
                elif given["activation"] == 2:
                    most = columns.max(axis=1)
                    sums = np.exp(columns - most[:, None]).sum(axis=1)
                    score = np.exp(score - most) / sums
                if level["objectness"]["width"]:
                    factor = _look(space, level["objectness"], picture, rows, 1)[:, 0]
                    score, sure = score * factor.astype(np.float32), sure & (factor >= least)
                sure &= (score >= least) & (score <= 3.4e38)
            scores[picture, part] = np.where(sure, score, -1)
            chosen[picture, part] = which + np.arange(rows) % int(level["fan"])
            first += rows


def gather(code: Code, space: Space, grid: Tuple[int, int], block: int, given: Any) -> None:
    if block != 1024:
        raise Fault("gather is written for 1024 threads")
    total, most, width = (int(given[name]) for name in ("total", "most", "width"))
    scores = _rows(space, given["score"], grid[0], total, np.float32)
    chosen = _rows(space, given["chosen"], grid[0], total, np.int32)
    out = _rows(space, given["out"], grid[0], 4 + most * (3 + width), np.int32)
    for picture in range(grid[0]):
        order = np.argsort(-scores[picture], kind="mergesort")
        sure = order[scores[picture][order] >= given["least"]]
        kept = np.sort(sure[:most])
        records = out[picture, 4:].reshape(most, 3 + width)[: len(kept)]
        records[:, 0], records[:, 1] = kept, chosen[picture][kept]
        records[:, 2] = scores[picture][kept].view(np.int32)
        first = 0
        for level in _levels(code, space, given):
            rows, fan = int(level["rows"]), int(level["fan"])
            own = np.flatnonzero((kept >= first) & (kept < first + rows))
            parts = [
                _look(space, view, picture, rows // fan, int(view["width"]))
                for view in level["box"]
                if view["width"]
            ]
            boxes = np.concatenate(parts, axis=1)[(kept[own] - first) // fan]
            records[own, 3:] = boxes.astype(np.float32).view(np.int32)
            first += rows
        out[picture, :2] = len(kept), len(sure)


def _levels(code: Code, space: Space, given: Any) -> Iterator[Any]:
    """As many as it takes to come to ``total`` candidates."""
    kind = code.type("Level")
    left, address = int(given["total"]), int(given["levels"])
    while left > 0:
        level = space.at(address, kind.itemsize).view(kind)[0]
        yield level
        left, address = left - int(level["rows"]), address + kind.itemsize


def _look(space: Space, view: Any, picture: int, rows: int, columns: int) -> np.ndarray:
    """The (rows, columns) of one picture that a View names, in place."""
    kind = np.dtype({0: np.float32, 1: np.float16}[int(view["kind"])])
    first, down, across = (int(view[name]) for name in ("first", "down", "across"))
    if first + (rows - 1) * down + (columns - 1) * across >= int(view["batch"]):
        raise Fault("a view reaches into the next picture")
    size = int(view["batch"]) * kind.itemsize
    memory = space.at(int(view["data"]) + picture * size, size)
    strides = (down * kind.itemsize, across * kind.itemsize)
    return np.ndarray((rows, columns), kind, memory, first * kind.itemsize, strides)


def _rows(space: Space, address: Any, rows: int, columns: int, kind: Any) -> np.ndarray:
    return space.at(int(address), 4 * rows * columns).view(kind).reshape(rows, columns)


KERNELS = {"letterbox": letterbox, "best": best, "gather": gather}
