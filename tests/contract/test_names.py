"""test_names: every name that the adapter uses of TensorRT's is there, or stands behind a probe."""

import ast
import pathlib
import textwrap

import pytest

from app.device.trt import PROBES, Features
from tests.contract.names import VERSIONS, names_of
from tests.contract.source import EVER, Reading, calls, loads

# The files that touch TensorRT's objects. No other file may.
ADAPTER = ("trt", "engine", "layers", "parse", "build", "calibrate", "timing")
ROOT = pathlib.Path(__file__).resolve().parents[2]
PATHS = [ROOT / "app/device/{}.py".format(name) for name in ADAPTER]
THERE = [path for path in PATHS if path.exists()]
OTHERS = [path for path in sorted((ROOT / "app").rglob("*.py")) if path not in PATHS]

each_version = pytest.mark.parametrize("version", VERSIONS)


def text_at(path):
    return path.read_text(encoding="utf-8")


def probes_of(names):
    return {feature: names.has(*where) for feature, where in PROBES.items()}


def read(version, *texts, outside=()):
    """``texts`` as one file each."""
    names = names_of(version)
    sources = {"file{}".format(row): textwrap.dedent(text) for row, text in enumerate(texts)}
    return Reading(sources, names, probes_of(names), outside)


@pytest.fixture(scope="module")
def called_elsewhere():
    return set().union(*(calls(text_at(path)) for path in OTHERS))


@each_version
def test_the_adapter_names_only_what_is_there(version, called_elsewhere):
    names = names_of(version)
    sources = {str(path.relative_to(ROOT)): text_at(path) for path in THERE}
    reading = Reading(sources, names, probes_of(names), called_elsewhere)
    assert not reading.missing, "\n".join(str(found) for found in reading.missing)
    # and the reading was not blind: it came to where engines are read, run and built
    enqueue = "execute_async_v3" if probes_of(names)["named_tensors"] else "execute_async_v2"
    assert reading.used >= {
        ("the module", "Runtime"),
        ("Runtime", "deserialize_cuda_engine"),
        ("IExecutionContext", enqueue),
        ("IExecutionContext", "report_to_profiler"),
        ("EngineInspector", "get_engine_information"),
    }
    other = {"execute_async_v2", "execute_async_v3"} - {enqueue}
    assert ("IExecutionContext", other.pop()) not in reading.used


def test_no_other_file_touches_tensorrt():
    only_tensorrts = {
        ".{}".format(name)
        for name in EVER
        if name.startswith(("create_execution_context", "deserialize_", "execute_async", "IInt8"))
    } | {".BuilderFlag", ".OnnxParser", ".set_tensor_address"}
    for path in OTHERS:
        used = loads(ast.parse(text_at(path)), str(path)) & only_tensorrts
        assert not used, "{}: add it to ADAPTER, or move this to app/device/trt.py".format(path)


def test_every_probe_tells_releases_apart():
    """One that all releases pass, or none, is needless."""
    assert set(PROBES) == set(Features._fields)
    for feature, (owner, member) in PROBES.items():
        answers = {names_of(version).has(owner, member) for version in VERSIONS}
        assert answers == {True, False}, feature


# The test of the test: code that must be refused, and the same made good

REFUSED = {
    "a method": ("8.2.1", "engine.get_tensor_name(0)"),
    "a method that went": ("10.3.0", "self._context.execute_async_v2([], 0)"),
    "a member that is set": ("10.3.0", "config.max_workspace_size = 1"),
    "a class": ("8.2.1", "api.module.MemoryPoolType"),
    "a flag": ("11.4.0.106", "config.set_flag(trt.BuilderFlag.FP16)"),
    "a name in a string": ("8.2.1", "getattr(engine, 'num_io_tensors', 0)"),
    "a name asked for": ("8.2.1", "hasattr(engine, 'num_io_tensors')"),
    "a chained call": ("8.2.1", "trt.get_plugin_registry().load_library('x')"),
    "what a call gives": ("11.4.0.106", "network.get_layer(0).precision"),
    "an alias": ("11.4.0.106", "kinds = trt.BuilderFlag\nkinds.FP16"),
    "a member of another class": ("10.3.0", "runtime.create_network(0)"),
    "no owner": ("8.2.1", "whatever.execute_async_v3(0)"),
    "no owner, of a call": ("8.2.1", "make().execute_async_v3(0)"),
    "a parent": ("8.6.1", "class Monitor(trt.IProgressMonitor):\n    pass"),
    "the wrong branch": ("8.2.1", "if not api.has.named_tensors:\n    engine.num_io_tensors"),
    "a part of a condition": ("8.2.1", "api.has.pools or engine.num_io_tensors"),
    "no such probe": ("8.2.1", "if api.has.wings:\n    pass"),
    "an open function": ("8.2.1", "def shape():\n    return engine.num_io_tensors"),
    "a called one": ("8.2.1", "def _it(engine):\n    engine.num_io_tensors\n_it(1)"),
    "another probe": ("8.4.1", "if api.has.pools:\n    engine.num_io_tensors"),
}


