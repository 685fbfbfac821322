"""engines: a model's engine, built in child processes until one is good, gated, and kept."""

import contextlib
import hashlib
import os
import tempfile
import time
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from app import atomic, child
from app.attempt import LEAST_WORKSPACE, Outcome, Task, TooSlow
from app.device import modelfile, plan, planfile
from app.device.backend import Model
from app.device.build import FP16, FP32, INT8, OutOfMemory, Recipe
from app.device.jetson import sha256_of
from app.errors import ConfigError, EngineError
from app.media import samples
from app.media.camera import Camera

BEST = "best"
LADDERS = {
    BEST: (INT8, FP16, FP32),
    INT8: (INT8, FP16, FP32),
    FP16: (FP16, FP32),
    FP32: (FP32,),
}


class Wish(NamedTuple):
    """What an engine is to be. ``workspace_mb`` None: as much as half of what is free."""

    precision: str = BEST
    batch: int = 1
    calibrate: Optional[Camera] = None  # pictures of what it will see, for INT8 and the check
    frames: int = 200
    every_s: float = 0.5  # of a live camera
    check: Optional[Camera] = None  # other pictures; None: a fifth of those for calibration
    at_least: float = 0.95  # agreement with FP32
    force: bool = False
    workspace_mb: Optional[int] = None
    dla: Optional[int] = None
    effort: Optional[int] = None
    lean: bool = False
    calibrator: str = "entropy"


class Progress(NamedTuple):
    name: str
    precision: str
    phase: str
    done: int
    total: int  # 0 where unknown
    elapsed: float  # seconds since the build began
    busy_s: float = 0.0  # of the CPU, that the child which builds has used


Tell = Callable[[Progress], None]
Say = Callable[[str], None]


class Pictures(NamedTuple):
    calibrate: Tuple[str, ...] = ()
    check: Tuple[str, ...] = ()


def build(
    model: Model, wish: Wish, folders: Sequence[str], tell: Tell, say: Say,
    command: Sequence[str] = child.COMMAND,
) -> plan.Sidecar:  # fmt: skip
    """
    Build the model's engine and keep it beside its ONNX, or in the first of ``folders`` that can
    be written. ``say`` gets a line for each decision on the way; ``command`` runs one attempt.
    Raises AppError; nothing is changed then, nor by KeyboardInterrupt.
    """
    if wish.precision == INT8 and wish.calibrate is None:
        raise ConfigError(
            f"{model.name}: INT8 wants pictures of what the camera will see. Give them: "
            "--calibrate FOLDER, CLIP or rtsp://..., or take --precision fp16"
        )
    modelfile.check(model.path)
    began = time.monotonic()
    path = planfile.target(model.path, folders)
    planfile.sweep(os.path.dirname(path) or ".")
    progress = Progress(model.name, "", "", 0, 0, 0.0)

    def told(precision: str, phase: str, done: int, total: int, busy_s: float = 0.0) -> None:
        tell(progress._replace(
            precision=precision, phase=phase, done=done, total=total,
            elapsed=time.monotonic() - began, busy_s=busy_s,
        ))  # fmt: skip

    with _pictures(wish, told) as pictures, tempfile.TemporaryDirectory(prefix="jetwatch-") as room:
        return _Climb(model, wish, path, room, pictures, told, say, command).down()


