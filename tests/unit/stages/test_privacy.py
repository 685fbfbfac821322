import logging

import numpy as np
import pytest

from app.core.detections import Detections
from app.core.frame import Frame
from app.stages.privacy import Privacy, PrivacySettings

LABELS = ("person", "car")
NOBODY = Detections.empty()
FILL = PrivacySettings(how="fill", margin=0.0)


def scene(width=320, height=180):
    return np.random.RandomState(0).randint(0, 256, (height, width, 3), np.uint8)


def frame(found=NOBODY, private=None, when=0.0, camera="cam", size_wh=(320, 180), labels=LABELS):
    return Frame(camera, 0, when, scene(*size_wh), detections=found, labels=labels, private=private)


def found(*rows):
    """x1, y1, x2, y2, class_id, track_id of each."""
    table = np.array(rows, float).reshape(-1, 6)
    return Detections(
        xyxy=table[:, :4], score=np.ones(len(table)), class_id=table[:, 4], track_id=table[:, 5]
    )


def boxes(*xyxy):
    return np.array(xyxy, np.float32).reshape(-1, 4)


def run(frames, settings=FILL, expects=False):
    """What is hidden in each picture: (H, W) bool."""
    stage = Privacy(settings, expects, ["cam", "other"])
    return [
        (one.image != scene(*one.size_wh)).any(axis=2) | (one.image == 64).all(axis=2)
        for one in stage.run(frames)
    ]


def covers(hidden, x1, y1, x2, y2):
    return hidden[y1:y2, x1:x2].all()


def test_nothing_to_hide_leaves_the_picture_alone():
    assert not run([frame(), frame(None)])[0].any()


@pytest.mark.parametrize(
    "polygon", [((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)), ((0, 0), (160, 0), (160, 90), (0, 90))]
)
def test_masks_are_in_fractions_or_pixels_and_of_one_camera(polygon):
    settings = PrivacySettings(masks={"cam": (polygon,)})
    mine, other = run([frame(), frame(camera="other")], settings)
    assert covers(mine, 0, 0, 160, 90) and not mine[92:].any() and not mine[:, 162:].any()
    assert not other.any()


def test_what_is_under_a_mask_is_constant_whatever_else_is_hidden():
    settings = PrivacySettings(masks={"cam": (((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)),)})
    image = frame(private=boxes((100, 50, 200, 120)))
    run([image], settings)
    assert (image.image[:90, :160] == image.image[0, 0]).all()


def test_a_mask_in_pixels_is_of_the_first_picture_s_size():
    settings = PrivacySettings(masks={"cam": (((160, 90), (320, 90), (320, 180), (160, 180)),)})
    first, second = run([frame(), frame(size_wh=(160, 90))], settings)
    assert covers(first, 160, 90, 320, 180) and covers(second, 80, 45, 160, 90)
    assert not second[:43].any()


@pytest.mark.parametrize(
    "polygon", [((400, 0), (500, 0), (500, 50)), ((0, -9), (9, -9), (9, -2)), ((0, 0), (1, np.nan))]
)
def test_a_mask_that_covers_nothing_hides_all(polygon, caplog):
    settings = PrivacySettings(masks={"cam": (polygon,)})
    assert run([frame()], settings)[0].all()
    assert "the whole picture is hidden" in caplog.text


def test_boxes_of_the_hidden_classes_are_hidden_and_no_others():
    objects = found((20, 20, 60, 90, 0, -1), (200, 20, 260, 90, 1, -1))
    settings = PrivacySettings(classes=("person",), how="fill", margin=0.0)
    (hidden,) = run([frame(objects)], settings)
    assert covers(hidden, 20, 20, 60, 90) and not hidden[:, 70:].any()


def test_private_boxes_are_hidden_whether_they_are_expected_or_not():
    for expects in (False, True):
        (hidden,) = run([frame(private=boxes((20, 20, 60, 90)))], expects=expects)
        assert covers(hidden, 20, 20, 60, 90) and not hidden[:, 70:].any()


@pytest.mark.parametrize("how", ["blur", "pixelate", "fill"])
def test_each_way_and_margin_is_used(how):
    one = frame(private=boxes((100, 60, 200, 120)))
    run([one], PrivacySettings(how=how, margin=0.2))
    assert (one.image[50, 85] != scene()[50, 85]).any() and one.image[61:119, 101:199].std() < 40


@pytest.mark.parametrize(
    "settings, expects, broken",
    [
        (PrivacySettings(), True, frame()),
        (PrivacySettings(classes=("person",)), False, frame(None)),
        (PrivacySettings(classes=("persn",)), False, frame()),
        (PrivacySettings(classes=("person",)), False, frame(labels=())),
        (PrivacySettings(), True, frame(private=np.zeros((2, 3)))),
        (PrivacySettings(), True, frame(private=boxes((0, 0, np.nan, 5)))),
        (PrivacySettings(), True, frame(private=boxes((0, 0, np.inf, 5)))),
        (PrivacySettings(), True, frame(private="faces")),
    ],
)
def test_it_fails_closed(settings, expects, broken):
    broken = broken._replace(image=scene())
    assert run([broken], settings, expects)[0].all()
    assert (broken.image == broken.image[0, 0]).all()


