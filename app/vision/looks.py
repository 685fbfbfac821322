"""looks: how the well-known families of networks want a picture prepared."""

from typing import NamedTuple, Tuple


class Look(NamedTuple):
    """Preprocessing as its family is usually trained: value = (pixel - mean) / std."""

    colour: str
    mean: Tuple[float, float, float]
    std: Tuple[float, float, float]
    placement: str  # a value of device.backend.Placement
    resize: float = 1.0  # centre-crop: the short side before the cut, in parts of the input's


UNIT_LETTERBOX = Look("rgb", (0.0,) * 3, (255.0,) * 3, "letterbox")
UNIT_STRETCH = UNIT_LETTERBOX._replace(placement="stretch")
YOLOX = Look("bgr", (0.0,) * 3, (1.0,) * 3, "letterbox-top-left")
NANODET = Look("bgr", (103.53, 116.28, 123.675), (57.375, 57.12, 58.395), "stretch")
IMAGENET = Look("rgb", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375), "stretch")
TORCHVISION = IMAGENET._replace(placement="centre-crop", resize=256 / 224)  # classifiers
ULTRALYTICS = UNIT_LETTERBOX._replace(placement="centre-crop")  # classifiers
PIXELS = Look("rgb", (0.0,) * 3, (1.0,) * 3, "stretch")  # the network normalises them
CAFFE = Look("bgr", (104.0, 117.0, 123.0), (1.0,) * 3, "stretch")
TENSORFLOW = Look("rgb", (127.5,) * 3, (127.5,) * 3, "stretch")
ULTRAFACE = Look("rgb", (127.0,) * 3, (128.0,) * 3, "stretch")
CENTERFACE = Look("rgb", (0.0,) * 3, (1.0,) * 3, "letterbox")


def for_type(look: Look, dtype: str) -> Look:
    """An input of whole numbers takes the pixels as they are: the network normalises them."""
    if dtype.startswith(("int", "uint")):
        return look._replace(mean=(0.0,) * 3, std=(1.0,) * 3)
    return look
