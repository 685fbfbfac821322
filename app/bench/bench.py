"""bench: settings measured one after another, by turns, into a document."""

import contextlib
import os
import sys
import tempfile
import time
from typing import Any, Callable, List, NamedTuple, Optional, Sequence, Tuple

from app import __version__, child, config
from app.bench import mark, network, networks, pictures, settings, trial, work
from app.bench.log import Log
from app.bench.networks import Networks
from app.bench.progress import Progress
from app.bench.results import FORMAT, Document, Machine, Trial
from app.bench.revision import Revision, revision
from app.bench.settings import OF_THE_ENGINE, Setting, Tree
from app.bench.variants import Make, variant
from app.bench.work import CAMERA, FLAT, Job
from app.chosen import chosen_models
from app.device.backend import Model
from app.device.build import INT8
from app.device.telemetry import open_telemetry
from app.errors import AppError, OutputError
from app.media import room, rtsp
from app.media.camera import Camera

FOLDER = os.path.join("out", "bench")  # what is kept from one benchmark to the next

Say = Callable[[str], None]
Tell = Callable[[str], None]
# How engines are made: with pictures to calibrate INT8 with, and where these are from.
Makes = Callable[[Camera, Camera], Make]


class Options(NamedTuple):
    labelled: str = ""  # a folder of pictures with labels
    layers: bool = False
    folder: str = FOLDER  # engines of variants are kept there
    int8: bool = False  # whether engines of INT8 may be asked for
    calibrate: Optional[Camera] = None  # None: the first camera's own source


class _Under(NamedTuple):
    """A trial under way: the config, and what it has come to."""

    trial: Trial
    tree: Tree
    setting: Setting
    error: Optional[AppError] = None  # what the trial's problem is


