#!/usr/bin/env python3
"""
bench_quantize: what a model's answers are worth after rewriting, on the CPU, beside the float ones.

For each model: average precision in float, in FP16 as ``device.typed`` writes it, and with the
pairs of ``device.quantize`` by each method, calibrated on one folder of pictures and measured on
another with labels. ONNX Runtime stands in for TensorRT, whose own kernels and fusions differ.
"""

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from app import catalogue, gate  # noqa: E402
from app.device import activations, quantize, relabel, rewrite, typed  # noqa: E402
from app.device.host import HostBackend  # noqa: E402
from app.device.quantize import Quantization  # noqa: E402
from app.media import samples  # noqa: E402


def pictures(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))


def answers_row(model, path, chosen, said):
    """Print how the model in ``path`` does against ``model``."""
    with contextlib.closing(HostBackend()) as backend:
        low = gate.wanted(model, chosen)
        sides = [
            gate.Side(name, backend, backend.load(low._replace(path=where)))
            for name, where in (("rewritten", path), ("float", model.path))
        ]
        found = gate.measure(*sides, chosen, model.score, 0.95, lambda *told: None).accuracy
    ap = "AP -" if found.ap is None else f"AP {found.ap_reference:.3f} -> {found.ap:.3f}"
    share = "-" if found.agreement is None else f"{found.agreement:.3f}"
    print(f"  {said:34} {ap}, agreement {share}", flush=True)


def quantized(model, out, chosen, how):
    with contextlib.closing(HostBackend()) as backend:
        network = backend.load(model)
        return quantize.quantize(
            model.path,
            out,
            lambda: activations.feeds(backend, network, samples.read(chosen)),
            how,
        )


def bench(model, arguments, folder):
    chosen = pictures(arguments.check)
    content = relabel.relabelled(model.path)
    model = model._replace(path=os.path.join(folder, "float.onnx"))
    rewrite.save(content, model.path)
    out = os.path.join(folder, "rewritten.onnx")
    answers_row(model, out, chosen, f"FP16, {typed.half(model.path, out)} nodes")
    plans = [Quantization(method) for method in quantize.METHODS]
    for how in plans + [Quantization(whole=True)]:
        began = time.perf_counter()
        made = quantized(model, out, pictures(arguments.calibrate)[: arguments.pictures], how)
        took = time.perf_counter() - began
        whole = ", none kept" if how.whole else ""
        answers_row(
            model, out, chosen, f"{how.method}{whole}, {len(made.nodes)} nodes, {took:.0f} s"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("models", nargs="+", help="names of the catalogue, or ONNX files")
    parser.add_argument("--calibrate", required=True, help="a folder of pictures")
    parser.add_argument("--check", required=True, help="a folder of others, with labels beside it")
    parser.add_argument("--pictures", type=int, default=32, help="how many to calibrate with")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    for name in arguments.models:
        print(name)
        with tempfile.TemporaryDirectory() as folder:
            bench(catalogue.model(name), arguments, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"at most {peak} MB of memory, the models' own runs among them")


if __name__ == "__main__":
    main()
