#!/usr/bin/env python3
"""
track: our tracker against supervision's ByteTrack, in turns, on the same boxes, in one process.

Walkers are made up, so the truth is known. Boxes of clips are found once, by a model of the
catalogue on the CPU, and kept in --folder; without --truth they are only counted. For the others'
rows: pip install supervision==0.26.1 (0.31 has no tracker); without it there are none.

  ids    tracks made                 frag  tracks that end in mid-picture, another beginning nearby
  boxes  in all tracks                     within 2 s
  mean   boxes in a track            ms    a frame, median of the rounds, and times the first row's
"""

import argparse
import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))

from app import assemble  # noqa: E402
from app.analytics.tracker import Tracker, TrackSettings  # noqa: E402
from app.core.detections import Detections  # noqa: E402
from app.flags import Flags, with_flags  # noqa: E402
from scripts.bench_pipeline import in_order  # noqa: E402
from tests import mot  # noqa: E402
from tests.walkers import Scene, moments  # noqa: E402

try:
    import supervision
except ImportError:
    supervision = None

SCENES = {
    "5 walkers": Scene(5),
    "20 walkers": Scene(20, size_wh=(1280, 720)),
    "20, crowded": Scene(20),
    "20, 25 fps": Scene(20, fps=25.0, size_wh=(1280, 720)),
    "20, 5 fps": Scene(20, fps=5.0, size_wh=(1280, 720)),
    "100 walkers": Scene(100, seconds=15.0, size_wh=(1920, 1080)),
}
NEAR_S = 2.0
LOST_S = TrackSettings().lost_s


def ours(fps):
    return Tracker().update


def theirs(fps, **settings):
    """supervision's with its own thresholds, looking as long for what is lost as ours."""
    tracker = supervision.ByteTrack(lost_track_buffer=int(30 * LOST_S), frame_rate=fps, **settings)

    def update(detections, when):
        given = supervision.Detections(
            detections.xyxy, confidence=detections.score, class_id=detections.class_id
        )
        found = tracker.update_with_detections(given)
        return Detections(
            xyxy=found.xyxy,
            score=found.confidence,
            class_id=found.class_id,
            track_id=found.tracker_id,
        )

    return update


def theirs_as_sure(fps):
    """The same, and beginning tracks with boxes as sure as ours does."""
    return theirs(fps, track_activation_threshold=TrackSettings().score - 0.1)


def contenders():
    rows = {"ours": ours}
    if supervision is not None:
        rows.update({"supervision": theirs, "  tracks from 0.6": theirs_as_sure})
    return rows


class Film:
    """Boxes, frame by frame, and the truth where it is known."""

    def __init__(self, times, detections, truth=None):
        self.times = times
        self.detections = detections
        self.truth = truth  # (ids, xyxy) of each frame
        self.fps = (len(times) - 1) / (times[-1] - times[0])


def walked(scene):
    made = moments(scene)
    truth = [(moment.ids, moment.xyxy) for moment in made]
    return Film([moment.when for moment in made], [moment.detections for moment in made], truth)


def filmed(clip, arguments):
    """A clip's boxes of one label, found now or kept from before."""
    name = f"{os.path.basename(clip)}.{arguments.model}.{arguments.label}.npz"
    path = os.path.join(arguments.folder, name)
    if not os.path.exists(path):
        times, rows = found_in(clip, arguments)
        np.savez(path, times=times, rows=rows)
    with np.load(path) as kept:
        times, rows = kept["times"], kept["rows"]
    starts = np.searchsorted(rows[:, 0], np.arange(len(times) + 1))
    detections = [
        Detections(xyxy=part[:, 1:5], score=part[:, 5], class_id=part[:, 6])
        for part in (rows[first:last] for first, last in zip(starts[:-1], starts[1:]))
    ]
    return Film(times.tolist(), detections)


def found_in(clip, arguments):
    """Run the model on every frame: times (F,) and rows of frame, xyxy, score, class."""
    flags = Flags(source=clip, model=arguments.model, score=TrackSettings().low, backend="host")
    config = with_flags(None, flags)
    times, rows = [], [np.empty((0, 7), np.float32)]
    with contextlib.closing(assemble.backend(config)) as backend:
        pipeline = assemble.assemble(config, backend)
        (source,) = pipeline.sources
        frames = in_order(pipeline.lanes[:1], source.frames(threading.Event()))
        for number, frame in enumerate(frames):
            found = frame.detections
            wanted = [
                row for row, c in enumerate(found.class_id) if label(frame, c) == arguments.label
            ]
            found = found[np.array(wanted, np.intp)]
            place = np.full(len(found), number)
            columns = [place, found.xyxy, found.score, found.class_id]
            rows.append(np.column_stack(columns).astype(np.float32))
            times.append(frame.time)
    return np.array(times), np.concatenate(rows)


