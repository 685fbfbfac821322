"""test_bindings: the adapter with the real bindings of each TensorRT, over null libraries."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import pytest

from app.device.trt import PROBES
from tests.contract.names import REAL, VERSIONS, names_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINDINGS = pathlib.Path(os.environ.get("JETWATCH_TRT", str(ROOT / ".venvs" / "trt")))

# What each release has, from its documentation and sources: reference for the probes.
KNOWN = """
                8.2.1  8.4.1  8.5.2  8.6.1  10.3.0  10.13.3.9  10.16.1.11  11.4.0.106
named_tensors   -      -      yes    yes    yes     yes        yes         yes
pools           -      yes    yes    yes    yes     yes        yes         yes
explicit_batch  yes    yes    yes    yes    yes     yes        yes         -
strong_types    -      -      -      -      yes     yes        yes         yes
weak_types      yes    yes    yes    yes    yes     yes        yes         -
calibrators     yes    yes    yes    yes    yes     yes        yes         -
fast_types      yes    yes    yes    yes    yes     yes        yes         -
layer_types     yes    yes    yes    yes    yes     yes        yes         -
prefer_types    yes    yes    yes    yes    yes     yes        yes         -
set_memory      -      -      -      -      yes     yes        yes         yes
without_memory  yes    yes    yes    yes    yes     yes        yes         -
strategies      -      -      -      -      yes     yes        yes         yes
memory_size     yes    yes    yes    yes    yes     yes        yes         -
progress        -      -      -      -      yes     yes        yes         yes
level           -      -      -      yes    yes     yes        yes         yes
node_names      -      -      -      -      yes     yes        yes         yes
load_library    -      -      -      yes    yes     yes        yes         yes
edge_masks      -      yes    yes    yes    yes     yes        yes         yes
jit             -      -      yes    yes    yes     yes        yes         yes
cublas          yes    yes    yes    yes    yes     yes        yes         -
"""
# Those of the documentation's other rows, as "Class.member"; the code branches on none of them.
TOLD = """
                                                  8.2.1 8.4.1 8.6.1 10.3.0 10.13.3.9 11.4.0.106
ICudaEngine.num_bindings                          yes   yes   yes   -      -         -
IExecutionContext.execute_async_v2                yes   yes   yes   -      -         -
IExecutionContext.set_binding_shape               yes   yes   yes   -      -         -
IExecutionContext.execute_async_v3                -     -     yes   yes    yes       yes
IExecutionContext.set_tensor_address              -     -     yes   yes    yes       yes
IBuilderConfig.max_workspace_size                 yes   yes   yes   -      -         -
MemoryPoolType.WORKSPACE                          -     yes   yes   yes    yes       yes
OnnxParser.set_flag                               -     -     yes   yes    yes       yes
ICudaEngine.device_memory_size_v2                 -     -     -     yes    yes       yes
BuilderFlag.EDITABLE_TIMING_CACHE                 -     -     -     -      yes       yes
Builder.build_serialized_network_to_stream        -     -     -     -      yes       yes
OnnxParser.supports_model                         yes   yes   yes   yes    yes       -
Builder.build_serialized_network                  yes   yes   yes   yes    yes       yes
Builder.num_DLA_cores                             yes   yes   yes   yes    yes       yes
ICudaEngine.create_execution_context              yes   yes   yes   yes    yes       yes
ICudaEngine.create_engine_inspector               yes   yes   yes   yes    yes       yes
IExecutionContext.execute_v2                      yes   yes   yes   yes    yes       yes
IExecutionContext.set_optimization_profile_async  yes   yes   yes   yes    yes       yes
IBuilderConfig.set_timing_cache                   yes   yes   yes   yes    yes       yes
IProfiler.report_layer_time                       yes   yes   yes   yes    yes       yes
IExecutionContext.profiler                        yes   yes   yes   yes    yes       yes
IExecutionContext.enqueue_emits_profile           yes   yes   yes   yes    yes       yes
IExecutionContext.report_to_profiler              yes   yes   yes   yes    yes       yes
EngineInspector.execution_context                 yes   yes   yes   yes    yes       yes
EngineInspector.get_engine_information            yes   yes   yes   yes    yes       yes
LayerInformationFormat.JSON                       yes   yes   yes   yes    yes       yes
ICudaEngine.serialize                             yes   yes   yes   yes    yes       yes
OnnxParser.parse                                  yes   yes   yes   yes    yes       yes
OnnxParser.parse_from_file                        yes   yes   yes   yes    yes       yes
Runtime.deserialize_cuda_engine                   yes   yes   yes   yes    yes       yes
"""

each_version = pytest.mark.parametrize("version", VERSIONS)


def column(table, version):
    """The rows' names -> whether that version has it; empty for a version that is not there."""
    head, *rows = [line.split() for line in table.strip().splitlines()]
    if version not in head:
        return {}
    return {row[0]: row[1 + head.index(version)] == "yes" for row in rows}


