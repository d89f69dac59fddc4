"""Seeds that once broke something, under the name of what it was; one that fails in `test_simulation` ends up here.

Those that stand here were broken by an engine without the defence that is named: see `test_check_the_checker.py`, which
looks for such seeds anew, for a seed means something else whenever the model learns another misfortune.
"""

from collections.abc import Iterator

import pytest

from tests.engine.model import Broker
from tests.engine.world import Plan, simulate, simulated


def forgetful(broker: Broker) -> None:
    broker.forgets_markers = 0.3


NAMED = {
    "a-zombie-says-an-older-figure-after-a-newer-one": Plan(0),
    "an-overlap-is-counted-twice": Plan(53),
    "the-last-fetch-is-dropped-and-nothing-comes-after-it": Plan(0, rebalance=0.0, crash=0.0, pause=0.0, losses=0.3),
    "a-commit-whose-answer-is-lost-is-given-up": Plan(5, trouble=0.1),
    "a-commit-whose-answer-is-lost-is-done-twice": Plan(0, trouble=0.1),
    "a-row-whose-abort-was-never-marked-comes-back": Plan(0, alter=forgetful),
}


@pytest.fixture(autouse=True)
def no_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with simulated(monkeypatch):
        yield


@pytest.mark.parametrize("name", NAMED)
def test_what_once_broke_stays_whole(name: str) -> None:
    assert simulate(NAMED[name]).broker.effects
