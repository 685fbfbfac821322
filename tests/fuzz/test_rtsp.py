"""test_rtsp: nothing that is said to our RTSP server harms it; scripts/fuzz says more."""

import random
import re

import pytest

from tests import needs
from tests.fuzz import rtsp, rtsp_talk
from tests.fuzz.mutate import mutated
from tests.fuzz.test_fuzz import CASES, SEED

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served():
    needs.gstreamer("GstRtspServer")
    with rtsp.served() as served:
        yield served


def statuses(heard):
    return re.findall(rb"RTSP/1.0 (\d{3}) ", heard)


REFUSALS = (b"400", b"401", b"454")  # bad, not logged in, of no session


@pytest.mark.parametrize("kind", ["", "basic", "digest"])
def test_conversations_go_on_to_their_end_with_the_login_and_without_it_nowhere(served, kind):
    """Else the mutations would be of what is refused at the door."""
    for seed in rtsp_talk.SEEDS[:3]:
        heard = served.talk(seed, kind, pause_s=5.0)  # which a busy machine may take
        assert set(statuses(heard)) == {b"200"}
        if kind:
            answers = statuses(served.talk(seed, kind, known=False))
            assert b"401" in answers and set(answers) <= {b"200", *REFUSALS}, answers
            assert answers.count(b"200") <= 1  # OPTIONS, which tells nothing
    tunnel = served.talk(rtsp_talk.SEEDS[-1], kind, manner=0.4)
    assert tunnel.startswith(b"HTTP/1.0 200")
    assert statuses(tunnel) == [b"200"] + [b"401" if kind else b"200"] * 2, tunnel


def test_bad_conversations_harm_nobody(served):
    for case in range(SEED, SEED + CASES):
        data = mutated(rtsp_talk.SEEDS, random.Random(case))
        try:
            served.run(data)
        except Exception as error:
            raise AssertionError(f"case {case}: {error!r} of {data[:2000]!r}") from error
    said = served.end()
    assert f"{CASES} conversations" in said


def test_a_server_that_dies_or_hangs_is_seen():
    needs.gstreamer("GstRtspServer")
    for number, told in ((9, "does not listen|ended with -9"), (19, "hangs|reads no more")):
        with pytest.raises(AssertionError, match=told), rtsp.served() as served:
            served.process.send_signal(number)
            for seed in rtsp_talk.SEEDS:
                served.run(seed)
