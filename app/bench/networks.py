"""networks: what is known of each network without the pipeline, for all settings that share it."""

from typing import Callable, Dict, Sequence, Set, Tuple

from app import child
from app.bench import network, settings
from app.bench.pictures import Taken
from app.bench.results import Trial
from app.bench.settings import OF_THE_NETWORK, Setting, Tree
from app.bench.work import CAMERA
from app.device.build import INT8

Ask = Callable[[network.Job], child.Attempt]
_Key = Tuple[Tuple[str, str], ...]


class Networks:
    """Asked about pictures that were taken; ``room``: a folder for what is of no use afterwards."""

    def __init__(self, ask: Ask, taken: Taken, room: str, layers: bool) -> None:
        """``ask`` starts a child for a job; ``layers``: what each of them takes is told as well."""
        self._ask = ask
        self._taken = taken
        self._room = room
        self._layers = layers
        self._known: Dict[_Key, network.Outcome] = {}

    def lacking(self, chosen: Sequence[Setting]) -> int:
        """How many measurements these settings need."""
        keys: Set[_Key] = {_key(one) for one in chosen}
        return len(keys - set(self._known))

    def told(
        self, trial: Trial, setting: Setting, config: Tree, own: str, tell: network.Tell
    ) -> Trial:
        """
        The trial with what is known of its network, as the ``config`` has it; its answers are
        compared with those of the model ``own``. Raises AppError.
        """
        key = _key(setting)
        if key not in self._known:
            job = network.Job(
                settings.text(settings.safe(config, self._room, (None, 8080), CAMERA)),
                tuple(self._taken.paths),
                own,
                self._taken.shown,
                int(setting.values.get("batch", "1")),
                layers=self._layers,
            )
            self._known[key] = self._ask(job).result(tell)
        known = self._known[key]
        return trial._replace(
            floor=known.floor,
            accuracy=known.accuracy,
            layers=known.layers,
            model_sha256=known.model_sha256,
        )


def note(setting: Setting, taken: Taken) -> str:
    """What speaks against what is known of the answers; empty where nothing does."""
    if not taken.shared or setting.values.get("precision") != INT8:
        return ""
    return (
        f"INT8 may be calibrated with the pictures that it is compared on, {taken.shown}, which "
        "flatters its accuracy: --calibrate others"
    )


def _key(setting: Setting) -> _Key:
    return setting.of(OF_THE_NETWORK)
