"""One release back: workers of a146a2a and of today side by side, all of today, and all of a146a2a again."""

import json
import subprocess
from pathlib import Path

import pytest

from models.evaluation.evaluation import evaluate
from streams.broker import topics
from tests.builders import YEAR_END
from tests.integration.system import System, Worker, running
from tests.states.build import ROOT, checked_out, lines

pytestmark = pytest.mark.kafka
BEFORE = "a146a2a"
FIELDS = ("numerator", "denominator", "target", "expected", "status", "shortfall")


def figures(system: System) -> object:
    return {key: tuple(row[f] for f in FIELDS) for key, row in system.standings().items()}


def expected(system: System, events: list[bytes]) -> object:
    found = evaluate(system.reading, enumerate(events, start=1), YEAR_END).standings
    return {(s["unit"], s["indicator"]): tuple(s[f] for f in FIELDS) for s in map(dict, found)}


def test_workers_of_two_releases_count_side_by_side_and_go_back(kafka_address: str, tmp_path: Path) -> None:
    if subprocess.run(
        ["git", "cat-file", "-e", f"{BEFORE}^{{commit}}"], cwd=ROOT, check=False, capture_output=True
    ).returncode:
        pytest.skip(f"this clone's history does not reach back to {BEFORE}")
    code = checked_out(BEFORE, tmp_path / "code")
    parts = [lines()[:300], lines()[300:600], lines()[600:]]
    with running(kafka_address, tmp_path) as system:

        def start(name: str, *, earlier: bool) -> Worker:
            # Without the current directory, which would come before the earlier code.
            env = {"PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"} if earlier else {}
            return system.start(name, **env)

        def all_ready(*workers: Worker) -> None:
            for worker in workers:
                worker.until_ready()

        old = {name: start(name, earlier=True) for name in topics.TABLES}
        all_ready(*old.values())
        system.feed(parts[0])
        new_tally = start(topics.TALLY, earlier=False)
        new_watch = start(topics.WATCH, earlier=False)
        system.feed(parts[1])  # while both hold partitions
        all_ready(new_tally, new_watch)
        assert [worker.stop() for worker in old.values()] == [0, 0]
        system.settle()
        assert figures(system) == expected(system, parts[0] + parts[1])

        again = [start(name, earlier=True) for name in topics.TABLES]
        all_ready(*again)
        assert [new_tally.stop(), new_watch.stop()] == [0, 0]
        system.feed(parts[2])
        system.settle()
        assert figures(system) == expected(system, lines())
        ids = [json.dumps(alert["id"]) for alert in system.alerts()]
        assert len(ids) == len(set(ids))
        assert [worker.process.poll() for worker in again] == [None, None]
