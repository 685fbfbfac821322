"""test_placer: what the kernel is told, as letterbox.cu itself reads it."""

import numpy as np
import pytest

from app.device.backend import InputSpec, Placement
from app.device.placer import Placer
from app.errors import DeviceError
from tests import fake_cuda
from tests.by_kernel import picture, placed, placed_by_host, whole

CODE = fake_cuda.code("letterbox")


@pytest.mark.parametrize("form", ["bgr", "bgrx", "nv12"])
@pytest.mark.parametrize("placement", list(Placement))
def test_whole_pictures(cuda, form, placement):
    random = np.random.RandomState(1)
    for wide, high in ((1, 1), (37, 91), (333, 1), (320, 180)):
        spec = InputSpec((57, 44), placement=placement, std=(255.0,) * 3, resize=60)
        images = [picture(random, form, wide, high)]
        windows = np.stack([whole(image) for image in images])
        expected = placed_by_host(spec, images, windows)
        made = placed(cuda, CODE, spec, images, windows)
        assert np.abs(made - expected).max() <= 1.01 / 255, (wide, high)


@pytest.mark.parametrize("form", ["bgr", "bgrx", "nv12"])
def test_windows_of_more_pictures_than_one_launch_takes(cuda, form):
    random = np.random.RandomState(2)
    spec = InputSpec((24, 16), placement=Placement.STRETCH)
    images = [picture(random, form, 30 + row, 20 + row) for row in range(70)]
    corners = random.uniform(-9, 90, (70, 2, 2))
    windows = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1).astype(np.float32)
    made = placed(cuda, CODE, spec, images, windows)
    assert np.abs(made - placed_by_host(spec, images, windows)).max() <= 1.01 / 255


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_layout_colour_and_type(cuda, layout, colour, dtype):
    random = np.random.RandomState(3)
    values = {"mean": (0.0,) * 3, "std": (1.0,) * 3}
    if dtype != "uint8":
        values = {"mean": (103.5, 116.3, 123.7), "std": (57.4, 57.1, 58.4)}
    spec = InputSpec((50, 40), layout, colour, placement=Placement.LETTERBOX, pad=7, **values)
    image = picture(random, "bgr", 77, 41)
    expected = placed_by_host(spec, [image], whole(image)[None])
    made = placed(cuda, CODE, spec, [image], whole(image)[None], dtype)
    worst = np.abs(made.astype(np.float32) - expected).max()
    assert worst * max(1, values["std"][0]) <= 1.1


def test_no_picture_is_no_launch(cuda):
    cuda._driver.fault = "nothing may be started"
    placer = Placer(cuda, CODE, InputSpec((8, 8)), "float32")
    placer.place([], np.empty((0, 4), np.float32), 0, cuda.stream())


def test_code_of_another_gpu_is_one_line(cuda):
    with pytest.raises(DeviceError, match="the kernel letterbox does not fit this GPU or driver"):
        Placer(cuda, b"\x7fELF of sm_99", InputSpec((8, 8)), "float32")