class Bench:
    """
    Measures settings of a base config, within a ``with``. ``document`` may be asked for at any
    time, also after an interrupt: it holds what is known so far.
    """

    def __init__(self, tree: Tree, options: Options, makes: Makes, tell: Tell, say: Say) -> None:
        """``makes`` makes engines; ``tell`` shows progress; ``say`` a line that stays."""
        self.tree = tree
        self._options = options
        self._makes = makes
        self._progress = Progress(tell)
        self._say = say
        self._under: List[_Under] = []
        self._notes: List[str] = []
        self._stack = contextlib.ExitStack()
        self._room = ""  # a folder for what is of no use afterwards
        self._pictures = pictures.Taken((), "")
        self._log = Log(os.path.join(options.folder, "bench.log"))
        self._revision = Revision()
        self.machine = Machine()
        self.backend = ""

    def __enter__(self) -> "Bench":
        """Look at the machine and take the pictures. Raises AppError."""
        with contextlib.ExitStack() as stack:
            try:
                os.makedirs(self._options.folder, exist_ok=True)
                self._room = stack.enter_context(room.temporary("bench"))
                self._look()
                source = config.parse(settings.text(self.tree)).cameras[0]
                asked = self._options.calibrate or source
                taken = pictures.taken(
                    source,
                    self._options.labelled,
                    self._progress.told,
                    asked if self._options.int8 and self.backend != "host" else None,
                )
                self._pictures = stack.enter_context(taken)
                self._make = self._makes(self._pictures.calibration or asked, asked)
                self._networks = Networks(
                    lambda job, part: self._child("network", job, network.Outcome, part),
                    self.tree, self._pictures, self._room, self._options.layers,
                )  # fmt: skip
                if len(self._pictures.paths) == 1:
                    self._note(pictures.why_one(source, self._options.labelled))
            except OSError as error:
                raise _unwritable(error) from error
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def document(self, interrupted: bool = False, command: str = "jetwatch bench") -> Document:
        return Document(
            FORMAT, __version__, command, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            self.machine, tuple(one.trial for one in self._under), tuple(self._notes),
            interrupted, *self._revision,
        )  # fmt: skip

    def measure(
        self, chosen: Sequence[Setting], seconds: float, repeats: int, flat: bool = True
    ) -> Sequence[Trial]:
        """
        Runs of ``seconds`` each, the settings taking turns; ``flat``: also as fast as it goes.
        Raises the first AppError where none of them can be measured.
        """
        first = len(self._under)
        for setting in chosen:
            self._under.append(self._begun(setting, repeats))
        places = range(first, len(self._under))
        able = [self._under[place] for place in places if not self._under[place].trial.problem]
        flat = flat and settings.recorded(self.tree)
        alone = self._networks.lacking([one.setting for one in able], repeats)
        self._progress.begin(len(able) * repeats * (2 if flat else 1) + alone)
        for place in places:
            self._networked(place, 0)
        if len({one.setting.values.get("interval") for one in able}) > 1:
            self._note("accuracy is of pictures that the detector looks at, whatever the interval")
        paces = ((CAMERA, seconds), (FLAT, seconds / 2)) if flat else ((CAMERA, seconds),)
        for number in range(repeats):
            for place in places:
                self._networked(place, number)
                for pace, length in paces:
                    part = f"run {number + 1} of {repeats}"
                    self._ran(place, pace, length, part)
        under = [self._under[place] for place in places]
        errors = [one.error for one in under if one.error is not None]
        if len(errors) == len(under) and not any(one.trial.runs for one in under):
            raise errors[0]
        return [one.trial for one in under]

    def config_of(self, setting: Setting) -> Tree:
        """The config that a setting stands for, its engine made. Raises AppError."""
        settings.check_here(setting, self.backend == "host")
        tree = settings.applied(self.tree, setting)
        if setting.of(OF_THE_ENGINE):
            folder = os.path.join(self._options.folder, "models")
            gpu = None if self.backend == "host" else self.machine
            entry = variant(_model(tree), setting.values, folder, gpu, self._make)
            tree = settings.with_model(tree, entry)
            config.parse(settings.text(tree))
        return tree

    def mark(self) -> str:
        """All that figures depend on beside the settings: it is another where they may be."""
        cameras = config.parse(settings.text(self.tree)).cameras
        return mark.digest(
            settings.text(self.tree),
            mark.of_model(_model(self.tree)),
            self._make.how({"precision": INT8}),
            self._options.labelled and mark.of_folder(self._options.labelled),
            *map(mark.of_pictures, cameras),
        )

    def own_size(self) -> Optional[Tuple[int, int]]:
        """Of the first camera's network, (wide, high), where a manifest tells."""
        spec = _model(self.tree).input
        return None if spec is None else spec.size_wh

    def _look(self) -> None:
        """What this machine is, and what is known beforehand to be missing."""
        job = network.Job(settings.text(self.tree), ())
        found: network.Where = self._child("where", job, network.Where).result(
            lambda phase, done, total: self._progress.told(phase, done, total)
        )
        self.machine, self.backend = found
        self._revision = revision()
        if rtsp.missing():
            self._note(f"nothing was encoded and served: {rtsp.missing()}")
        if not settings.recorded(self.tree):
            self._note("a camera sets the rate: how fast it could go was not measured")

    def _begun(self, setting: Setting, repeats: int) -> _Under:
        """The config of a setting, its engine made; or the reason why not."""
        tree = self.tree
        problem: Optional[AppError] = None
        try:
            tree = self.config_of(setting)
        except AppError as error:
            problem = error
            self._say_of(setting, error)
        told = dict(setting.values, model=settings.own_model(tree))
        made = Trial(
            setting.name, told, config=settings.shown(tree), problem=str(problem or ""),
            single=settings.single(tree), repeats=repeats,
        )  # fmt: skip
        return _Under(made, tree, setting, problem)

    def _ran(self, place: int, pace: str, seconds: float, part: str) -> None:
        """One run of a trial, unless there is a problem with it; which it may come to have."""
        under = self._under[place]
        if under.trial.problem:
            return
        part = ": ".join(filter(None, [under.setting.name, part]))
        part += ", as fast as it goes" if pace == FLAT else ""
        try:
            with tempfile.TemporaryDirectory(dir=self._room) as folder:
                port = None if rtsp.missing() else trial.free_port()
                tree = settings.safe(under.tree, folder, (port, trial.free_port()), pace)
                mounts = [] if port is None else [str(one["name"]) for one in tree["cameras"]]
                job = Job(settings.text(tree), seconds, pace, client=bool(mounts))
                working = self._child("work", job, work.Outcome, part)
                run = trial.run(
                    working, pace,
                    [f"rtsp://127.0.0.1:{port}/{one}" for one in mounts],
                    lambda phase, done, total: self._progress.told(phase, done, total, part),
                    gpu=None if self.backend == "host" else open_telemetry,
                )  # fmt: skip
        except AppError as error:
            self._failed(place, error)
            return
        except OSError as error:
            self._failed(place, _unwritable(error))
            return
        if mounts and pace == CAMERA and run.glass is None:
            self._note("no picture with a stamp reached the RTSP client: no glass to glass")
        known = under.trial
        if pace == FLAT:
            known = known._replace(flat=known.flat + (run,))
        else:
            known = known._replace(runs=known.runs + (run,))
        self._under[place] = under._replace(trial=known)
        if working.interrupted:
            raise KeyboardInterrupt
        self._progress.add()

    def _networked(self, place: int, repeat: int) -> None:
        """Floor, and at first accuracy and layers, for all settings that share the network."""
        under = self._under[place]
        if under.trial.problem:
            return
        setting = under.setting
        self._note(networks.note(setting, self._pictures))
        lacking = self._networks.lacking([setting], repeat + 1)
        try:
            known = self._networks.told(
                under.trial, setting, under.tree, repeat,
                lambda phase, done, total: self._progress.told(phase, done, total, setting.name),
            )  # fmt: skip
        except AppError as error:
            self._failed(place, error)
            return
        if lacking:
            self._progress.add()
        self._under[place] = under._replace(trial=known)

    def _failed(self, place: int, error: AppError) -> None:
        self._log.keep()
        under = self._under[place]
        known = under.trial._replace(problem=str(error))
        self._under[place] = under._replace(trial=known, error=error)
        self._say_of(under.setting, error)

    def _say_of(self, setting: Setting, error: AppError) -> None:
        """One of several goes wrong; alone it is what is raised."""
        if setting.name:
            self._say(f"{setting.name}: {error}")

    def _note(self, text: str) -> None:
        if text and text not in self._notes:
            self._notes.append(text)

    def _child(self, name: str, job: Any, kind: Any, part: str = "") -> child.Attempt:
        self._log.begin(f"{name} {part}".rstrip())
        command = (sys.executable, "-m", "app.cli_bench_child", name)
        return child.Attempt(job, self._log.path, command, kind, "the benchmark's run")


def _model(tree: Tree) -> Model:
    """The first camera's. Raises AppError."""
    parsed = config.parse(settings.text(tree))
    return chosen_models(parsed)[parsed.cameras[0].name]


def _unwritable(error: OSError) -> OutputError:
    return OutputError(
        f"{error.filename or tempfile.gettempdir()}: cannot be written: {error.strerror}. Is the "
        "disk full? TMPDIR names another"
    )