class _Climb:
    """Precisions one after another, from the fastest, until one is good enough."""

    def __init__(
        self, model: Model, wish: Wish, path: str, room: str, pictures: Pictures,
        told: Callable[..., None], say: Say, command: Sequence[str],
    ) -> None:  # fmt: skip
        self._model = model
        self._wish = wish
        self._path = path
        self._room = room  # a folder for what is of no use afterwards
        self._pictures = pictures
        self._told = told
        self._say = say
        self._command = command
        self._tried: List[plan.Attempt] = []

    def down(self) -> plan.Sidecar:
        ladder = LADDERS[self._wish.precision]
        if not self._pictures.calibrate:
            ladder = tuple(one for one in ladder if one != INT8)
        for precision in ladder:
            part = atomic.temporary(self._path)
            try:
                outcome = self._built(precision, part)
                sidecar = self._judged(outcome, precision)
                if sidecar is not None:
                    sidecar = sidecar._replace(tried=tuple(self._tried))
                    return planfile.settle(part, self._path, sidecar)
            except EngineError as error:
                if not (isinstance(error, TooSlow) or precision == INT8 and FP16 in ladder):
                    raise
                self._note(precision, 0, str(error))
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part)
        raise EngineError(f"{self._model.name}: no precision would do. See {self._path}.log")

    def _built(self, precision: str, part: str) -> Outcome:
        """With half the workspace again and again, until a build succeeds. Raises AppError."""
        most = [mb << 20 for mb in (self._model.workspace_mb, self._wish.workspace_mb) if mb]
        workspace = min(most, default=1 << 40)
        while True:
            task = self._task(precision, part, workspace)
            self._told(precision, "starting", 0, 0)
            attempt = child.Attempt(task, self._path + ".log", self._command)
            try:
                outcome: Outcome = attempt.result(
                    lambda *progress, at=attempt: self._told(precision, *progress, at.busy_s)
                )
                return outcome
            except OutOfMemory as error:
                used = attempt.workspace or min(workspace, 1 << 30)
                self._note(precision, used >> 20, str(error))
                if used <= LEAST_WORKSPACE:
                    raise EngineError(
                        f"{error}. Not even {LEAST_WORKSPACE >> 20} MiB would do: free memory "
                        f"(stop other programs, add swap), or take a smaller model. "
                        f"See {self._path}.log"
                    ) from error
                workspace = max(LEAST_WORKSPACE, used // 2)
                self._say(f"trying again with {workspace >> 20} MiB of workspace")

    def _judged(self, outcome: Outcome, precision: str) -> Optional[plan.Sidecar]:
        """What to keep, or None where the gate refuses. INT8 must have proven itself."""
        sidecar, accuracy = outcome.sidecar, outcome.sidecar.accuracy
        if precision == FP32:
            return sidecar
        if accuracy is None and precision == INT8 and not self._wish.force:
            self._note(INT8, outcome.workspace >> 20, "no pictures were left to compare it on")
            return None
        if accuracy is None:
            self._say(
                f"{precision}: its accuracy was not measured, for want of pictures. "
                "Give some: --check FOLDER or CLIP"
            )
            return sidecar
        self._say(f"{precision}: {_shown(accuracy)}")
        if outcome.passed or outcome.passed is None and precision == FP16:
            return sidecar
        if self._wish.force:
            self._say(f"{precision}: kept by force")
            return sidecar._replace(accuracy=accuracy._replace(forced=True))
        self._tried.append(plan.Attempt(precision, outcome.workspace >> 20, accuracy.verdict))
        return None

    def _note(self, precision: str, workspace_mb: int, outcome: str) -> None:
        self._tried.append(plan.Attempt(precision, workspace_mb, outcome))
        self._say(f"{precision}: {outcome}")

    def _task(self, precision: str, part: str, workspace: int) -> Task:
        wish, pictures = self._wish, self._pictures
        key = _key(self._model, pictures.calibrate, wish.calibrator) if precision == INT8 else ""
        recipe = Recipe(
            precision,
            workspace,
            wish.batch,
            dla=wish.dla,
            effort=wish.effort,
            lean=wish.lean,
            calibrator=wish.calibrator,
        )
        return Task(
            self._model,
            recipe,
            part,
            self._room,
            pictures.calibrate if precision == INT8 else (),
            pictures.check if precision != FP32 else (),
            f"{os.path.splitext(self._path)[0]}.{key[:12]}.ranges" if key else "",
            key,
            wish.at_least,
        )


@contextlib.contextmanager
def _pictures(wish: Wish, told: Callable[[str, str, int, int], None]) -> Iterator[Pictures]:
    with contextlib.ExitStack() as stack:

        def taken(camera: Camera) -> List[str]:
            made = samples.collected(
                camera,
                wish.frames,
                lambda done, total: told("", f"taking pictures of {camera.shown}", done, total),
                wish.every_s,
            )
            return stack.enter_context(made)

        calibrate = taken(wish.calibrate) if wish.calibrate else []
        check = taken(wish.check) if wish.check else []
        if calibrate and not check:
            calibrate, check = samples.split(calibrate)
        for path in set(calibrate) & set(check):
            raise ConfigError(f"{path} is to calibrate and to check with; take other pictures")
        yield Pictures(tuple(calibrate), tuple(check))


def _key(model: Model, pictures: Sequence[str], calibrator: str) -> str:
    """What INT8's ranges depend on: the model, how it is fed, the pictures and the method."""
    made = hashlib.sha256(f"{model.input} {calibrator} {sha256_of(model.path)}".encode())
    for path in pictures:
        made.update(sha256_of(path).encode())
    return made.hexdigest()


def _shown(accuracy: plan.Accuracy) -> str:
    parts = [accuracy.verdict]
    if accuracy.mean_score_difference is not None:
        parts.append(f"scores differ by {accuracy.mean_score_difference:.3f}")
    if accuracy.ap is not None and accuracy.ap_reference is not None:
        parts.append(f"AP {accuracy.ap:.3f}, FP32 {accuracy.ap_reference:.3f}")
    return f"{', '.join(parts)} ({accuracy.pictures} pictures, against {accuracy.reference})"