@functools.lru_cache(maxsize=None)
def answers(version):
    """Of the real bindings, or of 8.6.1 cut down to an older version; in a process of its own."""
    real = version if version in REAL else "8.6.1"
    folder = BINDINGS / real
    running = "{}.{}".format(*sys.version_info)
    note = folder / "python"
    if not note.exists():
        pytest.skip("no bindings in {}. Run: scripts/test".format(folder))
    if note.read_text().strip() != running:
        pytest.skip("made for Python {}".format(note.read_text().strip()))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.contract.asked"]
        + ([version] if version != real else []),
        cwd=str(ROOT),
        env=dict(os.environ, PYTHONPATH=os.pathsep.join((str(folder), str(ROOT)))),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@each_version
def test_the_names_are_the_documented_ones(version):
    """Names alone, for which no bindings are needed."""
    names = names_of(version)
    assert {feature: names.has(*PROBES[feature]) for feature in PROBES} == column(KNOWN, version)
    for name, there in column(TOLD, version).items():
        assert names.has(*name.split(".")) == there, name


@each_version
def test_what_is_there_is_probed(version):
    assert answers(version)["probed"] == column(KNOWN, version)


@each_version
def test_the_names_in_git_are_the_real_ones(version):
    """For those that 8.6.1 was cut down to: that nothing of theirs is missing in it."""
    captured, names = answers(version)["captured"], names_of(version)
    assert set(captured["module"]) == names.module
    assert {name: frozenset(of) for name, of in captured["classes"].items()} == names.classes


@each_version
def test_messages_are_kept_and_a_listener_cannot_break_the_build(version):
    assert answers(version)["logged"] == {
        "told": ["no memory", "worse"],
        "heard": [["INFO", "Opset version: 13"]],
    }


@each_version
def test_no_gpu_is_one_clear_line(version):
    told = answers(version)
    line = "DeviceError: TensorRT {} finds no usable CUDA device".format(told["version"])
    assert told["engine"].startswith(line)
    assert told["builder"].startswith(line)


@each_version
def test_times_of_layers_are_kept(version):
    assert answers(version)["profiled"] == [["conv + relu", 1.5], ["head", 0.25]]


@each_version
def test_a_calibrator_keeps_what_goes_wrong(version):
    """On 8.2 an exception in one of its methods would abort the process."""
    told = answers(version)["calibrated"]
    if not column(KNOWN, version)["calibrators"]:
        assert told is None
        return
    kept = [2, None, "no such picture"]
    assert told == {
        "entropy": ["IInt8EntropyCalibrator2"] + kept,
        "minmax": ["IInt8MinMaxCalibrator"] + kept,
    }


@each_version
def test_progress_is_told_and_a_listener_cannot_break_the_build(version):
    told = answers(version)["watched"]
    if not column(KNOWN, version)["progress"]:
        assert told is None
        return
    assert told == {"told": [["tactics", 1, 2], ["tactics", 2, 2]], "went_on": [True, True]}
