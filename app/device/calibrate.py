"""calibrate: the ranges of INT8, found by TensorRT's own calibrators on real pictures."""

import contextlib
import logging
from typing import Any, Callable, Dict, Iterator, Optional

from app import atomic
from app.device.trt import Api
from app.errors import EngineError

logger = logging.getLogger(__name__)

ENTROPY, MINMAX = KINDS = ("entropy", "minmax")

Batches = Callable[[], Iterator[Dict[str, int]]]  # each: input name -> device address


class Calibration:
    """
    Feeds a calibrator. An exception inside one of its callbacks aborts the process on TensorRT 8.2
    and shortens the calibration unseen on later ones, so it is kept here: ``check`` raises it.
    """

    def __init__(self, batches: Batches, batch: int, wanted: int, cache: str) -> None:
        """
        ``batches`` gives ``wanted`` times the addresses of ``batch`` pictures; an address must
        stay valid until the next is asked for. ``cache``: where the ranges are kept.
        """
        self._batches = batches
        self._batch = batch
        self._wanted = wanted
        self._cache = cache
        self._running: Optional[Iterator[Dict[str, int]]] = None
        self.served = 0
        self.used_cache = False
        self.error: Optional[BaseException] = None

    def calibrator(self, api: Api, kind: str) -> Any:
        """TensorRT's object; it must live until the build returns."""
        trt = api.module
        parent = trt.IInt8MinMaxCalibrator if kind == MINMAX else trt.IInt8EntropyCalibrator2
        calibration = self

        class Calibrator(parent):  # type: ignore
            def __init__(self) -> None:
                parent.__init__(self)  # pybind11 wants the call written out

            def get_batch_size(self) -> int:
                return calibration._batch

            def get_batch(self, names: Any, *_: Any) -> Any:
                return calibration._next(names)

            def read_calibration_cache(self, *_: Any) -> Any:
                return calibration._kept()

            def write_calibration_cache(self, cache: Any, *_: Any) -> None:
                calibration._keep(cache)

        return Calibrator()

    def check(self) -> None:
        """Raise what went wrong. Call it after the build, whatever that returned."""
        if self.error is not None:
            raise self.error
        if not self.used_cache and self.served < self._wanted:
            raise EngineError(
                f"INT8 calibration took {self.served} of {self._wanted} batches and then stopped. "
                "Take other pictures, or --precision fp16"
            )

    def _next(self, names: Any) -> Any:
        try:
            if self.error is not None or self.served >= self._wanted:
                return None
            if self._running is None:
                self._running = self._batches()
            addresses = next(self._running, None)
            if addresses is None:
                return None
            made = [int(addresses[name]) for name in names]
            self.served += 1
            return made
        except BaseException as error:
            self.error = error
            return None

    def _kept(self) -> Optional[bytes]:
        with contextlib.suppress(OSError), open(self._cache, "rb") as file:
            content = file.read()
            self.used_cache = bool(content)
            return content or None
        return None

    def _keep(self, cache: Any) -> None:
        try:
            if self.error is not None or self.served < self._wanted:
                return  # ranges of a part of the pictures are not to be used again
            atomic.write(self._cache, bytes(cache), durable=False)  # the view is valid in this call
        except OSError as error:
            logger.warning("%s cannot be written: %s", self._cache, error.strerror)
        except BaseException as error:
            self.error = error
