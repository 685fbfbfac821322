"""truth: what is known to be in the pictures of a folder, from the labels that lie beside them."""

from __future__ import generator_stop

import json
import math
import os
import posixpath
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.errors import SourceError
from app.media import folder

COCO_NAME = "instances.json"
MOST_BYTES = 64 << 20  # of a COCO file, which takes ten times that in memory; COCO's val has 20 MB
MOST_TEXT_BYTES = 1 << 20  # of one picture's label file
FAR = 1e6  # pixels: no box lies further out
MOST_CLASSES = 100000

_Box = Tuple[float, float, float, float]
_Row = Tuple[_Box, int, bool]


class Labelled(NamedTuple):
    """The true boxes of one picture: (N, 4) xyxy float64 in pixels, (N,) class_id and crowd."""

    xyxy: np.ndarray
    class_id: np.ndarray  # int64, from 0
    crowd: np.ndarray  # bool: one box around many objects


def read(path: str) -> Optional[Mapping[str, Labelled]]:
    """
    The true boxes in the pictures of a folder, by file name; None where no labels lie beside it.

    They come from COCO's instances.json, in the folder or its parent, whose categories count from
    0 in the order of their ids (cocodataset.org/#format-data). Else from YOLO's NAME.txt, in
    ``labels`` beside the folder or next to each picture: lines of class, then centre x and y,
    width and height in parts of the picture's size; a picture without a file shows nothing, and
    one that cannot be read is left out. Raises one SourceError for labels that cannot be read.
    """
    if not os.path.isdir(path):
        return None
    for place in (path, os.path.dirname(os.path.abspath(path))):
        coco = os.path.join(place, COCO_NAME)
        if os.path.isfile(coco):
            return _coco(coco)
    return _yolo(path)


def _coco(path: str) -> Mapping[str, Labelled]:
    document = _json(path)
    numbers = set()
    for place, row in _entries(path, document, "categories"):
        number = _whole(place, row, "id")
        if number in numbers:
            raise _wrong(place, f"a second category has the id {number}")
        numbers.add(number)
    rank = {number: rank for rank, number in enumerate(sorted(numbers))}
    rows: Dict[int, List[_Row]] = {}
    names: Dict[str, int] = {}
    for place, row in _entries(path, document, "images"):
        number, name = _whole(place, row, "id"), row.get("file_name")
        if not isinstance(name, str):
            raise _wrong(place, "file_name must be text")
        name = posixpath.basename(name)
        if number in rows or name in names:
            raise _wrong(place, f"a second picture has the id {number} or the name {name!r}")
        rows[number], names[name] = [], number
    for place, row in _entries(path, document, "annotations"):
        number, category = _whole(place, row, "image_id"), _whole(place, row, "category_id")
        if number not in rows:
            raise _wrong(place, f"image_id {number} is none of the images")
        if category not in rank:
            raise _wrong(place, f"category_id {category} is none of the categories")
        crowd = row.get("iscrowd", 0)
        if crowd not in (0, 1):
            raise _wrong(place, "iscrowd must be 0 or 1")
        rows[number].append((_coco_box(place, row.get("bbox")), rank[category], bool(crowd)))
    return {name: _labelled(rows[number]) for name, number in names.items()}


def _coco_box(place: str, value: Any) -> _Box:
    sides = value if isinstance(value, list) and len(value) == 4 else [None]
    if not all(isinstance(side, (int, float)) and abs(side) <= FAR for side in sides):
        raise _wrong(place, "bbox must be four numbers: left, top, width, height in pixels")
    left, top, wide, high = (float(side) for side in sides)
    if wide < 0 or high < 0:
        raise _wrong(place, "bbox has a negative width or height")
    return left, top, left + wide, top + high


def _entries(path: str, document: Any, key: str) -> Iterator[Tuple[str, Dict[str, Any]]]:
    """(what to call it in a message, entry) of one of the document's lists."""
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise _wrong(path, f"has no list of {key}, so it is no COCO file of boxes")
    for number, row in enumerate(rows):
        place = f"{path}: {key}[{number}]"
        if not isinstance(row, dict):
            raise _wrong(place, "must be an object")
        yield place, row


def _whole(place: str, row: Mapping[str, Any], key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(place, f"{key} must be a whole number")
    return value


def _json(path: str) -> Any:
    text = _text(path, MOST_BYTES)
    try:
        return json.loads(text, parse_int=_short_int)
    except ValueError as error:
        raise _wrong(path, f"no JSON: {error}") from error
    except RecursionError as error:
        raise _wrong(path, "no COCO file: its lists lie too deep in one another") from error


def _short_int(digits: str) -> float:
    """A number with thousands of digits takes seconds to read as an int."""
    return int(digits) if len(digits) < 20 else math.inf


def _yolo(path: str) -> Optional[Mapping[str, Labelled]]:
    import cv2

    beside = os.path.join(os.path.dirname(os.path.abspath(path)), "labels")
    try:
        names = sorted(filter(folder.is_picture, os.listdir(path)))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    for place in (beside, path):
        files = {name: os.path.join(place, os.path.splitext(name)[0] + ".txt") for name in names}
        if any(os.path.isfile(file) for file in files.values()):
            break
    else:
        return None
    found = {}
    for name, file in files.items():
        image = folder.read(cv2, os.path.join(path, name))
        if image is not None:
            high, wide = image.shape[:2]
            found[name] = _labelled(_yolo_rows(file, wide, high) if os.path.isfile(file) else [])
    return found


def _yolo_rows(path: str, wide: int, high: int) -> List[_Row]:
    rows = []
    for number, line in enumerate(_text(path, MOST_TEXT_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            values = [float(word) for word in line.split()]
        except ValueError:
            values = []
        if len(values) != 5:
            raise _wrong(place, "must be five numbers: class, centre x and y, width, height")
        class_id, x, y, w, h = values
        if not (class_id == int(_finite(class_id)) and 0 <= class_id < MOST_CLASSES):
            raise _wrong(place, "the class must be a whole number, 0 or more")
        # writers round, and some let a box reach a little beyond the picture
        if not (-0.1 <= x <= 1.1 and -0.1 <= y <= 1.1 and 0 <= w <= 1.1 and 0 <= h <= 1.1):
            raise _wrong(place, "centre and size must be parts of the picture's size, 0 to 1")
        x, w, y, h = x * wide, w * wide / 2, y * high, h * high / 2
        rows.append(((x - w, y - h, x + w, y + h), int(class_id), False))
    return rows


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -1.0


def _text(path: str, most_bytes: int) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > most_bytes:
        raise SourceError(
            f"{path}: more than {most_bytes >> 20} MiB of labels. Take fewer pictures, or labels "
            "without outlines"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(path, f"no UTF-8 text: {error.reason} at byte {error.start}") from error


def _labelled(rows: Sequence[_Row]) -> Labelled:
    return Labelled(
        np.array([box for box, _, _ in rows], np.float64).reshape(-1, 4),
        np.array([class_id for _, class_id, _ in rows], np.int64),
        np.array([crowd for _, _, crowd in rows], bool),
    )


def _wrong(place: str, text: str) -> SourceError:
    return SourceError(f"{place}: {text}. Mend the labels, or move them away to go on without")
