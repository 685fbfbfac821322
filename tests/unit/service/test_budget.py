"""test_budget: memory is measured, warned of, and in the end a reason to begin afresh."""

import logging

import numpy as np

from app.service.budget import Budget, resident

MB = 1 << 20


def test_resident_is_what_the_process_takes():
    before = resident()
    block = np.ones(64 * MB, np.uint8)
    assert 50 * MB < resident() - before < 80 * MB
    assert block.any()


def test_a_warning_near_the_limit_and_a_reason_beyond_it(caplog):
    used = [0]
    budget = Budget(100, measure=lambda: used[0])

    def after(*readings):
        told = []
        for used[0] in (one * MB for one in readings):
            told.append(budget.spent())
        return told

    caplog.set_level(logging.WARNING)
    assert after(10, 79, 81, 90, 85) == [None] * 5
    assert [record.getMessage() for record in caplog.records] == [
        "81 MB of 100 MB (limits.memory_mb) are in use; at all of it the service begins afresh"
    ]
    assert after(78, 82) == [None] * 2  # not yet calm: no second warning
    assert len(caplog.records) == 1
    assert after(70, 82) == [None] * 2
    assert len(caplog.records) == 2
    assert after(120, 120, 120, 120, 99) == [None] * 5  # a peak
    assert after(120, 120, 120, 120, 121)[-1] == "121 MB of 100 MB (limits.memory_mb) are in use"


def test_where_nobody_begins_it_afresh_no_such_thing_is_promised(caplog):
    budget = Budget(100, measure=lambda: 90 * MB)
    assert budget.spent(afresh=False) is None
    assert caplog.records[0].getMessage().endswith("are in use; it is but watched")


def test_a_gpu_s_own_memory_counts():
    budget = Budget(100, device=lambda: 60 * MB, measure=lambda: 50 * MB)
    assert budget.used == 110 * MB
    assert [bool(budget.spent()) for _ in range(5)] == [False] * 4 + [True]
