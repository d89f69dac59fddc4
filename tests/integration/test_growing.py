"""More partitions on a running system: noticed, refused as incomplete, and a way there that loses and repeats nothing."""

import copy
from collections import Counter

import pytest

from streams.broker import topics
from streams.feeds.simulate import Simulation, simulate
from streams.reports import closings
from tests.integration.system import System
from tests.integration.test_complete import UNIT, grow, received
from tests.integration.test_refusals import lotrinh

pytestmark = pytest.mark.kafka

FIGURES = ("numerator", "denominator", "target", "expected", "status", "shortfall")


def under(system: System, prefix: str, partitions: int) -> System:
    """The same deployment under another prefix; its workers end with those of the first."""
    moved = copy.copy(system)
    moved.settings = system.settings.model_copy(update={"prefix": prefix, "partitions": partitions})
    moved.env = system.env | {"LOTRINH_PREFIX": prefix, "LOTRINH_PARTITIONS": str(partitions)}
    return moved


def test_a_deployment_moves_to_more_partitions_and_tells_nobody_twice(system: System) -> None:
    for name in ("tally", "watch"):
        system.start(name)
    for worker in system.workers:
        worker.until_ready()
    published = system.feed(simulate(system.reading, Simulation(300, 11)))
    system.settle()
    closed = lotrinh(system, "close", "--period", "2024-03")
    assert closed.returncode == 0, closed.stderr
    before = system.standings()
    told = Counter(alert["id"] for alert in system.alerts())
    assert told
    assert max(told.values()) == 1

    # somebody gives a topic more partitions: part of what comes lies where nobody reads
    grow(system, "dossier.submitted", 6)
    published += system.feed(received(f"G-{n}") for n in range(60))
    refused = lotrinh(system, "standings", "--wait")
    assert refused.returncode == 4
    assert "dossier.submitted-5, which is beyond the number of partitions" in refused.stderr
    to = f"{system.settings.prefix}more."
    move = ("topics", "grow", "--partitions", "6", "--to", to)
    running = lotrinh(system, *move)
    assert running.returncode == 2
    assert "stop all workers" in running.stderr
    for worker in system.workers:
        assert worker.stop() == 0

    done = lotrinh(system, *move)
    assert done.returncode == 0, done.stderr
    again = lotrinh(system, *move)  # it goes on where it stopped: nothing has come since
    assert again.returncode == 0, again.stderr
    assert f"{system.settings.topic('dossier.submitted')}: 0 records published anew" in again.stderr
    assert "has moved before" in again.stderr
    moved = under(system, to, 6)
    for name in ("tally", "watch"):
        moved.start(name)
    for worker in moved.workers[2:]:
        worker.until_ready()
    moved.settle()

    after = moved.standings()
    for key, row in before.items():
        if key[0] != UNIT and not key[0].endswith("/communes"):
            assert [after[key].get(f) for f in FIGURES] == [row.get(f) for f in FIGURES], key
    of_unit = UNIT, "online-dossiers"
    assert after[of_unit]["denominator"] == before[of_unit]["denominator"] + 60
    now = Counter(alert["id"] for alert in moved.alerts())
    assert max(now.values()) == 1
    assert told.keys() <= now.keys()
    assert {a["unit"] for a in moved.alerts() if a["id"] not in told} <= {UNIT}
    assert closings.of_topic(moved.settings) == closings.of_topic(system.settings)
    assert len(system.standings()) == len(before)  # the old topics stay as they were
    client = topics.admin(system.settings.kafka or "", {})
    assert all(
        len(t["partitions"]) == 6 for t in client.describe_topics([s.name for s in topics.specs(moved.settings)])
    )
    client.close()
    assert sum(moved.counts().values()) == published
