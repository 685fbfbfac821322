#!/usr/bin/env python3
"""
pick_layers: candidates picked by layers added to the network, against our two kernels.

Builds a YOLOX from FILE.onnx at FP32, once as it is and once with TopK, product and Gather layers
behind its output, and times both by CUDA graph replay, taking turns: the engine alone, the engine
and the kernels, the engine with the layers. This is why app/device/pick.cu is there.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from app.device import build, kernels, parse, trt  # noqa: E402
from app.device.cuda import Cuda  # noqa: E402
from app.device.engine import Engine  # noqa: E402
from app.device.lane import Lane  # noqa: E402
from app.device.picker import Output, Picker  # noqa: E402
from app.vision import decode  # noqa: E402

SIDE = 416
KEPT = 200


def plan(api, path, cache, layers):
    """The plan's bytes; with ``layers`` the network ends in candidates."""
    parsed = parse.parse(api, path, "yolox", parse.Opset())
    network = parsed.network
    network.get_input(0).shape = (1, 3, SIDE, SIDE)
    if layers:
        add_layers(api.module, network)
    parsed = parsed._replace(inputs=(parsed.inputs[0]._replace(shape=(1, 3, SIDE, SIDE)),))
    recipe = build.Recipe(
        build.FP32, 1 << 30, 1, (SIDE, SIDE), effort=0, lean=True, timing_cache=cache
    )
    listener = build.Listener(lambda phase, done, total: None)
    return bytes(build.build(api, parsed, recipe, listener).plan)


def add_layers(module, network):
    """Best class, product with objectness, the best rows, their boxes and classes."""
    rows = network.get_output(0)
    count, width = rows.shape[1:]
    network.unmark_output(rows)

    def part(first, columns):
        made = network.add_slice(rows, (0, 0, first), (1, count, columns), (1, 1, 1))
        return made.get_output(0)

    largest = module.TopKOperation.MAX
    best = network.add_topk(part(5, width - 5), largest, 1, 1 << 2)
    score = network.add_elementwise(
        best.get_output(0), part(4, 1), module.ElementWiseOperation.PROD
    )
    top = network.add_topk(score.get_output(0), largest, KEPT, 1 << 1)
    index = network.add_shuffle(top.get_output(1))
    index.reshape_dims = (1, KEPT)
    results = [("score", top.get_output(0))]
    for name, tensor in (("box", part(0, 4)), ("class", best.get_output(1))):
        gather = network.add_gather(tensor, index.get_output(0), 1)
        gather.num_elementwise_dims = 1
        results.append((name, gather.get_output(0)))
    for name, tensor in results:
        tensor.name = name
        network.mark_output(tensor)


def bound(cuda, lane, engine):
    """Buffers for all of an engine's tensors, bound: name -> address."""
    lane.take_in(engine)
    shapes = engine.output_shapes(1)
    addresses = {}
    for binding in engine.bindings:
        count = 1
        for size in shapes.get(binding.name, binding.most):
            count *= size
        addresses[binding.name] = cuda.allocate(4 * count).address
        engine.bind(binding.name, addresses[binding.name])
    return addresses


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("onnx", metavar="FILE.onnx")
    parser.add_argument("--timing-cache", default="")
    parser.add_argument("--folder", default=".", help="where compiled kernels are kept")
    arguments = parser.parse_args()
    api, cuda = trt.open_api(), Cuda()
    with cuda.attached(), contextlib.closing(cuda):
        lane = Lane(cuda)
        engines = [
            Engine(api, plan(api, arguments.onnx, arguments.timing_cache, layers), "yolox")
            for layers in (False, True)
        ]
        places = [bound(cuda, lane, engine) for engine in engines]
        (output,) = [b for b in engines[0].bindings if not b.is_input]
        head = decode.Head("yolox", {}, (SIDE, SIDE), 0.35, 0.65)
        chosen = decode.plan(head, {output.name: output.shape})
        elements = output.shape[1] * output.shape[2]
        where = {"output": Output(places[0][output.name], elements, output.dtype)}
        picker = Picker(
            cuda, kernels.compiled("pick", cuda.gpu.sm, arguments.folder), chosen, where, 1
        )
        back = cuda.allocate(picker.row_bytes).address
        handle = lane.stream.handle

        def with_kernels():
            engines[0].enqueue(handle)
            picker.start(0.35, 1, back, lane.stream)

        ways = {
            "engine alone": lambda: engines[0].enqueue(handle),
            "engine and kernels": with_kernels,
            "engine with layers": lambda: engines[1].enqueue(handle),
        }
        graphs = {}
        for name, work in ways.items():
            work()
            lane.stream.synchronize()
            graphs[name] = lane.capture(work)
        spent = {name: [] for name in ways}
        for _ in range(300):
            for name, graph in graphs.items():
                began = time.perf_counter()
                graph.launch(lane.stream)
                lane.stream.synchronize()
                spent[name].append((time.perf_counter() - began) * 1000)
        for name, values in spent.items():
            print(f"{name:<24}{statistics.median(values):.3f} ms")
        for graph in graphs.values():
            graph.destroy()
        for engine in engines:
            engine.close()


if __name__ == "__main__":
    main()
