"""host: preprocessing to the pixel, batches, refusals in one line."""

from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest

from app.device.backend import InputSpec, Model, Placement
from app.errors import DeviceError, EngineError
from app.vision import decode
from tests import networks
from tests.data import data
from tests.networks import refused

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
host = pytest.importorskip("app.device.host", reason="OpenCV is not installed")

PLAIN = InputSpec((6, 4), std=(1.0, 1.0, 1.0))
WHOLE = np.array([[0, 0, 6, 4]], np.float32)


@pytest.fixture
def backend() -> Any:
    made = host.HostBackend(threads=1)
    yield made
    made.close()
    made.close()  # twice is allowed


def echo(backend: Any, tmp_path: Path, spec: InputSpec = PLAIN, **more: Any) -> Any:
    return backend.load(Model("echo", networks.echo(tmp_path / "echo.onnx", **more), spec))


def answer(backend: Any, network: Any, images: Any, windows: Any) -> np.ndarray:
    with backend.attached():
        found: Dict[str, np.ndarray] = backend.infer(
            network, backend.prepare(network, images, np.array(windows, np.float32))
        )
    return found["out"]


def picture(high: int = 4, wide: int = 6, channels: int = 3) -> np.ndarray:
    shape = (high, wide, channels)
    return np.random.RandomState(1).randint(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("colour", ["rgb", "bgr"])
@pytest.mark.parametrize(
    "mean, std", [((0, 0, 0), (1, 1, 1)), ((0, 0, 0), (255,) * 3), ((1.5, 2, 3), (4, 5, 6))]
)
def test_values(backend, tmp_path, channels, colour, mean, std) -> None:
    spec = PLAIN._replace(colour=colour, mean=mean, std=std)
    image = picture(channels=channels)
    out = answer(backend, echo(backend, tmp_path, spec), [image], WHOLE)
    pixels = image[..., 2::-1] if colour == "rgb" else image[..., :3]
    expected = ((pixels.astype(np.float64) - mean) / std).transpose(2, 0, 1)
    assert out.dtype == np.float32 and np.allclose(out[0], expected, atol=1e-5)


def test_nhwc(backend, tmp_path) -> None:
    spec = PLAIN._replace(layout="nhwc")
    image = picture()
    out = answer(backend, echo(backend, tmp_path, spec, shape=(1, 4, 6, 3)), [image], WHOLE)
    assert (out[0] == image[..., ::-1]).all()


@pytest.mark.parametrize("dtype", ["UINT8", "FLOAT16"])
def test_other_input_types(backend, tmp_path, dtype) -> None:
    image = picture()
    out = answer(backend, echo(backend, tmp_path, dtype=dtype), [image], WHOLE)
    assert (out[0] == image[..., ::-1].transpose(2, 0, 1)).all()


def test_whole_numbers_are_rounded_and_kept_in_range(backend, tmp_path) -> None:
    """A cast alone makes 1 of 1.9, and 44 of 300."""
    image = np.array([[[0, 11, 201]]], np.uint8)
    spec = InputSpec((1, 1), "nchw", "bgr", (7.0,) * 3, (0.6,) * 3)
    network = echo(backend, tmp_path, spec, shape=(1, 3, 1, 1), dtype="UINT8")
    assert answer(backend, network, [image], [[0, 0, 1, 1]]).ravel().tolist() == [0, 7, 255]


@pytest.mark.parametrize(
    "placement, filled",
    [
        (Placement.LETTERBOX, (slice(0, 4), slice(1, 5))),
        (Placement.LETTERBOX_TOP_LEFT, (slice(0, 4), slice(0, 4))),
        (Placement.STRETCH, (slice(0, 4), slice(0, 6))),
    ],
)
def test_placement_and_border(backend, tmp_path, placement, filled) -> None:
    network = echo(backend, tmp_path, PLAIN._replace(placement=placement, pad=7))
    out = answer(backend, network, [np.full((8, 8, 3), 200, np.uint8)], [[0, 0, 8, 8]])
    expected = np.full((3, 4, 6), 7)
    expected[(slice(None),) + filled] = 200
    assert (out[0] == expected).all()
    # a second picture of another shape leaves nothing of the first
    out = answer(backend, network, [np.full((4, 1, 3), 100, np.uint8)], [[0, 0, 1, 4]])
    assert set(np.unique(out)) <= {7, 100}


@pytest.mark.parametrize(
    "window, cut",
    [
        ([0, 0, 6, 4], (slice(0, 4), slice(0, 6))),
        ([1.4, 0.6, 3.6, 3.4], (slice(1, 3), slice(1, 4))),
        ([-5, -5, 3, 2], (slice(0, 2), slice(0, 3))),
        ([4, 2, 99, 99], (slice(2, 4), slice(4, 6))),
        ([3, 3, 3, 3], (slice(3, 4), slice(3, 4))),
        ([50, 50, 60, 60], (slice(3, 4), slice(5, 6))),
    ],
)
def test_windows_are_cut_inside_the_picture(window, cut) -> None:
    image = picture()
    assert (host.cut(image, np.array(window, np.float32)) == image[cut]).all()


@pytest.mark.parametrize("batch", ["batch", 1, 2])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_batches_whatever_the_file_declares(backend, tmp_path, batch, rows) -> None:
    network = echo(backend, tmp_path, shape=(batch, 3, 4, 6))
    images = [np.full((4, 6, 3), 10 * row, np.uint8) for row in range(rows)]
    out = answer(backend, network, images, np.repeat(WHOLE, rows, axis=0))
    assert out.shape == (rows, 3, 4, 6)
    assert [row.max() for row in out] == [10 * row for row in range(rows)]


def test_outputs_are_the_callers(backend, tmp_path) -> None:
    network = echo(backend, tmp_path)
    first = answer(backend, network, [np.full((4, 6, 3), 1, np.uint8)], WHOLE)
    answer(backend, network, [np.full((4, 6, 3), 2, np.uint8)], WHOLE)
    assert (first == 1).all()


def test_the_size_input_gets_the_networks_size(backend, tmp_path) -> None:
    path = networks.model(
        tmp_path / "sizes.onnx",
        ("batch", 3, 4, 6),
        [("Cast", ["orig_target_sizes"], "out", {"to": 1})],
        {"out": ("batch", 2)},
        inputs={"orig_target_sizes": ("INT64", ("batch", 2))},
    )
    network = backend.load(Model("sizes", path, PLAIN))
    out = answer(backend, network, [picture(), picture()], np.repeat(WHOLE, 2, axis=0))
    assert out.tolist() == [[6, 4], [6, 4]]


def test_fixed_sizes_are_set_free(backend, tmp_path) -> None:
    path = networks.echo(tmp_path / "fixed.onnx", (10, 3, 2, 2))
    network = backend.load(Model("fixed", path, PLAIN, free_dims=(0, 2, 3)))
    assert network.inputs[0].shape == (-1, 3, -1, -1)
    assert answer(backend, network, [picture()], WHOLE).shape == (1, 3, 4, 6)


@pytest.mark.parametrize("free_dims", [(), (0,)])
def test_weights_in_a_file_beside_it(backend, tmp_path, free_dims) -> None:
    """With sizes to be set free, ONNX Runtime gets bytes, and looked for them where we stood."""
    model = Model("x", networks.outside(tmp_path / "x.onnx"), PLAIN, free_dims=free_dims)
    network = backend.load(model)
    assert (answer(backend, network, [picture() * 0], WHOLE) == 1).all()
    (tmp_path / "x.onnx.data").unlink()
    assert "x.onnx.data" in refused(backend, model, "weights lie in a file of their own")


@pytest.mark.parametrize(
    "content, told",
    [
        (None, "No such file"),
        (b"", "empty"),
        (b"<!DOCTYPE html><html>Sign in</html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs pointer"),
        (b"PK\x03\x04", "an archive"),
        (b"\0" * 1000, "blanks"),
        (b"no model at all", "no whole ONNX file"),
        (b"\x08\x07\x12\x04tiny", "no whole ONNX file"),
    ],
)
def test_what_is_no_model_is_refused(backend, tmp_path, content, told) -> None:
    path = tmp_path / "bad.onnx"
    if content is not None:
        path.write_bytes(content)
    refused(backend, Model("bad", str(path)), told)


def test_a_truncated_model_is_refused(backend, tmp_path) -> None:
    whole = Path(networks.echo(tmp_path / "echo.onnx")).read_bytes()
    path = tmp_path / "short.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    refused(backend, Model("short", str(path)), "no whole ONNX file")


@pytest.mark.parametrize("folder", ["a", "official released onnx opset", "rotobuf"])
@pytest.mark.parametrize("attributes", [{}, {"domain": "my.own"}])
def test_an_unknown_operator_is_not_too_new(backend, tmp_path, folder, attributes) -> None:
    """ONNX Runtime's message holds the path, and "opset" for more than one reason."""
    (tmp_path / folder).mkdir()
    mine = [("Mine", ["images"], "out", attributes)]
    shape = ("batch", 3, 4, 6)
    path = networks.model(tmp_path / folder / "x.onnx", shape, mine, {"out": shape})
    refused(backend, Model("x", path), "refuses it")


@pytest.mark.parametrize(
    "threads, width, each",
    [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 4, 1), (5, 4, 1), (6, 3, 2), (7, 3, 2), (8, 4, 2)],
)
def test_few_threads_are_left_over(threads, width, each) -> None:
    """With 7 threads, 4 frames of one thread each left 3 idle."""
    made = host.HostBackend(threads)
    assert (made.width, made._threads) == (width, each)


