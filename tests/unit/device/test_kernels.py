"""test_kernels: our CUDA code compiled once, kept, and what is said where it cannot be."""

import logging
import os

import pytest

from app.device import kernels
from app.errors import DeviceError

SM = (8, 7)
GOOD = b"\x7fELF code"
SCRIPT = "#!/bin/sh\nwhile [ $1 != -o ]; do shift; done\nprintf '\\177ELF code' > $2\n"


def nvcc(folder, text=SCRIPT):
    """A compiler that does as the script says."""
    path = folder / "nvcc"
    path.write_text(text)
    path.chmod(0o755)
    return lambda: str(path)


def nobody():
    raise AssertionError("nothing is to be compiled")


@pytest.mark.parametrize("name", ["letterbox", "pick"])
def test_code_is_compiled_once_and_kept(tmp_path, name):
    made = kernels.compiled(name, SM, str(tmp_path), nvcc(tmp_path))
    assert made == GOOD
    assert kernels.compiled(name, SM, str(tmp_path), nobody) == GOOD
    kept = kernels.place(name, SM, str(tmp_path))
    assert sorted(os.listdir(str(tmp_path))) == sorted([kept.name, "nvcc"])
    assert kept.stat().st_mode & 0o777 == 0o644, "a service of another user reads it"


def test_code_of_another_gpu_or_source_is_another(tmp_path):
    places = {kernels.place(name, sm, str(tmp_path)) for name in ("letterbox", "pick")
              for sm in ((5, 3), (7, 2))}  # fmt: skip
    assert len(places) == 4


@pytest.mark.parametrize("content", [b"", b"half a fi"])
def test_what_is_no_code_is_compiled_anew(tmp_path, content):
    kept = kernels.place("pick", SM, str(tmp_path))
    kept.write_bytes(content)
    assert kernels.compiled("pick", SM, str(tmp_path), nvcc(tmp_path)) == GOOD
    assert kept.read_bytes() == GOOD


def test_no_compiler_is_one_line(tmp_path):
    with pytest.raises(DeviceError, match="nvcc, CUDA's compiler, is not here.*jetwatch build"):
        kernels.compiled("pick", SM, str(tmp_path), lambda: None)


@pytest.mark.parametrize(
    "text, told",
    [
        (
            "#!/bin/sh\necho 'nvcc fatal: Unsupported' >&2\nexit 1\n",
            "refuses it: nvcc fatal: Unsup",
        ),
        ("#!/bin/sh\nexit 3\n", "refuses it: exit code 3"),
        ("#!/bin/sh\nexit 0\n", "nvcc wrote cannot be read: No such file"),
        ("#!/nowhere/sh\n", "does not run: "),
    ],
)
def test_a_compiler_that_fails_is_one_line(tmp_path, text, told):
    with pytest.raises(DeviceError) as raised:
        kernels.compiled("pick", SM, str(tmp_path), nvcc(tmp_path, text))
    message = str(raised.value)
    assert "the CUDA kernel pick: " in message and told in message and "\n" not in message
    assert os.listdir(str(tmp_path)) == ["nvcc"]


def test_a_folder_that_cannot_be_written_costs_the_keeping_alone(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        made = kernels.compiled("pick", SM, str(tmp_path / "nowhere"), nvcc(tmp_path))
    assert made == GOOD
    (told,) = caplog.messages
    assert "cannot be written (No such file or directory): the kernel is compiled anew" in told


def test_the_compiler_is_found_where_jetpack_leaves_it(tmp_path):
    """It is on no PATH there; CUDA_HOME comes first, and the newest of several last."""
    roots = [str(tmp_path / "usr")]
    for release in ("cuda-10.2", "cuda-11.4"):
        folder = tmp_path / "usr" / release / "bin"
        folder.mkdir(parents=True)
        nvcc(folder)
    here = kernels.find_nvcc([], ())
    found = kernels.find_nvcc([], roots)
    assert found == (here or str(tmp_path / "usr" / "cuda-11.4" / "bin" / "nvcc"))
    own = tmp_path / "own" / "bin"
    own.mkdir(parents=True)
    assert kernels.find_nvcc([str(tmp_path / "own")], roots) == found
    nvcc(own)
    assert kernels.find_nvcc([str(tmp_path / "own")], roots) == str(own / "nvcc")


@pytest.mark.parametrize("name", ["letterbox", "pick"])
def test_the_real_compiler_takes_our_code(tmp_path, name):
    if kernels.find_nvcc() is None:
        pytest.skip("no nvcc is here")
    made = kernels.compiled(name, SM, str(tmp_path))
    assert made[:4] == b"\x7fELF" and len(made) > 3000
    with pytest.raises(DeviceError, match=f"the CUDA kernel {name}: .*nvcc refuses it: .*sm_11"):
        kernels.compiled(name, (1, 1), str(tmp_path))
