"""each: time a call on one value after another, as a camera's frames come."""

import contextlib
import itertools


def each(benchmark, function, values, warm_up=0, rounds=200):
    """
    What ``function`` gives for the last of the values that were timed. The first ``warm_up`` are
    not, nor is what it takes to make any. Untimed, with --benchmark-disable, one follows those.
    """
    values = iter(values)
    for value in itertools.islice(values, warm_up):
        function(value)
    return benchmark.pedantic(function, setup=lambda: ((next(values),), {}), rounds=rounds)


@contextlib.contextmanager
def fed(run):
    """A stage, given by its ``run``, as a function of one frame."""
    waiting = []
    with contextlib.closing(run(iter(waiting.pop, None))) as results:

        def step(frame):
            waiting.append(frame)
            return next(results)

        yield step
