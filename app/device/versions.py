"""versions: releases of the libraries that run networks on the CPU; empty where there is none."""

import cv2


def onnxruntime() -> str:
    try:
        import onnxruntime as library
    except ImportError:
        return ""
    return str(library.__version__)


def opencv() -> str:
    return str(cv2.__version__)