def test_a_future_opset_is_refused(backend, tmp_path) -> None:
    refused(backend, Model("x", networks.echo(tmp_path / "x.onnx", opset=99)), "too new")


def test_unknown_outputs_are_listed(backend, tmp_path) -> None:
    told = refused(backend, Model("x", networks.echo(tmp_path / "x.onnx")), "no known reading")
    assert "out [?, 3, 4, 6]" in told and "yolox" in told


def test_a_strange_input_is_refused(backend, tmp_path) -> None:
    path = networks.model(
        tmp_path / "x.onnx",
        ("batch", 3, 4, 6),
        [("Identity", ["prompt"], "out", {})],
        {"out": (1, 5)},
        inputs={"prompt": ("FLOAT", (1, 5))},
    )
    refused(backend, Model("x", path, PLAIN), "'prompt'")


def test_a_failing_run_is_an_engine_error(backend, tmp_path) -> None:
    shape = ("batch", 3, 4, 6)
    reshape = [("Flatten", ["images"], "f", {}), ("MatMul", ["f", "f"], "out", {})]
    path = networks.model(tmp_path / "x.onnx", shape, reshape, {"out": ("a", "b")})
    network = backend.load(Model("x", path, PLAIN))
    with pytest.raises(EngineError, match="cannot run it on"):
        answer(backend, network, [picture()], WHOLE)