def test_a_failure_of_opencv_hides_all_and_the_next_frame_is_as_ever(caplog):
    settings = PrivacySettings(masks={"cam": (((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)),)})
    mirrored = frame()._replace(image=scene()[:, ::-1])  # OpenCV cannot write to such an array
    hidden = run([mirrored, frame()], settings)
    assert (mirrored.image == mirrored.image[0, 0]).all()
    assert covers(hidden[1], 0, 0, 160, 90) and not hidden[1][:, 162:].any()
    assert "the whole picture is hidden" in caplog.text


def test_a_picture_that_cannot_be_written_ends_the_pipeline():
    one = frame()
    one.image.flags.writeable = False
    with pytest.raises(ValueError):
        run([one], expects=True)


def test_each_kind_of_failure_is_told_once_for_a_camera(caplog):
    caplog.set_level(logging.WARNING)
    odd = frame(private=np.zeros((2, 3)))
    run([frame(), frame(), odd, odd, frame(camera="other"), frame()], expects=True)
    told = [record.getMessage().split(":")[0] for record in caplog.records]
    assert told == ["cam", "cam", "other"]


def test_what_a_detector_misses_for_half_a_second_stays_hidden():
    face = boxes((20, 20, 60, 90))
    none = boxes()
    shown = [frame(private=face, when=1.0)]
    shown += [frame(private=none, when=when) for when in (1.1, 1.4, 1.5, 1.6)]
    hidden = run(shown, expects=True)
    assert [covers(one, 20, 20, 60, 90) for one in hidden] == [True] * 4 + [False]
    assert not any(one[:, 100:].any() for one in hidden)


def test_what_was_hidden_in_the_frame_before_stays_so_however_long_ago_that_is():
    hidden = run([frame(private=boxes((20, 20, 60, 90)), when=0.0), frame(when=9.0)])
    assert covers(hidden[1], 20, 20, 60, 90)


def test_it_is_kept_through_a_frame_that_is_hidden_whole():
    face = frame(private=boxes((20, 20, 60, 90)))
    hidden = run([face, frame(when=0.1), frame(private=boxes(), when=0.2)], expects=True)
    assert hidden[1].all() and covers(hidden[2], 20, 20, 60, 90)


def test_a_moving_face_is_hidden_at_all_its_latest_places():
    faces = [boxes((left, 20, left + 30, 60)) for left in (20, 60, 100)]
    hidden = run([frame(private=face, when=0.1 * n) for n, face in enumerate(faces)])
    assert all(covers(hidden[2], left, 20, left + 30, 60) for left in (20, 60, 100))


def test_a_track_that_is_seen_elsewhere_leaves_nothing_behind():
    settings = PrivacySettings(classes=("person",), how="fill", margin=0.0)
    path = [found((left, 20, left + 30, 60, 0, 7)) for left in (20, 100)]
    hidden = run([frame(one, when=0.1 * n) for n, one in enumerate(path)], settings)
    assert covers(hidden[1], 100, 20, 130, 60) and not hidden[1][:, :90].any()


def test_a_track_that_is_for_once_taken_for_something_else_stays_hidden():
    settings = PrivacySettings(classes=("person",), how="fill", margin=0.0)
    seen = [found((20, 20, 60, 90, class_id, 7)) for class_id in (0, 1)]
    hidden = run([frame(one, when=0.1 * n) for n, one in enumerate(seen)], settings)
    assert covers(hidden[1], 20, 20, 60, 90)


def test_what_is_kept_follows_the_picture_s_size():
    hidden = run([frame(private=boxes((20, 20, 60, 90))), frame(when=0.1, size_wh=(640, 360))])
    assert covers(hidden[1], 40, 40, 120, 180) and not hidden[1][:, 130:].any()


def test_boxes_half_outside_and_upside_down_are_kept_too():
    hidden = run([frame(private=boxes((60, 90, -20, 20), (300, 170, 400, 900))), frame(when=0.1)])
    assert covers(hidden[1], 0, 20, 60, 90) and covers(hidden[1], 300, 170, 320, 180)


def test_one_camera_s_boxes_are_not_hidden_on_another():
    hidden = run([frame(private=boxes((20, 20, 60, 90))), frame(camera="other")])
    assert not hidden[1].any()


def test_memory_is_bounded():
    stage = Privacy(PrivacySettings(), False, ["cam"])
    crowd = boxes(*[(x, y, x + 8, y + 8) for x in range(0, 300, 30) for y in range(0, 150, 30)])
    for _ in stage.run(frame(private=crowd, when=0.0) for _ in range(200)):
        pass
    assert len(stage._cameras["cam"]._earlier) <= 64


@pytest.mark.parametrize("score, shown", [(0.3, False), (0.2, True)])
def test_a_person_that_is_not_tracked_yet_is_hidden_too(score, shown):
    unsure = found((10, 10, 60, 90, 0, -1)).replace(score=[score])
    (hidden,) = run([frame()._replace(found=unsure)], FILL._replace(classes=("person",)))
    assert bool(covers(hidden, 10, 10, 60, 90)) is not shown
    assert not hidden[100:].any()
