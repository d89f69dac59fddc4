"""The engine's own protocol under seeds of misfortune, judged by one oracle. `SEEDS=10000 pytest …` runs more."""

import os
from collections.abc import Iterator

import pytest

from tests.conftest import most_are_long
from tests.engine.world import Plan, simulate, simulated

SEEDS = int(os.environ.get("SEEDS", "250"))
EACH = 25


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with simulated(monkeypatch):
        yield


@pytest.mark.parametrize("first", most_are_long(range(0, SEEDS, EACH), 3))
def test_whatever_goes_wrong_the_state_is_the_fold_of_the_log(first: int) -> None:
    for seed in range(first, min(first + EACH, SEEDS)):
        try:
            simulate(Plan(seed))
        except BaseException as exc:
            exc.add_note(f"SEED={seed}: give it the name of what it broke, in test_named_seeds.py")
            raise
