"""test_cli_build: what counts as a sign that a build gets on."""

from app import cli_build, engines

BEGUN = engines.Progress("m", "fp16", "timing", 3, 40, 10.0, 7.0)


def test_a_word_or_time_on_the_cpu_is_a_sign_and_the_clock_is_none():
    signs = []
    tell = cli_build.life_of(lambda: signs.append(len(told)))
    told = [
        BEGUN,
        BEGUN._replace(elapsed=900.0),
        BEGUN._replace(elapsed=1800.0, busy_s=7.2),  # as of one that waits and wakes for nothing
        BEGUN._replace(elapsed=1801.0, busy_s=12.5),
        BEGUN._replace(elapsed=1802.0, busy_s=12.5, done=4),
        BEGUN._replace(elapsed=1803.0, busy_s=12.5, phase="trying the engine"),
        BEGUN._replace(elapsed=1804.0, busy_s=12.5, phase="trying the engine"),
        BEGUN._replace(elapsed=1805.0, busy_s=0.1, precision="fp32"),  # the next child
    ]
    seen = []
    for progress in told:
        before = len(signs)
        tell(progress)
        seen.append(len(signs) > before)
    assert seen == [True, False, False, True, True, True, False, True]
