"""tensors: a network's inputs and outputs by name and shape, and which of them is the picture."""

from typing import NamedTuple, Tuple

FREE_SIZE_WH = (640, 640)  # for a network that takes any size

Shape = Tuple[int, ...]


class Tensor(NamedTuple):
    name: str
    shape: Shape  # -1 where the size is free
    dtype: str


def picture_of(inputs: Tuple[Tensor, ...]) -> Tensor:
    """The input that takes the picture: the only one with four axes, three channels among them."""
    pictures = [spec for spec in inputs if len(spec.shape) == 4]
    if len(pictures) != 1:
        raise ValueError(f"needs one picture input (batch, 3, high, wide), has {listed(inputs)}")
    return pictures[0]


def shape_of(picture: Tensor) -> Tuple[str, Tuple[int, int]]:
    """Layout and (wide, high) of a picture input."""
    layout = "nhwc" if picture.shape[3] == 3 and picture.shape[1] != 3 else "nchw"
    high, wide = picture.shape[1:3] if layout == "nhwc" else picture.shape[2:4]
    return layout, (wide, high) if wide > 0 and high > 0 else FREE_SIZE_WH


def listed(tensors: Tuple[Tensor, ...]) -> str:
    """Names and shapes on one line."""
    shown = (f"{name} {[n if n >= 0 else '?' for n in shape]}" for name, shape, _ in tensors)
    return ", ".join(shown).replace("'", "") or "none"