def test_a_run_that_fails_where_others_did_not_is_no_fault_of_the_engine(backend, tmp_path) -> None:
    """A failing allocation, say: a service ended for ever with "Check the manifest's input"."""
    network = echo(backend, tmp_path)
    answer(backend, network, [picture()], WHOLE)
    network.handle.feeds = lambda rows: {}
    with pytest.raises(DeviceError, match="has run it, and now fails: .*memory is short") as failed:
        answer(backend, network, [picture()], WHOLE)
    assert not isinstance(failed.value, EngineError)


def test_a_closed_backend_says_so(backend, tmp_path) -> None:
    network = echo(backend, tmp_path)
    backend.close()
    with pytest.raises(EngineError, match="closed"):
        answer(backend, network, [picture()], WHOLE)


REAL = {  # file -> decoder, input size, placement
    "yolox_nano_416_dyn": ("yolox", (416, 416), "letterbox-top-left"),
    "deimv2_hgnetv2_femto_coco": ("detr", (416, 416), "stretch"),
    "picodet_s_416_v8head_dyn": ("yolov8", (416, 416), "stretch"),
    "human_nanodet_g_416": ("nanodet", (416, 416), "stretch"),
    "yolov8n_640_deq_fp32_dyn": ("yolov8", (640, 640), "letterbox"),
    "centerface_dyn": ("centerface", (640, 640), "letterbox"),
    "ultraface_rfb_320": ("ssd", (320, 240), "stretch"),
    "mobilenet_v2_1.0_224_deq_fp32": (None, (224, 224), "stretch"),
    "squeezenet1.1_caffe_227": (None, (227, 227), "stretch"),
}


@pytest.mark.parametrize("file", sorted(REAL))
def test_real_models_are_guessed_and_run_in_batches(backend, file) -> None:
    path = str(data(f"models/{file}.onnx"))
    try:
        network = backend.load(Model(file, path))
    except EngineError as error:
        assert "too new" in str(error)
        pytest.skip(str(error))
    decoder, size_wh, placement = REAL[file]
    assert network.model.decoder == decoder and network.guessed
    assert network.input.size_wh == size_wh and network.input.placement.value == placement
    images = [picture(480, 640), picture(300, 200)]
    windows = np.array([[0, 0, 640, 480], [0, 0, 200, 300]], np.float32)
    together = backend.infer(network, backend.prepare(network, images, windows))
    alone = backend.infer(network, backend.prepare(network, images[1:], windows[1:]))
    for name, array in alone.items():
        assert len(together[name]) == 2
        if array.dtype == np.float32 and decoder != "detr":  # its queries may change places
            assert np.allclose(together[name][1], array[0], atol=1e-2, rtol=1e-3)
    if decoder:
        head = decode.Head(decoder, network.model.outputs, size_wh, 0.3, 0.5)
        assert len(decode.find(together, head)) == 2
