"""sizes: what to give an input that wants to be told the picture's size."""

from typing import Optional, Tuple

import numpy as np

from app.device.backend import InputSpec, Model, TensorSpec
from app.errors import EngineError


def size_values(spec: TensorSpec, model: Model, picture: InputSpec) -> np.ndarray:
    """(2,) of the input's own type. Raises EngineError for an input that wants something else."""
    wide, high = picture.size_wh
    values: Optional[Tuple[int, int]] = None
    if len(spec.shape) == 2 and spec.shape[1] == 2:
        if spec.dtype.startswith("int"):
            values = (wide, high)  # orig_target_sizes: boxes come in network pixels
        elif "scale" in spec.name:
            values = (1, 1)
        elif "shape" in spec.name:
            values = (high, wide)
    if values is None:
        raise EngineError(
            f"{model.path}: wants an input {spec.name!r} {list(spec.shape)} of {spec.dtype} that "
            "nothing here can give. Export the model without it"
        )
    return np.array(values, spec.dtype)
