"""test_doctor: the command on this machine, whatever it is."""

import json

import pytest

from tests.command import jetwatch


def test_it_looks_at_the_machine_without_a_config():
    done = jetwatch("doctor", seconds=170)
    lines = done.out.splitlines()
    assert any(line.startswith("ok   numpy ") for line in lines), done.out
    fails = [line for line in lines if line.startswith("fail ")]
    assert done.code == (1 if fails else 0)
    assert lines[-1].startswith("{} problem".format(len(fails)))
    assert "could not be checked" not in done.out and not done.err


def lacking(folder, *names):
    """A folder of modules that do not load."""
    for name in names:
        (folder / (name + ".py")).write_text("raise ImportError('libGL.so.1: none here')\n")
    return [folder]


def found(done):
    return {line[5:].split("  ")[0]: line for line in done.out.splitlines()}


def test_a_machine_without_gstreamer(tmp_path):
    done = jetwatch("doctor", path=lacking(tmp_path, "gi"), seconds=170)
    told = found(done)
    assert told["gstreamer"].startswith("warn") and "sudo apt install python3-gi" in done.out
    assert told["decoders"].startswith("skip") and told["memory"].startswith("ok")


@pytest.mark.parametrize("name, check", [("cv2", "opencv"), ("numpy", "numpy"), ("yaml", "pyyaml")])
def test_a_machine_on_which_nothing_else_runs(tmp_path, name, check):
    done = jetwatch("doctor", "c.yaml", path=lacking(tmp_path, name), seconds=170)
    told = found(done)
    assert told["config"].startswith("skip") and "does not load" in told["config"]
    assert told["memory"].startswith("ok") and not done.err
    assert done.code == 1 and told[check].startswith("fail"), done.out
    assert "libGL.so.1" in told[check]
    asked = jetwatch("doctor", "--json", path=[tmp_path], seconds=170)
    assert json.loads(asked.out)["version"] == 1


def test_a_config_as_json(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(
        "cameras: [{name: a, source: 'rtsp://me:secret@camera/x'}]\ndetect: {model: none.onnx}\n"
    )
    done = jetwatch("doctor", path, "--json", seconds=170)
    told = json.loads(done.out)
    found = {one["name"]: one for one in told["findings"]}
    assert told["version"] == 1 and done.code == 1
    assert found["config"]["verdict"] == "ok" and found["models"]["verdict"] == "fail"
    assert "none.onnx: no such file" in found["models"]["found"]
    assert "secret" not in done.out + done.err


def test_a_wrong_config_and_a_source_in_its_place():
    done = jetwatch("doctor", "no-such.yaml", seconds=170)
    assert done.code == 1 and "fail config" in done.out and "cannot be read" in done.out
    jetwatch("doctor", "rtsp://me:secret@camera/x").failed(78, "looks like a source")


def test_its_help_teaches():
    done = jetwatch("doctor", "--help")
    assert done.code == 0 and "jetwatch doctor configs/four-cameras.yaml" in done.out
    assert "doctor" in jetwatch("--help").out
