"""test_doctor: checks with a config, and all of them together."""

import pathlib
import time

from app import config, doctor, doctor_config, doctor_jetson, doctor_python, doctor_system
from app.checkup import FAIL, OK, SKIP, WARN, Finding, this_machine
from app.cli_doctor import lines
from tests.ill_jetsons import ACTIVE, NANO, on
from tests.patient import Patient
from tests.unit.test_doctor_checks import NO_GST, gst


def test_nvcc_is_found_where_jetpack_puts_it(tmp_path):
    files = {"usr/local/cuda-10.2/bin/nvcc": ""}
    patient = Patient(tmp_path, files, python={"tensorrt": "8.2.1"})
    path = tmp_path / "usr/local/cuda-10.2/bin/nvcc"
    path.chmod(0o755)
    assert doctor_python.nvcc(patient.machine(), None) == Finding(OK, str(path))


def test_a_service_needs_no_nvcc_once_its_kernels_are_compiled(tmp_path):
    files = {"engines/letterbox-sm53-0.cubin": "ELF"}
    patient = Patient(tmp_path, files, python={"tensorrt": "8.2.1"})
    told = doctor_python.nvcc(patient.machine(), None)
    assert told.verdict == OK and "letterbox-sm53-0.cubin" in told.found


# With a config

CAMERA = """
cameras: [{name: door, source: "%s"}]
detect: {model: %s}
"""


def asked(source="rtsp://camera/x", model="yolox_nano", rest=""):
    return config.parse(CAMERA % (source, model) + rest)


def test_what_the_config_needs_decides_between_warning_and_failure(tmp_path):
    def verdict(check, patient, **what):
        return check(Patient(tmp_path, **patient).machine(), asked(**what)).verdict

    files = on(source=str(tmp_path))
    served = on(source=str(tmp_path), rest="rtsp: {}")
    assert verdict(doctor_config.gstreamer, NO_GST) == FAIL
    assert verdict(doctor_config.gstreamer, NO_GST, **files) == WARN
    assert verdict(doctor_config.gstreamer, NO_GST, **served) == FAIL
    assert verdict(doctor_config.encoder, gst(encoder="")) == WARN
    assert verdict(doctor_config.encoder, gst(encoder=""), **served) == FAIL
    assert verdict(doctor_config.encoder, gst(rtsp="none"), **served) == FAIL
    assert verdict(doctor_config.csi, gst(), source="csi://0") == FAIL
    assert verdict(doctor_config.csi, gst(csi=True), source="csi://0") == OK
    assert verdict(doctor_config.csi, gst()) == SKIP
    failed = on(files=NANO, ran={"systemctl": "failed\n"})
    assert verdict(doctor_jetson.argus, failed, source="csi://0") == FAIL
    assert verdict(doctor_jetson.argus, failed) == SKIP
    wedged = on(files=NANO, ran=dict(ACTIVE, journalctl="SCF: Error\n"))
    assert verdict(doctor_jetson.argus, wedged, source="csi://0") == FAIL
    stale = on(python={"planfile": '[["yolox_nano", false, "old"]]'})
    gpu = "backend: {kind: gpu}"
    assert verdict(doctor_config.engines, stale, rest=gpu) == FAIL
    assert verdict(doctor_config.engines, stale) == WARN
    assert verdict(doctor_config.engines, stale, rest=gpu, model="nanodet_g") == WARN
    assert verdict(doctor_config.engines, stale, rest="backend: {kind: gpu, build: auto}") == WARN


def test_models_that_are_not_here_are_named_with_the_way_to_them(tmp_path, monkeypatch):
    model = tmp_path / "mine.onnx"
    machine = Patient(tmp_path).machine()
    told = doctor_config.models(machine, asked(model=model))
    assert told.verdict == FAIL and "mine.onnx: no such file" in told.found
    model.write_bytes(b"x")
    assert doctor_config.models(machine, asked(model=model)) == Finding(OK, str(model))
    monkeypatch.setattr("app.catalogue.file_of", lambda found, where=None: None)
    told = doctor_config.models(machine, asked(model="yolox_nano"))
    assert told.fix == "jetwatch fetch yolox_nano"


NOISE = "import os\nprint('a library greets')\nos.system('echo so does its child')\n"
CV2 = """
__version__ = "4.5.4"
class dnn:
    NMSBoxes = staticmethod(lambda *_: [0])
def getBuildInformation():
    print("and once more")
    return "  GStreamer:  YES (1.14.5)"
"""


