"""One line when a partition stands still, one when it moves again, and none of what is none of its business."""

import logging

import pytest
from faust.types import TP

from streams.engine.standstill import STANDS_STILL_S, Standstill

PAID, SENT = TP("paid", 0), TP("sent", 0)
STEP_S = 0.625
"""Faust's detector looks so often"""


def watched(
    caplog: pytest.LogCaptureFixture, *stretches: tuple[float, dict[TP, int], dict[TP, int]]
) -> list[tuple[str, str]]:
    """Look all the time through stretches of (seconds, committed, ends), and return level and text of what is said."""
    standstill, now = Standstill("tally"), 0.0
    with caplog.at_level(logging.INFO, "lotrinh.engine"):
        for seconds, committed, ends in stretches:
            until = now + seconds
            while now < until:
                standstill.look(committed, ends, now)
                now += STEP_S
    # Only ours: what other tests left behind may speak up at any time.
    return [(r.levelname, r.getMessage()) for r in caplog.records if r.name == "lotrinh.engine"]


def test_a_quiet_log_and_one_without_a_record_and_one_behind_an_open_transaction_are_at_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert watched(caplog, (1_200, {PAID: 7}, {PAID: 7, SENT: 0}), (1_200, {}, {})) == []


def test_a_log_that_is_always_ahead_of_a_state_that_moves_is_at_rest(caplog: pytest.LogCaptureFixture) -> None:
    moving = [(60.0, {PAID: 100 * n}, {PAID: 100 * n + 50}) for n in range(1, 21)]

    assert watched(caplog, *moving) == []


def test_a_topic_that_waits_for_its_sibling_stands_still_with_nobody(caplog: pytest.LogCaptureFixture) -> None:
    ends = {PAID: 1_000_000, SENT: 1_000_000}
    moving = [(60.0, {PAID: 5, SENT: 100 * n}, ends) for n in range(1, 21)]

    assert watched(caplog, *moving) == []


def test_what_stands_still_is_said_once_and_that_it_moves_again(caplog: pytest.LogCaptureFixture) -> None:
    said = watched(
        caplog,
        (86_400.0, {PAID: 5, SENT: 9, TP("paid", 1): 3}, {PAID: 8, SENT: 9, TP("paid", 1): 3}),
        (60.0, {PAID: 8, SENT: 9}, {PAID: 8, SENT: 9}),
    )

    assert [level for level, _ in said] == ["WARNING", "INFO"]
    assert said[0][1].startswith(f"tally-0 stands still: for {STANDS_STILL_S:.0f} s it has been at 5 of 8 of paid. ")
    assert said[1][1] == "tally-0 moves again"


def test_what_went_elsewhere_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    behind = (200.0, {PAID: 5}, {PAID: 8})

    assert watched(caplog, behind, (1.0, {}, {}), behind) == []
