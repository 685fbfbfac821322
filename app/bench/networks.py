"""networks: what is known of each network without the pipeline, for all settings that share it."""

from typing import Callable, Dict, List, Sequence, Set, Tuple

from app import child
from app.bench import floor, network, settings
from app.bench.pictures import Taken
from app.bench.results import Trial
from app.bench.settings import OF_THE_NETWORK, Setting, Tree
from app.bench.work import CAMERA
from app.device.build import INT8

Ask = Callable[[network.Job, str], child.Attempt]
_Key = Tuple[Tuple[str, str], ...]


class Networks:
    """
    Of a base config's settings, asked about pictures that were taken; ``room``: a folder for what
    is of no use afterwards.
    """

    def __init__(self, ask: Ask, tree: Tree, taken: Taken, room: str, layers: bool) -> None:
        """
        ``ask`` starts a child for a job, and is given the setting's name; ``layers``: what each
        layer takes is told as well.
        """
        self._ask = ask
        self._tree = tree
        self._taken = taken
        self._room = room
        self._layers = layers
        self._known: Dict[_Key, List[network.Outcome]] = {}  # one of each repeat

    def lacking(self, chosen: Sequence[Setting], repeats: int) -> int:
        """How many measurements these settings need for so many repeats."""
        keys: Set[_Key] = {_key(one) for one in chosen}
        return sum(max(0, repeats - len(self._known.get(key, ()))) for key in keys)

    def told(
        self, trial: Trial, setting: Setting, config: Tree, repeat: int, tell: network.Tell
    ) -> Trial:
        """
        The trial with what is known of its network, as the ``config`` has it, after this repeat,
        the first of which is 0. Raises AppError.
        """
        known = self._known.setdefault(_key(setting), [])
        if len(known) <= repeat:
            job = network.Job(
                settings.text(settings.safe(config, self._room, (None, 8080), CAMERA)),
                tuple(self._taken.paths),
                settings.own_model(settings.applied(self._tree, setting)),
                self._taken.shown,
                int(setting.values.get("batch", "1")),
                layers=self._layers,
                again=bool(known),
            )
            known.append(network.outcome(self._ask(job, setting.name), tell))
        return trial._replace(
            floor=floor.together([one.floor for one in known[: repeat + 1]]),
            accuracy=known[0].accuracy,
            layers=known[0].layers,
            model_sha256=known[0].model_sha256,
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