def test_what_libraries_print_is_no_part_of_a_childs_answer(tmp_path, monkeypatch):
    """JSON after a line of noise ended the check with a traceback's last line."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    machine = this_machine()
    for name in ("gi", "tensorrt"):
        (tmp_path / (name + ".py")).write_text(NOISE + "raise ImportError('broken')")
    told = doctor_config.gstreamer(machine, None)
    assert told.verdict == WARN and "broken" in told.found, told
    told = doctor_config.engines(machine, None)
    assert "cannot be listed" not in told.found, told
    (tmp_path / "cv2.py").write_text(NOISE + CV2)
    told = doctor_python.opencv(machine, None)
    assert told == Finding(OK, "OpenCV 4.5.4 ({})".format(tmp_path / "cv2.py"))


def test_the_disk_is_asked_wherever_the_config_writes(tmp_path):
    patient = Patient(tmp_path)
    seen = []
    machine = patient.machine()._replace(free=lambda path: seen.append(path) or 1 << 40)
    rest = (
        "record: {path: films/{camera}.mp4}\nreport: {path: a.jsonl}\n"
        "events: {path: b.jsonl, snapshots: shots}\ncounters: c.json\n"
    )
    rest = rest.replace("{camera}", "door")
    assert doctor_system.disk(machine, asked(rest=rest)).verdict == OK
    assert {"films/door.mp4", "a.jsonl", "b.jsonl", "shots", "c.json"} <= set(seen)


# All together

LOADS = {"import numpy, cv2, yaml": ""}


def test_without_the_packages_that_all_else_needs_the_rest_is_looked_at(tmp_path):
    for ill in ({}, {"import numpy, cv2, yaml": TimeoutError("Python hangs")}):
        found = doctor.examine(Patient(tmp_path, python=ill).machine(), "c.yaml")
        assert [one.name for one in found] == ["config"] + list(doctor.checks(False))
        assert found[0].verdict == SKIP and "does not load" in found[0].found
        assert FAIL in {one.verdict for one in found}


def test_a_config_that_is_wrong_is_one_finding_and_the_machine_is_looked_at(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("camera: []\ndetect: {modle: x}\n")
    machine = Patient(tmp_path, python=LOADS).machine()
    found = doctor.examine(machine, str(path), chosen={"a": lambda *_: Finding(OK, "")})
    assert [one.name for one in found] == ["config", "a"]
    assert found[0].verdict == FAIL and "did you mean 'model'" in found[0].found
    assert found[0].fix.endswith("jetwatch check {}".format(path))
    absent = doctor.examine(machine, str(tmp_path / "no"), chosen={})
    assert absent[0].verdict == FAIL and "cannot be read" in absent[0].found


def test_checks_that_fail_or_hang_say_so(tmp_path):
    def broken(*_):
        raise ValueError("no\nsuch thing")

    def hanging(*_):
        time.sleep(2)

    def late(there, _):
        there.run(["systemctl"])

    patient = Patient(tmp_path, ran={"systemctl": TimeoutError("systemctl gave no answer in 10 s")})
    checks = {"broken": broken, "hanging": hanging, "late": late}
    heard = []
    began = time.monotonic()
    found = doctor.examine(patient.machine(), None, heard.append, checks, limit_s=0.2)
    assert time.monotonic() - began < 1.5
    assert heard == ["config", "broken", "hanging", "late"]
    assert [(one.verdict, one.found) for one in found[1:]] == [
        (SKIP, "could not be checked: no such thing"),
        (SKIP, "could not be checked: no end in 0.2 s"),
        (SKIP, "could not be checked: systemctl gave no answer in 10 s"),
    ]


def test_a_machine_that_answers_nothing_gets_through_every_check(tmp_path):
    found = doctor.examine(Patient(tmp_path, python=LOADS).machine())
    assert [one.name for one in found] == ["config"] + list(doctor.checks())
    assert {one.verdict for one in found if one.name in ("argus", "clock", "journal")} == {SKIP}


def test_the_worst_comes_last_and_problems_are_counted():
    found = [
        Finding(FAIL, "two\nlines", "mend it", "a"),
        Finding(OK, "well", "", "longer"),
        Finding(WARN, "so so", "do", "b"),
        Finding(SKIP, "unknown", "", "c"),
    ]
    assert list(lines(found)) == [
        "skip c       unknown",
        "ok   longer  well",
        "warn b       so so",
        "          -> do",
        "fail a       two",
        "             lines",
        "          -> mend it",
        "1 problem, 1 warning",
    ]
    assert list(lines(found[1:2]))[-1] == "0 problems"
    told = doctor.report(found)
    assert told["version"] == 1 and told["problems"] == 1
    assert told["findings"][2] == {"name": "b", "verdict": "warn", "found": "so so", "fix": "do"}


def test_the_page_on_it_names_every_check():
    page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "doctor.md"
    rows = [line.split("|")[1].strip() for line in page.read_text().splitlines() if "| " in line]
    assert rows[0] == "check" and rows[2:] == ["config"] + list(doctor.checks())
