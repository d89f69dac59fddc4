"""Co-partitioned topics read side by side, and nobody left waiting for ever."""

from collections.abc import Mapping

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.alignment import HOLD_S, Alignment

PAID, SENT, TICKS = TP("paid", 0), TP("sent", 0), TP("ticks", 0)


def aligned(reached: Mapping[TP, int]) -> Alignment:
    alignment = Alignment()
    for tp, timestamp in reached.items():
        alignment.handed_over(tp, timestamp)
    return alignment


def test_what_is_ahead_waits_for_what_is_behind() -> None:
    alignment = aligned({PAID: 200, SENT: 100})

    assert alignment.due([PAID, SENT], [PAID, SENT], 0.0) == {SENT}
    alignment.handed_over(SENT, 300)
    assert alignment.due([PAID, SENT], [PAID, SENT], 0.1) == {PAID}


def test_nobody_waits_for_what_has_no_more_to_come() -> None:
    assert aligned({PAID: 200, SENT: 100}).due([PAID, SENT], [PAID], 0.0) == {PAID, SENT}


def test_nobody_waits_for_what_is_not_asked_for_or_is_of_another_partition() -> None:
    alignment = aligned({PAID: 200, TP("sent", 1): 100})

    assert alignment.due([PAID], [PAID], 0.0) == {PAID}
    assert alignment.due([PAID, TP("sent", 1)], [PAID, TP("sent", 1)], 0.0) == {PAID, TP("sent", 1)}


def test_what_has_not_been_read_at_all_comes_first() -> None:
    assert aligned({PAID: 200}).due([PAID, TICKS], [PAID, TICKS], 0.0) == {TICKS}


def rounds(alignment: Alignment, lasting: float, pause: float, number: int) -> list[bool]:
    """Whether the one that is ahead is read, round by round, while the other brings nothing."""
    read, now = [], 0.0
    for _ in range(number):
        read.append(PAID in alignment.due([PAID, SENT], [PAID, SENT], now))
        alignment.over(now + lasting)
        now += lasting + pause
    return read


def test_a_sibling_that_stays_silent_is_waited_for_no_longer_than_that_each_time() -> None:
    assert rounds(aligned({PAID: 200, SENT: 100}), HOLD_S / 4, 0, 13) == [n > 0 and n % 4 == 0 for n in range(13)]
    assert rounds(aligned({PAID: 200, SENT: 100}), 0, HOLD_S / 16, 49) == [n > 0 and n % 16 == 0 for n in range(49)]


def test_who_was_not_asked_was_not_silent() -> None:
    """A worker that is full asks nobody, for longer than anybody is waited for."""
    assert rounds(aligned({PAID: 200, SENT: 100}), 0, 5 * HOLD_S, 9) == [False] * 9


def test_a_sibling_that_catches_up_is_waited_for_however_long_it_takes() -> None:
    alignment = aligned({PAID: 200, SENT: 100})
    for n in range(50):
        assert alignment.due([PAID, SENT], [PAID, SENT], n * HOLD_S / 2) == {SENT}
        alignment.handed_over(SENT, 101 + n)
        alignment.over((n + 1) * HOLD_S / 2)


partitions = st.builds(TP, st.sampled_from(["a", "b", "c"]), st.integers(0, 1))


@given(st.dictionaries(partitions, st.integers(0, 9)), st.lists(partitions, min_size=1, unique=True), st.data())
def test_something_is_always_due_the_oldest_of_each_partition_among_it(
    reached: dict[TP, int], asked: list[TP], data: st.DataObject
) -> None:
    behind = data.draw(st.lists(st.sampled_from(asked), unique=True))
    due = aligned(reached).due(asked, behind, 0.0)

    assert due <= set(asked)
    for number in {tp.partition for tp in asked}:
        assert min((tp for tp in asked if tp.partition == number), key=lambda tp: reached.get(tp, -1)) in due
