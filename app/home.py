"""home: where the folders that come with the program lie: in the checkout, or as installed."""

import site
import sys
import sysconfig
from pathlib import Path


def folder(name: str) -> Path:
    """The folder of that name: "engines", or "configs/labels"."""
    checkout = Path(__file__).resolve().parent.parent
    roots = [sysconfig.get_path("data"), sys.prefix, getattr(site, "USER_BASE", None)]
    installed = [Path(root) / "share" / "jetwatch" for root in roots if root]
    for place in [checkout] + installed:
        if (place / name).is_dir():
            return place / name
    return checkout / name