@pytest.mark.parametrize("version, text", list(REFUSED.values()), ids=list(REFUSED))
def test_a_missing_name_is_refused(version, text):
    found = read(version, text).missing
    assert len(found) == 1
    assert "has no such name" in str(found[0]) or "no such probe" in str(found[0])


TAKEN = {
    "if": "if api.has.named_tensors:\n    engine.num_io_tensors",
    "else": "if not self._api.has.named_tensors:\n    pass\nelse:\n    engine.num_io_tensors",
    "elif": "if x:\n    pass\nelif has.named_tensors:\n    engine.num_io_tensors",
    "and": "n = api.has.named_tensors and engine.num_io_tensors",
    "or": "n = not api.has.named_tensors or engine.num_io_tensors",
    "ternary": "n = engine.num_io_tensors if api.has.named_tensors else 0",
    "with another condition": "if x and api.has.named_tensors:\n    engine.num_io_tensors",
    "either of two": """
        if not (api.has.pools or api.has.jit):
            pass
        else:
            trt.MemoryPoolType
    """,
    "comprehension": "[engine.num_io_tensors for _ in x if api.has.named_tensors]",
    "early return": """
        def names(engine):
            if not api.has.named_tensors:
                return 0
            return engine.num_io_tensors
    """,
    "early end of both branches": """
        def names(engine):
            if api.has.named_tensors:
                return engine.num_io_tensors
            elif x:
                raise KeyError
            else:
                return 0
            engine.num_io_tensors
    """,
    "a function called behind a probe": """
        class Engine:
            def names(self):
                return self._named() if self._api.has.named_tensors else 0

            def _named(self):
                def one(number):
                    return self._engine.get_tensor_name(number)
                return one(self._engine.num_io_tensors)
    """,
    "ours, as annotated": "def it(whose: Recipe):\n    whose.num_io_tensors",
    "ours, as a literal": "things = []\nthings.num_io_tensors",
    "nobody's": "whatever.own_name",
}


@pytest.mark.parametrize("text", list(TAKEN.values()), ids=list(TAKEN))
def test_what_stands_behind_a_probe_is_taken(text):
    assert read("8.2.1", text).missing == []


def test_a_function_that_others_call_is_read():
    """That its only call here stands behind a probe does not help."""
    text = "def it():\n    engine.num_io_tensors\nif api.has.named_tensors:\n    it()"
    assert read("8.2.1", text).missing == []
    assert len(read("8.2.1", text, outside={"it"}).missing) == 1
    assert len(read("8.2.1", text, "import file0\nfile0.it()").missing) == 1

    private = text.replace("it", "_it")
    assert read("8.2.1", private, "def _it():\n    pass\n_it()").missing == []


def test_only_a_call_elsewhere_counts():
    """A method and a field may have the same name."""
    assert calls("task.monitor") == set()
    assert calls("listener.monitor(task)\nmonitor(_ready())") == {
        ".monitor",
        "monitor",
        "_ready in elsewhere",
    }


def test_the_message_says_what_to_do():
    (known,) = read("8.2.1", "\nengine.num_io_tensors").missing
    assert str(known).startswith("file0:2: num_io_tensors on ICudaEngine: TensorRT 8.2.1 has no")
    assert "name it in PROBES of app/device/trt.py" in str(known)
    (unknown,) = read("8.2.1", "thing.num_io_tensors").missing
    assert "annotate it" in str(unknown)
    assert "call its holder as HOLDERS does" in str(unknown)


def test_the_lists_of_names_are_whole():
    assert len(EVER) > 1000
    for version in VERSIONS:
        names = names_of(version)
        assert set(names.classes) < names.module
        assert names.has("Builder", "build_serialized_network")
    lacks = names_of("8.4.1").module - names_of("8.2.1").module
    assert lacks == {"MemoryPoolType", "get_builder_plugin_registry"}
    assert names_of("8.2.1").module < names_of("8.4.1").module < names_of("8.5.2").module
