"""A fixed part of the fault matrix on real processes; `make chaos` draws from all of it (docs/faults.md)."""

from collections.abc import Iterator

import pytest

from tests.chaos.matrix import FAULTS
from tests.chaos.run import Job, Stage
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
    "die-once",
    "die-once-of-watch",
    "zombie-tally",
    "one-three-two",
    "broker-away",
    "network-answers-lost",
    "silent-source",
    "ticks-twice",
    "redis-killed",
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    kafka_parts()
    made = Stage(tmp_path_factory.mktemp("chaos"))
    yield made
    made.close()


@pytest.mark.parametrize("number", range(len(IN_CI)), ids=IN_CI)
def test_everything_is_accounted_for_after(number: int, stage: Stage) -> None:
    done = stage.play(Job(1, IN_CI[number], number))

    print(done)
    assert done.broken is None
    assert done.verdict.startswith("ALL-RECORDS-ACCOUNTED")
    assert (done.wrong_rows, done.lost_alerts) == (0, 0)
    assert done.alerts


def test_the_part_in_ci_is_part_of_the_matrix() -> None:
    assert set(IN_CI) <= FAULTS.keys()
