"""What of a fetch continues the state."""

from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.engine import contiguity as flow
from streams.engine.contiguity import REFETCH_S, REFETCHES_MAX, Contiguity
from streams.engine.work import Fetch

A = TP("a", 0)


class DiedError(Exception):
    pass


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(why: object) -> None:
        raise DiedError(why)

    monkeypatch.setattr(flow, "die", die)


def fetch(start: int, position: int) -> Fetch:
    return Fetch(A, [SimpleNamespace(offset=n) for n in range(start, position)], start, position)


def offsets(judged: Fetch) -> list[int]:
    return [r.offset for r in judged.records]


def test_the_next_stretch_is_applied_whole() -> None:
    following = fetch(5, 8)
    assert Contiguity().judge(following, 5, 0.0) == "apply"
    assert offsets(following) == [5, 6, 7]


def test_what_has_been_applied_is_passed_over() -> None:
    assert Contiguity().judge(fetch(2, 5), 5, 0.0) == "skip"


def test_an_overlap_is_trimmed() -> None:
    overlapping = fetch(2, 8)
    assert Contiguity().judge(overlapping, 5, 0.0) == "apply"
    assert offsets(overlapping) == [5, 6, 7]


def test_a_hole_is_asked_for_once_however_many_fetches_lie_behind_it() -> None:
    contiguity = Contiguity()
    verdicts = [contiguity.judge(fetch(n, n + 1), 5, 0.1 * n) for n in range(6, 16)]
    assert verdicts == ["refetch"] + ["skip"] * 9
    assert contiguity.judge(fetch(5, 7), 5, 2.0) == "apply"


def test_a_hole_that_stays_ends_the_process() -> None:
    contiguity = Contiguity()
    for n in range(REFETCHES_MAX):
        assert contiguity.judge(fetch(9, 10), 5, n * REFETCH_S) == "refetch"
    with pytest.raises(DiedError, match="a-0: what follows 5 cannot be fetched"):
        contiguity.judge(fetch(9, 10), 5, REFETCHES_MAX * REFETCH_S)


def test_another_hole_begins_its_own_count() -> None:
    contiguity = Contiguity()
    for n in range(10):
        assert contiguity.judge(fetch(9 + n, 10 + n), 5 + n, n * 0.1) == "refetch"


def test_a_stall_is_a_consumer_ahead_of_a_state_that_stands_still() -> None:
    contiguity = Contiguity()
    assert not contiguity.stalled(A, 5, 9)
    assert not contiguity.stalled(A, 7, 9), "it moves"
    assert contiguity.stalled(A, 7, 9)
    assert not contiguity.stalled(A, 7, 7), "nothing is on its way"
