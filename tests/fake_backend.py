"""fake_backend: a backend that needs no library, for stages under test."""

import contextlib
from typing import Any, Callable, Dict, Iterator, List, Sequence

import numpy as np

from app.device.backend import Backend, InputSpec, Layer, Model, Network, TensorSpec
from app.errors import EngineError

Answer = Callable[[np.ndarray], Dict[str, np.ndarray]]


class FakeBackend(Backend):
    """
    A backend without a library: ``answers`` maps a model's name to a function from the tensor, a
    (B, 4) array of windows, to the outputs.
    """

    name = "fake"
    runtime = "nothing 1.0"

    def __init__(self, answers: Dict[str, Answer]) -> None:
        self.answers = answers
        self.batches: List[int] = []
        self.closed = False

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        yield

    def load(self, model: Model) -> Network:
        if model.name not in self.answers:
            raise EngineError(f"no model {model.name!r}; there are {sorted(self.answers)}")
        spec = model.input or InputSpec((32, 32))
        inputs = (TensorSpec("images", (-1, 3) + spec.size_wh[::-1], "float32"),)
        filled = model._replace(input=spec)
        return Network(filled, spec, inputs, (), handle=self.answers[model.name])

    def unload(self, network: Network) -> None:
        pass

    def prepare(self, network: Network, images: Sequence[np.ndarray], windows: np.ndarray) -> Any:
        assert len(images) == len(windows)
        self.batches.append(len(images))
        return np.array(windows, np.float32)

    def infer(self, network: Network, tensor: Any) -> Dict[str, np.ndarray]:
        answer: Answer = network.handle
        return answer(tensor)

    def raw(self, network: Network, batch: int) -> Callable[[], None]:
        answer: Answer = network.handle
        tensor = np.zeros((batch, 4), np.float32)

        def run() -> None:
            answer(tensor)

        return run

    def layers(self, network: Network, batch: int, times: int) -> List[Layer]:
        return [Layer("all", 0.001 * batch, "Answer")]

    def close(self) -> None:
        self.closed = True
