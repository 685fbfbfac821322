"""detect: a prepared tensor becomes boxes in the picture's pixels."""

from __future__ import generator_stop

import difflib
from typing import Iterable, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame
from app.core.stage import Frames, Stage
from app.device.backend import Backend, Model
from app.errors import ConfigError
from app.vision import decode, letterbox


class DetectSettings(NamedTuple):
    model: str  # a name in the catalogue, or an ONNX file
    score: Optional[float] = None  # None: the model's own
    iou: Optional[float] = None
    classes: Tuple[str, ...] = ()  # labels to keep; none: all
