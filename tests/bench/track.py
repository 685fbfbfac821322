#!/usr/bin/env python3
"""
track: our tracker against supervision's ByteTrack, in turns, on the same boxes, in one process.

Walkers: people who cross and hide one another, made up, with boxes missed, false and inexact; the
truth is known. Clips: boxes found once by a detector of ours and kept in --folder; without --truth
there is none, so tracks are counted.
"""

import os
import sys
import threading
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def detected(clip, model, engines, score):
    os.environ.setdefault("JETWATCH_ENGINES", engines)
    from app import assemble
    from app.flags import Flags, with_flags

    config = with_flags(
        None, Flags(source=clip, model=model, score=score, backend="host", rtsp=None)
    )
    backend = assemble.backend(config)
    pipeline = assemble.assemble(config, backend)
    (source,) = pipeline.sources
    frames = source.frames(threading.Event())
    for stage in pipeline.lanes[0]:
        frames = stage.run(frames)
    rows, times = [], []
    for number, frame in enumerate(frames):
        d = frame.detections
        times.append(frame.time)
        rows.append(np.column_stack([np.full(len(d), number), d.xyxy, d.score, d.class_id]))
    return np.concatenate(rows), np.array(times)


if __name__ == "__main__":
    os.makedirs("/tmp/track-cache", exist_ok=True)
    for name in ("vtest.avi", "people-walking_seeed_640x360.mp4"):
        b = time.time()
        rows, times = detected(
            "/work/shared/data/videos/" + name, "yolox_nano", "/tmp/track-engines", 0.1
        )
        np.savez("/tmp/track-cache/%s.npz" % name, rows=rows.astype(np.float32), times=times)
        print(name, len(times), times[:3], len(rows), time.time() - b)
