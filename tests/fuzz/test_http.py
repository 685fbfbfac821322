"""test_http: nothing that is said to our HTTP server harms it; scripts/fuzz says more."""

import random

import pytest

from tests.fuzz import http_talk
from tests.fuzz.http_talk import SEEDS, status
from tests.fuzz.mutate import mutated
from tests.fuzz.test_fuzz import CASES, SEED

pytest.importorskip("prometheus_client")


@pytest.fixture(scope="module")
def served():
    with http_talk.served() as served:
        yield served


def test_good_requests_are_answered(served):
    """Else the mutations would be of what is refused at the door."""
    told = [status(served.talk(seed)) for seed in SEEDS[:10]]
    assert told == ["200"] * 5 + ["404"] * 2 + ["200"] * 2 + ["421"], told


def test_bad_requests_harm_nobody(served):
    for case in range(SEED, SEED + CASES):
        data = mutated(SEEDS, random.Random(case))
        try:
            served.run(data)
        except Exception as error:
            raise AssertionError(f"case {case}: {error!r} of {data[:2000]!r}") from error
    assert " x 400, " in served.end() and served.cases == CASES


@pytest.mark.parametrize(
    "heard",
    [
        b"GET / HTTP/1.1",
        b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nA\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_seen(heard):
    with pytest.raises(AssertionError):
        status(heard)


def test_a_server_that_dies_or_hangs_is_seen():
    for number, told in ((9, "not listen|with -9|says nothing"), (19, "hangs|reads no more")):
        with pytest.raises(AssertionError, match=told), http_talk.served() as served:
            served.process.send_signal(number)
            for seed in SEEDS:
                served.run(seed)
