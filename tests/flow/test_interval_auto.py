"""A detector too slow for its camera: `interval: auto` keeps pictures young, and drops none."""

from __future__ import generator_stop

import threading
import time

import numpy as np
import pytest

from app import config
from app.assemble import assemble
from app.core.stage import Stage
from app.device.host import HostBackend
from tests import needs, tiny
from tests.camera import RtspServer

pytestmark = pytest.mark.slow

pytest.importorskip("onnx")

FPS = 15
PERIOD_S = 1.0 / FPS
LOOK_S = 1.6 * PERIOD_S  # at each picture that is too slow, at every second one it is not
LATENCY_MS = 2100.0 * PERIOD_S
SETTLED, MEASURED = 40, 70  # frames of the camera


class Slow(HostBackend):
    def infer(self, network, tensor):
        time.sleep(LOOK_S)
        return super().infer(network, tensor)


class Ages(Stage):
    """Stops the run after ``SETTLED + MEASURED`` frames of the camera; notes the latter."""

    name = "ages"

    def __init__(self, stop):
        self.frames = []
        self.ages = []
        self._stop = stop

    def run(self, frames):
        first = None
        for frame in frames:
            now = time.monotonic()
            first = frame.number if first is None else first
            if frame.number - first >= SETTLED:
                self.frames.append(frame._replace(image=None, private=None))
                self.ages.append(now - frame.captured)
            if frame.number - first >= SETTLED + MEASURED:
                self._stop.set()
            yield frame


class Seen:
    """What came out of a run on that camera with that interval."""

    def __init__(self, tmp_path, source, interval):
        model = tiny.detector(tmp_path / "tiny.onnx")
        path = tmp_path / "config.yaml"
        path.write_text(
            f"cameras: [{{name: cam, {source}}}]\n"
            f"detect: {{model: {model}, interval: {interval}, latency_ms: {LATENCY_MS}}}\n"
            f"track: {{}}\nreport: {{path: {tmp_path}/seen.jsonl}}\n"
        )
        backend, stop = Slow(1), threading.Event()
        out = Ages(stop)
        pipeline = assemble(config.load(str(path)), backend)
        pipeline.lanes[-1].append(out)
        limit = threading.Timer(60, stop.set)
        limit.start()
        try:
            pipeline.run(stop)
        finally:
            limit.cancel()
            backend.close()
        numbers = [frame.number for frame in out.frames]
        assert len(numbers) > 10, "the camera gives pictures"
        self.frames = out.frames
        self.published = len(numbers) / (numbers[-1] - numbers[0] + 1)
        self.looked_at = sum(frame.look for frame in out.frames) / len(numbers)
        self.p50, self.p95 = np.percentile(out.ages, (50, 95))


@pytest.fixture(params=["synthetic", "rtsp"])
def source(request):
    if request.param == "synthetic":
        yield f"source: 'test://', size_wh: [320, 240], fps: {FPS}"
        return
    needs.gstreamer("GstRtspServer")
    server = RtspServer("--fps", str(FPS), "--pattern", "white")
    try:
        yield f"source: '{server.url()}', latency_ms: 0"
    finally:
        server.kill()


def test_auto_keeps_pictures_young_and_drops_none(source, tmp_path):
    auto = Seen(tmp_path, source, "auto")
    limit = LATENCY_MS / 1000
    assert auto.p50 < limit and auto.p95 < 2 * limit
    assert auto.published > 0.9, "also those that are not looked at go all the way"
    assert 0.05 < auto.looked_at < 0.8
    tracked = [frame.detections.track_id.tolist() for frame in auto.frames]
    between = [ids for ids, frame in zip(tracked, auto.frames) if not frame.look]
    assert between and np.mean([ids == tracked[0] != [] for ids in between]) > 0.9, (
        "and are tracked"
    )

    each = Seen(tmp_path, source, 1)
    assert each.looked_at == 1
    assert each.published < 0.8, "the detector is too slow for each picture of this camera"
    assert each.p50 > auto.p50
