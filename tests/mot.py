"""
mot: how well tracks follow the truth: MOTA, IDF1 and ID switches.

Bernardin and Stiefelhagen, Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics,
2008; Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking,
arXiv:1609.01775. Boxes pair where they overlap by half or more.
"""

from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np

from app.vision import assign

OVERLAP = 0.5
REWARD = 1e4  # of one more pair: worth more than how near all of them are

Ids = np.ndarray  # (N,) int
Boxes = np.ndarray  # (N, 4) xyxy
Seen = Tuple[Ids, Boxes]  # of one frame


class Score(NamedTuple):
    truths: int  # boxes that should be there
    missed: int
    false: int
    switches: int  # a truth is given another track than the one before
    idtp: int  # frames of the truths each with its one best track
    found: int  # boxes that the tracker gave

    @property
    def mota(self) -> float:
        return 1 - (self.missed + self.false + self.switches) / max(self.truths, 1)

    @property
    def idf1(self) -> float:
        return 2 * self.idtp / max(self.truths + self.found, 1)


def total(scores: Sequence[Score]) -> Score:
    """Of several scenes, as if their frames were one after another with other ids in each."""
    return Score(*(sum(column) for column in zip(*scores)))


def score(truth: Sequence[Seen], found: Sequence[Seen]) -> Score:
    """Compare, frame by frame, what was there with what a tracker said."""
    missed = false = switches = truths = total = 0
    last: Dict[int, int] = {}  # truth -> the track it was given last
    shared: Dict[Tuple[int, int], int] = {}  # truth, track -> frames together
    for (true_ids, true_boxes), (ids, boxes) in zip(truth, found):
        near = _overlap(true_boxes, boxes)
        for row, column in zip(*np.nonzero(near >= OVERLAP)):
            pair = int(true_ids[row]), int(ids[column])
            shared[pair] = shared.get(pair, 0) + 1
        pairs = _matched(near, true_ids, ids, last)
        for one, track in pairs.items():
            switches += last.get(one, track) != track
        last.update(pairs)
        truths += len(true_ids)
        total += len(ids)
        missed += len(true_ids) - len(pairs)
        false += len(ids) - len(pairs)
    return Score(truths, missed, false, switches, _identified(shared), total)


def _matched(near: np.ndarray, true_ids: Ids, ids: Ids, last: Dict[int, int]) -> Dict[int, int]:
    """Truth -> track in one frame: what was a pair and still overlaps stays, the rest at best."""
    pairs, taken = {}, set()
    columns = {int(track): column for column, track in enumerate(ids)}
    rows = {int(one): row for row, one in enumerate(true_ids)}
    for one, row in rows.items():
        column = columns.get(last.get(one, -1))
        if column is not None and near[row, column] >= OVERLAP and column not in taken:
            pairs[one] = int(ids[column])
            taken.add(column)
    free_rows = [row for one, row in rows.items() if one not in pairs]
    free_columns = [column for column in columns.values() if column not in taken]
    cost = 1 - near[np.ix_(free_rows, free_columns)]
    cost[cost > 1 - OVERLAP] = np.inf
    for row, column in zip(*assign.assign(cost, REWARD)):
        pairs[int(true_ids[free_rows[row]])] = int(ids[free_columns[column]])
    return pairs


def _identified(shared: Dict[Tuple[int, int], int]) -> int:
    """The most frames together that giving each truth one track can reach."""
    ones = {one: row for row, one in enumerate(sorted({one for one, _ in shared}))}
    tracks = {track: column for column, track in enumerate(sorted({pair[1] for pair in shared}))}
    together = np.zeros((len(ones), len(tracks)))
    for (one, track), frames in shared.items():
        together[ones[one], tracks[track]] = frames
    return int(together[assign.assign(-together, 0)].sum())


def _overlap(a: Boxes, b: Boxes) -> np.ndarray:
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    return assign.overlap(np.asarray(a, np.float64), np.asarray(b, np.float64))
