"""test_layers: the rules of the tree, checked by reading the code."""

import ast
import functools
import pathlib
import subprocess
import sys

import pytest

# Who may import whom. Stages do not import one another.
MAY_IMPORT = {
    "errors": set(),
    "home": set(),
    "apart": {"core"},
    "atomic": set(),
    "away": {"errors"},
    "download": set(),
    "core": {"core", "errors"},
    "console": {"engines", "core", "device", "fetch", "manifest", "errors"},
    "terminal": set(),
    "vision": {"vision"},
    "analytics": {"analytics", "core", "vision", "errors"},
    "device": {"device", "core", "vision", "atomic", "errors"},
    "media": {"media", "core", "atomic", "errors"},
    "service": {"service", "core", "errors"},
    "stages": {"core", "vision", "analytics", "media", "device", "atomic", "errors"},
    "kinds": {"errors"},
    "settings": {"kinds", "errors"},
    "references": {"away", "kinds", "settings"},
    "served": {"away", "service", "references", "kinds", "settings", "media"},
    "fetch": {"download", "errors"},
    "labels": {"away", "home", "errors"},
    "manifest": {"labels", "kinds", "settings", "device", "vision", "fetch", "home", "errors"},
    "catalogue": {"away", "manifest", "device", "home", "errors"},
    "scene": {"core", "kinds", "settings", "stages", "analytics", "media", "vision"},
    "cameras": {
        "analytics",
        "kinds",
        "settings",
        "references",
        "scene",
        "stages",
        "media",
        "errors",
    },
    "config": {
        "cameras",
        "conflicts",
        "references",
        "served",
        "scene",
        "kinds",
        "settings",
        "manifest",
        "catalogue",
        "analytics",
        "stages",
        "media",
        "device",
        "service",
        "errors",
    },
    "conflicts": {
        "service",
        "settings",
        "manifest",
        "catalogue",
        "analytics",
        "stages",
        "media",
        "device",
        "errors",
    },
    "beside": {"core"},
    "outline": {"catalogue", "chosen", "conflicts", "media", "service", "stages"},
    "chosen": {"away", "beside", "conflicts", "catalogue", "analytics", "device", "errors"},
    "flags": {"conflicts", "config", "catalogue", "stages", "media", "device", "errors"},
    "gate": {"device", "media", "vision", "errors"},
    "bench": {
        "assemble",
        "atomic",
        "beside",
        "bench",
        "chosen",
        "child",
        "config",
        "core",
        "device",
        "gate",
        "media",
        "service",
        "stages",
        "vision",
        "errors",
    },
    "attempt": {"gate", "device", "media", "vision", "errors"},
    "child": {"attempt", "device", "errors"},
    "engines": {"atomic", "attempt", "child", "device", "media", "errors"},
    "disk": {"conflicts", "core", "stages"},
    "observer": {"chosen", "conflicts", "core", "device", "media", "service", "stages"},
    "steward": {"chosen", "conflicts", "errors", "service", "core", "device"},
    "checkup": {"home"},
    "doctor": {"checkup", "core", "doctor_jetson", "doctor_python", "doctor_system", "errors"},
    "doctor_address": {"checkup", "conflicts", "media", "service"},
    "doctor_config": {
        "checkup",
        "chosen",
        "conflicts",
        "device",
        "doctor_address",
        "media",
        "errors",
    },
    "doctor_jetson": {"checkup", "conflicts", "device", "media"},
    "doctor_python": {"checkup", "device"},
    "doctor_system": {"checkup", "conflicts", "device"},
    "assemble": {
        "analytics",
        "beside",
        "chosen",
        "conflicts",
        "engines",
        "config",
        "catalogue",
        "core",
        "device",
        "media",
        "service",
        "stages",
        "errors",
    },
}
# Where a library may be imported.
ONLY_IN = {
    "cv2": {"device", "media", "vision"},
    "gi": {"media"},
    "jtop": {"device"},
    "onnx": {"device"},
    "onnxruntime": {"device"},
    "prometheus_client": {"service"},
    "pycuda": {"device"},
    "pynvml": {"device"},
    "tensorrt": {"device"},
    "torch": {"device"},
    "yaml": {"bench", "kinds", "settings"},
}
PRINTING = {"print", "input"}
EXITING = {"exit", "quit", "SystemExit", "sys.exit", "os._exit", "os.abort"}

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = [path.relative_to(ROOT) for path in sorted((ROOT / "app").rglob("*.py"))]
FULL = [path for path in FILES if (ROOT / path).read_text(encoding="utf-8").strip()]
each_file = pytest.mark.parametrize("path", FULL, ids=str)


