#!/usr/bin/env python3
"""
carry: what Python costs per picture, with an engine that takes no time.

Four cameras' pictures go through the pipeline in batches, to detections. The engine's answers are
candidates that the model gave for a clip's frames, picked as the GPU does, handed out at once. So
what is left is the machinery: doors, channels, decoding, NMS, and Python's one lock.
"""

import argparse
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

import cv2  # noqa: E402
import numpy as np  # noqa: E402

from app import catalogue  # noqa: E402
from app.core.frame import Frame  # noqa: E402
from app.core.pipeline import Pipeline  # noqa: E402
from app.core.stage import Source  # noqa: E402
from app.device import answers  # noqa: E402
from app.device.host import HostBackend  # noqa: E402
from app.stages.detect import Detect  # noqa: E402
from app.stages.preprocess import Preprocess  # noqa: E402
from app.vision import decode  # noqa: E402
from app.vision.pick import pick  # noqa: E402


class Instant(HostBackend):
    """Answers for pictures by their numbers, written in their first pixel."""

    def __init__(self, width):
        super().__init__()
        self.network = None
        self.candidates = []
        self.width = width

    def record(self, model, images):
        """Ask the real network for each picture, and keep what a GPU would have picked."""
        network = self.load(model)
        head = answers.head(network.model)
        for number, image in enumerate(images):
            whole = np.array([(0, 0, image.shape[1], image.shape[0])], np.float32)
            outputs = HostBackend.infer(self, network, HostBackend.prepare(
                self, network, [image], whole))  # fmt: skip
            shapes = {name: array.shape for name, array in outputs.items()}
            plan = decode.plan(head, shapes)
            self.candidates += pick(decode.bind(outputs, head.roles), plan, head.score)
            image[0, 0] = number
        self.network = network._replace(picked=True)
        return self.network

    def prepare(self, network, images, windows):
        return [int(image[0, 0, 0]) for image in images]

    def infer(self, network, tensor):
        chosen = [self.candidates[number % len(self.candidates)] for number in tensor]
        most = max(len(one.index) for one in chosen)
        made = {"count": np.array([len(one.index) for one in chosen], np.int32)}
        for name, first in zip(("index", "class_id", "score", "box"), chosen[0]):
            column = np.zeros((len(chosen), most) + first.shape[1:], first.dtype)
            for row, one in enumerate(chosen):
                column[row, : len(one.index)] = getattr(one, name)
            made[name] = column
        return made


class Pictures(Source):
    live = False

    def __init__(self, camera, images, count):
        self.camera, self._images, self._count = camera, images, count

    def frames(self, stop):
        for number in range(self._count):
            if stop.is_set():
                return
            image = self._images[number % len(self._images)]
            yield Frame(self.camera, number, time.monotonic(), image)


def rate(backend, images, cameras, frames, batch):
    """Pictures a second, and objects in all."""
    names = [f"camera{number}" for number in range(cameras)]
    lane = [Preprocess(backend, dict.fromkeys(names, backend.network)), Detect(backend)]
    sources = [Pictures(name, images, frames) for name in names]
    pipeline = Pipeline(sources, [lane], backend.width, batch=batch)
    began = time.perf_counter()
    pipeline.run(threading.Event())
    return cameras * frames / (time.perf_counter() - began), pipeline.meter.read().objects


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("clip")
    add("--model", default="yolox_nano")
    add("--cameras", type=int, default=4)
    add("--frames", type=int, default=1500, help="of each camera")
    add("--width", type=int, default=2, help="threads of the first lane, as on a GPU")
    add("--rounds", type=int, default=3)
    add("--profile", action="store_true", help="one lane's calls, instead of rates")
    options = parser.parse_args()
    film = cv2.VideoCapture(options.clip)
    images = [film.read()[1] for _ in range(16)]
    backend = Instant(options.width)
    backend.record(catalogue.model(options.model), images)
    seen = [len(one.index) for one in backend.candidates]
    print(f"{np.mean(seen):.1f} candidates a picture, {sys.version.split()[0]}")
    if options.profile:
        return profile(backend, images, options)
    made = {batch: [] for batch in (options.cameras, 1)}
    for _ in range(options.rounds):
        for batch, rates in made.items():
            rates.append(rate(backend, images, options.cameras, options.frames, batch))
    for batch, rates in made.items():
        fps = float(np.median([one[0] for one in rates]))
        print(f"batches of {batch}: {fps:7.0f} pictures a second, {1e6 / fps:5.0f} us each, "
              f"{rates[0][1]} objects")  # fmt: skip
    return 0


def profile(backend, images, options):
    import cProfile
    import pstats

    frames = [Frame(f"camera{n}", 0, 0.0, images[n]) for n in range(options.cameras)]
    networks = {frame.source: backend.network for frame in frames}
    stages = [Preprocess(backend, networks), Detect(backend)]
    batches = ([f._replace(image=images[(n + i) % 16]) for i, f in enumerate(frames)]
               for n in range(options.frames))  # fmt: skip
    for stage in stages:
        batches = stage.run(batches)
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in batches:
        pass
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
    return 0


if __name__ == "__main__":
    sys.exit(main())
