"""assign: which track is which box, at the least cost in all. Exact, in numpy alone."""

from typing import List, Optional, Tuple

import numpy as np

Pairs = Tuple[np.ndarray, np.ndarray]


def overlap(a: np.ndarray, b: np.ndarray, margin: Optional[np.ndarray] = None) -> np.ndarray:
    """
    Intersection over union of every box of a, (N, 4) xyxy, with every box of b, (M, 4): (N, M).
    Of boxes that have an area. With ``margin``, (N, 2) pixels, a row's boxes are first widened by
    so much to the left and right, and to the top and bottom.
    """
    sizes = []
    shared = np.ones(1)
    for axis in (0, 1):
        low, high = a[:, axis, None], a[:, axis + 2, None]
        b_low, b_high = b[:, axis], b[:, axis + 2]
        side = np.minimum(high, b_high)
        side -= np.maximum(low, b_low)
        own, its = high - low, b_high - b_low
        if margin is not None:
            more = 2 * margin[:, axis, None]
            side += more
            own, its = own + more, its + more
        np.maximum(side, 0, out=side)
        shared = shared * side
        sizes.append((own, its))
    (width, its_width), (height, its_height) = sizes
    total = width * height + its_width * its_height
    total -= shared
    return np.asarray(shared / total)


def assign(cost: np.ndarray, limit: float) -> Pairs:
    """
    Rows and columns of a (N, M) cost to pair, rows ascending: no row or column twice, none that
    costs ``limit`` or more, and no other choice with less cost, where a row left alone costs
    ``limit``. That is the gate of ByteTrack and lap's ``cost_limit``.
    """
    gain = np.maximum(limit - cost, 0)  # a pair that gains nothing is no pair
    rows, columns = np.arange(cost.shape[0]), np.arange(cost.shape[1])
    made = [(rows[:0], columns[:0])]
    while True:
        left = gain[rows[:, None], columns]
        some = left > 0
        wanted, offered = some.any(axis=1), some.any(axis=0)
        rows, columns = rows[wanted], columns[offered]
        if not len(rows):
            break
        left = left[wanted][:, offered]
        sure = _sure(left)
        if not len(sure[0]):
            pairs = _shortest_paths(left)
            made.append((rows[pairs[0]], columns[pairs[1]]))
            break
        made.append((rows[sure[0]], columns[sure[1]]))
        rows, columns = np.delete(rows, sure[0]), np.delete(columns, sure[1])
    row = np.concatenate([pair[0] for pair in made])
    column = np.concatenate([pair[1] for pair in made])
    real = gain[row, column] > 0
    row, column = row[real], column[real]
    order = np.argsort(row)
    return row[order], column[order]


def _sure(gain: np.ndarray) -> Pairs:
    """
    Pairs that some best choice holds: those that gain at least what row and column could gain
    elsewhere, both together. Exchange shows it: whatever the two were given to is worth no more.
    Most pairs are such, those that are each other's only candidate among them.
    """
    rows = np.arange(len(gain))
    column = gain.argmax(axis=1)
    best = gain[rows, column]
    mutual = gain[:, column].argmax(axis=0) == rows
    other = gain.copy()
    other[rows, column] = 0
    elsewhere = other.max(axis=1)
    other = gain[:, column]
    other[rows, rows] = 0
    elsewhere += other.max(axis=0)
    sure = np.flatnonzero(mutual & (best >= elsewhere))
    return sure, column[sure]


def _shortest_paths(gain: np.ndarray) -> Pairs:
    """
    A choice of the greatest gain with every row or every column in it, by shortest augmenting
    paths: Jonker and Volgenant, A Shortest Augmenting Path Algorithm for Dense and Sparse Linear
    Assignment Problems, 1987, in the form for rectangles of Crouse, On Implementing 2D Rectangular
    Assignment Algorithms, 2016.
    """
    if gain.shape[0] > gain.shape[1]:
        column, row = _shortest_paths(gain.T)
        return row, column
    cost = gain.max() - gain.astype(np.float64)
    count, width = cost.shape
    row_price, column_price = np.zeros(count), np.zeros(width)
    row_of = np.full(width, -1)
    column_of = np.full(count, -1)
    for first in range(count):
        distance = np.full(width, np.inf)  # from the row to each column
        open_distance = distance.copy()  # infinite where the column is done
        before = np.empty(width, np.intp)  # the row that a column is reached from
        reached: List[int] = []
        row, length = first, 0.0
        while True:
            step = cost[row] - column_price
            step += length - row_price[row]
            step[reached] = np.inf
            shorter = step < open_distance
            open_distance[shorter] = distance[shorter] = step[shorter]
            before[shorter] = row
            column = int(open_distance.argmin())
            length = float(distance[column])
            reached.append(column)
            open_distance[column] = np.inf
            if row_of[column] < 0:
                break
            row = row_of[column]
        done = reached[:-1]
        row_price[first] += length
        row_price[row_of[done]] += length - distance[done]
        column_price[done] -= length - distance[done]
        while True:
            row = before[column]
            row_of[column] = row
            column_of[row], column = column, column_of[row]
            if row == first:
                break
    return np.arange(count), column_of
