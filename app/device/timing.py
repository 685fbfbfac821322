"""timing: what kernels took when they were timed before, kept in a file per device and release."""

import contextlib
import logging
from typing import Any

from app import atomic

logger = logging.getLogger(__name__)


def use(config: Any, path: str) -> Any:
    """Begin with what the file says, if it is of this device and release."""
    content = b""
    if path:
        with contextlib.suppress(OSError), open(path, "rb") as file:
            content = file.read()
    cache = config.create_timing_cache(content)
    # None for what is no cache, False for another device's or release's
    if cache is None or not config.set_timing_cache(cache, False):
        cache = config.create_timing_cache(b"")
        config.set_timing_cache(cache, False)
    return cache


def keep(config: Any, path: str) -> None:
    """Write what is known after a build."""
    if not path:
        return
    cache = config.get_timing_cache()
    try:
        atomic.write(path, bytes(cache.serialize()), durable=False)
    except OSError as error:
        logger.warning("%s cannot be written: %s", path, error.strerror)
