import numpy as np

from app.core.detections import Detections
from app.core.frame import Frame, Top
from app.stages.overlay import Overlay


def frame(found):
    return Frame("cam1", 0, 0.0, np.zeros((180, 320, 3), np.uint8), detections=found)


def test_it_draws_in_place_on_the_frame_s_own_picture():
    empty, full = (
        frame(Detections.empty()),
        frame(Detections(xyxy=[[50, 50, 90, 90]], score=[0.5], class_id=[0])),
    )
    results = list(Overlay().run([frame(None), empty, full]))
    assert not results[0].image.any() and not results[1].image.any()
    assert results[2].image is full.image and full.image.any()


def test_it_lists_what_a_classifier_said():
    unsure, sure = frame(None)._replace(tops=()), frame(None)._replace(tops=(Top(0, 0.9),))
    results = list(Overlay().run([unsure, sure]))
    assert not results[0].image.any() and results[1].image.any()