@functools.lru_cache(maxsize=None)
def tree_of(path):
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def layer_of(path):
    """The first name under app/; "cli" for all that the command line is made of."""
    layer = path.with_suffix("").parts[1]
    return "cli" if layer == "__main__" or layer.startswith("cli") else layer


def imported(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "{}: a relative import".format(path)
            for alias in node.names:
                yield "{}.{}".format(node.module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name


def test_every_file_has_a_layer():
    layers = {layer_of(path) for path in FILES}
    assert layers - {"__init__", "cli"} <= set(MAY_IMPORT)


@each_file
def test_imports_point_down(path):
    layer = layer_of(path)
    if layer == "cli":
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "app" and parts[1] != "__version__":
            assert parts[1] in MAY_IMPORT.get(layer, ()), "{} imports {}".format(path, name)


@each_file
def test_libraries_stay_where_they_are_known(path):
    for name in imported(path):
        allowed = ONLY_IN.get(name.split(".")[0])
        assert allowed is None or layer_of(path) in allowed, "{} imports {}".format(path, name)


@each_file
def test_only_the_command_line_prints_or_exits(path):
    if layer_of(path) == "cli":
        return
    for node in ast.walk(tree_of(path)):
        if not isinstance(node, ast.Call):
            continue
        called, name = node.func, ""
        if isinstance(called, ast.Name):
            name = called.id
        elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
            name = "{}.{}".format(called.value.id, called.attr)
        assert name not in PRINTING | EXITING, "{}:{}: {}()".format(path, node.lineno, name)


@each_file
def test_a_file_is_short_and_says_what_it_is_for(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) < 300
    if path.name == "__init__.py":
        return
    first_line = (ast.get_docstring(tree_of(path)) or "").split("\n")[0]
    assert first_line.lower().startswith(path.stem + ": "), first_line


def test_files_of_tests_are_short_too():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in (ROOT / "tests").rglob("*.py")
    }
    assert "tests/unit/test_layers.py" in lengths
    assert {path: lines for path, lines in lengths.items() if lines >= 300} == {}


@each_file
def test_a_stray_next_cannot_end_a_stream(path):
    """On 3.6 a StopIteration inside a generator ends it silently, unless the file asks for more."""
    streams = layer_of(path) in {"stages", "media"} or path.as_posix() == "app/core/pipeline.py"
    nodes = list(ast.walk(tree_of(path)))
    if streams and any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node in nodes):
        assert "__future__.generator_stop" in imported(path)


# Who may ask what time of day it is: everything else counts by the monotonic clock.
ASK_THE_TIME = {
    "checkup",
    "device.planfile",
    "media.film",
    "media.live",
    "media.pattern",
    "media.room",
    "media.slate",
}


def test_a_clock_that_is_set_concerns_only_who_names_a_time_of_day():
    asking = {
        ".".join(path.with_suffix("").parts[1:])
        for path in FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute) and node.attr == "time"
        if isinstance(node.value, ast.Name) and node.value.id == "time"
    }
    assert asking == ASK_THE_TIME


IMPORT_ALL = """
import importlib, importlib.machinery, sys

class OnlyTheCore:
    def find_spec(self, name, path=None, target=None):
        if path is None and name not in {"app", "numpy", "yaml", "_yaml", "cv2"}:
            spec = importlib.machinery.PathFinder.find_spec(name)
            if spec and "-packages" in str(spec.origin or spec.submodule_search_locations):
                raise ImportError(name + " is not there, says the test")

sys.meta_path.insert(0, OnlyTheCore())
for name in sys.argv[1:]:
    importlib.import_module(name)
FOREIGN = "gi onnx onnxruntime tensorrt pycuda pynvml jtop torch pytest prometheus_client"
for name in FOREIGN.split():
    assert name not in sys.modules, name
"""


def test_everything_imports_with_the_core_requirements_alone():
    """GStreamer, ONNX Runtime and CUDA are asked for when they are used, never at import."""
    names = [".".join(path.with_suffix("").parts) for path in FILES if path.stem != "__main__"]
    names = [name.replace(".__init__", "") for name in names]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL] + names,
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert done.returncode == 0, done.stdout
