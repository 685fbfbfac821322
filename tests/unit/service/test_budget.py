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


def test_a_budget_that_the_kernel_would_not_let_it_reach_is_cut(caplog):
    """MemoryMax stays as it was where a reload raises the budget: it would be killed unwarned."""
    used = [79 * MB]
    budget = Budget(200, measure=lambda: used[0], granted=125 * MB)
    assert budget.limit == 100 * MB
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1
    assert "limits.memory_mb is 200" in told[0] and "125 MB" in told[0]
    assert "100 MB until this has been run: sudo systemd/install CONFIG" in told[0]
    budget.spent()
    assert len(caplog.records) == 1
    used[0] = 81 * MB
    budget.spent()
    assert len(caplog.records) == 2
    used[0] = 101 * MB
    assert "systemd/install" in [budget.spent() for _ in range(5)][-1]


def test_a_budget_that_fits_is_left_alone(caplog):
    """As systemd/install grants it: a quarter more, in whole megabytes."""
    for limit_mb in (1, 2, 3, 64, 1001, 4999):
        assert Budget(limit_mb, granted=limit_mb * 5 // 4 * MB).limit == limit_mb * MB
        assert Budget(limit_mb, granted=None).limit == limit_mb * MB
    assert not caplog.records


def test_a_gpu_s_own_memory_does_not_count_for_the_kernel():
    budget = Budget(200, lambda: 80 * MB, lambda: 90 * MB, granted=125 * MB)
    assert budget.limit == 180 * MB and budget.used == 170 * MB
    budget = Budget(200, lambda: 150 * MB, lambda: 10 * MB, granted=125 * MB)
    assert budget.limit == 200 * MB
