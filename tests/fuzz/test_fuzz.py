"""test_fuzz: no input from outside crashes or hangs; scripts/fuzz runs it for longer."""

import os
import random
import time

import pytest

from tests.fuzz import targets
from tests.fuzz.mutate import mutated

CASES = int(os.environ.get("JETWATCH_FUZZ", "300"))
SEED = int(os.environ.get("JETWATCH_FUZZ_SEED", "0"))
SLOW_S = 5.0


@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_bad_input_is_an_error_of_ours(name):
    if name == "onnx":
        pytest.importorskip("onnx")
    seeds = targets.seeds(name)
    for seed in seeds:
        targets.run(name, seed)
    for case in range(SEED, SEED + CASES):
        luck = random.Random(case)
        data = mutated(seeds, luck) if luck.random() < 0.9 else luck.getrandbits(800).to_bytes(
            100, "big"
        )  # fmt: skip
        began = time.monotonic()
        try:
            targets.run(name, data)
        except Exception as error:
            raise AssertionError(f"{name}, case {case}: {error!r} of {data[:2000]!r}") from error
        assert time.monotonic() - began < SLOW_S, (name, case)


def test_seeds_are_good():
    """Else the mutations would be of what is refused at the door."""
    for name in ("config", "manifest", "labels", "uri"):
        for seed in targets.seeds(name):
            targets.TARGETS[name](seed)
