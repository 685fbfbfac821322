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


def shape_of(
    picture: Tensor, free_wh: Tuple[int, int] = FREE_SIZE_WH
) -> Tuple[str, Tuple[int, int]]:
    """Layout and (wide, high) of a picture input; ``free_wh`` stands in where those are free."""
    layout = "nhwc" if picture.shape[3] == 3 and picture.shape[1] != 3 else "nchw"
    high, wide = picture.shape[1:3] if layout == "nhwc" else picture.shape[2:4]
    return layout, (wide if wide > 0 else free_wh[0], high if high > 0 else free_wh[1])


def listed(tensors: Tuple[Tensor, ...]) -> str:
    """Names and shapes on one line."""
    shown = (f"{name} {[n if n >= 0 else '?' for n in shape]}" for name, shape, _ in tensors)
    return ", ".join(shown).replace("'", "") or "none"
