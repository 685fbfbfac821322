"""What a monitor and a browser see of `jetwatch run` while a real camera is lost and back."""

import contextlib
import json
import signal
import socket
import time

import cv2
import numpy as np
import pytest

from tests import needs, tiny
from tests.camera import RtspServer
from tests.command import finish, jetwatch, start
from tests.scrape import documented, get, labels_of, scrape, value
from tests.viewer import Viewer, wait_for

pytest.importorskip("onnx")

CONFIG = """
cameras:
- {{name: gate, source: "{gate}", timeout_s: 1}}
- name: yard
  source: test://?size=320x240&fps=15
  masks: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
detect: {{model: {model}}}
{more}
http: {{port: {port}}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """A running `jetwatch run`, and what it answers."""

    def __init__(self, tmp_path, gate, more=""):
        self.port = free_port()
        config = tmp_path / "two.yaml"
        model = tiny.detector(tmp_path / "tiny.onnx")
        config.write_text(CONFIG.format(gate=gate, model=model, more=more, port=self.port))
        self.process = start("run", config)

    def answers(self):
        assert self.process.poll() is None, self.process.communicate()
        try:
            return bool(get(self.port, "/livez"))
        except OSError:
            return False

    def health(self):
        """The status of /healthz and what it says."""
        status, kind, content = get(self.port, "/healthz")
        assert kind == "application/json"
        return status, json.loads(content.decode("ascii"))

    def well(self):
        """Whether it is ready and no camera lacks anything; the machine may be hot all the same."""
        status, said = self.health()
        return status == 200 and not any(one["reasons"] for one in said["cameras"].values())

    def end(self):
        asked = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        result = finish(self.process, 10)
        assert result.code == 0, result.err
        assert time.monotonic() - asked < 5
        return result


@contextlib.contextmanager
def running(tmp_path, gate, more=""):
    service = Service(tmp_path, gate, more)
    try:
        wait_for(service.answers)
        yield service
        service.end()
    finally:
        if service.process.poll() is None:
            service.process.kill()
            service.process.communicate()


def test_health_follows_a_camera_that_is_lost_and_comes_back(tmp_path):
    needs.gstreamer("GstRtspServer")
    camera = RtspServer()
    try:
        with running(tmp_path, camera.url(), f"rtsp: {{port: {free_port()}}}") as service:
            status, first = service.health()
            assert (status, first["live"], first["ready"]) == (503, True, False)
            wait_for(service.well)
            said = service.health()[1]
            assert set(said["cameras"]) == {"gate", "yard"}
            assert said["level"] == ("degraded" if said["reasons"] else "ok")
            see_pictures(service)

            camera.kill()
            wait_for(lambda: not service.well())
            wait_for(lambda: service.health()[1]["cameras"]["gate"]["state"].startswith("lost"))
            status, said = service.health()
            assert (status, said["ready"], said["level"]) == (200, True, "degraded")
            assert any(reason.startswith("gate: lost for ") for reason in said["reasons"])
            assert not any(reason.startswith("yard: ") for reason in said["reasons"])
            assert get(service.port, "/readyz")[0] == 200
            status, kind, content = get(service.port, "/snapshot/gate.jpg")
            assert status == 503 and kind.startswith("text/plain")
            assert content.startswith(b"lost: ")
            assert get(service.port, "/snapshot/yard.jpg")[0] == 200
            assert b"gate: lost for" in get(service.port, "/")[2]

            camera.start()
            wait_for(service.well)
            assert service.health()[1]["cameras"]["gate"]["reconnects"] >= 1
            assert get(service.port, "/snapshot/gate.jpg")[0] == 200
    finally:
        camera.kill()


def see_pictures(service):
    """Of the right size, after privacy and overlay: a mask is grey but for what is drawn on it."""
    for name in ("gate", "yard"):
        status, kind, content = get(service.port, f"/snapshot/{name}.jpg")
        assert (status, kind) == (200, "image/jpeg")
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        assert picture.shape == (240, 320, 3)
    grey = (np.abs(picture.astype(int) - 64) < 4).all(axis=2)
    assert grey[:, :150].mean() > 0.5 and not grey[:, :150].all()
    assert grey[:, 170:].mean() < 0.1
    assert get(service.port, "/snapshot/lane.jpg")[0] == 404


def test_what_prometheus_reads_grows_with_what_is_done(tmp_path):
    pytest.importorskip("prometheus_client")
    needs.gstreamer("GstRtspServer")
    rtsp = free_port()
    source = "test://?size=64x48&fps=30"
    more = f"rtsp: {{port: {rtsp}}}\nlimits: {{memory_mb: 4000}}"
    with running(tmp_path, source, more) as service:
        wait_for(service.well)
        with Viewer(f"rtsp://127.0.0.1:{rtsp}/yard") as viewer:
            assert viewer.see(3) == (320, 240)
            wait_for(lambda: value(scrape(service.port), "jetwatch_viewers", mount="yard") == 1)
            first = scrape(service.port)
            encoded = value(first, "jetwatch_encoded_frames_total", mount="yard")
            wait_for(
                lambda: (
                    value(scrape(service.port), "jetwatch_encoded_frames_total", mount="yard")
                    > encoded
                )
            )
        check_growth(first, scrape(service.port))


def check_growth(first, second):
    for camera in ("gate", "yard"):
        counts = [value(one, "jetwatch_frames_total", camera=camera) for one in (first, second)]
        assert 0 < counts[0] < counts[1]
        assert value(second, "jetwatch_camera_up", camera=camera) == 1
        assert value(second, "jetwatch_newest_frame_age_seconds", camera=camera) < 2
        model = {"model": "tiny", "backend": "host", "precision": "fp32", "input": "64x48"}
        assert value(second, "jetwatch_model_info", camera=camera, **model) == 1
    for name in ("jetwatch_latency_seconds_count", "process_cpu_seconds_total"):
        assert value(second, name) > value(first, name)
    done = sum(value(second, "jetwatch_frames_total", camera=one) for one in ("gate", "yard"))
    assert value(second, "jetwatch_latency_seconds_count") == done
    assert value(second, "jetwatch_stage_seconds_count", stage="publish") == done
    assert value(second, "jetwatch_encoded_frames_total", mount="gate") == 0  # nobody watches it
    used, budget = (value(second, f"jetwatch_memory_budget{one}_bytes") for one in ("_used", ""))
    assert budget == 4000 << 20 and 10 << 20 < used < budget
    hold_to_documentation(second)


def hold_to_documentation(families):
    told = documented()
    assert set(families) <= set(told)
    for name, (kind, labels, there) in told.items():
        if there.strip() in ("always", "after the first", "with `rtsp:`", "with a budget"):
            assert labels_of(families[name]) == {labels}, name
            assert families[name].type == kind, name


def test_without_anything_that_draws_there_is_health_and_no_picture(tmp_path):
    with running(tmp_path, "test://?size=64x48&fps=15") as service:
        wait_for(service.well)
        status, _, content = get(service.port, "/snapshot/gate.jpg")
        assert status == 404 and b"rtsp: or record:" in content
        assert b"snapshot/" not in get(service.port, "/")[2]


def test_a_port_that_is_taken_ends_it_before_a_model_is_loaded(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        config = tmp_path / "one.yaml"
        config.write_text(CONFIG.format(gate="test://", model="no-such.onnx", more="", port=port))
        result = jetwatch("run", config)
    line = result.failed(73, f"port {port}", "http.port")
    assert "no-such" not in line


def test_check_says_where_it_will_listen(tmp_path):
    config = tmp_path / "one.yaml"
    model = tiny.detector(tmp_path / "tiny.onnx")
    config.write_text(CONFIG.format(gate="test://", model=model, more="", port=8099))
    result = jetwatch("check", config)
    assert result.code == 0 and "http     http://127.0.0.1:8099/\n" in result.out
    assert "password" not in result.out
    config.write_text(config.read_text().replace("http: {", "http: {address: 0.0.0.0, "))
    assert "http asks for no password: whoever" in jetwatch("check", config).out
    login = tmp_path / "password"
    login.write_text("s3cret")
    with config.open("a") as file:
        file.write("rtsp: {{user: bob, password: {{file: {}}}}}\n".format(login))
    assert "http asks for no password, though rtsp does: whoever" in jetwatch("check", config).out