def label(frame, class_id):
    return frame.labels[class_id] if class_id < len(frame.labels) else ""


def truth_of(path, count):
    """
    (ids, xyxy) of each frame, from a file of MOT15: frame from 1, id, x, y, width, height and, if
    there, a number that is 0 for rows to leave out.
    """
    rows = np.loadtxt(path, delimiter=",", ndmin=2, usecols=range(columns_of(path)))
    if rows.shape[1] > 6:
        rows = rows[rows[:, 6] != 0]
    parts = [rows[rows[:, 0] == number + 1] for number in range(count)]
    return [
        (part[:, 1].astype(int), np.hstack([part[:, 2:4], part[:, 2:4] + part[:, 4:6]]))
        for part in parts
    ]


def columns_of(path):
    with open(path, encoding="utf-8") as file:
        return min(7, len(file.readline().split(",")))


def tracked(film, make):
    """(ids, xyxy) of each frame, and milliseconds a frame."""
    update = make(film.fps)
    results = []
    began = time.perf_counter()
    for detections, when in zip(film.detections, film.times):
        results.append(update(detections, when))
    spent = (time.perf_counter() - began) * 1000 / len(results)
    return [(result.track_id, result.xyxy) for result in results], spent


def counted(film, results):
    """Ids, boxes, and fragments."""
    tracks = {}
    for when, (ids, boxes) in zip(film.times, results):
        for one, box in zip(ids.tolist(), boxes):
            tracks.setdefault(one, []).append((when, box))
    corners = np.concatenate([found.xyxy for found in film.detections])[:, 2:].max(axis=0)
    begun = [track[0] for track in tracks.values()]
    broken = 0
    for track in tracks.values():
        ended, box = track[-1]
        side = (box[2:] - box[:2]) / 4
        if (box[:2] < side).any() or (box[2:] > corners - side).any():
            continue  # it has left
        broken += any(
            ended < when <= ended + NEAR_S
            and np.hypot(*(start - box).reshape(2, 2).mean(axis=0)) < box[3] - box[1]
            for when, start in begun
        )
    return len(tracks), sum(len(track) for track in tracks.values()), broken


def table(films, rounds):
    rows = contenders()
    print(f"{'':<18}{'':<18}   MOTA   IDF1 switch   ids  boxes  mean  frag      ms")
    for name, made in films:
        spent = {row: [] for row in rows}
        results = {}
        for _ in range(rounds):
            for row, make in rows.items():
                runs = [tracked(film, make) for film in made]
                results[row] = [result for result, _ in runs]
                spent[row].append(statistics.mean(ms for _, ms in runs))
        for row in rows:
            print(f"{name:<18}{row:<18}" + line(made, results[row], spent[row], spent["ours"]))
            name = ""


def line(films, results, spent, first):
    text = f"{'':>21}"
    if films[0].truth is not None:
        score = mot.total([mot.score(film.truth, one) for film, one in zip(films, results)])
        text = f"{score.mota:7.3f}{score.idf1:7.3f}{score.switches:7d}"
    ids, boxes, broken = map(sum, zip(*map(counted, films, results)))
    ratio = statistics.median(ms / one for ms, one in zip(spent, first))
    return (
        f"{text}{ids:6d}{boxes:7d}{boxes / max(ids, 1):6.0f}{broken:6d}"
        f"{statistics.median(spent):8.2f} ({ratio:.1f})"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="without one: walkers alone")
    parser.add_argument("--truth", help="the first clip's, in MOT15's form (gt.txt)")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="keeps what was found")
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--label", default="person")
    parser.add_argument("--seeds", type=int, default=3, help="scenes of each kind")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.truth and not arguments.clips:
        parser.error("--truth is of a CLIP; name one")
    print(f"Python {sys.version.split()[0]}, numpy {np.__version__}, {os.cpu_count()} cores")
    if supervision is None:
        print("no supervision.ByteTrack here. For its rows: pip install supervision==0.26.1")
    films = [
        (name, [walked(scene._replace(seed=seed)) for seed in range(arguments.seeds)])
        for name, scene in SCENES.items()
    ]
    for clip in arguments.clips:
        film = filmed(clip, arguments)
        if arguments.truth and clip == arguments.clips[0]:
            film.truth = truth_of(arguments.truth, len(film.times))
        films.append((os.path.basename(clip)[:17], [film]))
    table(films, arguments.rounds)


if __name__ == "__main__":
    main()
