"""SIGTERM and Ctrl-C while a model loads: obeyed in time, with whole films, and nothing hangs."""

import os
import signal
import time

import pytest

from tests import tiny
from tests.command import finish, start, wait_for
from tests.flow.test_build import Here
from tests.flow.test_service import nothing_left, service
from tests.manager import managing

pytest.importorskip("onnx")

__all__ = ["nothing_left"]  # a fixture

# As deserialize_cuda_engine, it is one call into C, which no signal breaks off: to a lock that is
# taken already.
SLOW = """
import ctypes, os
from app.device import host
load = host.HostBackend.load
def loading(self, model):
    if model.name == "slow":
        open(model.path + ".begun", "w").close()
        mutex = (ctypes.c_char * 64)()
        for _ in range(2):
            ctypes.CDLL(None).pthread_mutex_lock(mutex)
    return load(self, model)
host.HostBackend.load = loading
"""


@pytest.fixture
def slow(tmp_path):
    """A model that takes its time, and what is there once its loading has begun."""
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    model = tiny.detector(tmp_path / "slow.onnx")
    return model, lambda: os.path.exists(model + ".begun")


def told(process, number):
    """How it ends by a signal, and that it does in time."""
    asked = time.monotonic()
    process.send_signal(number)
    result = finish(process, 30)
    assert time.monotonic() - asked < 5
    return result


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_at_the_start(tmp_path, slow, number, code):
    """It waited for the model, two minutes of a Nano's, and systemd killed it before that."""
    model, begun = slow
    process = start("run", "--source", "test://", "--model", model, path=[tmp_path])
    wait_for(process, begun)
    result = told(process, number)
    assert result.code == code, result.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_of_a_new_config_while_the_old_one_films(tmp_path, slow, number):
    import cv2

    model, begun = slow
    film = tmp_path / "film.mp4"
    with managing(tmp_path, watchdog_s=20) as manager:
        more = f'record: {{path: "{film}"}}'
        process, config = service(tmp_path, manager, more=more, path=[tmp_path])
        manager.wait("READY=1")
        config.write_text(config.read_text().replace(str(tmp_path / "tiny.onnx"), model))
        process.send_signal(signal.SIGHUP)
        wait_for(process, begun)
        fed = manager.wait("WATCHDOG=1", since=manager.wait("RELOADING=1"))
        manager.wait("WATCHDOG=1", since=fed + 1)  # frames go on meanwhile
        process.send_signal(signal.SIGHUP)  # and are not ended by another
        manager.wait("WATCHDOG=1", since=len(manager.listen(1.5)))
        result = told(process, number)
    assert result.code == 0, result.err
    assert film.exists() and not list(tmp_path.glob("*.mp4.*")), os.listdir(str(tmp_path))
    seen = cv2.VideoCapture(str(film))
    frames = 0
    while seen.read()[0]:
        frames += 1
    assert frames >= 15


BUILDS = """
import os, time
from app.device import build
def building(*_):
    with open({begun!r}, "w") as file:
        file.write(str(os.getpid()))
    time.sleep(60)
build.build = building
"""


def test_while_an_engine_is_built_whose_child_goes_too(tmp_path):
    here = Here(tmp_path)
    here.machine("8.6.1")
    begun = tmp_path / "begun"
    (here.modules / "sitecustomize.py").write_text(BUILDS.format(begun=str(begun)))
    config, where = here.config(kind="gpu", build="auto"), {"JETWATCH_ENGINES": str(here.folder)}
    process = start("run", config, env=where, path=[here.modules])
    wait_for(process, lambda: begun.exists() and begun.read_text())
    result = told(process, signal.SIGTERM)
    assert result.code == 0, result.err
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
    assert not [name for name in here.left() if not name.endswith((".cubin", ".cache"))]
