import re

import pytest

from app.bench import table
from app.bench.figures import Table
from app.device.backend import Layer
from tests import measured

EVERYTHING = measured.everything()


def shown(name):
    return list(table.lines(EVERYTHING[name]))


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_it_fits_a_terminal_and_moves_no_cursor(name):
    lines = shown(name)
    assert max(map(len, lines)) <= 100
    assert not re.search("[\x00-\x1f\x7f-\x9f]", "".join(lines))
    assert all(line == line.rstrip() for line in lines)


def test_one_setting_is_told_with_its_steps_and_layers():
    text = "\n".join(shown("single"))
    assert text.startswith("Intel(R) Core(TM) i7-8565U CPU @ 1.80GHz, 2 cores, 7956 MB, clocks not")
    for part in (
        "Where the time goes, in ms",
        "wait for detect",
        "Layers, 7.50 ms in all",
        "\nCost over bare ONNX Runtime 1.10.0: 0.80 ms p50 (ours 25.22, alone 24.42;",
        "not measured here: device MB, W, mJ/frame, °C",
        "What speaks against these figures\n- clocks: not told by this machine",
    ):
        assert part in text, part


def test_several_settings_are_told_without_their_steps():
    text = "\n".join(shown("grid"))
    assert "Where the time goes" not in text
    assert "Cost over raw TensorRT 8.6.2, in ms" in text
    assert len(re.findall("^int8, 416x416 ", text, re.MULTILINE)) == 5
    assert "What speaks against" not in text


def test_what_could_not_be_measured_is_told_with_the_reason():
    text = " ".join(shown("troubled"))
    assert "int8: not measured: no engine: this GPU has no fast INT8. Run: jetwatch build" in text
    assert "nothing was measured" not in text
    assert "nothing was measured" in shown("empty")


def test_a_fact_of_the_machine_is_not_broken_in_two():
    for name in EVERYTHING:
        for line in shown(name)[:6]:
            assert not line.endswith(("Python", "TensorRT", "driver", "JetPack", "CUDA"))


def test_names_that_differ_at_their_ends_differ_when_cut():
    names = ["yolox_nano, fp16, 416x416, batch {}".format(number) for number in (1, 2)]
    wide = tuple("{}00.0 ±20.0".format(number) for number in range(1, 8))
    lines = list(table.shown(Table("t", ("setting",) + wide, tuple((n,) + wide for n in names))))
    assert max(map(len, lines)) <= 100
    assert lines[2] != lines[3] and lines[2].startswith("yolox") and "batch 1" in lines[2]


def test_the_layers_of_a_large_network_are_cut_and_counted():
    (trial,) = measured.single().trials
    layers = tuple(Layer("Conv_{}".format(n) * 30, 1.0 + n, "Conv" * 9) for n in range(40))
    lines = list(table.lines(measured.document([trial._replace(layers=layers)])))
    assert "  and 25 more" in lines and max(map(len, lines)) <= 100
    assert sum(line.startswith("Conv_") for line in lines) == 15
