"""answers: what a backend's infer() gives, read as the objects of each picture."""

from typing import List, Mapping, Optional

import numpy as np

from app.device.backend import Model, Network
from app.vision import decode
from app.vision.found import Found
from app.vision.pick import Picked


def head(model: Model) -> Optional[decode.Head]:
    """How a completed model's outputs are read; None for a classifier."""
    if model.decoder is None or model.input is None:
        return None
    return decode.Head(model.decoder, model.outputs, model.input.size_wh, model.score, model.iou)


def found(network: Network, answer: Mapping[str, np.ndarray]) -> List[Found]:
    """The objects of each picture in network pixels, of a detector's answer, best first."""
    how = head(network.model)
    assert how is not None
    if not network.picked:
        return decode.find(answer, how)
    shapes = {spec.name: spec.shape for spec in network.outputs}
    counts = answer["count"]
    real = np.arange(answer["index"].shape[1]) < counts[:, None]
    columns = (answer["index"], answer["class_id"], answer["score"], answer["box"])
    return decode.of_picked(Picked(*(column[real] for column in columns)), counts, how, shapes)
