"""How right a model is: by labels, and against FP32 on the CPU, which is asked once."""

import shutil

import numpy as np
import pytest

from app import gate
from app.bench.accuracy import Reference, accuracy
from app.device.backend import InputSpec, Model, Placement
from app.device.host import HostBackend
from app.errors import SourceError
from tests import fake_trt, networks, stand_in, tiny
from tests.fake_trt import Tensor
from tests.unit.device.test_jetson import Place
from tests.unit.test_gate import MANY, labelled
from tests.unit.test_gate import boxes as answer

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")


@pytest.fixture
def host():
    made = HostBackend(threads=1)
    yield made
    made.close()


@pytest.fixture
def pictures(tmp_path):
    return stand_in.folder(tmp_path / "check", 4)


class Counted(HostBackend):
    """Counts the pictures that it is asked about."""

    def __init__(self):
        super().__init__(threads=1)
        self.asked = 0

    def infer(self, network, tensor):
        self.asked += 1
        return super().infer(network, tensor)


def quiet(*_):
    pass


def test_on_the_cpu_a_model_agrees_with_itself_and_is_asked_once(tmp_path, pictures):
    host, told = Counted(), []
    model = stand_in.model(stand_in.onnx(tmp_path / "tiny.onnx"))
    made = accuracy(host, model, pictures, lambda *what: told.append(what))
    assert (made.pictures, made.agreement) == (4, 1.0)
    assert (made.ap, made.ap50) == (None, None)
    assert host.asked == 4
    words = f"tiny: looking with {host.runtime}"
    assert told == [(words, number, 4) for number in (1, 2, 3, 4)]


def test_what_sees_too_little_has_proven_nothing(tmp_path, host, pictures):
    model = stand_in.model(stand_in.onnx(tmp_path / "tiny.onnx"), score=0.9999)
    assert accuracy(host, model, pictures, quiet).agreement is None


def test_one_reference_for_several_candidates(tmp_path, pictures):
    """Another model than the reference's does not agree, and neither is asked twice."""
    path = stand_in.onnx(tmp_path / "tiny.onnx")
    own = stand_in.model(path)
    host, reference = Counted(), Reference(own, {})
    assert accuracy(host, own, pictures, quiet, reference).agreement == 1.0
    other = own._replace(input=own.input._replace(colour="bgr"))
    made = accuracy(host, other, pictures, quiet, reference)
    assert 0 <= made.agreement < 0.9
    assert accuracy(host, other, pictures, quiet, reference) == made
    assert host.asked == 4 + 4


def test_another_size_is_compared_with_the_models_own_in_the_pictures_pixels(tmp_path, host):
    """In pixels of the two networks no box would lie on its like."""
    spec = InputSpec((64, 48), placement=Placement.STRETCH)
    path = networks.constant(
        tmp_path / "fixed.onnx", ("batch", 3, "high", "wide"),
        {"output": boxes((64, 48))},
    )  # fmt: skip
    half = networks.constant(
        tmp_path / "half.onnx", ("batch", 3, "high", "wide"),
        {"output": boxes((32, 24))},
    )  # fmt: skip
    own = Model("tiny", path, spec, "yolov8", score=0.5)
    smaller = own._replace(path=half, input=spec._replace(size_wh=(32, 24)))
    paths = stand_in.folder(tmp_path / "check", 2)
    made = accuracy(host, smaller, paths, quiet, Reference(own, {}))
    assert made.agreement == 1.0


def boxes(size_wh):
    """24 objects, 6 columns by 4 rows, in YOLOv8's form and in pixels of an input."""
    wide, high = size_wh[0] / 6, size_wh[1] / 4
    rows = [
        ((x + 0.5) * wide, (y + 0.5) * high, wide * 0.8, high * 0.8, 0.9, 0.1)
        for x in range(6)
        for y in range(4)
    ]
    return np.array(rows, np.float32).T[None]


