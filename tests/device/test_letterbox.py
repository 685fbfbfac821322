"""letterbox: the kernel against HostBackend's own preparation."""

import itertools

import numpy as np
import pytest

from app.device import kernels
from app.device.backend import InputSpec, Placement
from tests.by_kernel import picture, placed, placed_by_host, whole

SIZES = [(1, 1), (37, 91), (640, 480), (333, 1), (1279, 719), (1920, 1080), (3, 500)]
INPUTS = [(64, 64), (113, 57), (224, 224), (416, 416)]


@pytest.fixture(scope="module")
def binary(cuda, kernel_folder):
    return kernels.compiled("letterbox", cuda.gpu.sm, kernel_folder)


@pytest.mark.parametrize("form", ["bgr", "bgrx", "nv12"])
@pytest.mark.parametrize("placement", list(Placement))
def test_whole_pictures_of_odd_sizes(cuda, binary, form, placement):
    """Within one grey level: OpenCV rounds to whole levels, the kernel does not."""
    random = np.random.RandomState(1)
    for (wide, high), size_wh in itertools.product(SIZES, INPUTS):
        spec = InputSpec(size_wh, placement=placement, std=(255.0,) * 3)
        images = [picture(random, form, wide, high)]
        windows = np.stack([whole(image) for image in images])
        expected = placed_by_host(spec, images, windows)
        made = placed(cuda, binary, spec, images, windows)
        worst = np.abs(made - expected).max()
        assert worst <= 1.01 / 255, (wide, high, size_wh, worst * 255)


@pytest.mark.parametrize("form", ["bgr", "bgrx", "nv12"])
def test_windows_of_many_pictures_in_one_batch(cuda, binary, form):
    random = np.random.RandomState(2)
    spec = InputSpec((96, 64), placement=Placement.STRETCH)
    images = [picture(random, form, 100 + 7 * row, 80 + 5 * row) for row in range(40)]
    corners = random.uniform(-20, 200, (40, 2, 2))
    windows = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    made = placed(cuda, binary, spec, images, windows)
    assert np.abs(made - placed_by_host(spec, images, windows)).max() <= 1.01 / 255


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype, slack", [("float32", 1.01), ("float16", 1.1), ("uint8", 1.01)])
def test_layout_colour_and_type(cuda, binary, layout, colour, dtype, slack):
    random = np.random.RandomState(3)
    values = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    if dtype != "uint8":
        values = {"mean": (103.5, 116.3, 123.7), "std": (57.4, 57.1, 58.4)}
    spec = InputSpec((50, 40), layout, colour, placement=Placement.LETTERBOX, pad=7, **values)
    image = picture(random, "bgr", 77, 41)
    windows = whole(image)[None]
    expected = placed_by_host(spec, [image], windows)
    made = placed(cuda, binary, spec, [image], windows, dtype)
    assert np.abs(made.astype(np.float32) - expected).max() * max(1, values["std"][0]) <= slack


def test_a_picture_of_the_inputs_own_size_is_exact(cuda, binary):
    random = np.random.RandomState(4)
    spec = InputSpec((64, 48), std=(1.0,) * 3)
    image = picture(random, "bgr", 64, 48)
    made = placed(cuda, binary, spec, [image], whole(image)[None])
    assert (made[0] == image[..., ::-1].transpose(2, 0, 1)).all()
