"""conftest: one GPU for all device tests; skipped, with the reason, where there is none."""

import os

import pytest

from app.device import trt
from app.device.cuda import Cuda
from app.errors import DeviceError
from tests.device import engines


@pytest.fixture(scope="session")
def api():
    try:
        return trt.open_api()
    except DeviceError as error:
        _absent(error)


@pytest.fixture(scope="session")
def cuda():
    try:
        made = Cuda()
    except DeviceError as error:
        _absent(error)
    with made.attached():
        yield made
        made.close()


@pytest.fixture(scope="session")
def kernel_folder(tmp_path_factory):
    """Where compiled kernels are kept for the session."""
    return str(tmp_path_factory.mktemp("kernels"))


@pytest.fixture(scope="session")
def onnx(tmp_path_factory):
    return engines.tiny_onnx(tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="session")
def content(api, cuda, onnx):
    """The plan of it, as bytes."""
    return engines.plan(api, onnx)


def _absent(error):
    if os.environ.get("JETWATCH_REQUIRE_GPU") == "1":
        pytest.fail(f"JETWATCH_REQUIRE_GPU=1, but {error}")
    pytest.skip(str(error))


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/device" in str(item.fspath):
            item.add_marker(pytest.mark.device)
