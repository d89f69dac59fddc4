"""A fixed part of the fault matrix on real processes; `make chaos` draws from all of it (docs/faults.md)."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.rig import Rig
from tests.chaos.run import play
from tests.conftest import kafka_parts

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.chaos,
    # clients whose broker is killed under them leave sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

IN_CI = (
    "restart-eight-times",
    "kill-five-times",
    "kill-both-twice",
    "die-in-takeover",
    "die-between-alert-and-state",
    "zombie-tally",
    "one-three-two",
    "broker-away",
    "broker-paused",
    "network-answers-lost",
    "silent-source",
)


class Rigs:
    """One rig for all rounds, whose figures add up; a new one after a broken round."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0
        self.rig: Rig | None = None

    def get(self) -> Rig:
        if self.rig is None:
            self.made += 1
            self.rig = Rig(self.folder / str(self.made))
        return self.rig

    def drop(self) -> None:
        if self.rig is not None:
            self.rig.close()
        self.rig = None


@pytest.fixture(scope="module")
def rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rigs]:
    kafka_parts()
    made = Rigs(tmp_path_factory.mktemp("chaos"))
    yield made
    made.drop()


@pytest.mark.parametrize("name", IN_CI)
def test_everything_is_accounted_for_after(name: str, rigs: Rigs) -> None:
    rig = rigs.get()
    try:
        done = play(rig, name, random.Random(name))
    except BaseException:
        rigs.drop()
        raise

    print(done)
    assert done.verdict.startswith("ALL-RECORDS-ACCOUNTED")
    assert done.wrong_rows == 0


def test_the_part_in_ci_is_part_of_the_matrix() -> None:
    assert set(IN_CI) <= FAULTS.keys()
