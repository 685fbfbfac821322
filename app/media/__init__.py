"""media: pictures in and out; the only package that may import gi or cv2 (device/host too)."""

import os

# FFmpeg inside OpenCV writes to stderr what our errors say in words.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
