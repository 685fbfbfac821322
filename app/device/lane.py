"""lane: the one stream that all engines run on, one after another, and the scratch they share."""

import logging
import threading
from typing import Callable, List, Optional, Tuple

from app.device.cuda import Cuda, Memory
from app.device.engine import Engine
from app.device.graph import Graph, GraphError, Graphs
from app.errors import DeviceError

logger = logging.getLogger(__name__)


class Lane:
    """
    The one stream on which all engines of a process run, one after another, and the scratch
    block that they therefore share. ``turn`` is held while work is put on the stream, not while
    it is waited for: so a thread brings its next picture while another's is inferred.
    """

    def __init__(self, cuda: Cuda, graphs: bool = True) -> None:
        self.cuda = cuda
        self.stream = cuda.stream()
        self.turn = threading.Lock()
        self.graphs = self._offered() if graphs else None
        self._scratch: Optional[Memory] = None
        self._engines: List[Engine] = []

    def take_in(self, engine: Engine) -> None:
        """Let an engine run on the scratch block, which grows to the largest."""
        with self.turn:
            self._engines.append(engine)
            if self._scratch is not None and engine.size <= self._scratch.count:
                engine.use(self._scratch.address, self._scratch.count)
                return
            self.stream.synchronize()
            if self._scratch is not None:
                self.cuda.release(self._scratch)
            self._scratch = self.cuda.allocate(engine.size)
            for one in self._engines:
                one.use(self._scratch.address, self._scratch.count)

    def leave(self, engine: Engine) -> None:
        """It runs no more; the scratch block stays as large as it was. ``turn`` must be held."""
        self.stream.synchronize()
        self._engines.remove(engine)

    @property
    def scratch(self) -> Tuple[int, int]:
        """Address and bytes of the shared block."""
        return (self._scratch.address, self._scratch.count) if self._scratch else (0, 0)

    def close(self) -> None:
        """Forget the engines; memory is the Cuda's to free."""
        self._engines = []

    def capture(self, work: Callable[[], None]) -> Optional[Graph]:
        """The work as a graph, or None where that is not to be had, which is said once."""
        if self.graphs is None:
            return None
        try:
            with self.cuda.translated("this work cannot be captured"):
                return self.graphs.capture(self.stream, work)
        except (GraphError, DeviceError) as error:
            self.give_up_graphs(error)
            return None

    def give_up_graphs(self, error: Exception) -> None:
        """Start each frame step by step from here on, and say why."""
        logger.info("no CUDA graphs, each frame is started step by step: %s", error)
        self.graphs = None

    def _offered(self) -> Optional[Graphs]:
        try:
            return self.cuda.graphs()
        except GraphError as error:
            logger.info("no CUDA graphs, each frame is started step by step: %s", error)
            return None
