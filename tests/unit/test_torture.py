"""test_torture: what the soak does to a service's config, and when it takes it for back."""

import random

from app import config
from tests import tiny
from tests.soaked import CAMERAS, CHANGES, Asked
from tests.torture import Torture


def test_each_change_of_the_config_is_a_real_one_and_can_be_undone(tmp_path):
    (tmp_path / "disk").mkdir()
    model = tiny.detector(tmp_path / "tiny.onnx")
    asked = Asked(str(tmp_path), model, dict.fromkeys(CAMERAS, 8554))
    first = config.load(asked.path)
    for what in CHANGES:
        asked.change(what)
        changed = config.load(asked.path)
        assert changed != first
        assert changed.cameras == first.cameras, "no camera is connected anew"
        asked.change(what)
        assert config.load(asked.path) == first


class Replaced:
    """Counts its frames from zero when it has been asked to read its config again."""

    def __init__(self):
        self.asked = self.process = self
        self.changes = []
        self.later = 3  # it takes a while
        self._frames = 1000

    def frames(self, camera):
        self._frames += 1
        if self.changes and self.later is not None:
            self.later -= 1
            if not self.later:
                self._frames, self.later = 0, None
        return self._frames

    def change(self, what):
        self.changes.append(what)

    def send_signal(self, number):
        assert self.changes


def test_it_is_back_when_the_new_pipeline_s_frames_go_all_the_way():
    service = Replaced()
    torture = Torture(service, {}, None, random.Random(1))
    assert torture.changed("gate") < 5
    assert service.changes and service.frames("gate") < 20


def test_frames_that_are_counted_from_zero_are_new_ones():
    service = Replaced()
    service.change("trail")
    assert Torture(service, {}, None, random.Random(1)).back("gate", more=5) < 5
