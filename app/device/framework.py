"""framework: the PyTorch module that a file holds, or that a function makes."""

import contextlib
import importlib
import importlib.util
import inspect
import os
import pickle
import sys
import traceback
import warnings
import zipfile
from typing import Any, Iterator, Tuple

from app.device import modelfile
from app.errors import DeviceError, EngineError

_FUNCTION = (
    "Write a function that builds the module, loads its weights and returns it (see From a "
    "framework in README.md); then run: jetwatch convert FILE.py:FUNCTION"
)
_AGAIN = "Fetch it, or save the module, again"
_FILE_PY = "jetwatch_source"  # what a FILE.py is called among the modules, whatever its name


def torch() -> Any:
    """PyTorch. Raises DeviceError where it is missing, or does not start."""
    try:
        with quiet():
            import torch as imported
    except (ImportError, OSError) as error:  # OSError: one of its libraries
        raise DeviceError(
            f"converting needs PyTorch, which is not here ({modelfile.first_line(error)}). On a "
            f"workstation, not on a Jetson, run: {sys.executable} -m pip install torch"
        ) from error
    return imported


def load(source: str, trust: bool) -> Any:
    """
    The nn.Module, on the CPU, in float32 and set to inference. The source is run as code: its
    folder is put on sys.path, and stays there for what is imported later. Unpickles what may run
    anything only with ``trust``. Raises EngineError.
    """
    torch()
    place, _, function = source.rpartition(":")
    with quiet():
        if os.path.exists(source):
            made = _of_file(source, trust)
        elif place and function.isidentifier():
            made = _of_function(place, function)
        else:
            raise EngineError(
                f"{source}: no such file. Name a file, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION"
            )
        return _settled(made, source)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What PyTorch warns of (deprecations, traced sizes) is for its authors: we compare results."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """As ``quiet``; and standard output is closed to C++, which prints whole graphs there."""
    sys.stdout.flush()
    with open(os.devnull, "wb") as nowhere, quiet():
        kept = os.dup(1)
        try:
            os.dup2(nowhere.fileno(), 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def said(error: BaseException) -> str:
    """An error of foreign code on one line, with the place in the user's own code if it has one."""
    text, name, place = str(error).strip(), type(error).__name__, _place(error)
    if "Traceback of TorchScript" in text:  # which comes before what there is to say
        text = text.splitlines()[-1]
    line = modelfile.first_line(Exception(text)) if text else name
    line = (line if line.startswith(name) else f"{name}: {line}").rstrip(".")
    return f"{line} ({place})" if place else line


def _settled(made: Any, source: str) -> Any:
    if isinstance(made, dict):
        raise EngineError(f"{source}: {_weights(made)}. {_FUNCTION}")
    if not isinstance(made, torch().nn.Module):
        raise EngineError(f"{source}: gives {_a(made)}, not a torch.nn.Module. {_FUNCTION}")
    try:
        return made.eval().cpu().float()
    except Exception as error:  # whatever a module's own methods raise
        raise EngineError(
            f"{source}: cannot be set to inference in float32: {said(error)}"
        ) from error


def _of_function(place: str, name: str) -> Any:
    module = _imported(place)
    found = getattr(module, name, None)
    if found is None:
        defined = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == module.__name__
        ]
        raise EngineError(f"{place}: has no {name!r}; it has {', '.join(defined) or 'no function'}")
    if isinstance(found, torch().nn.Module):
        return found
    try:
        return found()
    except (Exception, SystemExit) as error:  # it is the user's code
        raise EngineError(
            f"{place}:{name}: fails when it is called without arguments: {said(error)}"
        ) from error


def _imported(place: str) -> Any:
    file = place.endswith(".py")
    if file and not os.path.isfile(place):
        raise EngineError(f"{place}: no such file. Check the path")
    _on_path(os.path.dirname(place) if file else "")
    try:
        if not file:
            return importlib.import_module(place)
        spec = importlib.util.spec_from_file_location(_FILE_PY, place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[_FILE_PY] = module
        spec.loader.exec_module(module)
        return module
    except (Exception, SystemExit) as error:  # it is the user's code
        raise EngineError(f"{place}: cannot be imported: {said(error)}") from error


def _on_path(folder: str) -> None:
    folder = os.path.abspath(folder)
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _of_file(path: str, trust: bool) -> Any:
    _check(path)
    try:
        if _is_script(path):
            return torch().jit.load(path, map_location="cpu")
        return _read(path, weights_only=True)
    except pickle.UnpicklingError as error:
        if not trust:
            raise EngineError(
                f"{path}: a pickle, which may run any code as it is read. If you made it, or trust "
                "whoever did, add --trust"
            ) from error
    except Exception as error:
        raise _unreadable(path, error) from error
    _on_path("")
    try:
        return _read(path, weights_only=False)
    except (ImportError, AttributeError) as error:
        raise EngineError(
            f"{path}: made from code that is not here: {said(error)}. Run in the folder of that "
            "code, or set PYTHONPATH to it"
        ) from error
    except Exception as error:
        raise _unreadable(path, error) from error


def _is_script(path: str) -> bool:
    """Whether a file is TorchScript: what torch.save writes is a zip file too, without this one."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _read(path: str, weights_only: bool) -> Any:
    """torch.load; with weights_only it raises UnpicklingError for all but tensors in containers."""
    if "weights_only" in inspect.signature(torch().load).parameters:
        return torch().load(path, map_location="cpu", weights_only=weights_only)
    if weights_only:  # which PyTorch has from 1.13 on
        raise pickle.UnpicklingError
    return torch().load(path, map_location="cpu")


def _check(path: str) -> None:
    """Refuse what is plainly something else, and say what it is."""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".onnx":
        raise EngineError(f"{path}: is ONNX already. See: jetwatch inspect {path}")
    if ending == ".safetensors":
        raise EngineError(f"{path}: holds weights without their module. {_FUNCTION}")
    if ending == ".py":
        raise EngineError(f"{path}: name its function as well: {path}:FUNCTION")
    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read: {error.strerror}. Check the path") from error
    problem = modelfile.stranger(head)
    if not problem and not head.startswith((b"PK", b"\x80")):  # a zip file, or an old pickle
        problem = "neither TorchScript nor what torch.save writes"
    if problem:
        size = os.path.getsize(path)
        raise EngineError(f"{path}: {size} bytes: {problem}. {_AGAIN}")


def _unreadable(path: str, error: BaseException) -> EngineError:
    return EngineError(
        f"{path}: {os.path.getsize(path)} bytes: PyTorch {torch().__version__} can read it neither "
        f"as TorchScript nor as what torch.save writes ({said(error)}). {_AGAIN}"
    )


def _weights(made: Any) -> str:
    keys = [str(key) for key in made]
    shown = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
    if made and all(isinstance(value, torch().Tensor) for value in made.values()):
        return f"a state dict: {len(keys)} weights without their module ({shown})"
    return f"a dict, not a module: it holds {shown or 'nothing'}"


def _a(made: Any) -> str:
    return "nothing" if made is None else f"a {type(made).__name__}"


def _place(error: BaseException) -> str:
    """FILE:LINE of the last step in code that is neither ours nor installed."""
    ours: Tuple[str, ...] = (os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "<")
    for step in reversed(traceback.extract_tb(error.__traceback__)):
        name = step.filename
        if "-packages" not in name and not name.startswith(ours) and _is_own(name):
            return f"{os.path.basename(name)}:{step.lineno}"
    return ""


def _is_own(name: str) -> bool:
    """Whether a file is outside the standard library."""
    return not os.path.abspath(name).startswith(os.path.dirname(os.path.abspath(os.__file__)))
