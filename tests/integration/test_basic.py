"""The whole way on real Kafka with nothing going wrong."""

import pytest

from streams.feeds.simulate import Simulation, simulate
from tests.integration.system import System

pytestmark = pytest.mark.kafka


def test_a_simulated_year_is_counted_as_the_oracle_counts_it(system: System) -> None:
    system.start("tally")
    system.start("watch")
    for worker in system.workers:
        worker.until_ready()
    published = system.feed(simulate(system.reading, Simulation(2_000, 7)))
    system.settle()

    verdict = system.verdict()

    assert verdict.startswith("ALL-RECORDS-ACCOUNTED")
    assert sum(system.counts().values()) == published
