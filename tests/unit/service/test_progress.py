"""test_progress: a frame or an attempt is progress, a clock is not."""

from types import SimpleNamespace

from app.service.progress import Progress


def reading(**cameras):
    return SimpleNamespace(frames=sum(cameras.values()), cameras=tuple(cameras.items()))


def source(camera, reconnects=0, live=True):
    return SimpleNamespace(camera=camera, reconnects=reconnects, live=live)


def test_frames_and_attempts_are_progress():
    now = [0.0]
    progress = Progress(lambda: now[0])
    for frames, attempts, made, latest in (
        (0, 0, False, float("-inf")),
        (1, 0, True, 2.0),
        (1, 0, False, 2.0),
        (1, 1, True, 4.0),
        (1, 1, False, 4.0),
    ):
        now[0] += 1.0
        assert progress.made(reading(a=frames), [source("a", attempts)]) == made
        assert progress.latest == latest


def test_one_camera_that_does_nothing_at_all_is_stuck():
    now = [100.0]
    progress = Progress(lambda: now[0])
    for frames in range(61):
        progress.made(
            reading(works=frames, hangs=7),
            [source("works"), source("hangs"), source("tries", frames), source("clip", live=False)],
        )
        now[0] += 1
    running = {"works", "hangs", "tries", "clip"}
    assert progress.stuck(60, running) == ["hangs"]
    assert progress.stuck(62, running) == []
    assert progress.stuck(60, running - {"hangs"}) == []  # it has ended