def test_average_precision_where_the_folder_is_labelled(tmp_path, host, pictures):
    labelled(tmp_path / "check", pictures)
    path = networks.constant(tmp_path / "constant.onnx", ("batch", 3, 8, 10), answer(*MANY))
    made = accuracy(host, stand_in.model(path), pictures, quiet)
    assert made.ap == pytest.approx(1.0) and made.ap50 == pytest.approx(1.0)
    assert made.agreement == 1.0


def test_average_precision_of_labels_as_yolo_has_them(tmp_path, host, pictures):
    for path in pictures:
        lines = [
            f"{int(c < d)} {(x1 + x2) / 20} {(y1 + y2) / 16} {(x2 - x1) / 10} {(y2 - y1) / 8}"
            for x1, y1, x2, y2, c, d in MANY
        ]
        with open(path.replace(".png", ".txt"), "w") as file:
            file.write("\n".join(lines))
    model = networks.constant(tmp_path / "constant.onnx", ("batch", 3, 8, 10), answer(*MANY))
    made = accuracy(host, stand_in.model(model), pictures, quiet)
    assert made.ap50 == pytest.approx(1.0) and made.ap == pytest.approx(1.0)


def test_classifiers_agree_by_their_best_class(tmp_path, host):
    paths = stand_in.folder(tmp_path / "check", gate.LEAST_SEEN)
    model = Model("shades", tiny.classifier(tmp_path / "shades.onnx"))
    made = accuracy(host, model, paths, quiet)
    assert (made.agreement, made.ap) == (1.0, None)
    assert accuracy(host, model, paths[:5], quiet).agreement is None


@pytest.mark.parametrize("spoiled", [False, True])
def test_a_gpus_engine_against_the_cpu(tmp_path, pictures, spoiled):
    content = stand_in.content()
    if spoiled:
        images, output = Tensor("images", (-1, 3, 8, 10)), Tensor("output", (-1, 6, 40))
        content = fake_trt.model([images], [output], rule="flip")
    folder = tmp_path / "engines"
    folder.mkdir()
    place = Place(folder, content=content)
    path = stand_in.onnx(tmp_path / "tiny.onnx")
    reference = Reference(place.model._replace(path=path), {})
    made = accuracy(place.backend, place.model, pictures, quiet, reference)
    assert made.agreement < 0.5 if spoiled else made.agreement == 1.0
    assert len(reference.known) == 1, "of the CPU alone: an engine's file may become another"
    assert accuracy(place.backend, place.model, pictures, quiet, reference) == made


def test_where_the_cpu_cannot_run_it_no_agreement_is_told(tmp_path, pictures):
    folder = tmp_path / "engines"
    folder.mkdir()
    place = Place(folder)  # its ONNX is none
    labelled(tmp_path / "check", pictures)
    made = accuracy(place.backend, place.model, pictures, quiet)
    assert made.agreement is None and made.ap is not None and made.pictures == 4


def test_a_picture_that_cannot_be_read_is_one_line(tmp_path, host, pictures):
    with open(pictures[1], "wb") as file:
        file.write(b"no picture")
    model = stand_in.model(stand_in.onnx(tmp_path / "tiny.onnx"))
    with pytest.raises(SourceError, match="001.png: no picture that can be read"):
        accuracy(host, model, pictures, quiet)


def test_it_is_known_which_pictures_and_labels_it_is_of(tmp_path, host, pictures):
    """Those of a live camera are others each time, though there are as many of the same name."""
    model = stand_in.model(stand_in.onnx(tmp_path / "tiny.onnx"))

    def seen(paths):
        return accuracy(host, model, paths, quiet).pictures_sha256

    plain = seen(pictures)
    moved = tmp_path / "moved"
    shutil.copytree(str(tmp_path / "check"), str(moved))
    assert len(plain) == 64 and seen([str(moved / f"00{n}.png") for n in range(4)]) == plain
    assert len({plain, seen(pictures[::-1]), seen(stand_in.folder(tmp_path / "b", 4, seed=2))}) == 3
    labelled(tmp_path / "check", pictures)
    right = seen(pictures)
    labels = tmp_path / "check" / "instances.json"
    labels.write_text(labels.read_text().replace('"category_id": 2', '"category_id": 1'))
    assert len({plain, right, seen(pictures)}) == 3
