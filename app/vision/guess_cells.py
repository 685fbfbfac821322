"""guess_cells: heads with a row, column or map of cells, told by names and shapes."""

import re
from typing import Dict, List, Mapping, Optional, Tuple

from app.vision.cells import count, strides_for
from app.vision.clues import Head, Seen, axes, known, named
from app.vision.looks import CENTERFACE, IMAGENET, NANODET, UNIT_LETTERBOX, UNIT_STRETCH, YOLOX
from app.vision.tensors import Shape, Tensor

_QUERIES = 900  # at most, of any DETR
_RT_DETR = re.compile(r"\brt-?detr", re.IGNORECASE)  # "Ultralytics rtdetr-l model trained on ..."


def centre_maps(seen: Seen) -> Optional[Head]:
    if sorted(s.shape[1] for s in seen.outputs if axes(s) == 4) != [1, 2, 2, 10]:
        return None
    heat = [s for s in seen.outputs if s.shape[1] == 1][0]
    size, offset = [s for s in seen.outputs if s.shape[1] == 2]
    reason = "maps of 1, 2, 2, 10 channels: CenterFace, the first pair taken for the size"
    roles = named(heat=heat, size=size, offset=offset)
    return Head("centerface", roles, CENTERFACE, 1, reason)


def distributions(seen: Seen) -> Optional[Head]:
    if any(axes(spec) != 3 for spec in seen.outputs) or len(seen.outputs) < 4:
        return None
    by_rows: Dict[int, List[Tensor]] = {}
    for spec in seen.outputs:
        by_rows.setdefault(spec.shape[1], []).append(spec)
    widths = {tuple(sorted(s.shape[2] for s in pair)) for pair in by_rows.values()}
    strides = {rows: _stride(rows, seen.size_wh) for rows in by_rows}
    if len(widths) != 1 or None in strides.values():
        return None
    sides = _sides(widths.pop())
    if not sides:
        return None
    roles = {}
    for rows, pair in by_rows.items():
        box = pair[0] if pair[0].shape[2] == sides else pair[1]
        score = pair[1] if box is pair[0] else pair[0]
        roles[f"scores_{strides[rows]}"] = score.name
        roles[f"boxes_{strides[rows]}"] = box.name
        classes = known(score.shape[2])
    family, look = ("nanodet", NANODET) if len(by_rows) == 3 else ("picodet", IMAGENET)
    return Head(
        family, roles, look, classes, f"{len(by_rows)} pairs of scores and {sides} side bins: GFL"
    )


def one_list(seen: Seen) -> Optional[Head]:
    lists = [spec for spec in seen.outputs if axes(spec) == 3]
    if len(lists) != 1 or any(axes(spec) != 5 for spec in seen.outputs if spec is not lists[0]):
        return None  # YOLOv5 may carry its raw maps, five axes each, beside the list
    roles = {"output": lists[0].name}
    _, first, second = lists[0].shape
    metadata, names = seen.hints.metadata, len(seen.hints.names)
    if _RT_DETR.search(metadata.get("description", "")):
        return _queries(roles, names)
    strides = strides_for(second, seen.size_wh)
    if strides:
        return _columns(seen, roles, first, strides)
    strides = strides_for(first, seen.size_wh)
    if strides:
        return _rows(seen, roles, second, strides)
    if _anchored(first, seen.size_wh):
        reason = f"three anchors in each of {first // 3} cells: YOLOv5"
        return Head("yolov5", roles, UNIT_LETTERBOX, second - 5, reason)
    if names and second == names + 5 and not 0 < first <= _QUERIES:
        reason = f"rows of box, objectness and {names} scores: YOLOv5"
        return Head("yolov5", roles, UNIT_LETTERBOX, names, reason)
    if second == 6 or metadata.get("end2end") == "True":
        return Head(
            "end2end", roles, UNIT_LETTERBOX, None, f"{first} rows of box, score, class: end to end"
        )
    if names and second == names + 4 and 0 < first <= _QUERIES:
        return _queries(roles, names)
    if "names" in metadata and (first < 0 or first == names + 4):
        return Head("yolov8", roles, UNIT_LETTERBOX, names or None, "Ultralytics' own metadata")
    if 4 < first < second:
        return Head("yolov8", roles, UNIT_LETTERBOX, first - 4, "columns of box and scores: YOLOv8")
    return None


def _queries(roles: Mapping[str, str], names: int) -> Head:
    """Ultralytics stretches pictures for it (ultralytics/models/rtdetr/predict.py)."""
    reason = "a row of box 0..1 and scores per query: RT-DETR of Ultralytics"
    return Head("rtdetr", roles, UNIT_STRETCH, names or None, reason)


def _columns(seen: Seen, roles: Mapping[str, str], width: int, strides: Tuple[int, ...]) -> Head:
    classes = width - 4 if width > 4 else None
    if len(strides) == 4 and not seen.hints.metadata:
        reason = "a column of box and scores per cell of 4 levels: PicoDet with its decoding inside"
        return Head("yolov8", roles, UNIT_STRETCH, classes, reason)
    return Head(
        "yolov8", roles, UNIT_LETTERBOX, classes, "a column of box and scores per cell: YOLOv8"
    )


def _rows(seen: Seen, roles: Mapping[str, str], width: int, strides: Tuple[int, ...]) -> Head:
    names = len(seen.hints.names)
    if _has_bins(width, strides, names):
        family = "nanodet_plus" if len(strides) == 4 else "picodet"
        reason = f"{width - 32} scores and 4 x 8 side bins per cell: NanoDet"
        return Head(family, roles, NANODET, width - 32, reason)
    if width == 84 or names and width == names + 4:
        reason = f"a row of box and {width - 4} scores: YOLOv8"
        return Head("yolov8", roles, UNIT_LETTERBOX, width - 4, reason)
    if "Exp" in seen.hints.operators:
        return Head(
            "yolov5", roles, YOLOX, width - 5, "YOLOX with its decoding inside, as it uses Exp"
        )
    reason = "a row of box, objectness, scores per cell: YOLOX, unless a run gives boxes in pixels"
    return Head("yolox", roles, YOLOX, width - 5, reason)


def _has_bins(width: int, strides: Tuple[int, ...], names: int) -> bool:
    """Whether rows end in 4 x 8 bins: on four levels, NanoDet-Plus is far more usual than YOLO."""
    if names and names in (width - 32, width - 5, width - 4):
        return names == width - 32
    return width == 80 + 32 or strides == (8, 16, 32, 64) and width > 32 and width not in (84, 85)


def _stride(rows: int, size_wh: Tuple[int, int]) -> Optional[int]:
    for stride in (4, 8, 16, 32, 64, 128):
        if count(size_wh, (stride,)) == rows:
            return stride
    return None


def _anchored(rows: int, size_wh: Tuple[int, int]) -> bool:
    return rows > 0 and rows % 3 == 0 and strides_for(rows // 3, size_wh) is not None


def _sides(widths: Shape) -> Optional[int]:
    """Which of two widths is 4 x bins: 8, 11 or 17 bins are in use; else the divisible one."""
    usual = [width for width in widths if width in (32, 44, 68)]
    fitting = [width for width in widths if width > 4 and width % 4 == 0]
    found = usual if len(usual) == 1 else fitting
    return found[0] if len(widths) == 2 and len(found) == 1 else None
